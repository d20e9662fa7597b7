//! Updates of zones of other servers go to a primary as they are, and its answer comes back as it is (RFC 2136 section 6): what they
//! are signed with is for the primary to look at.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rhumb_net::upstream::{ServerConnectError, ServerConnector, ServerStream, UpstreamConnection};
use rhumb_wire::edns::ExtendedError;
use rhumb_wire::header::MessageHeader;
use rhumb_wire::{DomainName, Opcode, Rcode};
use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::pending::PendingReply;
use crate::metrics::UpdateResult;
use crate::query::ForwardedUpdate;
use crate::snapshot::{PrimaryServer, ServerState};

/// How long a primary may take to accept a connection, a handshake included.
const CONNECT: Duration = Duration::from_secs(3);
/// How long all of it may take: a primary that keeps versions on a slow disk answers late.
const WHOLE: Duration = Duration::from_secs(10);
/// How long updates have once the server stops.
const LAST: Duration = Duration::from_secs(4);

/// What the clients of updates are told for which there is no room.
pub(super) const TOO_MANY_UPDATES: &str = "too many updates wait";

/// An update on its way, and the client that waits for the answer.
pub(super) type QueuedForward = (ForwardedUpdate, PendingReply);

/// Why there is no answer of a primary.
#[derive(Debug, thiserror::Error)]
enum ForwardFailure {
    /// No primary takes a connection.
    #[error("{address}: {error}")]
    Connect { address: SocketAddr, error: ServerConnectError },
    /// One took the message, and perhaps carried it out.
    #[error("{address}: {what}")]
    Unanswered { address: SocketAddr, what: &'static str },
    /// The zone is not one of other servers any more.
    #[error("the zone has no primaries any more")]
    Gone,
}

/// By which an update is known when it comes again: its client, its bytes.
type ForwardIdentity = (SocketAddr, u64);

/// Updates that are under way for clients of one message.
struct ForwardRun {
    zone: DomainName,
    identity: ForwardIdentity,
    replies: Vec<PendingReply>,
}

/// The task that passes updates on.
pub(super) struct UpdateForwarder {
    live: Arc<ServerState>,
    connector: Arc<ServerConnector>,
    hasher: RandomState,
    under_way: JoinSet<Result<Vec<u8>, ForwardFailure>>,
    runs: HashMap<Id, ForwardRun>,
    identities: HashMap<ForwardIdentity, Id>,
    by_zone: HashMap<DomainName, usize>,
}

impl UpdateForwarder {
    pub(super) fn new(live: &Arc<ServerState>) -> Self {
        Self {
            live: Arc::clone(live),
            connector: Arc::default(),
            hasher: RandomState::new(),
            under_way: JoinSet::new(),
            runs: HashMap::new(),
            identities: HashMap::new(),
            by_zone: HashMap::new(),
        }
    }

    /// Runs until `stop` is true and nothing is under way, or its time is over.
    pub(super) async fn run(
        mut self,
        queue: &mut mpsc::Receiver<QueuedForward>,
        mut stop: watch::Receiver<bool>,
    ) {
        let mut end = None;
        while end.is_none() || !self.runs.is_empty() {
            tokio::select! {
                work = queue.recv(), if end.is_none() => match work {
                    Some((update, reply)) => self.begin(update, reply),
                    None => return,
                },
                Some(done) = self.under_way.join_next_with_id() => self.conclude(done),
                _ = stop.wait_for(|stop| *stop), if end.is_none() => end = Some(Instant::now() + LAST),
                () = sleep_until(end.unwrap_or_else(Instant::now)), if end.is_some() => return,
            }
        }
    }

