//! What follows from a reply, an error, or from neither.

use std::sync::Arc;

use rhumb_wire::Rcode;
use tokio::time::Instant;

use super::clean::{Cleaned, Unusable};
use super::driver::Driver;
use super::judge::{Content, Reading, Refusal};
use super::outcome::{Answer, Observe, Outcome};
use super::race::{Flight, Landing};
use super::slot::Need;
use super::upstream::{Transport, Upstream};
use crate::network::{ExchangeError, Network, Why};

impl<N: Network, O: Observe + ?Sized> Driver<'_, N, O> {
    /// A message came to an end: the answer, if it brought one.
    pub(super) fn landed(&mut self, flight: &Flight<'_>, landing: Landing) -> Option<Answer> {
        match landing {
            Ok((Reading::Reply { case_kept, content }, size)) => {
                self.received += size;
                self.reply(flight, case_kept, content)
            }
            // Over UDP the judge lets none of these pass.
            Ok((reading, size)) => {
                self.received += size;
                let unusable = match reading {
                    Reading::Malformed => Unusable::Malformed,
                    _ => Unusable::Mismatch,
                };
                self.pass_over_unusable(flight, unusable);
                None
            }
            Err(error) => {
                self.broken(flight, &error);
                None
            }
        }
    }

    fn reply(&mut self, flight: &Flight<'_>, case_kept: bool, content: Content) -> Option<Answer> {
        let now = Instant::now();
        let upstream = Arc::clone(&self.slots.get(flight.slot)?.upstream);
        upstream.replied(flight.transport, now - flight.sent);
        if flight.cased && case_kept {
            upstream.quirks.case_kept();
        } else if flight.cased {
            // The judge refuses that over UDP, so it came over TCP.
            upstream.quirks.case_lost(upstream.clock(now));
        }
        let path = upstream.path(flight.transport);
        match content {
            Content::Truncated => {
                path.counters.truncated.add();
                if flight.transport == Transport::Tcp {
                    self.pass_over_unusable(flight, Unusable::NoAnswer);
                } else {
                    self.note(flight.slot, flight.transport, Outcome::Truncated, flight.sent);
                    self.over_tcp(flight, Need::Truncated, now);
                }
                None
            }
            Content::Refusal(refusal) => {
                path.counters.response(refusal.rcode);
                self.refused(flight, refusal, now);
                None
            }
            Content::Unusable(unusable) => {
                self.pass_over_unusable(flight, unusable);
                None
            }
            Content::Answer(cleaned) => {
                path.counters.response(cleaned.rcode);
                Some(self.answer(flight, upstream, cleaned, now))
            }
        }
    }

    fn answer(
        &mut self,
        flight: &Flight<'_>,
        upstream: Arc<Upstream>,
        cleaned: Cleaned,
        now: Instant,
    ) -> Answer {
        self.note(flight.slot, flight.transport, Outcome::Answered(cleaned.rcode), flight.sent);
        self.note_the_rest(Outcome::Overtaken);
        let tried = std::mem::take(&mut self.tried);
        if let Some(slot) = self.slots.get(flight.slot) {
            // An empty message is what a broken forwarder gives for everything.
            if cleaned.substantial {
                upstream.answered(flight.transport);
                if slot.need == Need::Truncated {
                    upstream.answered(Transport::Udp);
                }
            }
            if slot.plain && !flight.edns {
                upstream.quirks.edns_refused(upstream.clock(now));
            }
        }
        let Cleaned { message, rcode, ttl, negative, .. } = cleaned;
        Answer { message, rcode, ttl, negative, upstream, tried }
    }

    /// A response code that is no answer: once more without EDNS where that may help, else the next upstream.
    fn refused(&mut self, flight: &Flight<'_>, refusal: Refusal, now: Instant) {
        let rcode = refusal.rcode;
        let due_to_edns = flight.edns && matches!(rcode, Rcode::FORMERR | Rcode::NOTIMP | Rcode::BADVERS);
        if due_to_edns && let Some(slot) = self.slots.get_mut(flight.slot) {
            slot.plain = true;
            self.note(flight.slot, flight.transport, Outcome::WithoutEdns(rcode), flight.sent);
            self.ask_again(flight.slot, now);
            return;
        }
        self.note(flight.slot, flight.transport, Outcome::Refusal(rcode), flight.sent);
        self.refusal = Some(refusal);
        self.pass_over_for_good(flight.slot);
    }

    fn pass_over_unusable(&mut self, flight: &Flight<'_>, unusable: Unusable) {
        if let Some(slot) = self.slots.get(flight.slot) {
            slot.upstream.path(flight.transport).counters.unusable.add();
        }
        self.note(flight.slot, flight.transport, Outcome::Unusable(unusable), flight.sent);
        self.unusable = Some(unusable);
        self.pass_over_for_good(flight.slot);
    }

    /// This upstream has said what it has to say.
    fn pass_over_for_good(&mut self, index: usize) {
        if let Some(slot) = self.slots.get(index) {
            slot.upstream.disappointed();
        }
        self.unqueue(index);
    }

    fn unqueue(&mut self, slot: usize) {
        self.queue.retain(|&waiting| waiting != slot);
    }

    fn ask_again(&mut self, slot: usize, now: Instant) {
        self.unqueue(slot);
        self.send(slot, now);
    }

    fn over_tcp(&mut self, flight: &Flight<'_>, need: Need, now: Instant) {
        let Some(slot) = self.slots.get_mut(flight.slot) else { return };
        slot.need = need;
        if slot.upstream.path(Transport::Tcp).health.is_down() && !self.queue.is_empty() {
            self.requeue(flight.slot);
        } else {
            self.ask_again(flight.slot, now);
        }
    }

    /// The exchange ended without a reply.
    fn broken(&mut self, flight: &Flight<'_>, error: &ExchangeError) {
        let now = Instant::now();
        let Some(slot) = self.slots.get_mut(flight.slot) else { return };
        let outcome = match error {
            ExchangeError::GaveUp(why) => return self.gave_up(flight, *why, now),
            ExchangeError::Timeout if flight.overdue => return,
            ExchangeError::Timeout => Outcome::TimedOut,
            ExchangeError::Refused => Outcome::ConnectionRefused,
            ExchangeError::Unreachable => Outcome::Unreachable,
            ExchangeError::Io(error) => Outcome::Error(error.kind()),
        };
        let counters = &slot.upstream.path(flight.transport).counters;
        if matches!(error, ExchangeError::Timeout) { &counters.timeouts } else { &counters.errors }.add();
        if !flight.overdue {
            slot.upstream.failed(flight.transport, now);
        }
        if !slot.transport_failed() {
            slot.pause(now);
        }
        self.note(flight.slot, flight.transport, outcome, flight.sent);
        self.requeue(flight.slot);
    }

    fn gave_up(&mut self, flight: &Flight<'_>, why: Why, now: Instant) {
        if let Some(slot) = self.slots.get_mut(flight.slot)
            && why == Why::WrongCase
        {
            slot.case_lost = true;
            slot.upstream.quirks.case_missed(slot.upstream.clock(now));
        }
        self.note(flight.slot, flight.transport, Outcome::Suspicious(why), flight.sent);
        self.over_tcp(flight, Need::Suspicion, now);
    }

    /// Counts those whose reply is late, and has them asked again after the others.
    pub(super) fn lose_patience(&mut self, now: Instant) {
        let mut late = Vec::new();
        for flight in self.race.0.iter_mut().filter(|flight| !flight.overdue && flight.patience <= now) {
            flight.overdue = true;
            late.push((flight.slot, flight.transport, flight.sent, flight.sighted.malformed()));
        }
        for (index, transport, sent, malformed) in late {
            let Some(slot) = self.slots.get_mut(index) else { continue };
            let path = slot.upstream.path(transport);
            if malformed {
                slot.need = Need::Suspicion;
            } else {
                path.counters.timeouts.add();
                path.rtt.timed_out();
                slot.upstream.failed(transport, now);
                slot.transport_failed();
            }
            let outcome = if malformed { Outcome::Malformed } else { Outcome::TimedOut };
            self.note(index, transport, outcome, sent);
            self.requeue(index);
        }
    }

    /// Notes those whose reply nobody waits for any more and that are not late yet.
    pub(super) fn note_the_rest(&mut self, outcome: Outcome) {
        for flight in std::mem::take(&mut self.race.0) {
            if !flight.overdue {
                self.note(flight.slot, flight.transport, outcome, flight.sent);
            }
        }
    }
}
