//! The tasks that join equal questions, start a look-up for each, and answer all clients that wait for it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use foldhash::quality::RandomState;
use rhumb_wire::Type;
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::{JoinSet, yield_now};
use tokio::time::{Instant, sleep, sleep_until};

use super::anchor_refresh::refresh_anchors;
use super::chain_deadlines::ChainDeadlines;
use super::failure_back_off::FailureBackOff;
use super::failure_log::FailureLog;
use super::forwarded_updates::{QueuedForward, UpdateForwarder};
use super::lookup::{LookupEvent, LookupKey, UpstreamLookup, cached};
use super::lookup_answer::LookupAnswer;
use super::lookup_shares::{LookupRefusal, LookupShares, RouteKind};
use super::own_lookups::answer_own_lookups;
use super::pending::PendingReply;
use super::queue::{QueuedWork, ResolveQueue};
use super::reply_path::ReplyRoom;
use super::upstream_network::UpstreamNetwork;
use crate::metrics::DropReason;
use crate::query::{QueryScratch, ResolveWork};
use crate::snapshot::{FallbackCourse, RouteCourse, ServerState};
use crate::test_hooks::{PanicPoint, inject_panic};

/// Clients that wait for one question.
const CLIENTS_OF_QUESTION: usize = 1000;
/// How long look-ups have once the server stops; it leaves their clients' connections some of the five seconds of the end.
const LAST: Duration = Duration::from_millis(4500);
/// How often the clients that wait are looked at, whether they are still there.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Look-ups whose ends are taken in one step.
const TOGETHER: usize = 64;
/// With so much room and nothing in it, the table of look-ups gives it back.
const KEPT: usize = 512;

/// The tasks, before they are begun.
#[derive(Debug)]
pub struct ResolveTasks {
    live: Arc<ServerState>,
    queue: ResolveQueue,
    receivers: Vec<mpsc::Receiver<QueuedWork>>,
    forwards: mpsc::Receiver<QueuedForward>,
}

impl ResolveTasks {
    /// So many tasks, one at least, and the queue that they take their work from.
    pub fn new(live: &Arc<ServerState>, tasks: usize) -> (ResolveQueue, Self) {
        let (queue, receivers, forwards) = ResolveQueue::new(live, tasks);
        (queue.clone(), Self { live: Arc::clone(live), queue, receivers, forwards })
    }

    /// Runs until `stop` is true and no client waits any more; clients that still wait some seconds later get SERVFAIL. A task
    /// that panics is begun anew, and its clients get SERVFAIL.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let lookups = Arc::new(LookupShares::default());
        let (network, failures) =
            (Arc::new(UpstreamNetwork::new(&self.live)), Arc::new(FailureLog::default()));
        let back_off = Arc::new(FailureBackOff::default());
        let mut tasks = JoinSet::new();
        for (index, queue) in self.receivers.into_iter().enumerate() {
            let worker = self.live.metrics.workers().register("resolve", format!("resolve/{index}"));
            // It outlives a run that panics.
            let queue = Arc::new(Mutex::new(queue));
            let (live, network, lookups) =
                (Arc::clone(&self.live), Arc::clone(&network), Arc::clone(&lookups));
            let (stop, sender, failures) = (stop.clone(), self.queue.clone(), Arc::clone(&failures));
            let back_off = Arc::clone(&back_off);
            tasks.spawn(worker.supervise_task(move |_| {
                let (events, arrivals) = mpsc::unbounded_channel();
                let task = ResolveTask {
                    live: Arc::clone(&live),
                    network: Arc::clone(&network),
                    failures: Arc::clone(&failures),
                    back_off: Arc::clone(&back_off),
                    lookups: Arc::clone(&lookups),
                    under_way: HashMap::default(),
                    chains: ChainDeadlines::default(),
                    events,
                    queue: sender.clone(),
                    scratch: QueryScratch::new(),
                    room: ReplyRoom::new(),
                };
                let (queue, stop) = (Arc::clone(&queue), stop.clone());
                async move { task.run(&mut *queue.lock().await, arrivals, stop).await }
            }));
        }
        let worker = self.live.metrics.workers().register("anchors", "trust-anchors".to_owned());
        let (live, until) = (Arc::clone(&self.live), stop.clone());
        tasks.spawn(worker.supervise_task(move |_| {
            refresh_anchors(Arc::clone(&live), Arc::clone(&network), until.clone())
        }));
        let worker = self.live.metrics.workers().register("own-lookups", "own-lookups");
        let (live, queue, until) = (Arc::clone(&self.live), self.queue, stop.clone());
        tasks
            .spawn(worker.supervise_task(move |_| {
                answer_own_lookups(Arc::clone(&live), queue.clone(), until.clone())
            }));
        let worker = self.live.metrics.workers().register("updates", "forward-updates".to_owned());
        let (live, forwards) = (self.live, Arc::new(Mutex::new(self.forwards)));
        tasks.spawn(worker.supervise_task(move |_| {
            let (task, queue, stop) = (UpdateForwarder::new(&live), Arc::clone(&forwards), stop.clone());
            async move { task.run(&mut *queue.lock().await, stop).await }
        }));
        tasks.join_all().await;
    }
}

