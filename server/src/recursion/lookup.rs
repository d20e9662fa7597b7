//! One look-up: ask the route's upstreams, keep what was learnt, and tell the driver.

use std::sync::Arc;
use std::time::Duration;

use rhumb_cache::{Hit, Key, Origin, Want};
use rhumb_resolver::{
    AttemptOutcome, AttemptReport, FailureReason, ForwardAnswer, ForwardFailure, Question, forward,
};
use rhumb_wire::Rcode;
use rhumb_wire::edns::ExtendedError;
use serde::Serialize;
use tokio::sync::{mpsc, watch};

use super::UpstreamNetwork;
use crate::query::failure_message;
use crate::snapshot::{Route, RouteState, ServerState};

/// From then on a client gets a stale answer, if there is one, while the look-up goes on (RFC 8767 section 5).
const STALE_AFTER: Duration = Duration::from_millis(1800);
/// How long failures are kept (RFC 9520 section 3.2: at least a second, at most five minutes), in seconds.
const FAILURE_TTL: u32 = 5;
/// How long stale answers stand in before the upstreams are asked again (RFC 8767 section 5), in seconds.
const RECHECK: u32 = 30;
/// How often a look-up begins anew because its upstreams were taken away.
const RESTARTS: usize = 4;

/// What makes two questions one: the question, the route, the route's upstreams, DO and CD.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct FlightKey {
    pub(super) question: Box<[u8]>,
    pub(super) route: u32,
    pub(super) upstreams: u64,
    pub(super) bits: (bool, bool),
}

/// An attempt as `explain` tells it.
#[derive(Debug, Clone, Serialize)]
pub struct Tried {
    /// The upstream's address.
    pub upstream: String,
    /// `udp` or `tcp`.
    pub transport: &'static str,
    /// What came of it.
    pub outcome: String,
    /// Milliseconds it took.
    pub ms: f64,
}

