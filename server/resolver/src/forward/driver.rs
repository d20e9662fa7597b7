//! One question from the first message sent to its end.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::time::{Instant, timeout_at};

use super::clean::Unusable;
use super::judge::{Reader, Refusal, Sighted};
use super::limits;
use super::outcome::{Answer, Attempt, Failure, Observe, Outcome, Reason};
use super::pool::Pool;
use super::query::Query;
use super::race::{Flight, Race, exchange};
use super::slot::Slot;
use super::upstream::Transport;
use crate::network::Network;
use crate::question::Question;

/// The course of one question. Upstreams are asked one after the other, each as soon as patience with the one before
/// ends; those asked earlier are listened to all the while.
pub(super) struct Driver<'a, N, O: ?Sized> {
    net: &'a N,
    question: &'a Question,
    observer: &'a mut O,
    pub(super) slots: Vec<Slot>,
    /// Who is asked next: indices of `slots`.
    pub(super) queue: VecDeque<usize>,
    pub(super) race: Race<'a>,
    deadline: Instant,
    last_sent: Instant,
    sends: usize,
    pub(super) received: usize,
    pub(super) tried: Vec<Attempt>,
    pub(super) refusal: Option<Refusal>,
    pub(super) unusable: Option<Unusable>,
}

impl<'a, N: Network, O: Observe + ?Sized> Driver<'a, N, O> {
    pub(super) fn new(net: &'a N, pool: &Pool, question: &'a Question, observer: &'a mut O) -> Self {
        let now = Instant::now();
        let slots: Vec<_> =
            pool.order(now, || net.random()).into_iter().map(|choice| Slot::new(choice, now)).collect();
        Self {
            net,
            question,
            observer,
            queue: (0..slots.len()).collect(),
            slots,
            race: Race::default(),
            deadline: now + limits::DEADLINE,
            last_sent: now,
            sends: 0,
            received: 0,
            tried: Vec::new(),
            refusal: None,
            unusable: None,
        }
    }

    /// Sends and listens until there is an answer or nothing is left to be tried.
    pub(super) async fn run(mut self) -> Result<Answer, Failure> {
        loop {
            let now = Instant::now();
            self.ask_next(now);
            let Some(until) = self.wait_until(now) else { return Err(self.failure()) };
            match timeout_at(until, self.race.landed()).await {
                Ok((flight, landing)) => {
                    if let Some(answer) = self.landed(&flight, landing) {
                        return Ok(answer);
                    }
                }
                Err(_) => self.lose_patience(Instant::now()),
            }
        }
    }

    /// Asks the next upstream if no reply can be hoped for without.
    fn ask_next(&mut self, now: Instant) {
        if self.race.is_hopeful() {
            return;
        }
        while let Some(place) = self.queue.iter().position(|&slot| self.is_ready(slot, now)) {
            let Some(slot) = self.queue.remove(place) else { return };
            if self.send(slot, now) {
                return;
            }
        }
    }

    fn is_ready(&self, slot: usize, now: Instant) -> bool {
        self.slots.get(slot).is_some_and(|slot| slot.not_before <= now)
    }

    /// Until when to listen before the next step; none if the question ends here.
    fn wait_until(&self, now: Instant) -> Option<Instant> {
        let next = self.race.patience().or_else(|| {
            let waiting = self.queue.iter().filter_map(|&slot| self.slots.get(slot));
            waiting.map(|slot| slot.not_before).min().filter(|_| self.may_send(now))
        });
        let until = match next {
            Some(next) => return (now < self.deadline).then_some(next.min(self.deadline)),
            None if self.race.0.is_empty() => return None,
            None if self.race.0.iter().any(|flight| self.is_up(flight.slot)) => self.deadline,
            None => self.deadline.min(self.last_sent + limits::GRACE),
        };
        (now < until).then_some(until)
    }

    fn is_up(&self, slot: usize) -> bool {
        self.slots.get(slot).is_some_and(|slot| !slot.upstream.is_down())
    }

    fn may_send(&self, now: Instant) -> bool {
        now < self.deadline && self.sends < limits::SENDS && self.received < limits::RECEIVED
    }

    /// Sends to `slot`, unless that is not allowed any more or cannot work: whether it did.
    pub(super) fn send(&mut self, index: usize, now: Instant) -> bool {
        if !self.may_send(now) {
            self.queue.clear();
            return false;
        }
        let Some(slot) = self.slots.get_mut(index).filter(|slot| slot.may_send()) else { return false };
        let upstream = Arc::clone(&slot.upstream);
        let transport = slot.transport();
        let routed = self.net.reachable(upstream.address());
        upstream.set_routed(routed);
        if !routed {
            self.note(index, transport, Outcome::NoRoute, now);
            return false;
        }
        let clock = upstream.clock(now);
        let edns = !slot.plain && upstream.quirks.takes_edns(clock);
        let case = !slot.uncased && upstream.quirks.keeps_case(clock);
        let query = Query::new(self.question, edns, case, || self.net.random());
        let patience = now + slot.send();
        // Two open sockets for one question to one upstream would double the chance of a forged reply.
        self.race.drop_slot(index);
        self.sends += 1;
        self.last_sent = now;
        upstream.path(transport).counters.queries.add();
        let (edns, cased, sighted) = (query.edns, query.cased, Arc::new(Sighted::default()));
        let reader = Reader { query, question: self.question };
        let landing = exchange(self.net, upstream, transport, reader, self.deadline, Arc::clone(&sighted));
        self.race.0.push(Flight {
            slot: index,
            transport,
            edns,
            cased,
            sent: now,
            patience,
            overdue: false,
            sighted,
            landing,
        });
        true
    }

    /// Has `slot` asked again after all others.
    pub(super) fn requeue(&mut self, index: usize) {
        if self.slots.get(index).is_some_and(Slot::may_be_asked_again) && !self.queue.contains(&index) {
            self.queue.push_back(index);
        }
    }

    /// Notes what came of a message to `slot` that was sent at `sent`.
    pub(super) fn note(&mut self, index: usize, transport: Transport, outcome: Outcome, sent: Instant) {
        let Some(slot) = self.slots.get(index) else { return };
        let upstream = Arc::clone(&slot.upstream);
        let attempt = Attempt { upstream, transport, outcome, elapsed: sent.elapsed() };
        self.observer.attempt(&attempt);
        self.tried.push(attempt);
    }

    fn failure(mut self) -> Failure {
        self.note_the_rest(Outcome::TimedOut);
        let no_route = self.tried.iter().all(|attempt| attempt.outcome == Outcome::NoRoute);
        let reason = match (self.refusal, self.unusable) {
            (Some(refusal), _) => Reason::Rcode(refusal.rcode),
            (None, Some(unusable)) => Reason::Unusable(unusable),
            (None, None) if self.slots.is_empty() => Reason::NoUpstream,
            (None, None) if no_route => Reason::NoRoute,
            (None, None) => Reason::Silence,
        };
        let extended = self.refusal.and_then(|refusal| refusal.extended);
        Failure { reason, extended, tried: self.tried }
    }
}
