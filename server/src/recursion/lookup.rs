//! One look-up: ask the route's upstreams, keep what was learnt, and report to the task that waits.

use std::sync::Arc;
use std::time::Duration;

use rhumb_cache::{AnswerKey, AnswerOrigin, AnswerTerms, CacheHit, NotKept, WantedAnswer};
use rhumb_resolver::forward::limits;
use rhumb_resolver::{
    AttemptOutcome, AttemptReport, ForwardAnswer, ForwardFailure, OutboundQuestion, forward,
    holds_private_address,
};
use rhumb_wire::edns::ExtendedError;
use rhumb_wire::{Rcode, header};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::circle_check;
use super::explained_lookups::ExplainedLookups;
use super::failure_back_off::FailureBackOff;
use super::failure_log::FailureLog;
use super::forward_attempts::{REFERRAL, count, count_any, reason, said_upstream, silence};
use super::lookup_answer::{LookupAnswer, LookupFailure, LookupMessage, is_unreachable};
use super::lookup_shares::LookupPermit;
use super::upstream_network::UpstreamNetwork;
use crate::metrics::{DomainSource, LookupResult};
use crate::query::{add_reason, check_aliases, failure_message};
use crate::snapshot::{FallbackCourse, ForwardRoute, RouteCourse, RouteState, ServerState};

/// From then on a client gets a stale answer, if there is one, while the look-up goes on (RFC 8767 section 5).
pub(super) const STALE_AFTER: Duration = Duration::from_millis(1800);
/// How long stale answers stand in before the upstreams are asked again (RFC 8767 section 5), in seconds.
const RECHECK: u32 = 30;
/// The same where servers could not be reached: once the network is back, everything is to be found again in ten seconds. Servers that are
/// silent are spared all the same, whatever is asked.
pub(super) const RECHECK_UNREACHABLE: u32 = 5;
/// Room for a header and the longest question.
const HEAD: usize = header::LENGTH + 255 + 4;
/// How long after its own end a question that began anew is given up.
pub(super) const GRACE: Duration = Duration::from_millis(50);
/// How often a look-up begins anew because its upstreams were taken away.
pub(super) const RESTARTS: usize = 4;

/// What makes two questions one: the question with DO and CD, the route, the route's upstreams.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct LookupKey {
    pub(super) question: OutboundQuestion,
    pub(super) route: u32,
    pub(super) upstreams: u64,
    /// Whether nobody is asked.
    pub(super) known_only: bool,
    /// Where it leaves what it did, if it is explained.
    pub(super) explained: Option<ExplainedLookups>,
}

/// What a look-up reports to its task.
#[derive(Debug)]
pub(super) enum LookupEvent {
    /// It takes long, and here is a stale answer, or why there is none yet.
    Meanwhile(Arc<LookupKey>, LookupAnswer),
    /// It is over.
    Done(Arc<LookupKey>, LookupAnswer),
}

/// All that a look-up needs.
pub(super) struct UpstreamLookup {
    pub(super) live: Arc<ServerState>,
    pub(super) network: Arc<UpstreamNetwork>,
    failures: Arc<FailureLog>,
    back_off: Arc<FailureBackOff>,
    pub(super) route: Arc<ForwardRoute>,
    pub(super) key: Arc<LookupKey>,
    /// The question in lower case, as the cache wants it.
    wire: Box<[u8]>,
    /// Its place among the look-ups under way; none for one that is part of another.
    permit: Option<LookupPermit>,
}

/// Reports the end of a look-up, that by a panic too.
struct LookupEnd {
    key: Arc<LookupKey>,
    live: Arc<ServerState>,
    /// None once it is reported.
    events: Option<mpsc::UnboundedSender<LookupEvent>>,
}

impl LookupEnd {
    fn report(&mut self, found: LookupAnswer) {
        if let Some(events) = self.events.take() {
            // The task is gone if it panicked or the server ends; its clients have their answers then.
            let _ = events.send(LookupEvent::Done(Arc::clone(&self.key), found));
        }
    }
}

