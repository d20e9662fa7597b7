//! The way from the threads that read queries to the tasks that resolve.

use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Instant;

use foldhash::quality::RandomState;
use rhumb_wire::Rcode;
use rhumb_wire::edns::ExtendedError;
use tokio::sync::mpsc;

use super::forwarded_updates::{QueuedForward, TOO_MANY_UPDATES};
use super::pending::PendingReply;
use super::reply_path::ReplyPath;
use super::waiting_clients::{WaitRefusal, WaitingClients};
use crate::metrics::{DropReason, UpdateResult};
use crate::query::{ForwardedUpdate, ResolveWork, UpdateWork, WaitingQuery, WaitingWork};
use crate::snapshot::{QueuedUpdate, ServerState, UpdateAnswer};

/// Queries that may stand in the queue of one task; beyond, they are answered SERVFAIL.
const LENGTH: usize = 8192;

/// Updates that may stand in the queue of those that are passed on; each is looked at at once.
const FORWARDS: usize = 256;

/// Work for a task, and the client that waits for it; none where the cache is renewed.
pub(super) type QueuedWork = (ResolveWork, Option<PendingReply>);

/// Takes queries that have to wait. Equal questions go to the same task.
#[derive(Debug, Clone)]
pub struct ResolveQueue {
    tasks: Arc<[mpsc::Sender<QueuedWork>]>,
    forwards: mpsc::Sender<QueuedForward>,
    clients: Arc<WaitingClients>,
    hasher: RandomState,
    live: Arc<ServerState>,
}

impl ResolveQueue {
    /// A queue for so many tasks, one at least, and what they receive it by; and what updates are received by that are passed on.
    pub(super) fn new(
        live: &Arc<ServerState>,
        tasks: usize,
    ) -> (Self, Vec<mpsc::Receiver<QueuedWork>>, mpsc::Receiver<QueuedForward>) {
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..tasks.max(1)).map(|_| mpsc::channel(LENGTH)).unzip();
        let (forwards, forwarded) = mpsc::channel(FORWARDS);
        let queue = Self {
            tasks: senders.into(),
            forwards,
            clients: WaitingClients::new(),
            hasher: RandomState::default(),
            live: Arc::clone(live),
        };
        (queue, receivers, forwarded)
    }

    /// Takes a query, which is answered by `path` whatever happens. Never waits.
    pub fn enter(&self, waiting: WaitingQuery, path: ReplyPath) {
        let WaitingQuery { work, client } = waiting;
        let size = PendingReply::SIZE + client.query.len();
        match self.clients.admit(client.peer.ip(), size) {
            Ok(permit) => {
                let reply = PendingReply::new(client, path, Some(permit), &self.live);
                match work {
                    WaitingWork::Resolve(work) => self.send(work, Some(reply)),
                    WaitingWork::Update(work) => self.update(work, reply),
                    WaitingWork::Forward(update) => self.forward(update, reply),
                }
            }
            Err(refusal) => self.refuse(PendingReply::new(client, path, None, &self.live), refusal),
        }
    }

    /// Has an update wait until it is carried out; too many are refused.
    fn update(&self, work: UpdateWork, reply: PendingReply) {
        let UpdateWork { zone, message, key, signature, names } = work;
        let Some(client) = reply.peer() else { return };
        let reply = Box::new(move |answer: UpdateAnswer| {
            let error = answer.error.as_ref().map(|(error, text)| (*error, &**text));
            reply.conclude(answer.rcode, error);
        });
        let received = Instant::now();
        let update = QueuedUpdate { zone, message, client, key, signature, names, received, reply };
        let limits = self.live.snapshot.load().config.updates;
        if let Err(refused) = self.live.updates.enter(update, limits) {
            self.live.metrics.updated(UpdateResult::QueueFull);
            let error = Some((ExtendedError::Other, TOO_MANY_UPDATES.into()));
            (refused.reply)(UpdateAnswer { rcode: Rcode::REFUSED, error });
        }
    }

    /// Has an update wait until a primary has answered it.
    fn forward(&self, update: ForwardedUpdate, reply: PendingReply) {
        if let Err(error) = self.forwards.try_send((update, reply)) {
            let (_, reply) = error.into_inner();
            self.live.metrics.updated(UpdateResult::QueueFull);
            reply.conclude(Rcode::REFUSED, Some((ExtendedError::Other, TOO_MANY_UPDATES)));
        }
    }

    /// Has an entry of the cache renewed, if there is room.
    pub fn renew(&self, work: ResolveWork) {
        self.send(work, None);
    }

    pub(super) fn send(&self, work: ResolveWork, reply: Option<PendingReply>) {
        let task = self.hasher.hash_one(&work.question) as usize % self.tasks.len();
        let Some(task) = self.tasks.get(task) else { return };
        if let Err(error) = task.try_send((work, reply))
            && let (_, Some(reply)) = error.into_inner()
        {
            self.refuse(reply, WaitRefusal::Total);
        }
    }

    fn refuse(&self, reply: PendingReply, refusal: WaitRefusal) {
        // A flood in another's name gets no answers.
        if refusal == WaitRefusal::Network && reply.is_datagram() {
            return reply.drop_silently(DropReason::QueueFull);
        }
        self.live.metrics.with_local(|block| block.dropped(DropReason::QueueFull));
        reply.fail("too many queries wait");
    }
}
