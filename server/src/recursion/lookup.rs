//! One look-up: ask the route's upstreams, keep what was learnt, and report to the task that waits.

use std::sync::Arc;
use std::time::Duration;

use rhumb_cache::{AnswerKey, AnswerOrigin, CacheHit, WantedAnswer};
use rhumb_resolver::forward::limits;
use rhumb_resolver::{
    AttemptOutcome, AttemptReport, ExtendedReason, FailureReason, ForwardAnswer, ForwardFailure,
    OutboundQuestion, UnusableReply, forward, holds_private_address,
};
use rhumb_wire::edns::ExtendedError;
use rhumb_wire::{Rcode, header};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::circle_check;
use super::failure_log::FailureLog;
use super::lookup_shares::LookupPermit;
use super::tried::{TriedServer, tried};
use super::upstream_network::UpstreamNetwork;
use crate::metrics::{LookupResult, ResponseSource, UpstreamFailure};
use crate::query::{
    CIRCLE, PRIVATE_ADDRESS, WaitingClient, add_reason, answer_waiting, check_aliases, fail_waiting,
    failure_message,
};
use crate::snapshot::{ForwardRoute, RouteCourse, RouteState, ServerState};

/// From then on a client gets a stale answer, if there is one, while the look-up goes on (RFC 8767 section 5).
pub(super) const STALE_AFTER: Duration = Duration::from_millis(1800);
/// How long failures are kept (RFC 9520 section 3.2: at least a second, at most five minutes), in seconds.
const FAILURE_TTL: u32 = 5;
/// How long stale answers stand in before the upstreams are asked again (RFC 8767 section 5), in seconds.
const RECHECK: u32 = 30;
/// Room for a header and the longest question.
const HEAD: usize = header::LENGTH + 255 + 4;
/// How long after its own end a question that began anew is given up.
const GRACE: Duration = Duration::from_millis(50);
/// How often a look-up begins anew because its upstreams were taken away.
const RESTARTS: usize = 4;

/// What makes two questions one: the question with DO and CD, the route, the route's upstreams.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct LookupKey {
    pub(super) question: OutboundQuestion,
    pub(super) route: u32,
    pub(super) upstreams: u64,
    /// Whether nobody is asked.
    pub(super) known_only: bool,
}

/// A response code without an answer.
#[derive(Debug)]
pub(super) struct LookupFailure {
    rcode: Rcode,
    /// Why, as far as this server knows.
    error: Option<(ExtendedError, &'static str)>,
    /// Why, as the upstream says: a message in the cache's form.
    upstream: Option<Vec<u8>>,
}

impl LookupFailure {
    /// Writes the response to a client that waits. Gives its length, as [`fail_waiting`] does.
    pub(super) fn write(&self, client: &WaitingClient, out: &mut [u8]) -> Option<usize> {
        match &self.upstream {
            Some(message) => answer_waiting(client, message, None, out),
            None => fail_waiting(client, self.rcode, self.error, out),
        }
    }
}

/// What a look-up found.
#[derive(Debug)]
pub(super) struct LookupAnswer {
    /// What was learnt, or why there is nothing.
    pub(super) outcome: Result<LookupMessage, LookupFailure>,
    pub(super) tried: Arc<[TriedServer]>,
}

/// An answer in the cache's form.
#[derive(Debug)]
pub(super) struct LookupMessage {
    pub(super) bytes: Arc<[u8]>,
    /// What the cache says of it, if it came from there.
    pub(super) hit: Option<CacheHit>,
    /// How its aliases were checked.
    pub(super) aliases: u32,
}

/// What a look-up reports to its task.
#[derive(Debug)]
pub(super) enum LookupEvent {
    /// It takes long, and here is a stale answer.
    Stale(Arc<LookupKey>, LookupAnswer),
    /// It is over.
    Done(Arc<LookupKey>, LookupAnswer),
}

/// All that a look-up needs.
pub(super) struct UpstreamLookup {
    pub(super) live: Arc<ServerState>,
    pub(super) network: Arc<UpstreamNetwork>,
    failures: Arc<FailureLog>,
    pub(super) route: Arc<ForwardRoute>,
    pub(super) key: Arc<LookupKey>,
    /// The question in lower case, as the cache wants it.
    wire: Box<[u8]>,
    /// Its place among the look-ups under way.
    permit: LookupPermit,
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
        failures: &Arc<FailureLog>,
        route: Arc<ForwardRoute>,
        key: Arc<LookupKey>,
        permit: LookupPermit,
    ) -> Self {
        let wire = key.question.to_wire();
        let (live, network, failures) = (Arc::clone(live), Arc::clone(network), Arc::clone(failures));
        Self { live, network, failures, route, key, wire, permit }
    }