/// The clients that wait for one look-up.
type WaitingReplies = Vec<PendingReply>;

struct ResolveTask {
    live: Arc<ServerState>,
    network: Arc<UpstreamNetwork>,
    failures: Arc<FailureLog>,
    back_off: Arc<FailureBackOff>,
    lookups: Arc<LookupShares>,
    under_way: HashMap<Arc<LookupKey>, WaitingReplies, RandomState>,
    /// Of clients that wait for a further link.
    chains: ChainDeadlines,
    /// Bounded by the number of look-ups: each sends two at most.
    events: mpsc::UnboundedSender<LookupEvent>,
    /// For clients whose chain goes on with another question.
    queue: ResolveQueue,
    scratch: QueryScratch,
    room: ReplyRoom,
}

impl ResolveTask {
    async fn run(
        mut self,
        queue: &mut mpsc::Receiver<QueuedWork>,
        mut arrivals: mpsc::UnboundedReceiver<LookupEvent>,
        mut stop: watch::Receiver<bool>,
    ) {
        let mut stopping = false;
        let mut last = std::pin::pin!(sleep(Duration::ZERO));
        let mut look = std::pin::pin!(sleep(LOOK_EVERY));
        let mut ended = Vec::new();
        while !(stopping && self.under_way.is_empty() && queue.is_empty()) {
            tokio::select! {
                () = gather(&mut arrivals, &mut ended) => ended.drain(..).for_each(|event| self.complete(event)),
                work = queue.recv() => match work {
                    Some((work, reply)) => self.join(work, reply),
                    None => return,
                },
                () = sleep_until(self.chains.next()), if !self.chains.is_empty() => self.end_chains(),
                () = &mut look, if !self.under_way.is_empty() => {
                    self.let_go();
                    look.as_mut().reset(Instant::now() + LOOK_EVERY);
                }
                _ = stop.wait_for(|stop| *stop), if !stopping => {
                    stopping = true;
                    last.as_mut().reset(Instant::now() + LAST);
                }
                () = &mut last, if stopping => {
                    let waiting = self.under_way.drain().flat_map(|(_, waiting)| waiting);
                    for reply in waiting.chain(std::iter::from_fn(|| queue.try_recv().ok()).filter_map(|(_, reply)| reply)) {
                        reply.fail("the server is about to end");
                    }
                    return;
                }
            }
            self.room.send(&self.live);
        }
    }

    /// Has a client wait for a look-up, which is started if there is none for this question.
    fn join(&mut self, work: ResolveWork, reply: Option<PendingReply>) {
        inject_panic(PanicPoint::ResolveTask);
        let key = LookupKey {
            route: work.route.id(),
            upstreams: work.route.state().serial,
            question: work.question,
            known_only: work.known_only,
            explained: reply.as_ref().and_then(PendingReply::explained),
        };
        if let Some((key, _)) = self.under_way.get_key_value(&key) {
            let key = Arc::clone(key);
            if let Some(reply) = reply {
                self.wait(&key, reply);
            }
            return;
        }
        // It may have been answered while this client stood in the queue.
        let found = reply.as_ref().and_then(|_| cached(&self.live, &key, &mut self.room.bytes));
        if let Some(found) = found {
            if let Some(reply) = reply {
                self.answer(reply, &key, &found);
            }
            return;
        }
        let client = reply.as_ref().and_then(PendingReply::network);
        let snapshot = self.live.snapshot.load();
        let kind = match snapshot.iteration.course(key.route) {
            RouteCourse::Iterate => RouteKind::Iterates,
            RouteCourse::Forward(_) => RouteKind::Forwards,
        };
        let failing = snapshot.config.recursion.limits.failing_domain;
        let admitted = self.lookups.admit((key.route, kind), key.question.name.as_ref(), client, failing);
        drop(snapshot);
        let permit = match admitted {
            Ok(permit) => permit,
            Err(refusal) => {
                self.live.metrics.resolver_bound(refusal.bound());
                if let Some(reply) = reply {
                    self.refuse_lookup(reply, refusal);
                }
                return;
            }
        };
        let key = Arc::new(key);
        let (live, network, failures) = (&self.live, &self.network, (&self.failures, &self.back_off));
        let lookup = UpstreamLookup::new(live, network, failures, work.route, Arc::clone(&key), permit);
        tokio::spawn(lookup.run(self.events.clone()));
        self.under_way.insert(Arc::clone(&key), Vec::new());
        if let Some(reply) = reply {
            self.wait(&key, reply);
        }
    }

