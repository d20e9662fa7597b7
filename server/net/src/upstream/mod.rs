//! Asking other servers: a fresh socket with an unpredictable port for each query over UDP, and connections.
//!
//! What an answer must look like is the caller's to judge; here it is only bytes from the right address.

mod connection;
mod datagrams;

use std::io;
use std::net::SocketAddr;

use tokio::time::{Instant, timeout_at};

pub use connection::{Connection, SendError};
pub use datagrams::Datagrams;

/// What the caller makes of a datagram from the server asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It is the answer.
    Accept,
    /// It is none, and the true one may still come.
    Ignore,
    /// Something is wrong: wait no longer, ask another way.
    Stop,
}

/// Why a query over UDP has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// No answer before the deadline.
    #[error("no answer in time")]
    Timeout,
    /// The caller judged so.
    #[error("stopped by what came instead of an answer")]
    Stopped,
    /// The network says that the server cannot be reached or nobody listens there; or there is no socket to ask with.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Sends a query to `to` from a socket of its own and receives into `buffer` until `judge` accepts an answer (its
/// length is returned), stops, or the deadline passes. An ICMP error ends it at once. The socket is closed at
/// the end, and with it what may still come (RFC 5452, section 9.2).
pub async fn exchange(
    to: SocketAddr,
    query: &[u8],
    buffer: &mut [u8],
    deadline: Instant,
    mut judge: impl FnMut(&[u8]) -> Verdict,
) -> Result<usize, ExchangeError> {
    let socket = Datagrams::open(to)?;
    let talk = async {
        socket.send(query).await?;
        loop {
            let length = socket.recv(buffer).await?;
            match judge(buffer.get(..length).unwrap_or_default()) {
                Verdict::Accept => return Ok(length),
                Verdict::Ignore => {}
                Verdict::Stop => return Err(ExchangeError::Stopped),
            }
        }
    };
    timeout_at(deadline, talk).await.unwrap_or(Err(ExchangeError::Timeout))
}

#[cfg(test)]
mod tests;
