//! Connections of QUIC from one socket.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{
    ClientConfig, Connection, Endpoint, EndpointConfig, RecvStream, SendStream, TokioRuntime,
    TransportConfig, VarInt,
};
use rustls::pki_types::CertificateDer;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::EncryptedConnection;
use super::any_certificate::client_config;
use crate::failure::{Context, Failure};
use crate::rig::client::Client;
use crate::rig::stream::framed;

const TIME_LIMIT: Duration = Duration::from_secs(10);
/// Shorter than any server is lasting with silence.
const KEEP_ALIVE: Duration = Duration::from_secs(3);
/// `DOQ_REQUEST_CANCELLED` (RFC 9250, section 4.3).
const CANCELLED: u32 = 3;
/// Length and the longest message.
const LONGEST: usize = 2 + 65_535;

/// A socket, and the runtime whose thread its connections live on.
#[derive(Clone)]
pub struct QuicClient {
    runtime: Arc<Runtime>,
    endpoint: Endpoint,
    to: SocketAddr,
}

impl QuicClient {
    /// Makes the socket on the client's host, and the runtime.
    pub fn new(client: &Client, to: SocketAddr) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        Self::on(Arc::new(runtime), client, to)
    }

    /// The same for another client, on the runtime of this one.
    pub fn beside(&self, client: &Client, to: SocketAddr) -> Result<Self, Failure> {
        Self::on(Arc::clone(&self.runtime), client, to)
    }

    fn on(runtime: Arc<Runtime>, client: &Client, to: SocketAddr) -> Result<Self, Failure> {
        let inside = runtime.enter();
        let socket = client.udp_socket(to)?;
        let mut endpoint = Endpoint::new(EndpointConfig::default(), None, socket, Arc::new(TokioRuntime))?;
        let tls = QuicClientConfig::try_from(client_config(b"doq")?)?;
        let mut config = ClientConfig::new(Arc::new(tls));
        let mut transport = TransportConfig::default();
        transport.keep_alive_interval(Some(KEEP_ALIVE));
        config.transport_config(Arc::new(transport));
        endpoint.set_default_client_config(config);
        drop(inside);
        Ok(Self { runtime, endpoint, to })
    }

    /// Connects and does the handshake.
    pub fn connect(&self) -> Result<QuicSession, Failure> {
        let connection = self.run(async {
            let connecting = self.endpoint.connect(self.to, "dns.test")?;
            Ok(timeout(TIME_LIMIT, connecting).await.context("a handshake of QUIC")??)
        })?;
        Ok(QuicSession { client: self.clone(), connection })
    }

    /// Begins a handshake, and does not care what comes of it.
    pub fn begin(&self) -> Result<(), Failure> {
        let _inside = self.runtime.enter();
        let connecting = self.endpoint.connect(self.to, "dns.test")?;
        self.runtime.spawn(async move { drop(timeout(TIME_LIMIT, connecting).await) });
        Ok(())
    }

    /// Does work of connections to its end.
    pub fn run<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        self.runtime.block_on(work)
    }
}

/// A connection of QUIC.
pub struct QuicSession {
    client: QuicClient,
    connection: Connection,
}

impl QuicSession {
    /// Whether it has ended, and why.
    pub fn ended(&self) -> Option<String> {
        self.connection.close_reason().map(|reason| reason.to_string())
    }

    /// Opens a stream and sends these bytes on it.
    ///
    /// Errors: the connection has ended, or no stream was to be had within ten seconds.
    pub fn open(&self, bytes: &[u8]) -> Result<OpenStream, Failure> {
        let (send, receive) = self.client.run(async {
            let opened = timeout(TIME_LIMIT, self.connection.open_bi()).await.context("no stream")?;
            let (mut send, receive) = opened?;
            send.write_all(bytes).await?;
            Ok((send, receive))
        })?;
        Ok(OpenStream { send, receive })
    }
}

/// A stream whose end has not been sent; it stays so as long as this lives.
pub struct OpenStream {
    send: SendStream,
    receive: RecvStream,
}

impl OpenStream {
    /// Ends it and says that no answer is wanted any more.
    pub fn cancel(mut self) -> Result<(), Failure> {
        self.send.finish()?;
        Ok(self.receive.stop(VarInt::from_u32(CANCELLED))?)
    }
}

impl EncryptedConnection for QuicSession {
    fn exchange(&mut self, message: &[u8]) -> Result<Vec<u8>, Failure> {
        let answer = self.client.run(async {
            let asked = async {
                let (mut send, mut receive) = self.connection.open_bi().await?;
                send.write_all(&framed(message)).await?;
                send.finish()?;
                Ok::<_, Failure>(receive.read_to_end(LONGEST).await?)
            };
            timeout(TIME_LIMIT, asked).await.context("no answer over QUIC")?
        })?;
        Ok(answer.get(2..).context("a short answer")?.to_vec())
    }

    fn certificate(&self) -> Result<Vec<u8>, Failure> {
        let identity = self.connection.peer_identity().context("no certificate")?;
        let chain = identity.downcast::<Vec<CertificateDer<'static>>>().ok().context("another identity")?;
        Ok(chain.first().context("an empty chain")?.to_vec())
    }
}
