//! Asking other servers: a fresh socket with an unpredictable port for each query over UDP, and connections.
//!
//! What an answer must look like is the caller's to judge; here it is only bytes from the right address.

mod connection;
mod connection_failure;
mod connection_state;
mod datagrams;
mod http_connection;
mod kept_streams;
mod message_connection;
mod quic_connection;
mod request_connection;
mod server_stream;
mod shared_connection;
mod stream_server;

use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::time::{Instant, timeout_at};

pub use connection::{StreamSendError, UpstreamConnection};
pub use connection_failure::ConnectionFailure;
pub use datagrams::QuerySocket;
pub use kept_streams::KeptStreams;
pub use server_stream::{ServerConnectError, ServerConnector, ServerStream};
pub use stream_server::{CarriageKind, StreamCarriage, StreamFailure, StreamServer};

/// What the caller makes of a datagram from the server asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReceiveVerdict {
    /// It is the answer.
    Accept,
    /// It is none, and the true one may still come.
    Ignore,
    /// Something is wrong: wait no longer, ask another way.
    Stop,
}

/// Why a query over UDP has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryExchangeError {
    /// No answer before the deadline.
    #[error("no answer in time")]
    Timeout,
    /// The caller judged so.
    #[error("stopped by what came instead of an answer")]
    Stopped,
    /// The network says that the server cannot be reached or that no socket is bound there; or there is no socket to ask with.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Sends a query to `to` from a socket of its own, bound to `source` where one is given, and receives into `buffer` until `judge` accepts an answer (its
/// length is returned), stops, or the deadline passes. An ICMP error ends it at once. The socket is closed at
/// the end, and with it what may still come (RFC 5452, section 9.2).
pub async fn exchange(
    to: SocketAddr,
    source: Option<IpAddr>,
    query: &[u8],
    buffer: &mut [u8],
    deadline: Instant,
    mut judge: impl FnMut(&[u8]) -> ReceiveVerdict,
) -> Result<usize, QueryExchangeError> {
    let socket = QuerySocket::open(to, source)?;
    let exchange = async {
        socket.send(query).await?;
        loop {
            let length = socket.recv(buffer).await?;
            match judge(buffer.get(..length).unwrap_or_default()) {
                ReceiveVerdict::Accept => return Ok(length),
                ReceiveVerdict::Ignore => {}
                ReceiveVerdict::Stop => return Err(QueryExchangeError::Stopped),
            }
        }
    };
    timeout_at(deadline, exchange).await.unwrap_or(Err(QueryExchangeError::Timeout))
}

#[cfg(test)]
mod encrypted_tests;
#[cfg(test)]
mod kept_streams_tests;
#[cfg(test)]
mod server_stream_tests;
#[cfg(test)]
mod tests;
