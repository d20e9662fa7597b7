//! Queries on streams of QUIC, one each (RFC 9250).

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{
    ClientConfig, Connection, ConnectionError, Endpoint, EndpointConfig, IdleTimeout, RecvStream, SendStream,
    TokioRuntime, TransportConfig, VarInt,
};
use rustls::AlertDescription;
use tokio::sync::mpsc;

use super::connection_failure::ConnectionFailure;
use super::connection_state::{ConnectionState, IDLE, StreamEnd, StreamQuery, UnansweredQueries};
use super::request_connection::{self, RequestFailure};
use super::stream_server::StreamServer;
use crate::local::{canonical, unspecified};
use crate::tls::client::{ClientConfigs, TlsFailure, TlsServer};

/// Bytes of a reply, and of all replies of a connection, that are taken before they are read.
const STREAM_WINDOW: u32 = 128 << 10;
const CONNECTION_WINDOW: u32 = 1 << 20;
/// The most bytes of a message behind its length.
const LONGEST: usize = 2 + u16::MAX as usize;
/// A reply is wanted no longer (`DOQ_REQUEST_CANCELLED`, RFC 9250 section 4.3).
const CANCELLED: VarInt = VarInt::from_u32(3);
/// A connection ends because there is no more to ask (`DOQ_NO_ERROR`).
const NO_ERROR: VarInt = VarInt::from_u32(0);
/// Errors of TLS are those of QUIC from here on, by the numbers of their alerts (RFC 9001 section 4.8).
const CRYPTO: u64 = 0x100;

/// Opens a connection to a server.
pub(super) async fn open(
    server: &StreamServer,
    tls: &TlsServer,
    configs: &ClientConfigs,
) -> Result<Connection, ConnectionFailure> {
    let session = configs.of(server.address, tls).map_err(ConnectionFailure::Session)?;
    let incompatible = ConnectionFailure::Session(TlsFailure::Incompatible);
    let crypto = QuicClientConfig::try_from(Arc::clone(&session.config)).map_err(|_| incompatible)?;
    let mut config = ClientConfig::new(Arc::new(crypto));
    config.transport_config(Arc::new(transport()?));
    let to = canonical(server.address);
    let from = server.source.unwrap_or_else(|| unspecified(&to.ip()));
    let socket = UdpSocket::bind(SocketAddr::new(from, 0))?;
    let endpoint = Endpoint::new(EndpointConfig::default(), None, socket, Arc::new(TokioRuntime))?;
    let name = tls.name.as_deref().map_or_else(|| to.ip().to_string(), str::to_owned);
    let connecting = endpoint
        .connect_with(config, to, &name)
        .map_err(|_| ConnectionFailure::Session(TlsFailure::WrongName))?;
    connecting.await.map_err(|error| failure(&error, session.last_refusal()))
}

fn transport() -> Result<TransportConfig, ConnectionFailure> {
    let mut transport = TransportConfig::default();
    let idle = IdleTimeout::try_from(IDLE).map_err(io::Error::other)?;
    transport
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
        .receive_window(VarInt::from_u32(CONNECTION_WINDOW))
        .max_idle_timeout(Some(idle))
        .mtu_discovery_config(None)
        .datagram_receive_buffer_size(None)
        .datagram_send_buffer_size(0);
    Ok(transport)
}

/// What a handshake failed by; `refused` is why the certificate was not taken, if it was looked at.
fn failure(error: &ConnectionError, refused: Option<TlsFailure>) -> ConnectionFailure {
    let failure = match error {
        ConnectionError::TimedOut => TlsFailure::Stalled,
        ConnectionError::TransportError(error) => match alert(u64::from(error.code)) {
            Some(
                AlertDescription::NoApplicationProtocol
                | AlertDescription::ProtocolVersion
                | AlertDescription::HandshakeFailure,
            )
            | None => TlsFailure::Incompatible,
            Some(_) => refused.unwrap_or(TlsFailure::Incompatible),
        },
        ConnectionError::VersionMismatch => TlsFailure::Incompatible,
        ConnectionError::ConnectionClosed(_)
        | ConnectionError::ApplicationClosed(_)
        | ConnectionError::Reset
        | ConnectionError::LocallyClosed
        | ConnectionError::CidsExhausted => TlsFailure::Ended,
    };
    ConnectionFailure::Session(failure)
}

fn alert(code: u64) -> Option<AlertDescription> {
    code.checked_sub(CRYPTO).and_then(|alert| u8::try_from(alert).ok()).map(AlertDescription::from)
}

/// Sends queries and gives out replies until the connection ends. Those that have no reply then are in `unanswered`.
pub(super) async fn carry(
    connection: Connection,
    queries: &mut mpsc::Receiver<StreamQuery>,
    state: &Arc<ConnectionState>,
    unanswered: &mut UnansweredQueries,
) -> StreamEnd {
    state.opened();
    let closing = connection.clone();
    let ended = async move {
        match closing.closed().await {
            ConnectionError::TimedOut => ConnectionFailure::Timeout,
            _ => ConnectionFailure::Closed,
        }
    };
    let request = |message| exchange(connection.clone(), message);
    let end = request_connection::carry(ended, request, queries, state, unanswered).await;
    connection.close(NO_ERROR, b"");
    end
}

async fn exchange(connection: Connection, message: Vec<u8>) -> Result<Vec<u8>, RequestFailure> {
    let (send, receive) = connection.open_bi().await.map_err(|_| RequestFailure::Cut)?;
    let mut stream = RequestStream { send, receive, done: false };
    let length =
        u16::try_from(message.len()).map_err(|_| RequestFailure::Final(ConnectionFailure::NoMessage))?;
    let framed = [&length.to_be_bytes(), message.as_slice()].concat();
    stream.send.write_all(&framed).await.map_err(|_| RequestFailure::Cut)?;
    stream.send.finish().map_err(|_| RequestFailure::Cut)?;
    let reply = stream.receive.read_to_end(LONGEST).await.map_err(|_| RequestFailure::Cut)?;
    stream.done = true;
    let (length, reply) =
        reply.split_first_chunk::<2>().ok_or(RequestFailure::Final(ConnectionFailure::NoMessage))?;
    if usize::from(u16::from_be_bytes(*length)) != reply.len() {
        return Err(RequestFailure::Final(ConnectionFailure::NoMessage));
    }
    Ok(reply.to_vec())
}

/// A stream that was opened for a query. Dropped before its reply is there, it is cancelled.
struct RequestStream {
    send: SendStream,
    receive: RecvStream,
    done: bool,
}

impl Drop for RequestStream {
    fn drop(&mut self) {
        if !self.done {
            // Streams that are closed need neither.
            let _ = self.send.reset(CANCELLED);
            let _ = self.receive.stop(CANCELLED);
        }
    }
}