impl Drop for LookupEnd {
    fn drop(&mut self) {
        if self.events.is_some() {
            self.live.metrics.with_local(crate::metrics::CounterBlock::panic);
            let error = (ExtendedError::Other, "internal error");
            self.report(LookupAnswer::failure(Rcode::SERVFAIL, error, Arc::default()));
        }
    }
}

impl UpstreamLookup {
    pub(super) fn new(
        live: &Arc<ServerState>,
        network: &Arc<UpstreamNetwork>,
        (failures, back_off): (&Arc<FailureLog>, &Arc<FailureBackOff>),
        route: Arc<ForwardRoute>,
        key: Arc<LookupKey>,
        permit: LookupPermit,
    ) -> Self {
        let wire = key.question.to_wire();
        let (live, network) = (Arc::clone(live), Arc::clone(network));
        let (failures, back_off) = (Arc::clone(failures), Arc::clone(back_off));
        Self { live, network, failures, back_off, route, key, wire, permit: Some(permit) }
    }

    /// A look-up by the same route that is part of this one.
    pub(super) fn of_question(&self, key: Arc<LookupKey>) -> Self {
        Self {
            live: Arc::clone(&self.live),
            network: Arc::clone(&self.network),
            failures: Arc::clone(&self.failures),
            back_off: Arc::clone(&self.back_off),
            route: Arc::clone(&self.route),
            wire: key.question.to_wire(),
            key,
            permit: None,
        }
    }

    /// Looks up and reports to `events` whatever happens, a panic too.
    pub(super) async fn run(mut self, events: mpsc::UnboundedSender<LookupEvent>) {
        let (key, live) = (Arc::clone(&self.key), Arc::clone(&self.live));
        let mut end = LookupEnd { key, live, events: Some(events.clone()) };
        let _running = self.live.lookups.begin(&self.key.question, self.route.domain());
        let begun = Instant::now();
        // What is spawned is copied several times before it begins: the larger part is on the heap only then.
        let found = match self.synthesis() {
            Some(prefix) => Box::pin(self.with_addresses(prefix, &events)).await,
            None => Box::pin(self.asked(&events)).await,
        };
        self.route.counters().lookup(found.result(), begun.elapsed());
        if found.result() == LookupResult::Answered {
            self.back_off.answered(&self.key.question);
            if let Some(permit) = &mut self.permit {
                permit.answered();
            }
        }
        drop(self.permit);
        end.report(found);
    }

    /// The answer as the route gives it.
    pub(super) async fn asked(&self, events: &mpsc::UnboundedSender<LookupEvent>) -> LookupAnswer {
        if self.key.known_only {
            return self.recalled();
        }
        let snapshot = self.live.snapshot.load_full();
        let plan = &snapshot.iteration;
        match (plan.course(self.route.id()), &plan.settings, &plan.validating) {
            (RouteCourse::Iterate, Some(settings), _) => self.iterated(settings, events).await,
            (RouteCourse::Forward(course), _, Some(settings)) if course.validates && self.has_upstreams() => {
                self.validated(settings, course.fallback, events).await
            }
            (RouteCourse::Forward(course), ..) => self.forwarded(course.fallback, events).await,
            (RouteCourse::Iterate, None, _) => self.forwarded(FallbackCourse::Fail, events).await,
        }
    }

    fn has_upstreams(&self) -> bool {
        !self.route.state().pool.upstreams().is_empty()
    }