/// What a client is told instead of an answer.
pub(super) type Said = (Rcode, (ExtendedError, &'static str));

/// What a look-up found.
#[derive(Debug)]
pub(super) struct Found {
    /// A message in the cache's form, with its hit if the cache gave it; or what to say instead.
    pub(super) outcome: Result<(Vec<u8>, Option<Hit>), Said>,
    pub(super) tried: Arc<[Tried]>,
}

/// What a look-up tells the driver.
#[derive(Debug)]
pub(super) enum Event {
    /// It takes long, and here is a stale answer.
    Stale(FlightKey, Found),
    /// It is over.
    Landed(FlightKey, Found),
}

/// All that a look-up needs.
pub(super) struct Lookup {
    pub(super) live: Arc<ServerState>,
    pub(super) network: Arc<UpstreamNetwork>,
    pub(super) route: Arc<Route>,
    pub(super) question: Question,
    pub(super) cache_key: Box<[u8]>,
}

impl Lookup {
    /// Looks up and tells `events` whatever happens, a panic too.
    pub(super) async fn run(self, key: FlightKey, events: mpsc::UnboundedSender<Event>) {
        let live = Arc::clone(&self.live);
        let (stale_key, stale_events) = (key.clone(), events.clone());
        let found = tokio::spawn(async move { self.find(&stale_key, &stale_events).await }).await;
        let found = found.unwrap_or_else(|_| {
            live.metrics.with_local(crate::metrics::Block::panic);
            Found::failure(Rcode::SERVFAIL, (ExtendedError::Other, "internal error"), Arc::default())
        });
        // The driver is gone only when the server ends.
        let _ = events.send(Event::Landed(key, found));
    }

    async fn find(&self, key: &FlightKey, events: &mpsc::UnboundedSender<Event>) -> Found {
        let mut state = self.route.state();
        let mut stale = std::pin::pin!(tokio::time::sleep(STALE_AFTER));
        let mut waiting = true;
        for _ in 0..RESTARTS {
            let changes = self.route.changes();
            state = self.route.state();
            let observe = |attempt: &AttemptReport| count(attempt, &state);
            let mut asked = std::pin::pin!(ask(&self.network, &state, &self.question, observe));
            let mut taken = std::pin::pin!(taken_away(&self.route, &state, changes));
            loop {
                tokio::select! {
                    biased;
                    result = &mut asked => return self.conclude(&state, result),
                    () = &mut taken => break,
                    () = &mut stale, if waiting => {
                        waiting = false;
                        if let Some(found) = self.stale(&state, true) {
                            let _ = events.send(Event::Stale(key.clone(), found));
                        }
                    }
                }
            }
        }
        let error = (ExtendedError::NoReachableAuthority, "the upstreams keep changing");
        self.fail(&state, Rcode::SERVFAIL, error, Arc::default())
    }

    fn key(&self) -> Key<'_> {
        Key {
            question: &self.cache_key,
            route: self.route.id(),
            dnssec_ok: self.question.dnssec_ok,
            checking_disabled: self.question.checking_disabled,
        }
    }

    fn conclude(&self, state: &RouteState, result: Result<ForwardAnswer, ForwardFailure>) -> Found {
        match result {
            Ok(answer) => {
                let origin =
                    state.member(answer.server.identity()).map_or(Origin::NONE, |member| member.origin);
                let now = self.live.clock.now();
                let kept = self.live.cache.keep(&self.key(), &answer.message, answer.ttl, origin, now);
                // Told as the cache tells it, TTLs held to the limits; what cannot be kept is still an answer.
                let message =
                    kept.ok().and_then(|()| self.kept(now, answer.message.len())).unwrap_or(answer.message);
                Found { outcome: Ok((message, None)), tried: tell(&answer.attempts) }
            }
            Err(failure) => {
                let tried = tell(&failure.attempts);
                self.fail(state, failure.rcode(), reason(&failure), tried)
            }
        }
    }

    /// Keeps the failure, and answers with what is stale where there is something.
    fn fail(
        &self,
        state: &RouteState,
        rcode: Rcode,
        error: (ExtendedError, &'static str),
        tried: Arc<[Tried]>,
    ) -> Found {
        let message = failure_message(&self.question, rcode);
        let (cache, now) = (&self.live.cache, self.live.clock.now());
        let ttl = if self.stale_hit(&mut Vec::new()).is_some() { RECHECK } else { FAILURE_TTL };
        let _ = cache.keep_failure(&self.key(), &message, ttl, state.failures, now);
        match self.stale(state, false) {
            Some(found) => Found { tried, ..found },
            None => Found::failure(rcode, error, tried),
        }
    }

    /// What was just kept.
    fn kept(&self, now: u32, length: usize) -> Option<Vec<u8>> {
        let mut message = vec![0; length];
        self.live.cache.look_up(&self.key(), Want::Fresh, now, length, &mut message)?;
        Some(message)
    }

    fn stale_hit(&self, out: &mut Vec<u8>) -> Option<Hit> {
        out.resize(65_535, 0);
        let now = self.live.clock.now();
        let hit = self.live.cache.look_up(&self.key(), Want::Stale, now, out.len(), out)?;
        out.truncate(hit.length);
        (!hit.failure).then_some(hit)
    }

    /// The stale answer; with `spare` the upstreams are then left alone for a while by other clients of this question.
    fn stale(&self, state: &RouteState, spare: bool) -> Option<Found> {
        let mut message = Vec::new();
        let hit = self.stale_hit(&mut message)?;
        if spare {
            let failure = failure_message(&self.question, Rcode::SERVFAIL);
            let now = self.live.clock.now();
            let _ = self.live.cache.keep_failure(&self.key(), &failure, RECHECK, state.failures, now);
        }
        self.live.metrics.with_local(|block| block.cache(crate::metrics::CacheEvent::Stale));
        Some(Found { outcome: Ok((message, Some(hit))), tried: Arc::default() })
    }
}

impl Found {
    const fn failure(rcode: Rcode, error: (ExtendedError, &'static str), tried: Arc<[Tried]>) -> Self {
        Self { outcome: Err((rcode, error)), tried }
    }
}

async fn ask(
    network: &UpstreamNetwork,
    state: &RouteState,
    question: &Question,
    mut observe: impl FnMut(&AttemptReport) + Send,
) -> Result<ForwardAnswer, ForwardFailure> {
    forward(network, &state.pool, question, &mut observe).await
}

/// Ends once an upstream that this look-up may be waiting for is no longer on the route's list.
async fn taken_away(route: &Route, state: &RouteState, mut changes: watch::Receiver<u64>) {
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
        counters.request();
    }
    match attempt.outcome {
        AttemptOutcome::Answered(rcode)
        | AttemptOutcome::Refused(rcode)
        | AttemptOutcome::WithoutEdns(rcode) => {
            counters.response(rcode.0, attempt.elapsed);
        }
        AttemptOutcome::TimedOut => counters.timeout(),
        _ => {}
    }
    counters.set_healthy(attempt.server.is_healthy());
}

fn reason(failure: &ForwardFailure) -> (ExtendedError, &'static str) {
    match failure.reason {
        FailureReason::NoUpstream => (ExtendedError::NoReachableAuthority, "no upstream is configured"),
        FailureReason::NoRoute => (ExtendedError::NetworkError, "no route to any upstream"),
        FailureReason::Silence => (ExtendedError::NoReachableAuthority, "no upstream replied"),
        FailureReason::Unusable(_) => (ExtendedError::InvalidData, "no usable reply from any upstream"),
        FailureReason::Rcode(_) => (ExtendedError::Other, "every upstream failed"),
    }
}

fn tell(attempts: &[AttemptReport]) -> Arc<[Tried]> {
    attempts
        .iter()
        .map(|attempt| Tried {
            upstream: attempt.server.identity().to_string(),
            transport: attempt.transport.name(),
            outcome: words(attempt.outcome),
            ms: attempt.elapsed.as_secs_f64() * 1000.0,
        })
        .collect()
}

/// What came of an attempt, in words.
fn words(outcome: AttemptOutcome) -> String {
    match outcome {
        AttemptOutcome::Answered(rcode) => format!("answered {rcode}"),
        AttemptOutcome::Refused(rcode) => format!("passed over: {rcode}"),
        AttemptOutcome::WithoutEdns(rcode) => format!("{rcode}, asked again without EDNS"),
        AttemptOutcome::Truncated => "truncated, asked again over TCP".to_owned(),
        AttemptOutcome::Suspicious(why) => format!("{why}, asked again over TCP"),
        AttemptOutcome::Malformed => "malformed".to_owned(),
        AttemptOutcome::Unusable(why) => format!("unusable: {why}"),
        AttemptOutcome::TimedOut => "timed out".to_owned(),
        AttemptOutcome::ConnectionRefused => "connection refused".to_owned(),
        AttemptOutcome::Unreachable => "unreachable".to_owned(),
        AttemptOutcome::Error(kind) => kind.to_string(),
        AttemptOutcome::NoRoute => "no route, nothing sent".to_owned(),
        AttemptOutcome::Overtaken => "another answer came first".to_owned(),
    }
}