    /// Has a client wait for a look-up that is under way.
    fn wait(&mut self, key: &Arc<LookupKey>, mut reply: PendingReply) {
        if self.may_outlast_client(key) {
            reply.bound_wait();
        }
        let Some(waiting) = self.under_way.get_mut(key) else { return };
        if waiting.len() >= CLIENTS_OF_QUESTION {
            return self.refuse(reply, "too many clients wait for this question");
        }
        if let Some(end) = reply.ends() {
            self.chains.add(end, key);
        }
        waiting.push(reply);
    }

    /// Whether a look-up is made of several, each of which has its own time: upstreams and what comes after them.
    fn may_outlast_client(&self, key: &LookupKey) -> bool {
        let plan = &self.live.snapshot.load().iteration;
        match plan.course(key.route) {
            RouteCourse::Forward(course) => {
                let synthesises = key.question.qtype == Type::AAAA && plan.dns64.is_some();
                course.validates || course.fallback != FallbackCourse::Fail || synthesises
            }
            // Of a resolution that goes on clients are told as far as it has come.
            RouteCourse::Iterate => false,
        }
    }

    /// Forgets the clients that have gone meanwhile, so that they count no longer.
    fn let_go(&mut self) {
        for waiting in self.under_way.values_mut() {
            for reply in waiting.extract_if(.., |reply| reply.is_abandoned()) {
                reply.drop_silently(DropReason::ClientGone);
            }
        }
    }

    /// Answers the clients whose chains have taken too long.
    fn end_chains(&mut self) {
        let now = std::time::Instant::now();
        for key in self.chains.take_due(now) {
            let Some(waiting) = self.under_way.get_mut(&key) else { continue };
            for reply in waiting.extract_if(.., |reply| reply.ends().is_some_and(|end| end <= now)) {
                reply.fail("no upstream replied in time");
            }
        }
    }

    fn complete(&mut self, event: LookupEvent) {
        let (waiting, key, found) = match event {
            LookupEvent::Meanwhile(key, found) => {
                (self.under_way.get_mut(&key).map(std::mem::take), key, found)
            }
            LookupEvent::Done(key, found) => (self.under_way.remove(&key), key, found),
        };
        for reply in waiting.into_iter().flatten() {
            self.answer(reply, &key, &found);
        }
        if self.under_way.is_empty() && self.under_way.capacity() > KEPT {
            self.under_way = HashMap::default();
        }
    }

    fn answer(&mut self, reply: PendingReply, key: &LookupKey, found: &LookupAnswer) {
        match &found.outcome {
            Ok(message) if reply.follows(message) => {
                let next = reply.follow(key, message, &found.tried, &mut self.scratch, &mut self.room);
                if let Some((work, reply)) = next {
                    self.queue.send(work, Some(reply));
                }
            }
            _ => reply.answer(found, &mut self.room),
        }
    }

    /// A flood in another's name gets no answers.
    fn refuse_lookup(&self, reply: PendingReply, refusal: LookupRefusal) {
        if reply.is_datagram() && refusal == LookupRefusal::Client || reply.is_one_of_many() {
            return reply.drop_silently(DropReason::QueueFull);
        }
        self.refuse(reply, refusal.why());
    }

    fn refuse(&self, reply: PendingReply, why: &'static str) {
        self.live.metrics.with_local(|block| block.dropped(DropReason::QueueFull));
        reply.fail(why);
    }
}

/// Waits until look-ups have ended, and takes those that ended in the same turn of the runtime together. Where this is dropped before, they
/// stay in `ended` for the next time. The channel is never closed.
async fn gather(arrivals: &mut mpsc::UnboundedReceiver<LookupEvent>, ended: &mut Vec<LookupEvent>) {
    if ended.is_empty() {
        arrivals.recv_many(ended, 1).await;
        yield_now().await;
    }
    while ended.len() < TOGETHER
        && let Ok(event) = arrivals.try_recv()
    {
        ended.push(event);
    }
}