    /// The answer of the upstreams.
    async fn forwarded(
        &self,
        fallback: FallbackCourse,
        events: &mpsc::UnboundedSender<LookupEvent>,
    ) -> LookupAnswer {
        let mut state = self.route.state();
        let mut stale = std::pin::pin!(tokio::time::sleep(STALE_AFTER));
        let mut deadline = std::pin::pin!(tokio::time::sleep(limits::DEADLINE + GRACE));
        let mut waiting = true;
        for _ in 0..RESTARTS {
            let changes = self.route.changes();
            state = self.route.state();
            let observe = |attempt: &AttemptReport| self.observe(attempt, &state);
            let mut asked = std::pin::pin!(ask(&self.network, &state, &self.key.question, observe));
            let mut taken = std::pin::pin!(taken_away(&self.route, &state, changes));
            loop {
                tokio::select! {
                    biased;
                    result = &mut asked => {
                        if let Some(explained) = &self.key.explained {
                            let attempts = result.as_ref().map_or_else(|failure| &failure.attempts, |answer| &answer.attempts);
                            explained.add_attempts(&self.key.question, attempts);
                        }
                        return match (&result, fallback) {
                            (Err(_), FallbackCourse::Iterate { validates }) => self.fall_back(validates, events).await,
                            _ => self.conclude(&state, result),
                        };
                    },
                    () = &mut deadline => {
                        let text = silence(&state, self.route.domain());
                        let said = (ExtendedError::NoReachableAuthority.code(), &*text);
                        return self.fail(&state, Rcode::SERVFAIL, said, Arc::default());
                    }
                    () = &mut taken => break,
                    () = &mut stale, if waiting => {
                        waiting = false;
                        self.report_stale(&state, events);
                    }
                }
            }
        }
        let text = changing(&self.route);
        let said = (ExtendedError::NoReachableAuthority.code(), &*text);
        self.fail(&state, Rcode::SERVFAIL, said, Arc::default())
    }

    /// Counts an attempt at an upstream; one that is silent may be on a circle.
    pub(super) fn observe(&self, attempt: &AttemptReport, state: &RouteState) {
        count(attempt, state);
        count_any(attempt, &self.live.metrics);
        if attempt.outcome == AttemptOutcome::TimedOut {
            circle_check::suspect(&self.live, &self.network, &self.route);
        }
    }

    /// Reports the stale answer to those who wait: whether there is one.
    pub(super) fn report_stale(
        &self,
        state: &RouteState,
        events: &mpsc::UnboundedSender<LookupEvent>,
    ) -> bool {
        let found = self.stale(state, true).or_else(|| self.stale_again(state));
        let Some(found) = found else { return false };
        let _ = events.send(LookupEvent::Meanwhile(Arc::clone(&self.key), found));
        true
    }

