//! Queries that each have a request of their own: what HTTP/2 and QUIC have in common.

use std::future::Future;
use std::sync::Arc;

use tokio::select;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Duration, Instant, sleep_until, timeout};

use super::connection_failure::ConnectionFailure;
use super::connection_state::{ConnectionState, IDLE, StreamEnd, StreamQuery, UnansweredQueries};

/// How long requests have to notice that their connection has ended.
const END: Duration = Duration::from_millis(200);

/// Why a request brought no reply.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum RequestFailure {
    /// It ended before its reply was there, as it does with its connection: it may be made again.
    Cut,
    /// There will be none.
    Final(ConnectionFailure),
}

type ReplySender = oneshot::Sender<Result<Vec<u8>, StreamEnd>>;

/// Makes a request of each query by `request`, which gets messages with the id 0 and gives back their replies, until `ended` says
/// that the connection has ended, or nothing came for [`IDLE`]. Queries that have no reply then are in `unanswered`.
pub(super) async fn carry<R>(
    ended: impl Future<Output = ConnectionFailure>,
    request: impl Fn(Vec<u8>) -> R,
    queries: &mut mpsc::Receiver<StreamQuery>,
    state: &Arc<ConnectionState>,
    unanswered: &mut UnansweredQueries,
) -> StreamEnd
where
    R: Future<Output = Result<Vec<u8>, RequestFailure>> + Send + 'static,
{
    let mut requests: JoinSet<Option<ReplySender>> = JoinSet::new();
    let cause = {
        tokio::pin!(ended);
        let mut last = Instant::now();
        loop {
            select! {
                biased;
                cause = &mut ended => break cause,
                query = queries.recv(), if requests.len() < state.most => {
                    // All who could send one are gone.
                    let Some(mut query) = query else { break ConnectionFailure::Closed };
                    let (id, message) = without_id(&mut query);
                    state.sending();
                    requests.spawn(answer(query, id, request(message), Arc::clone(state)));
                    last = Instant::now();
                }
                Some(done) = requests.join_next() => {
                    if let Ok(Some(reply)) = done {
                        // The connection goes on.
                        let _ = reply.send(Err(StreamEnd::Closed { useful: false }));
                    }
                    last = Instant::now();
                }
                () = sleep_until(last + IDLE) => {
                    let waited = !requests.is_empty();
                    break if waited { ConnectionFailure::Timeout } else { ConnectionFailure::Closed };
                }
            }
        }
    };
    // Without the connection, requests end by themselves.
    let rest = async {
        while let Some(done) = requests.join_next().await {
            unanswered.extend(done.ok().flatten());
        }
    };
    let _ = timeout(END, rest).await;
    state.end(cause)
}

/// Takes the message out of a query; its id, and the message with 0 in its place (RFC 8484 section 4.1, RFC 9250 section 4.2.1).
fn without_id(query: &mut StreamQuery) -> ([u8; 2], Vec<u8>) {
    let mut message = std::mem::take(&mut query.message);
    let id = message.first_chunk_mut::<2>().map(std::mem::take).unwrap_or_default();
    (id, message)
}

/// Waits for the reply to a request as long as somebody wants it. Gives back where it goes if the request was cut.
async fn answer(
    query: StreamQuery,
    own_id: [u8; 2],
    request: impl Future<Output = Result<Vec<u8>, RequestFailure>>,
    state: Arc<ConnectionState>,
) -> Option<ReplySender> {
    let StreamQuery { mut reply, place, .. } = query;
    let answered = select! {
        answered = request => answered,
        () = reply.closed() => return None,
    };
    drop(place);
    match answered {
        Ok(mut message) => {
            state.replied();
            if let Some(id) = message.first_chunk_mut::<2>() {
                // Another id than that of the query shows that it is the reply to something else.
                let [high, low] = own_id;
                *id = if *id == [0, 0] { own_id } else { [!high, low] };
            }
            let _ = reply.send(Ok(message));
            None
        }
        Err(RequestFailure::Cut) => Some(reply),
        Err(RequestFailure::Final(cause)) => {
            let _ = reply.send(Err(cause.into()));
            None
        }
    }
}
