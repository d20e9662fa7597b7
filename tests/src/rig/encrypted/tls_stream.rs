//! A connection of TLS, down to single bytes.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::EncryptedConnection;
use super::any_certificate::{client_config, client_config_with};
use crate::failure::{Context, Failure};
use crate::rig::client::Client;
use crate::rig::stream::framed;

/// How long a read may take.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// A session of TLS.
pub struct TlsStream(StreamOwned<ClientConnection, TcpStream>);

impl TlsStream {
    /// Connects and does the handshake, with one protocol (ALPN).
    pub fn connect(client: &Client, to: SocketAddr, protocol: &[u8]) -> Result<Self, Failure> {
        let mut stream = Self::connect_only(client, to, protocol)?;
        while stream.0.conn.is_handshaking() {
            stream.0.conn.complete_io(&mut stream.0.sock).context("the handshake")?;
        }
        Ok(stream)
    }

    /// Connects and does the handshake, showing the certificate of one file in PEM with the key of another. Whether the server takes
    /// it is known once something was read.
    pub fn connect_as(client: &Client, to: SocketAddr, chain: &Path, key: &Path) -> Result<Self, Failure> {
        let chain = CertificateDer::pem_file_iter(chain)?.collect::<Result<_, _>>()?;
        let config = client_config_with(b"dot", Some((chain, PrivateKeyDer::from_pem_file(key)?)))?;
        Self::begin(client, to, config)
    }

    /// Connects, and does not begin with the handshake.
    pub fn connect_only(client: &Client, to: SocketAddr, protocol: &[u8]) -> Result<Self, Failure> {
        Self::begin(client, to, client_config(protocol)?)
    }

    fn begin(client: &Client, to: SocketAddr, config: ClientConfig) -> Result<Self, Failure> {
        let socket = client.tcp(to)?.socket().try_clone()?;
        socket.set_read_timeout(Some(TIME_LIMIT))?;
        let session = ClientConnection::new(Arc::new(config), ServerName::try_from("dns.test")?)?;
        Ok(Self(StreamOwned::new(session, socket)))
    }

    /// The socket below.
    pub fn socket(&self) -> &TcpStream {
        &self.0.sock
    }

    /// Sends bytes. Errors: the server takes no more.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.0.write_all(bytes)?;
        Ok(self.0.flush()?)
    }

    /// The next bytes, all of this buffer.
    pub fn receive(&mut self, into: &mut [u8]) -> Result<(), Failure> {
        Ok(self.0.read_exact(into)?)
    }

    /// Throws away what has come within this time. False: the server has closed the connection.
    pub fn drain(&mut self, within: Duration) -> Result<bool, Failure> {
        self.0.sock.set_read_timeout(Some(within))?;
        let mut buffer = [0; 16 << 10];
        let is_open = loop {
            match self.0.read(&mut buffer) {
                Ok(0) => break false,
                Ok(_) => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    break true;
                }
                Err(_) => break false,
            }
        };
        self.0.sock.set_read_timeout(Some(TIME_LIMIT))?;
        Ok(is_open)
    }

    pub(super) fn shown(&self) -> Result<Vec<u8>, Failure> {
        let chain = self.0.conn.peer_certificates().context("no certificate")?;
        Ok(chain.first().context("an empty chain")?.to_vec())
    }
}

impl EncryptedConnection for TlsStream {
    fn exchange(&mut self, message: &[u8]) -> Result<Vec<u8>, Failure> {
        self.send(&framed(message))?;
        let mut length = [0; 2];
        self.receive(&mut length)?;
        let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
        self.receive(&mut answer)?;
        Ok(answer)
    }

    fn certificate(&self) -> Result<Vec<u8>, Failure> {
        self.shown()
    }
}
