//! The way from the threads that read queries to the tasks that resolve.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use tokio::sync::mpsc;

use super::pending::{PendingReply, ReplyPath};
use super::waiting_clients::{WaitRefusal, WaitingClients};
use crate::metrics::DropReason;
use crate::query::{ResolveWork, WaitingQuery, WaitingWork};
use crate::snapshot::ServerState;

/// Queries that may stand in the queue of one task; beyond, they are answered SERVFAIL.
const LENGTH: usize = 8192;

/// Work for a task, and the client that waits for it; none where the cache is renewed.
pub(super) type QueuedWork = (ResolveWork, Option<PendingReply>);

/// Takes queries that have to wait. Equal questions go to the same task.
#[derive(Debug, Clone)]
pub struct ResolveQueue {
    tasks: Arc<[mpsc::Sender<QueuedWork>]>,
    clients: Arc<WaitingClients>,
    hasher: RandomState,
    live: Arc<ServerState>,
}

impl ResolveQueue {
    /// A queue for so many tasks, one at least, and what they receive it by.
    pub(super) fn new(live: &Arc<ServerState>, tasks: usize) -> (Self, Vec<mpsc::Receiver<QueuedWork>>) {
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..tasks.max(1)).map(|_| mpsc::channel(LENGTH)).unzip();
        let queue = Self {
            tasks: senders.into(),
            clients: WaitingClients::new(),
            hasher: RandomState::new(),
            live: Arc::clone(live),
        };
        (queue, receivers)
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
                }
            }
            Err(refusal) => self.refuse(PendingReply::new(client, path, None, &self.live), refusal),
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