    pub(super) fn key(&self) -> AnswerKey<'_> {
        AnswerKey {
            question: &self.wire,
            route: self.route.id(),
            dnssec_ok: self.key.question.dnssec_ok,
            checking_disabled: self.key.question.checking_disabled,
        }
    }

    fn conclude(&self, state: &RouteState, result: Result<ForwardAnswer, ForwardFailure>) -> LookupAnswer {
        match result {
            Ok(answer) => {
                let origin =
                    state.member(answer.server.identity()).map_or(AnswerOrigin::NONE, |member| member.origin);
                let (ttl, attempts) = (answer.ttl, Arc::from(&*answer.attempts));
                self.route.counters().answered_by(DomainSource::Upstream);
                let message = self.message_of(state, answer);
                self.keep_answer(message, ttl, false, origin, attempts)
            }
            Err(failure) if failure.is_referral_within(self.route.domain().as_ref()) => {
                let (code, text) = (REFERRAL.0.code(), REFERRAL.1);
                self.fail(state, Rcode::NOERROR, (code, text), failure.attempts.into())
            }
            Err(failure) => {
                let (code, text) = reason(&failure, state, self.route.domain());
                self.fail(state, failure.rcode(), (code, &text), failure.attempts.into())
            }
        }
    }

    /// An answer as the cache keeps it, with what the upstream says of it; an empty one in place of one that may not be believed.
    fn message_of(&self, state: &RouteState, answer: ForwardAnswer) -> Vec<u8> {
        let question = &self.key.question;
        let mut message = answer.message;
        if state.terms.trust.guards(question.name.as_ref()) && holds_private_address(&message) {
            return self.without_addresses();
        }
        if let Some(low) = message.get_mut(3).filter(|_| answer.authentic) {
            *low |= header::AD as u8;
        }
        if let Some(reason) = &answer.reason {
            add_reason(&mut message, reason.code, &said_upstream(reason));
        }
        message
    }

    /// Keeps an answer that was learnt; `whole` says that aliases in it were followed to their end.
    pub(super) fn keep_answer(
        &self,
        answer: Vec<u8>,
        ttl: u32,
        whole: bool,
        origin: AnswerOrigin,
        tried: Arc<[AttemptReport]>,
    ) -> LookupAnswer {
        if self.lacks_addresses(&answer) {
            return self.not_kept(answer, whole, tried);
        }
        let now = self.live.clock.now();
        let aliases = self.check_aliases(&answer, whole);
        let terms = AnswerTerms { ttl, aliases, origin, stands_in: false };
        let kept = self.live.cache.keep(&self.key(), &answer, terms, now);
        self.answered(answer, kept, aliases, tried)
    }

    /// What was kept, or could not be.
    pub(super) fn answered(
        &self,
        answer: Vec<u8>,
        kept: Result<(), NotKept>,
        aliases: u32,
        tried: Arc<[AttemptReport]>,
    ) -> LookupAnswer {
        let now = self.live.clock.now();
        // As the cache gives it, TTLs held to the limits; what cannot be kept is still an answer.
        let message = kept.ok().and_then(|()| self.kept(now, answer.len())).unwrap_or(answer);
        let message = LookupMessage { bytes: message.into(), hit: None, stale: false, aliases };
        LookupAnswer { outcome: Ok(message), tried }
    }

    /// An answer of which nothing is kept but its records.
    pub(super) fn not_kept(&self, answer: Vec<u8>, whole: bool, tried: Arc<[AttemptReport]>) -> LookupAnswer {
        let aliases = self.check_aliases(&answer, whole);
        let message = LookupMessage { bytes: answer.into(), hit: None, stale: false, aliases };
        LookupAnswer { outcome: Ok(message), tried }
    }

    /// Keeps an answer that was made out of `found`.
    pub(super) fn keep_made(&self, message: Vec<u8>, ttl: u32, found: LookupAnswer) -> LookupAnswer {
        self.keep_answer(message, ttl, true, self.route.state().failures, found.tried)
    }

    /// Keeps a denial that was held back.
    pub(super) fn keep_denial(&self, found: LookupAnswer, ttl: u32) -> LookupAnswer {
        if let Ok(message) = &found.outcome {
            let (origin, now) = (self.route.state().failures, self.live.clock.now());
            let terms = AnswerTerms { ttl, aliases: message.aliases, origin, stands_in: false };
            let _ = self.live.cache.keep(&self.key(), &message.bytes, terms, now);
        }
        found
    }

    /// Keeps the failure with its cause, an info code and its text, and answers with what is stale where there is something.
    pub(super) fn fail(
        &self,
        state: &RouteState,
        rcode: Rcode,
        cause: (u16, &str),
        tried: Arc<[AttemptReport]>,
    ) -> LookupAnswer {
        self.fail_with(state, failure_message(&self.key.question, rcode), cause, tried)
    }

    /// The same with a message that has the response code already.
    pub(super) fn fail_with(
        &self,
        state: &RouteState,
        mut message: Vec<u8>,
        (code, text): (u16, &str),
        tried: Arc<[AttemptReport]>,
    ) -> LookupAnswer {
        let rcode = Rcode(message.get(3).map_or(0, |low| u16::from(*low) & header::RCODE));
        add_reason(&mut message, code, text);
        let unreachable = is_unreachable(code);
        let (cache, now) = (&self.live.cache, self.live.clock.now());
        let recheck = if unreachable { RECHECK_UNREACHABLE } else { RECHECK };
        let ttl = if self.has_stale(now) {
            recheck
        } else {
            // The clock's second that has begun does not count: a failure is remembered for one at the least (RFC 9520 section 3.2).
            self.back_off.failed(&self.key.question, unreachable, now) + 1
        };
        let _ = cache.keep_failure(&self.key(), &message, ttl, state.failures, now);
        if let Some(found) = self.stale(state, false) {
            return LookupAnswer { tried, ..found };
        }
        if rcode == Rcode::SERVFAIL
            && let Some(message) = self.recalled_stale()
        {
            return self.keep_stale(message, recheck, state, tried);
        }
        // That a domain has no upstream is said once for all its names.
        let telling = matches!(rcode, Rcode::SERVFAIL | Rcode::NOERROR);
        if telling && (state.pool.is_healthy() || state.members.is_empty()) {
            self.failures.failed(&self.key.question, rcode, text, &tried);
        }
        if rcode == Rcode::NOERROR {
            let aliases = self.check_aliases(&message, true);
            let message = LookupMessage { bytes: message.into(), hit: None, stale: false, aliases };
            return LookupAnswer { outcome: Ok(message), tried };
        }
        let failure =
            LookupFailure { rcode, error: None, said: Some((code, text.into())), message: Some(message) };
        LookupAnswer { outcome: Err(failure), tried }
    }

    pub(super) fn check_aliases(&self, message: &[u8], whole: bool) -> u32 {
        check_aliases(&self.live.snapshot.load(), self.route.id(), &self.key.question, message, whole)
    }

    /// What was just kept.
    fn kept(&self, now: u32, length: usize) -> Option<Vec<u8>> {
        let mut message = vec![0; length];
        self.live.cache.look_up(&self.key(), WantedAnswer::Fresh, now, length, &mut message)?;
        Some(message)
    }

    /// Whether there is a stale answer. Most failures have none, and are not to cost a buffer.
    fn has_stale(&self, now: u32) -> bool {
        // Of what does not fit the question is given.
        let mut head = [0; HEAD];
        let hit = self.live.cache.look_up(&self.key(), WantedAnswer::Stale, now, HEAD, &mut head);
        hit.is_some_and(|hit| !hit.failure)
    }

    fn stale_hit(&self, out: &mut Vec<u8>) -> Option<CacheHit> {
        let now = self.live.clock.now();
        if !self.has_stale(now) {
            return None;
        }
        out.resize(65_535, 0);
        let hit = self.live.cache.look_up(&self.key(), WantedAnswer::Stale, now, out.len(), out)?;
        out.truncate(hit.length);
        (!hit.failure).then_some(hit)
    }

    /// The stale answer; with `spare` the upstreams are then left alone for a while by other clients of this question.
    pub(super) fn stale(&self, state: &RouteState, spare: bool) -> Option<LookupAnswer> {
        let mut message = Vec::new();
        let hit = self.stale_hit(&mut message)?;
        if spare {
            let failure = failure_message(&self.key.question, Rcode::SERVFAIL);
            let now = self.live.clock.now();
            let _ = self.live.cache.keep_failure(&self.key(), &failure, RECHECK, state.failures, now);
        }
        let message = LookupMessage::of_cache(message.into(), hit);
        Some(LookupAnswer { outcome: Ok(message), tried: Arc::default() })
    }
}

