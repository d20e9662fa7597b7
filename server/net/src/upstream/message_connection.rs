//! Queries and replies behind their lengths on one stream.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot};

use super::connection::UpstreamConnection;
use super::connection_failure::ConnectionFailure;
use super::connection_state::{ConnectionPlace, ConnectionState, StreamEnd, StreamQuery, UnansweredQueries};
use crate::random_u16;
use crate::stream::StreamError;

/// Sends queries and gives out replies until the connection ends. Those that have no reply then are in `unanswered`.
pub(super) async fn carry<S: AsyncRead + AsyncWrite + Unpin>(
    mut connection: UpstreamConnection<S>,
    queries: &mut mpsc::Receiver<StreamQuery>,
    state: &Arc<ConnectionState>,
    unanswered: &mut UnansweredQueries,
) -> StreamEnd {
    let mut waiting = WaitingQueries::default();
    let cause = loop {
        tokio::select! {
            query = queries.recv(), if waiting.by_id.len() < state.most => {
                // All who could send one are gone.
                let Some(query) = query else { break ConnectionFailure::Closed };
                if let Some((id, message)) = waiting.add(query) {
                    state.sending();
                    if connection.push(&message).is_err() {
                        waiting.by_id.remove(&id);
                    }
                }
            }
            received = connection.recv_while_sending() => match received {
                Ok(Some(message)) => {
                    state.replied();
                    waiting.reply(message);
                }
                Ok(None) => break ConnectionFailure::Closed,
                Err(StreamError::Io(error)) => break error.into(),
                Err(_) => break ConnectionFailure::Timeout,
            },
        }
    };
    unanswered.extend(waiting.by_id.into_values().map(|waiting| waiting.reply));
    state.end(cause)
}

/// The queries whose replies are to come, by the ids they have on this connection.
#[derive(Default)]
struct WaitingQueries {
    by_id: HashMap<u16, WaitingQuery>,
}

struct WaitingQuery {
    own_id: [u8; 2],
    reply: oneshot::Sender<Result<Vec<u8>, StreamEnd>>,
    _place: ConnectionPlace,
}

impl WaitingQueries {
    /// Gives a query an id that no other has. None for a message that is none, and where no id is to be had.
    fn add(&mut self, query: StreamQuery) -> Option<(u16, Vec<u8>)> {
        let StreamQuery { mut message, reply, place } = query;
        let mut id = random_u16().ok()?;
        while self.by_id.contains_key(&id) {
            id = id.wrapping_add(1);
        }
        let start = message.first_chunk_mut::<2>()?;
        let own_id = std::mem::replace(start, id.to_be_bytes());
        self.by_id.insert(id, WaitingQuery { own_id, reply, _place: place });
        Some((id, message))
    }

    /// Gives a reply to the query it belongs to. What has no such id goes to the only query there is, whose sender may make something
    /// of it.
    fn reply(&mut self, mut message: Vec<u8>) {
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
}