    /// Looks up and reports to `events` whatever happens, a panic too.
    pub(super) async fn run(mut self, events: mpsc::UnboundedSender<LookupEvent>) {
        let (key, live) = (Arc::clone(&self.key), Arc::clone(&self.live));
        let mut end = LookupEnd { key, live, events: Some(events.clone()) };
        let begun = Instant::now();
        let found = self.find(&events).await;
        self.route.counters().lookup(found.result(), begun.elapsed());
        if found.result() == LookupResult::Answered {
            self.permit.answered();
        }
        drop(self.permit);
        end.report(found);
    }

    async fn find(&self, events: &mpsc::UnboundedSender<LookupEvent>) -> LookupAnswer {
        let mut state = self.route.state();
        let plan = self.live.snapshot.load().iteration.clone();
        let course = plan.course(self.route.id());
        if self.key.known_only {
            return self.recalled();
        }
        if let (RouteCourse::Iterate | RouteCourse::Validate, Some(settings)) = (course, &plan.settings) {
            return self.iterated(settings, &state, events).await;
        }
        let mut stale = std::pin::pin!(tokio::time::sleep(STALE_AFTER));
        let mut deadline = std::pin::pin!(tokio::time::sleep(limits::DEADLINE + GRACE));
        let mut waiting = true;
        for _ in 0..RESTARTS {
            let changes = self.route.changes();
            state = self.route.state();
            let observe = |attempt: &AttemptReport| {
                count(attempt, &state);
                if attempt.outcome == AttemptOutcome::TimedOut {
                    circle_check::suspect(&self.live, &self.network, &self.route);
                }
            };
            let mut asked = std::pin::pin!(ask(&self.network, &state, &self.key.question, observe));
            let mut taken = std::pin::pin!(taken_away(&self.route, &state, changes));
            loop {
                tokio::select! {
                    biased;
                    result = &mut asked => match (&result, course, &plan.settings) {
                        (Err(_), RouteCourse::ForwardFirst, Some(settings)) => {
                            return self.iterated(settings, &state, events).await;
                        }
                        _ => return self.conclude(&state, result),
                    },
                    () = &mut deadline => {
                        let error = (ExtendedError::NoReachableAuthority, "no upstream replied");
                        return self.fail(&state, Rcode::SERVFAIL, error, None, Arc::default());
                    }
                    () = &mut taken => break,
                    () = &mut stale, if waiting => {
                        waiting = false;
                        if let Some(found) = self.stale(&state, true) {
                            let _ = events.send(LookupEvent::Stale(Arc::clone(&self.key), found));
                        }
                    }
                }
            }
        }
        let error = (ExtendedError::NoReachableAuthority, "the upstreams keep changing");
        self.fail(&state, Rcode::SERVFAIL, error, None, Arc::default())
    }

