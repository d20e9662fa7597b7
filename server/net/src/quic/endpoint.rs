//! A socket on which clients connect.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::QuicServerConfig;
use quinn::{
    Endpoint, EndpointConfig, IdleTimeout, Incoming, ServerConfig, TokioRuntime, TransportConfig, VarInt,
};
use quinn_proto::RandomConnectionIdGenerator;
use rustls::server::WebPkiClientVerifier;
use rustls::version::TLS13;
use tokio::time::{Instant, timeout_at};

use super::connection::QuicConnection;
use super::error::of_handshake;
use super::reset_key::ResetKey;
use super::session::ToldSessions;
use crate::bind::BindError;
use crate::local::canonical;
use crate::tls::{CertificatePair, CurrentCertificates, HandshakeError, TlsTickets, server_config};
use crate::udp::SocketOptions;

/// Streams of a client at a time.
const STREAMS: u32 = 10;
/// Bytes of a stream, and of all streams of a connection, that a client may send before they are read.
const STREAM_WINDOW: u32 = 64 << 10;
const CONNECTION_WINDOW: u32 = 64 << 10;
/// Bytes of answers that are held for a client until it has them.
const SEND_WINDOW: u64 = 128 << 10;
/// How long a connection may be silent.
const IDLE: Duration = Duration::from_secs(8);
/// Handshakes that wait to be looked at, and the bytes that come for them.
const INCOMING: usize = 1000;
const INCOMING_BYTES: u64 = 4 << 20;
const INCOMING_BYTES_EACH: u64 = 16 << 10;

/// The length of the identifiers of connections, in bytes. They are random: a key for them that goes with the process would keep it from
/// telling clients of the process before that their connections are gone.
const CONNECTION_ID: usize = 8;
/// Resets are this far apart at the least. Each is shorter than the packet that it answers (RFC 9000, section 10.3.3).
const RESET_INTERVAL: Duration = Duration::from_millis(1);

/// Binds a socket for [`QuicEndpoint::open`].
pub fn bind(options: &SocketOptions) -> Result<UdpSocket, BindError> {
    options.bind_plain()
}

/// A socket on which clients connect.
pub struct QuicEndpoint {
    inner: Endpoint,
    certificates: Arc<CurrentCertificates>,
    bound: IpAddr,
}

impl fmt::Debug for QuicEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QuicEndpoint").field("bound", &self.bound).finish_non_exhaustive()
    }
}

impl QuicEndpoint {
    /// Takes clients that offer one of `protocols` (ALPN, RFC 7301). Needs a runtime.
    ///
    /// Errors: the runtime does not take the socket, or the library lacks what it should have.
    pub fn open(
        socket: UdpSocket,
        certificates: &[CertificatePair],
        protocols: &[&[u8]],
        tickets: &TlsTickets,
    ) -> io::Result<Self> {
        let certificates = CurrentCertificates::new(certificates);
        let tls = server_config(
            &certificates,
            protocols,
            tickets.produced(),
            &[&TLS13],
            WebPkiClientVerifier::no_client_auth(),
        )?;
        let tls = QuicServerConfig::try_from(tls).map_err(io::Error::other)?;
        let mut config = ServerConfig::with_crypto(Arc::new(ToldSessions(Arc::new(tls))));
        config
            .transport_config(Arc::new(transport()?))
            .max_incoming(INCOMING)
            .incoming_buffer_size(INCOMING_BYTES_EACH)
            .incoming_buffer_size_total(INCOMING_BYTES);
        let bound = socket.local_addr()?.ip();
        let inner = Endpoint::new(endpoint_config(tickets), Some(config), socket, Arc::new(TokioRuntime))?;
        Ok(Self { inner, certificates, bound })
    }

    /// Later handshakes show these certificates, the first one unless another is for the name that a client asks for. Connections that there are go on.
    pub fn set_certificates(&self, certificates: &[CertificatePair]) {
        self.certificates.set(certificates);
    }

    /// The next client that connects. May be cancelled: no client is lost. None: the socket is of no more use.
    pub async fn accept(&self) -> Option<IncomingQuic> {
        let inner = self.inner.accept().await?;
        Some(IncomingQuic { inner, bound: self.bound })
    }

    /// Takes no more clients; connections that there are go on.
    pub fn stop_accepting(&self) {
        self.inner.set_server_config(None);
    }
}

fn endpoint_config(tickets: &TlsTickets) -> EndpointConfig {
    let mut config = EndpointConfig::new(Arc::new(ResetKey(tickets.clone())));
    config
        .cid_generator(|| Box::new(RandomConnectionIdGenerator::new(CONNECTION_ID)))
        .min_reset_interval(RESET_INTERVAL);
    config
}

fn transport() -> io::Result<TransportConfig> {
    let mut transport = TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(VarInt::from_u32(STREAMS))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
        .receive_window(VarInt::from_u32(CONNECTION_WINDOW))
        .send_window(SEND_WINDOW)
        .max_idle_timeout(Some(IdleTimeout::try_from(IDLE).map_err(io::Error::other)?))
        // Answers are small: looking for what the path takes costs more than it gives.
        .mtu_discovery_config(None)
        .datagram_receive_buffer_size(None)
        .datagram_send_buffer_size(0);
    Ok(transport)
}

/// A client that begins a handshake. Nothing is kept of it yet.
#[derive(Debug)]
pub struct IncomingQuic {
    inner: Incoming,
    bound: IpAddr,
}

impl IncomingQuic {
    /// Who connects; its address may be forged until the handshake is done.
    pub fn peer(&self) -> SocketAddr {
        canonical(self.inner.remote_address())
    }

    /// Whether the client can be asked to show that its address is its own, and has not done so.
    pub fn may_retry(&self) -> bool {
        self.inner.may_retry()
    }

    /// Asks the client to show that its address is its own (RFC 9000, section 8.1.2).
    pub fn retry(self) {
        // Where it cannot be asked it is refused.
        let _ = self.inner.retry();
    }

    /// Turns the client away.
    pub fn refuse(self) {
        self.inner.refuse();
    }

    /// Does the handshake. Errors: why there is no connection; the client was told where it can be.
    pub async fn accept(self, deadline: Instant) -> Result<QuicConnection, HandshakeError> {
        let connecting = self.inner.accept().map_err(of_handshake)?;
        let connected = timeout_at(deadline, connecting).await.map_err(|_| HandshakeError::Timeout)?;
        let inner = connected.map_err(of_handshake)?;
        Ok(QuicConnection::new(inner, self.bound))
    }
}