/// What the cache has by now. `out` takes the longest message.
pub(super) fn cached(live: &ServerState, key: &LookupKey, out: &mut [u8]) -> Option<LookupAnswer> {
    let wire = key.question.to_wire();
    let OutboundQuestion { dnssec_ok, checking_disabled, .. } = key.question;
    let key = AnswerKey { question: &wire, route: key.route, dnssec_ok, checking_disabled };
    let hit = live.cache.look_up(&key, WantedAnswer::Fresh, live.clock.now(), out.len(), out)?;
    let message = LookupMessage::of_cache(out.get(..hit.length)?.into(), hit);
    Some(LookupAnswer { outcome: Ok(message), tried: Arc::default() })
}

async fn ask(
    network: &UpstreamNetwork,
    state: &RouteState,
    question: &OutboundQuestion,
    mut observe: impl FnMut(&AttemptReport) + Send,
) -> Result<ForwardAnswer, ForwardFailure> {
    forward(network, &state.pool, question, &mut observe).await
}

/// Why a look-up was given up that began anew too often.
pub(super) fn changing(route: &ForwardRoute) -> String {
    format!("the upstreams for {} keep changing", route.domain())
}

/// Ends once an upstream that this look-up may be waiting for is no longer on the route's list.
pub(super) async fn taken_away(route: &ForwardRoute, state: &RouteState, mut changes: watch::Receiver<u64>) {
    while !state.lost_in(&route.state()) {
        if changes.changed().await.is_err() {
            // The route is gone from the configuration; what was begun on it ends on it.
            std::future::pending::<()>().await;
        }
    }
}
