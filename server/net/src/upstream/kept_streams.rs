//! Connections to servers that are kept and used again.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::connection::UpstreamConnection;
use super::shared_connection::{SharedConnection, StreamEnd, StreamQuery};

/// Servers of which a connection is remembered.
const SERVERS: usize = 1024;
/// How often a query is sent on shared connections that end beneath it, before it gets one of its own.
const TRIES: usize = 2;
/// How long a server that closes each connection after one reply gets no more than one query on each.
const MEMORY: Duration = Duration::from_mins(1);

/// Connections, one a server at the most, on which several queries wait at a time. Needs a tokio runtime with I/O and time.
#[derive(Debug, Default)]
pub struct KeptStreams {
    open: Mutex<HashMap<(SocketAddr, Option<IpAddr>), KnownServer>>,
}

/// A server, and the last connection to it that was shared.
#[derive(Debug)]
struct KnownServer {
    connection: SharedConnection,
    opened: Instant,
}

impl KeptStreams {
    /// None open.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends a message to `to`, from `source` where one is given, and gives back the reply with the same id. Where the server closes the connection before it has replied,
    /// the message is sent again on another one.
    ///
    /// Errors: `TimedOut` at the deadline; else what the system says, or `UnexpectedEof` of a server that closes without a reply.
    pub async fn exchange(
        &self,
        to: SocketAddr,
        source: Option<IpAddr>,
        message: &[u8],
        deadline: Instant,
    ) -> io::Result<Vec<u8>> {
        let shared = async {
            for _ in 0..TRIES {
                let Some(connection) = self.connection(to, source) else { break };
                let (reply, received) = oneshot::channel();
                if connection.send(StreamQuery { message: message.to_vec(), reply }).is_err() {
                    // It has just ended, or is full.
                    continue;
                }
                match received.await {
                    Ok(Ok(reply)) => return Ok(reply),
                    Ok(Err(StreamEnd::Failed(kind))) => return Err(kind.into()),
                    Ok(Err(StreamEnd::Closed)) | Err(_) => {}
                }
            }
            alone(to, source, message, deadline).await
        };
        timeout_at(deadline, shared).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    /// The connection to a server, a new one if there is none; none to a server that gives one reply on each.
    fn connection(&self, to: SocketAddr, source: Option<IpAddr>) -> Option<SharedConnection> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(KnownServer { connection, opened }) = open.get(&(to, source)) {
            if connection.one_reply.load(Relaxed) && opened.elapsed() < MEMORY {
                return None;
            }
            if !connection.is_closed() {
                return Some(connection.clone());
            }
        }
        if open.len() >= SERVERS {
            open.retain(|_, known| !known.connection.is_closed());
        }
        if open.len() >= SERVERS {
            return None;
        }
        let connection = SharedConnection::open(to, source);
        open.insert((to, source), KnownServer { connection: connection.clone(), opened: Instant::now() });
        Some(connection)
    }
}

/// The same on a connection of its own.
async fn alone(
    to: SocketAddr,
    source: Option<IpAddr>,
    message: &[u8],
    deadline: Instant,
) -> io::Result<Vec<u8>> {
    let limit = deadline.saturating_duration_since(Instant::now());
    let mut connection = UpstreamConnection::connect(to, source, limit).await?;
    connection.send(message).await.map_err(io::Error::other)?;
    match connection.recv().await {
        Ok(Some(reply)) => Ok(reply),
        Ok(None) => Err(io::ErrorKind::UnexpectedEof.into()),
        Err(error) => Err(io::Error::other(error)),
    }
}
