//! Connections to servers that are kept and used again.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::connection::UpstreamConnection;
use super::connection_failure::ConnectionFailure;
use super::connection_state::StreamEnd;
use super::shared_connection::SharedConnection;
use super::stream_server::{CarriageKind, StreamCarriage, StreamFailure, StreamServer};
use crate::tls::client::ClientConfigs;

/// Servers of which connections are remembered.
const SERVERS: usize = 1024;
/// The most connections to one server that are shared.
const CONNECTIONS: usize = 4;
/// How often a query is sent on shared connections that end beneath it: over TCP it gets one of its own then. Those that gave replies
/// to others do not count, up to a bound.
const TRIES: usize = 4;
const TCP_TRIES: usize = 2;
const ROUNDS: usize = 64;
/// How long a server that closes each connection after one reply gets no more than one query on each.
const MEMORY: Duration = Duration::from_mins(1);

/// Connections, four a server at the most, on which several queries wait at a time. Needs a tokio runtime with I/O and time.
#[derive(Debug, Default)]
pub struct KeptStreams {
    open: Mutex<HashMap<StreamServer, KnownServer>>,
    configs: Arc<ClientConfigs>,
}

/// A server, and the connections to it that are shared.
#[derive(Debug, Default)]
struct KnownServer {
    connections: Vec<SharedConnection>,
    /// When one was found to be closed after one reply while others were waited for.
    one_reply: Option<Instant>,
}

/// Where a query goes.
enum ChosenConnection {
    Shared(SharedConnection),
    /// One of its own.
    Own,
    /// None: all carry as many as they may.
    Full,
}

impl KeptStreams {
    /// None open.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends a message to a server and gives back the reply with the same id. Where the server closes the connection before it has
    /// replied, the message is sent again on another one.
    ///
    /// Errors: why there is no reply.
    pub async fn exchange(
        &self,
        server: &StreamServer,
        message: &[u8],
        deadline: Instant,
    ) -> Result<Vec<u8>, StreamFailure> {
        let is_tcp = server.carriage == StreamCarriage::Tcp;
        let shared = async {
            let mut tries = if is_tcp { TCP_TRIES } else { TRIES };
            for _ in 0..ROUNDS {
                if tries == 0 {
                    break;
                }
                tries -= 1;
                let connection = match self.connection(server) {
                    ChosenConnection::Shared(connection) => connection,
                    ChosenConnection::Own => break,
                    ChosenConnection::Full => return Err(ConnectionFailure::Full.into()),
                };
                // It may have just ended, or be full.
                let Some(received) = connection.send(message) else { continue };
                let mut wait = ReplyWait { connection, sent: Instant::now(), received };
                match (&mut wait.received).await {
                    Ok(Ok(reply)) => return Ok(reply),
                    Ok(Err(StreamEnd::Failed(failure))) => return Err(failure),
                    Ok(Err(StreamEnd::Closed { useful: true })) if !is_tcp => tries += 1,
                    Ok(Err(StreamEnd::Closed { .. })) | Err(_) => {}
                }
            }
            if is_tcp {
                return alone(server, message, deadline).await.map_err(StreamFailure::from);
            }
            Err(ConnectionFailure::Closed.into())
        };
        timeout_at(deadline, shared).await.unwrap_or_else(|_| Err(ConnectionFailure::Timeout.into()))
    }

    /// Whether there is no connection to this server but some whose handshake it has not finished.
    pub fn is_in_handshake(&self, server: &StreamServer) -> bool {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.get(server).is_some_and(|known| {
            let connections = &known.connections;
            connections.iter().any(SharedConnection::is_in_handshake)
                && !connections.iter().any(SharedConnection::is_established)
        })
    }

    /// How many connections are open, by what they carry; every kind is there.
    pub fn open_connections(&self) -> BTreeMap<CarriageKind, usize> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let mut counts = BTreeMap::from(CarriageKind::ALL.map(|kind| (kind, 0)));
        for (server, known) in open.iter() {
            let established = known.connections.iter().filter(|one| one.is_established()).count();
            *counts.entry(server.carriage.kind()).or_default() += established;
        }
        counts
    }

    /// The connection to a server that a query goes on: the first with room, a new one if there is none.
    fn connection(&self, server: &StreamServer) -> ChosenConnection {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let is_tcp = server.carriage == StreamCarriage::Tcp;
        if !open.contains_key(server) && open.len() >= SERVERS {
            open.retain(|_, known| known.connections.iter().any(|connection| !connection.is_closed()));
            if open.len() >= SERVERS {
                return if is_tcp { ChosenConnection::Own } else { ChosenConnection::Full };
            }
        }
        let known = open.entry(server.clone()).or_default();
        if known.connections.iter().any(SharedConnection::had_one_reply) {
            known.one_reply = Some(Instant::now());
        }
        known.connections.retain(|connection| !connection.is_closed());
        if is_tcp && known.one_reply.is_some_and(|found| found.elapsed() < MEMORY) {
            return ChosenConnection::Own;
        }
        if let Some(connection) = known.connections.iter().find(|connection| connection.takes_more()) {
            return ChosenConnection::Shared(connection.clone());
        }
        if known.connections.len() >= CONNECTIONS {
            let Some(dead) = known.connections.iter().position(SharedConnection::is_doubtful) else {
                return if is_tcp { ChosenConnection::Own } else { ChosenConnection::Full };
            };
            known.connections.remove(dead);
        }
        let connection = SharedConnection::open(server, &self.configs);
        known.connections.push(connection.clone());
        ChosenConnection::Shared(connection)
    }
}

/// The wait for a reply.
struct ReplyWait {
    connection: SharedConnection,
    sent: Instant,
    received: oneshot::Receiver<Result<Vec<u8>, StreamEnd>>,
}

impl Drop for ReplyWait {
    fn drop(&mut self) {
        // One that has come, or failed, is no sign of a dead connection: something was heard then, or the connection is closed.
        self.connection.gave_up(self.sent);
    }
}

/// The same over TCP on a connection of its own.
async fn alone(
    server: &StreamServer,
    message: &[u8],
    deadline: Instant,
) -> Result<Vec<u8>, ConnectionFailure> {
    let limit = deadline.saturating_duration_since(Instant::now());
    let mut connection = UpstreamConnection::connect(server.address, server.source, limit).await?;
    connection.send(message).await.map_err(|_| ConnectionFailure::Closed)?;
    match connection.recv().await {
        Ok(Some(reply)) => Ok(reply),
        Ok(None) | Err(_) => Err(ConnectionFailure::Closed),
    }
}
