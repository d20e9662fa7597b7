//! Clients of DNS over TLS, HTTPS and QUIC that hold many connections and break rules, which programs of others do not.
//!
//! They are made of the libraries that the server is made of. Whether others understand the server is shown by programs of others.

mod any_certificate;
mod http2_stream;
mod quic_client;
mod tls_stream;

use std::net::SocketAddr;

use crate::failure::Failure;
use crate::rig::client::Client;

pub use http2_stream::{Http2Frame, Http2Stream};
pub use quic_client::{OpenStream, QuicClient, QuicSession};
pub use tls_stream::TlsStream;

/// A transport that is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncryptedTransport {
    /// RFC 7858.
    Tls,
    /// RFC 8484, by HTTP/2.
    Https,
    /// RFC 9250.
    Quic,
}

impl EncryptedTransport {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Tls, Self::Https, Self::Quic];

    /// The port that is used for it where none is given.
    pub const fn port(self) -> u16 {
        match self {
            Self::Https => 443,
            Self::Tls | Self::Quic => 853,
        }
    }

    /// Connects and does the handshake; certificates are not checked.
    pub fn connect(self, client: &Client, to: SocketAddr) -> Result<Box<dyn EncryptedConnection>, Failure> {
        Ok(match self {
            Self::Tls => Box::new(TlsStream::connect(client, to, b"dot")?),
            Self::Https => Box::new(Http2Stream::connect(client, to)?),
            Self::Quic => Box::new(QuicClient::new(client, to)?.connect()?),
        })
    }
}

/// A connection by one of the transports.
pub trait EncryptedConnection: Send {
    /// Sends a message of id 0 and gives the next one that comes.
    fn exchange(&mut self, message: &[u8]) -> Result<Vec<u8>, Failure>;

    /// The certificate that was shown, as DER.
    fn certificate(&self) -> Result<Vec<u8>, Failure>;
}