    fn key(&self) -> AnswerKey<'_> {
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
                let (ttl, attempts) = (answer.ttl, tried(&answer.attempts));
                let message = self.message_of(state, answer);
                self.keep_answer(message, ttl, false, origin, attempts)
            }
            Err(failure) => {
                let tried = tried(&failure.attempts);
                self.fail(state, failure.rcode(), reason(&failure, state), failure.extended.as_ref(), tried)
            }
        }
    }

    /// An answer as the cache keeps it, with what the upstream says of it; an empty one in place of one that may not be believed.
    fn message_of(&self, state: &RouteState, answer: ForwardAnswer) -> Vec<u8> {
        let question = &self.key.question;
        let mut message = answer.message;
        if state.terms.trust.guards(question.name.as_ref()) && holds_private_address(&message) {
            message = failure_message(question, Rcode::NOERROR);
            add_reason(&mut message, PRIVATE_ADDRESS.0.code(), PRIVATE_ADDRESS.1);
            return message;
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
        tried: Arc<[TriedServer]>,
    ) -> LookupAnswer {
        let now = self.live.clock.now();
        let aliases = self.check_aliases(&answer, whole);
        let kept = self.live.cache.keep(&self.key(), &answer, ttl, aliases, origin, now);
        // As the cache gives it, TTLs held to the limits; what cannot be kept is still an answer.
        let message = kept.ok().and_then(|()| self.kept(now, answer.len())).unwrap_or(answer);
        let message = LookupMessage { bytes: message.into(), hit: None, aliases };
        LookupAnswer { outcome: Ok(message), tried }
    }

    /// Keeps the failure, and answers with what is stale where there is something.
    pub(super) fn fail(
        &self,
        state: &RouteState,
        rcode: Rcode,
        error: (ExtendedError, &'static str),
        upstream: Option<&ExtendedReason>,
        tried: Arc<[TriedServer]>,
    ) -> LookupAnswer {
        let said = upstream.map(|reason| (reason.code, said_upstream(reason)));
        let said = said.as_ref().map(|(code, text)| (*code, text.as_str()));
        self.fail_because(state, rcode, Some(error), said, tried)
    }

    /// The same with a cause that is found in the message too: an info code and its text.
    pub(super) fn fail_because(
        &self,
        state: &RouteState,
        rcode: Rcode,
        error: Option<(ExtendedError, &'static str)>,
        said: Option<(u16, &str)>,
        tried: Arc<[TriedServer]>,
    ) -> LookupAnswer {
        self.fail_with(state, failure_message(&self.key.question, rcode), error, said, tried)
    }

    /// The same with a message that has the response code already.
    pub(super) fn fail_with(
        &self,
        state: &RouteState,
        mut message: Vec<u8>,
        error: Option<(ExtendedError, &'static str)>,
        said: Option<(u16, &str)>,
        tried: Arc<[TriedServer]>,
    ) -> LookupAnswer {
        let rcode = Rcode(message.get(3).map_or(0, |low| u16::from(*low) & header::RCODE));
        if let Some((code, text)) = said {
            add_reason(&mut message, code, text);
        }
        let (cache, now) = (&self.live.cache, self.live.clock.now());
        let ttl = if self.has_stale(now) { RECHECK } else { FAILURE_TTL };
        let _ = cache.keep_failure(&self.key(), &message, ttl, state.failures, now);
        if let Some(found) = self.stale(state, false) {
            return LookupAnswer { tried, ..found };
        }
        if rcode == Rcode::SERVFAIL
            && let Some(message) = self.recalled_stale()
        {
            return self.keep_answer(message, RECHECK, true, state.failures, tried);
        }
        // That a domain has no upstream is said once for all its names.
        if rcode == Rcode::SERVFAIL && (state.pool.is_healthy() || state.members.is_empty()) {
            let cause = error.map_or(said.map_or("", |(_, text)| text), |(_, text)| text);
            self.failures.failed(&self.key.question, cause, &tried);
        }
        let failure = LookupFailure { rcode, error, upstream: said.map(|_| message) };
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
        self.live.metrics.with_local(|block| block.cache(crate::metrics::CacheEvent::Stale));
        let message = LookupMessage { bytes: message.into(), hit: Some(hit), aliases: hit.aliases };
        Some(LookupAnswer { outcome: Ok(message), tried: Arc::default() })
    }
}

/// What the cache has by now. `out` takes the longest message.
pub(super) fn cached(live: &ServerState, key: &LookupKey, out: &mut [u8]) -> Option<LookupAnswer> {
    let wire = key.question.to_wire();
    let OutboundQuestion { dnssec_ok, checking_disabled, .. } = key.question;
    let key = AnswerKey { question: &wire, route: key.route, dnssec_ok, checking_disabled };
    let hit = live.cache.look_up(&key, WantedAnswer::Fresh, live.clock.now(), out.len(), out)?;
    let message =
        LookupMessage { bytes: out.get(..hit.length)?.into(), hit: Some(hit), aliases: hit.aliases };
    Some(LookupAnswer { outcome: Ok(message), tried: Arc::default() })
}

impl LookupAnswer {
    /// Where it comes from.
    pub(super) fn source(&self) -> ResponseSource {
        match &self.outcome {
            Ok(message) if message.hit.is_some() => ResponseSource::Cache,
            Ok(_) => ResponseSource::Upstream,
            Err(_) => ResponseSource::Server,
        }
    }

    /// As a look-up is counted that ended so.
    fn result(&self) -> LookupResult {
        match &self.outcome {
            Ok(message) if message.hit.is_some_and(|hit| hit.stale) => LookupResult::Stale,
            Ok(_) => LookupResult::Answered,
            Err(_) => LookupResult::Failed,
        }
    }

    const fn failure(rcode: Rcode, error: (ExtendedError, &'static str), tried: Arc<[TriedServer]>) -> Self {
        let failure = LookupFailure { rcode, error: Some(error), upstream: None };
        Self { outcome: Err(failure), tried }
    }
}

async fn ask(
    network: &UpstreamNetwork,
    state: &RouteState,
    question: &OutboundQuestion,
    mut observe: impl FnMut(&AttemptReport) + Send,
) -> Result<ForwardAnswer, ForwardFailure> {
    forward(network, &state.pool, question, &mut observe).await
}

/// Ends once an upstream that this look-up may be waiting for is no longer on the route's list.
async fn taken_away(route: &ForwardRoute, state: &RouteState, mut changes: watch::Receiver<u64>) {
    while !state.lost_in(&route.state()) {
        if changes.changed().await.is_err() {
            // The route is gone from the configuration; what was begun on it ends on it.
            std::future::pending::<()>().await;
        }
    }
}

fn count(attempt: &AttemptReport, state: &RouteState) {
    let Some(member) = state.member(attempt.server.identity()) else { return };
    let counters = &member.counters;
    if attempt.outcome != AttemptOutcome::NoRoute {
        counters.request(!attempt.transport.is_datagram());
    }
    if let AttemptOutcome::Answered(rcode)
    | AttemptOutcome::Refused(rcode)
    | AttemptOutcome::WithoutEdns(rcode) = attempt.outcome
    {
        counters.response(rcode.0, attempt.elapsed);
    }
    if let Some(reason) = failure_of(attempt.outcome) {
        counters.failure(reason);
    }
    counters.set_healthy(attempt.server.is_healthy());
}

/// Why an attempt brought nothing that could be used; none where it did, or where the next one is part of it.
const fn failure_of(outcome: AttemptOutcome) -> Option<UpstreamFailure> {
    Some(match outcome {
        AttemptOutcome::TimedOut => UpstreamFailure::Timeout,
        AttemptOutcome::ConnectionRefused => UpstreamFailure::ConnectionRefused,
        AttemptOutcome::Unreachable | AttemptOutcome::NoRoute => UpstreamFailure::Unreachable,
        AttemptOutcome::Suspicious(_) | AttemptOutcome::Unusable(UnusableReply::Mismatch) => {
            UpstreamFailure::Mismatched
        }
        AttemptOutcome::Malformed | AttemptOutcome::Unusable(_) => UpstreamFailure::Unusable,
        AttemptOutcome::Error(_) => UpstreamFailure::Error,
        AttemptOutcome::Answered(_)
        | AttemptOutcome::Refused(_)
        | AttemptOutcome::WithoutEdns(_)
        | AttemptOutcome::Truncated
        | AttemptOutcome::Overtaken => return None,
    })
}

fn reason(failure: &ForwardFailure, state: &RouteState) -> (ExtendedError, &'static str) {
    match failure.reason {
        FailureReason::NoUpstream if !state.excluded.is_empty() => CIRCLE,
        FailureReason::NoUpstream => (ExtendedError::NoReachableAuthority, "no upstream is configured"),
        FailureReason::NoRoute => (ExtendedError::NetworkError, "no route to any upstream"),
        FailureReason::Silence => (ExtendedError::NoReachableAuthority, "no upstream replied"),
        FailureReason::Unusable(_) => (ExtendedError::InvalidData, "no usable reply from any upstream"),
        FailureReason::Rcode(_) => (ExtendedError::Other, "every upstream failed"),
    }
}

/// What an upstream gives as its reason, marked as its own.
fn said_upstream(reason: &ExtendedReason) -> String {
    if reason.text.is_empty() { "upstream".to_owned() } else { format!("upstream: {}", reason.text) }
}
