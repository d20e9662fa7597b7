//! One connection on which several queries wait at a time (RFC 7766 section 6.2.1.1).

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::connection::UpstreamConnection;
use crate::random_u16;
use crate::stream::StreamError;

/// How long a connection is made for, and how long one is kept on which nothing comes.
const CONNECT: Duration = Duration::from_secs(4);
const IDLE: Duration = Duration::from_secs(10);
/// Queries that wait on one connection, those among them that are waited for no longer.
const MOST: usize = 128;

/// A query, and where its reply goes.
pub(super) struct StreamQuery {
    /// The message, with an id of two bytes that its reply gets back.
    pub(super) message: Vec<u8>,
    pub(super) reply: oneshot::Sender<Result<Vec<u8>, StreamEnd>>,
}

/// Why a query got no reply on a connection.
#[derive(Clone, Copy, Debug)]
pub(super) enum StreamEnd {
    /// The connection carried others, and ended: the query may be sent again on another one.
    Closed,
    /// There is no connection to be had, or it ended without a reply to anything.
    Failed(io::ErrorKind),
}

/// The way to a connection that is open, or being opened.
#[derive(Clone, Debug)]
pub(super) struct SharedConnection {
    queries: mpsc::Sender<StreamQuery>,
    /// Whether the server closes connections after one reply.
    pub(super) one_reply: Arc<AtomicBool>,
}

impl SharedConnection {
    /// Begins to open a connection. It ends once nothing came for [`IDLE`], and once this and all its clones are gone.
    pub(super) fn open(to: SocketAddr, source: Option<IpAddr>) -> Self {
        let (queries, receiver) = mpsc::channel(MOST);
        let one_reply = Arc::new(AtomicBool::new(false));
        tokio::spawn(serve(to, source, receiver, Arc::clone(&one_reply)));
        Self { queries, one_reply }
    }

    /// Has a query sent. Errors: the connection has ended or takes no more; the query comes back.
    pub(super) fn send(&self, query: StreamQuery) -> Result<(), StreamQuery> {
        self.queries.try_send(query).map_err(mpsc::error::TrySendError::into_inner)
    }

    /// Whether it has ended.
    pub(super) fn is_closed(&self) -> bool {
        self.queries.is_closed()
    }
}

async fn serve(
    to: SocketAddr,
    source: Option<IpAddr>,
    mut queries: mpsc::Receiver<StreamQuery>,
    one_reply: Arc<AtomicBool>,
) {
    let mut waiting = WaitingQueries::default();
    let end = match UpstreamConnection::connect(to, source, IDLE.min(CONNECT)).await {
        Ok(connection) => exchange(connection.keeping_for(IDLE), &mut queries, &mut waiting).await,
        Err(error) => StreamEnd::Failed(error.kind()),
    };
    one_reply.store(waiting.replies == 1 && !waiting.by_id.is_empty(), Relaxed);
    queries.close();
    for (_, waiting) in waiting.by_id {
        let _ = waiting.reply.send(Err(end));
    }
    while let Ok(query) = queries.try_recv() {
        let _ = query.reply.send(Err(end));
    }
}

/// Sends queries and gives out replies until the connection ends.
async fn exchange(
    mut connection: UpstreamConnection,
    queries: &mut mpsc::Receiver<StreamQuery>,
    waiting: &mut WaitingQueries,
) -> StreamEnd {
    loop {
        tokio::select! {
            query = queries.recv(), if waiting.by_id.len() < MOST => {
                // All who could send one are gone.
                let Some(query) = query else { return StreamEnd::Closed };
                if let Some((id, message)) = waiting.add(query)
                    && connection.push(&message).is_err()
                {
                    waiting.by_id.remove(&id);
                }
            }
            received = connection.recv_while_sending() => match received {
                Ok(Some(message)) => waiting.reply(message),
                Ok(None) => return waiting.end(io::ErrorKind::UnexpectedEof),
                Err(StreamError::Io(error)) => return waiting.end(error.kind()),
                Err(_) => return waiting.end(io::ErrorKind::TimedOut),
            },
        }
    }
}

/// The queries whose replies are to come, by the ids they have on this connection.
#[derive(Default)]
struct WaitingQueries {
    by_id: HashMap<u16, WaitingQuery>,
    sent: u64,
    replies: u64,
}

struct WaitingQuery {
    own_id: [u8; 2],
    reply: oneshot::Sender<Result<Vec<u8>, StreamEnd>>,
}

impl WaitingQueries {
    /// Gives a query an id that no other has. None for a message that is none, and where no id is to be had.
    fn add(&mut self, query: StreamQuery) -> Option<(u16, Vec<u8>)> {
        let StreamQuery { mut message, reply } = query;
        let mut id = random_u16().ok()?;
        while self.by_id.contains_key(&id) {
            id = id.wrapping_add(1);
        }
        let place = message.first_chunk_mut::<2>()?;
        let own_id = std::mem::replace(place, id.to_be_bytes());
        self.by_id.insert(id, WaitingQuery { own_id, reply });
        self.sent += 1;
        Some((id, message))
    }

    /// Gives a reply to the query it belongs to. What has no such id goes to the only query there is, whose sender may make something
    /// of it.
    fn reply(&mut self, mut message: Vec<u8>) {
        self.replies += 1;
        let id = message.first_chunk::<2>().map(|id| u16::from_be_bytes(*id));
        let found = id.and_then(|id| self.by_id.remove(&id));
        if let Some(waiting) = found {
            if let Some(id) = message.first_chunk_mut::<2>() {
                *id = waiting.own_id;
            }
            let _ = waiting.reply.send(Ok(message));
        } else if let (1, Some(&only)) = (self.by_id.len(), self.by_id.keys().next())
            && let Some(waiting) = self.by_id.remove(&only)
        {
            if let Some(id) = message.first_chunk_mut::<2>() {
                let [high, low] = waiting.own_id;
                *id = [!high, low];
            }
            let _ = waiting.reply.send(Ok(message));
        }
    }

    fn end(&self, kind: io::ErrorKind) -> StreamEnd {
        if self.replies > 0 || self.sent > 1 { StreamEnd::Closed } else { StreamEnd::Failed(kind) }
    }
}
