//! Questions to the servers of one zone, shared with those who ask the same at this moment.

use std::sync::Arc;
use std::time::Duration;

use rhumb_cache::{LearntRecords, SecurityStatus};
use rhumb_wire::NameRef;
use tokio::time::Instant;

use super::address_progress::AddressProgress;
use super::failure::IterationFailure;
use super::iteration::IterationCourse;
use super::limits;
use super::resolver_state::SharedResult;
use super::trace::ResolutionEvent;
use super::zone_cut::{APEX, OUTSIDE_GLUE, ZoneCut, delegation};
use super::zone_exchange::{ExchangeBudget, ExchangeEffort, ExchangeFailure, ask_servers};
use super::zone_reply::{ReplyEnd, ReplyReadingContext, ZoneReply};
use crate::exchange::{AttemptOutcome, AttemptReport, RemoteServer};
use crate::forward;
use crate::network::UpstreamTransport;
use crate::question::OutboundQuestion;

impl<N: UpstreamTransport> IterationCourse<'_, N> {
    /// Asks the servers of `cut`, looking for their addresses where need be, and keeps what they say. `most` is tried in the end.
    pub(super) async fn ask(
        &mut self,
        cut: &ZoneCut,
        question: &OutboundQuestion,
        most: ExchangeEffort,
    ) -> Result<ZoneReply, IterationFailure> {
        if let Some(pool) = &cut.forward {
            let ranked = pool.servers_by_rank(Instant::now(), || self.net.random());
            let servers = ranked.len();
            let reply = self.exchange(cut, question, ranked, ExchangeEffort::Whole).await?;
            return reply.map_err(|why| told(cut, why, servers));
        }
        if let Some(reply) = self.ask_copy(cut, question) {
            return Ok(reply);
        }
        let mut failure = None;
        let mut tried = Vec::new();
        let mut looked_for = AddressProgress::default();
        // The only server that was known at first.
        let mut alone = None;
        loop {
            let mut addresses = self.more_addresses(cut, &mut looked_for, &tried).await;
            let mut effort = most;
            if addresses.is_empty() {
                let Some(alone) = alone.take() else {
                    let (zone, why) = (cut.zone.clone(), looked_for.cause());
                    return Err(failure.unwrap_or(IterationFailure::NoAddress { zone, why }));
                };
                addresses = vec![alone];
            } else {
                if let [only] = addresses[..]
                    && tried.is_empty()
                    && self.may_find_more(cut, &looked_for)
                {
                    effort = ExchangeEffort::Brief;
                    alone = Some(only);
                }
                tried.extend_from_slice(&addresses);
                if effort != ExchangeEffort::Brief {
                    // The messages to it may have been lost.
                    addresses.extend(alone.take());
                }
            }
            let ranked = self.rank(&addresses);
            if ranked.is_empty() {
                failure = Some(told(cut, ExchangeFailure::Silence, tried.len()));
                continue;
            }
            match self.exchange(cut, question, ranked, effort).await? {
                Ok(reply) => return Ok(reply),
                Err(why) => {
                    alone = alone.filter(|_| why == ExchangeFailure::Silence);
                    failure = Some(told(cut, why, tried.len()));
                }
            }
        }
    }

    /// What the copy of the root says, where it is the root that is asked.
    fn ask_copy(&mut self, cut: &ZoneCut, question: &OutboundQuestion) -> Option<ZoneReply> {
        let zone = cut.zone.as_ref();
        if !zone.is_root() || self.copy_is_bogus || self.settings.stub(zone).is_some() {
            return None;
        }
        let message = self.scope.root.reply(question)?;
        let elsewhere = |name: NameRef<'_>, rtype| self.is_elsewhere(name, rtype, zone);
        let (with_servers, now) = (!self.settings.minimal_responses, self.clock.now());
        let reading =
            ReplyReadingContext { zone, elsewhere: &elsewhere, forwarded: false, with_servers, now };
        let reply = reading.read(&message, question).ok()?.answer;
        let (name, rtype) = (&question.name, question.qtype);
        self.trace.note(|| ResolutionEvent::RootCopy { name: name.clone(), rtype });
        self.of_copy.push(name.clone());
        self.note(cut, &reply, true);
        Some(reply)
    }

    /// One exchange with servers of `cut`, shared with those who ask the same at this moment.
    async fn exchange(
        &mut self,
        cut: &ZoneCut,
        question: &OutboundQuestion,
        servers: Vec<Arc<RemoteServer>>,
        effort: ExchangeEffort,
    ) -> Result<Result<ZoneReply, ExchangeFailure>, IterationFailure> {
        let state = self.state;
        let key = Arc::new((cut.zone.clone(), cut.forward.is_some(), question.name.clone(), question.qtype));
        let may_answer = servers.iter().any(|server| !server.is_down() || server.is_heard_by_stream_alone());
        let usual = usual_time(&servers);
        self.progress.await_servers((&cut.zone, servers.len()), (usual, may_answer), &state.heard);
        let (place, mut result) = loop {
            let place = state.join(Arc::clone(&key));
            let result = Arc::clone(&place.exchange).lock_owned().await;
            let Some(shared) = result.clone() else { break (place, result) };
            if !shared.is_for(&servers, effort) {
                continue;
            }
            self.hear(&shared.reply);
            let (name, rtype) = (&question.name, question.qtype);
            self.trace.note(|| ResolutionEvent::Shared { name: name.clone(), rtype });
            if let Ok(reply) = &shared.reply {
                self.note(cut, reply, false);
            }
            return Ok(shared.reply);
        };
        // Clients of forwarders give up sooner.
        let time = match effort {
            _ if cut.forward.is_some() => forward::limits::DEADLINE,
            ExchangeEffort::Shortened => limits::FETCH_SHORTENED,
            _ => limits::FETCH,
        };
        let budget = ExchangeBudget { effort, ..self.budget.of_fetch(Instant::now(), time)? };
        let asked = servers.iter().map(|server| server.identity().address).collect();
        let (zone, forwarded) = (cut.zone.as_ref(), cut.forward.is_some());
        let elsewhere = |name: NameRef<'_>, rtype| self.is_elsewhere(name, rtype, zone);
        let (with_servers, now) = (!self.settings.minimal_responses, self.clock.now());
        let reading = ReplyReadingContext { zone, elsewhere: &elsewhere, forwarded, with_servers, now };
        let signed = self.is_signed(cut);
        let exchanged =
            ask_servers(self.net, servers, question, reading, (signed, &self.progress), budget).await;
        // The time for the question is over before these servers had theirs.
        let over = matches!(exchanged.reply, Err(ExchangeFailure::Silence))
            && self.progress.failure().is_none()
            && Instant::now() >= self.budget.deadline();
        self.progress.end_wait();
        self.budget.spend(exchanged.spent);
        let answered = |attempt: &&AttemptReport| matches!(attempt.outcome, AttemptOutcome::Answered(_));
        let by = exchanged.attempts.iter().rfind(answered);
        let address = by.map(|by| by.server.identity().address);
        self.answered.extend(address.map(|address| (question.name.clone(), question.qtype, address)));
        // Servers that the configuration names may be near by, where they say nothing of the world.
        let of_world = cut.forward.is_none() && self.settings.stub(cut.zone.as_ref()).is_none();
        if of_world && exchanged.attempts.iter().any(|attempt| attempt.outcome.was_heard()) {
            state.heard.hear();
        }
        self.note_attempts(question, exchanged.attempts);
        if let Ok(reply) = &exchanged.reply {
            self.note(cut, reply, true);
        }
        place.end();
        if place.is_shared() {
            *result = Some(SharedResult { reply: exchanged.reply.clone(), effort, asked });
        }
        if over { Err(IterationFailure::Deadline) } else { Ok(exchanged.reply) }
    }

    fn note_attempts(&mut self, question: &OutboundQuestion, attempts: Vec<AttemptReport>) {
        let (name, rtype) = (&question.name, question.qtype);
        for attempt in &attempts {
            self.trace.note(|| ResolutionEvent::Query {
                name: name.clone(),
                rtype,
                attempt: attempt.clone(),
            });
        }
        self.attempts.extend(attempts);
    }

    /// Notes that others who asked the same have heard something, if they have.
    fn hear(&self, reply: &Result<ZoneReply, ExchangeFailure>) {
        if !matches!(reply, Err(ExchangeFailure::Silence | ExchangeFailure::NoRoute | ExchangeFailure::Full))
        {
            self.progress.hear();
        }
        self.progress.end_wait();
    }

    /// Notes what was validated and is about to be replaced.
    fn note_replaced(&mut self, reply: &ZoneReply) {
        let denial = match &reply.end {
            ReplyEnd::Denial(denial) => Some(denial),
            _ => None,
        };
        for learnt in reply.links.iter().chain(denial) {
            let (owner, rtype) = (learnt.owner.as_ref(), learnt.rtype);
            let kept = self.state.records.get_within(owner, rtype, self.clock.now(), u32::MAX);
            self.replaced.extend(kept.filter(|kept| kept.security != SecurityStatus::Unchecked));
        }
    }

    /// Notes what a reply of the servers of `cut` teaches, and keeps it if it is `new`.
    fn note(&mut self, cut: &ZoneCut, reply: &ZoneReply, new: bool) {
        let state = self.state;
        if new && self.settings.trust.is_some() {
            self.note_replaced(reply);
        }
        let hold = |learnt: &Arc<LearntRecords>| {
            if new { state.records.put(Arc::clone(learnt)) } else { Arc::clone(learnt) }
        };
        self.learnt.extend(reply.links.iter().map(hold));
        if let Some((servers, glue)) = reply.apex.as_deref().filter(|_| new) {
            let ttl = servers.ttl.min(limits::TTL);
            let apex = delegation(servers, glue.clone(), ttl, self.clock.now());
            state.records.put(LearntRecords { rtype: APEX, ..apex });
        }
        self.spares.extend(reply.spare.clone());
        match &reply.end {
            ReplyEnd::Denial(denial) => self.learnt.push(hold(denial)),
            ReplyEnd::Referral(referral) if new => {
                let now = self.clock.now();
                let left = cut.expires.saturating_sub(now);
                let ttl = referral.servers.ttl.min(limits::TTL).min(left);
                state.records.put(delegation(&referral.servers, referral.glue.clone(), ttl, now));
                if !referral.outside_glue.is_empty() {
                    let kept = delegation(&referral.servers, referral.outside_glue.clone(), ttl, now);
                    state.records.put(LearntRecords { rtype: OUTSIDE_GLUE, ..kept });
                }
                if let Some(signer) = &referral.signer {
                    state.records.put(Arc::clone(signer));
                }
            }
            _ => {}
        }
    }
}

/// How long the fastest of them that are up needs as a rule; nothing where that is not known.
pub(super) fn usual_time(servers: &[Arc<RemoteServer>]) -> Duration {
    servers.iter().filter_map(|server| server.usual_time()).min().unwrap_or_default()
}

fn told(cut: &ZoneCut, why: ExchangeFailure, servers: usize) -> IterationFailure {
    let zone = cut.zone.clone();
    match why {
        ExchangeFailure::Refused(rcode) => IterationFailure::Refused { zone, rcode },
        ExchangeFailure::Unusable(why) => IterationFailure::Unusable { zone, why },
        ExchangeFailure::Untrusted(why) => IterationFailure::Untrusted { zone, why },
        ExchangeFailure::NoStream => IterationFailure::NoStream(zone),
        ExchangeFailure::NoRoute => IterationFailure::NoRoute(zone),
        ExchangeFailure::Full => IterationFailure::Full(zone),
        ExchangeFailure::Silence => IterationFailure::Silence { zone, servers },
    }
}