    /// Sends an update on, unless the same is under way, or so many are.
    fn begin(&mut self, update: ForwardedUpdate, reply: PendingReply) {
        let Some(client) = reply.peer() else { return };
        let identity = (client, self.hasher.hash_one(&update.message));
        if let Some(run) = self.identities.get(&identity).and_then(|id| self.runs.get_mut(id)) {
            run.replies.push(reply);
            return;
        }
        let limits = self.live.snapshot.load().config.updates;
        let of_zone = self.by_zone.get(&update.zone).copied().unwrap_or(0);
        if self.runs.len() >= limits.waiting || of_zone >= limits.waiting_per_zone {
            self.live.metrics.updated(UpdateResult::QueueFull);
            return reply.conclude(Rcode::REFUSED, Some((ExtendedError::Other, TOO_MANY_UPDATES)));
        }
        let zone = update.zone.clone();
        let handle =
            self.under_way.spawn(forward(Arc::clone(&self.live), Arc::clone(&self.connector), update));
        *self.by_zone.entry(zone.clone()).or_insert(0) += 1;
        self.identities.insert(identity, handle.id());
        self.runs.insert(handle.id(), ForwardRun { zone, identity, replies: vec![reply] });
    }

    /// Gives the answer, or says that there is none.
    fn conclude(&mut self, done: Result<(Id, Result<Vec<u8>, ForwardFailure>), JoinError>) {
        let id = done.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let Some(ForwardRun { zone, identity, replies }) = self.runs.remove(&id) else { return };
        self.identities.remove(&identity);
        if let Some(count) = self.by_zone.get_mut(&zone) {
            *count -= 1;
            if *count == 0 {
                self.by_zone.remove(&zone);
            }
        }
        match done {
            Ok((_, Ok(answer))) => {
                self.live.metrics.updated(UpdateResult::Forwarded);
                for reply in replies {
                    reply.pass_on(&answer);
                }
            }
            Ok((_, Err(failure))) => {
                self.live.metrics.updated(UpdateResult::Unanswered);
                let (client, _) = identity;
                let now = self.live.clock.micros_at(Instant::now().into_std());
                if let Some(left_out) = self.live.update_log.pass(now) {
                    tracing::warn!(%zone, %client, left_out, "update not answered by a primary: {failure}");
                }
                for reply in replies {
                    let error = (ExtendedError::NetworkError, "no primary has answered the update");
                    reply.conclude(Rcode::SERVFAIL, Some(error));
                }
            }
            // Dropped, the replies say that something went wrong.
            Err(_) => drop(replies),
        }
    }
}

/// Gives an update to the first primary that takes a connection. Once it was sent, it may have been carried out, and no other primary
/// is asked.
async fn forward(
    live: Arc<ServerState>,
    connector: Arc<ServerConnector>,
    update: ForwardedUpdate,
) -> Result<Vec<u8>, ForwardFailure> {
    let snapshot = live.snapshot.load_full();
    let entry = snapshot.view.zone_at(&update.zone).cloned();
    drop(snapshot);
    let origin =
        entry.as_ref().and_then(|entry| entry.origin.secondary.as_ref()).ok_or(ForwardFailure::Gone)?;
    let deadline = Instant::now() + WHOLE;
    let mut failure = ForwardFailure::Gone;
    for primary in &origin.primaries {
        let PrimaryServer { address, source, tls, .. } = primary;
        match connector.connect(*address, *source, tls.as_deref(), CONNECT).await {
            Ok(connection) => return exchange(connection, primary, &update.message, deadline).await,
            Err(error) => failure = ForwardFailure::Connect { address: primary.address, error },
        }
        if Instant::now() >= deadline {
            break;
        }
    }
    Err(failure)
}

async fn exchange(
    mut connection: UpstreamConnection<ServerStream>,
    primary: &PrimaryServer,
    message: &[u8],
    deadline: Instant,
) -> Result<Vec<u8>, ForwardFailure> {
    let unanswered = |what| ForwardFailure::Unanswered { address: primary.address, what };
    connection = connection.keeping_for(WHOLE);
    let answer = timeout_at(deadline, async {
        connection.send(message).await.map_err(|_| unanswered("the connection failed"))?;
        let received = connection.recv().await.map_err(|_| unanswered("the connection failed"))?;
        received.ok_or_else(|| unanswered("it closed the connection"))
    });
    let answer = answer.await.map_err(|_| unanswered("no answer in time"))??;
    let asked = MessageHeader::parse(message);
    let is_answer = MessageHeader::parse(&answer).is_some_and(|head| {
        head.is_response()
            && head.opcode() == Opcode::UPDATE
            && asked.is_some_and(|asked| asked.id == head.id)
    });
    if is_answer { Ok(answer) } else { Err(unanswered("what came is no answer")) }
}
