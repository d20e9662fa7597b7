//! A look-up that asks authoritative servers, from the root down.

use std::sync::Arc;
use std::time::Duration;

use rhumb_resolver::iterate::{
    self, IteratedAnswer, IterationFailure, ResolutionFailure, ResolutionProgress, RootCopy,
};
use rhumb_resolver::validate::ValidationFailure;
use rhumb_resolver::{AttemptReport, ForwardZone, IterationSettings, ResolutionScope, holds_private_address};
use rhumb_wire::edns::ExtendedError;
use rhumb_wire::{DomainName, NameRef, Rcode, header};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::clock_check::{self, CLOCK_IS_WRONG};
use super::forward_attempts::{connection_trouble, count_any, silence};
use super::lookup::{
    GRACE, LookupEvent, RECHECK_UNREACHABLE, RESTARTS, STALE_AFTER, UpstreamLookup, changing, taken_away,
};
use super::lookup_answer::{LookupAnswer, LookupFailure};
use crate::metrics::{AnswerSecurity, DomainSource, WorkBound};
use crate::query::{PRIVATE_ADDRESS, add_reason, failure_message, is_own_name};
use crate::snapshot::{FallbackCourse, ForwardRoute, RouteCourse, RouteState, ServerSnapshot};

/// How often it is seen whether servers are silent, where they were not.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Where a look-up is resolved that this server works out itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AnswerCourse {
    /// From the root or a stub.
    Iterate,
    /// By the upstreams of the route.
    Forward,
    /// From the root, for the upstreams of the route have no answer.
    FallBack,
}

impl UpstreamLookup {
    /// Resolves the question by iteration. A stale answer is reported to `events` where it takes long.
    pub(super) async fn iterated(
        &self,
        settings: &Arc<IterationSettings>,
        events: &mpsc::UnboundedSender<LookupEvent>,
    ) -> LookupAnswer {
        self.prime_once(settings);
        let state = self.route.state();
        let result = self.worked_out(settings, AnswerCourse::Iterate, &state, events).await;
        self.resolved(&state, AnswerCourse::Iterate, result)
    }

    /// Asks the upstreams, and validates what they say by keys that come through them too.
    pub(super) async fn validated(
        &self,
        settings: &IterationSettings,
        fallback: FallbackCourse,
        events: &mpsc::UnboundedSender<LookupEvent>,
    ) -> LookupAnswer {
        let mut deadline = std::pin::pin!(tokio::time::sleep(settings.limits.time + GRACE));
        let mut state = self.route.state();
        for _ in 0..RESTARTS {
            let changes = self.route.changes();
            state = self.route.state();
            tokio::select! {
                biased;
                result = self.worked_out(settings, AnswerCourse::Forward, &state, events) => return match (&result, fallback) {
                    (Err(failure), FallbackCourse::Iterate { validates }) if !is_bogus(failure) => {
                        self.count_attempts(&state, &failure.attempts);
                        self.fall_back(validates, events).await
                    }
                    _ => self.resolved(&state, AnswerCourse::Forward, result),
                },
                () = &mut deadline => break,
                () = taken_away(&self.route, &state, changes) => {}
            }
        }
        let text = changing(&self.route);
        self.fail(
            &state,
            Rcode::SERVFAIL,
            (ExtendedError::NoReachableAuthority.code(), &text),
            Arc::default(),
        )
    }

    /// Resolves the question by iteration, for its upstreams have no answer.
    pub(super) async fn fall_back(
        &self,
        validates: bool,
        events: &mpsc::UnboundedSender<LookupEvent>,
    ) -> LookupAnswer {
        let (snapshot, state) = (self.live.snapshot.load_full(), self.route.state());
        let plan = &snapshot.iteration;
        let settings = if validates { &plan.validating } else { &plan.settings };
        let Some(settings) = settings else {
            let text = silence(&state, self.route.domain());
            let said = (ExtendedError::NoReachableAuthority.code(), &*text);
            return self.fail(&state, Rcode::SERVFAIL, said, Arc::default());
        };
        let course = AnswerCourse::FallBack;
        let result = if settings.trust.is_some() == validates {
            self.worked_out(settings, course, &state, events).await
        } else {
            let settings = IterationSettings { trust: None, ..IterationSettings::clone(settings) };
            self.worked_out(&settings, course, &state, events).await
        };
        self.resolved(&state, course, result)
    }

    async fn worked_out(
        &self,
        settings: &IterationSettings,
        course: AnswerCourse,
        state: &RouteState,
        events: &mpsc::UnboundedSender<LookupEvent>,
    ) -> Result<IteratedAnswer, ResolutionFailure> {
        let snapshot = self.live.snapshot.load_full();
        let (route, qtype) = (self.route.id(), self.key.question.qtype);
        let own = |name: NameRef<'_>| is_own_name(&snapshot, name, qtype, route);
        let forwards = |name: NameRef<'_>| self.forward_of(&snapshot, course, name);
        let copy = self.live.local_root.at_hand(&snapshot.view);
        let root: &dyn RootCopy = copy.as_deref().map_or(&(), |copy| copy);
        let scope = ResolutionScope { own: &own, forwards: &forwards, root };
        let (live, network, question) = (&self.live, &*self.network, &self.key.question);
        let time = live.clock.with_wall_clock();
        let progress = Arc::new(ResolutionProgress::default());
        let resolving = async {
            let Some(explained) = &self.key.explained else {
                let (state, progress) = (&live.resolver, &progress);
                return iterate::resolve_watched(network, state, settings, question, scope, time, progress)
                    .await;
            };
            let traced = iterate::resolve_traced(network, &live.resolver, settings, question, scope, time);
            let (found, steps) = traced.await;
            explained.add(question, steps);
            found
        };
        let mut resolving = std::pin::pin!(resolving);
        let mut late = std::pin::pin!(tokio::time::sleep(STALE_AFTER));
        let mut stale_wanted = true;
        let mut waiting = true;
        loop {
            tokio::select! {
                biased;
                result = &mut resolving => return result,
                () = &mut late, if waiting => {
                    // Upstreams are to be waited for as long as they may take.
                    waiting = course != AnswerCourse::Forward;
                    if std::mem::take(&mut stale_wanted) && self.report_stale(state, events) {
                        waiting = false;
                    } else if waiting {
                        match self.report_silence(&progress, settings, state, events) {
                            Some(next) => late.as_mut().reset(next),
                            None => waiting = false,
                        }
                    }
                }
            }
        }
    }

    /// Tells those who wait that servers are taken to be silent, for they may not wait so long as it takes to be sure. Others are told the same until the look-up is over. None once it is told; else when to see to it again.
    fn report_silence(
        &self,
        progress: &ResolutionProgress,
        settings: &IterationSettings,
        state: &RouteState,
        events: &mpsc::UnboundedSender<LookupEvent>,
    ) -> Option<Instant> {
        let now = Instant::now();
        let silence = progress.silence();
        let due = silence.as_ref().map_or(now, |(_, due)| *due);
        let Some((cause, _)) = silence.filter(|_| due <= now) else { return Some(due.max(now + LOOK_AGAIN)) };
        let found = match self.recalled_stale() {
            Some(message) => self.keep_stale(message, RECHECK_UNREACHABLE, state, Arc::default()),
            None => self.fail_meanwhile(&cause, settings, state),
        };
        let _ = events.send(LookupEvent::Meanwhile(Arc::clone(&self.key), found));
        None
    }

    /// Keeps a failure until the look-up is over, which is sure to replace it.
    fn fail_meanwhile(
        &self,
        cause: &IterationFailure,
        settings: &IterationSettings,
        state: &RouteState,
    ) -> LookupAnswer {
        let (code, text) = (cause.extended_error().code(), cause.to_string());
        let mut message = failure_message(&self.key.question, Rcode::SERVFAIL);
        add_reason(&mut message, code, &text);
        let ttl = u32::try_from(settings.limits.time.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
        let (cache, now) = (&self.live.cache, self.live.clock.now());
        let _ = cache.keep_failure(&self.key(), &message, ttl, state.failures, now);
        let said = Some((code, text.into()));
        let failure = LookupFailure { rcode: Rcode::SERVFAIL, error: None, said, message: Some(message) };
        LookupAnswer { outcome: Err(failure), tried: Arc::default() }
    }

    /// The upstreams that are asked about `name` on the way: those that a client's question of it would go to; where nobody resolves
    /// it, those of this route.
    fn forward_of(
        &self,
        snapshot: &ServerSnapshot,
        course: AnswerCourse,
        name: NameRef<'_>,
    ) -> Option<ForwardZone> {
        let zone = |route: &ForwardRoute| ForwardZone {
            domain: route.domain().clone(),
            pool: Arc::clone(&route.state().pool),
        };
        match snapshot.view.routes.find(name) {
            Some(entry) if entry.route.id() == self.route.id() => {
                (course == AnswerCourse::Forward).then(|| zone(&entry.route))
            }
            Some(entry) => {
                let forwards = snapshot.iteration.course(entry.route.id()) != RouteCourse::Iterate;
                forwards.then(|| zone(&entry.route))
            }
            None if course == AnswerCourse::Forward => {
                Some(ForwardZone { domain: DomainName::root(), ..zone(&self.route) })
            }
            None => None,
        }
    }

    /// Has the root asked for its servers, once, beside the first question.
    fn prime_once(&self, settings: &Arc<IterationSettings>) {
        // Whoever has the root at hand does not ask its servers which there are.
        let view = &self.live.snapshot.load().view;
        let at_hand = self.live.local_root.at_hand(view).is_some_and(|copy| copy.is_good());
        if at_hand || !self.live.resolver.claim_priming() {
            return;
        }
        let (live, network, settings) =
            (Arc::clone(&self.live), Arc::clone(&self.network), Arc::clone(settings));
        tokio::spawn(async move {
            iterate::prime(&*network, &live.resolver, &settings, live.clock.with_wall_clock()).await;
        });
    }

    fn count(&self, cause: &IterationFailure) {
        let bound = match cause {
            IterationFailure::Deadline => WorkBound::Time,
            IterationFailure::Budget => WorkBound::Queries,
            IterationFailure::Depth => WorkBound::Depth,
            IterationFailure::TooManyLinks(_) => WorkBound::Aliases,
            IterationFailure::Bogus(ValidationFailure::Budget) => WorkBound::Validation,
            IterationFailure::Bogus(_) => return self.live.metrics.resolved(AnswerSecurity::Bogus),
            _ => return,
        };
        self.live.metrics.resolver_bound(bound);
    }

    /// Whether an answer holds addresses that it may not hold.
    fn rebinds(&self, state: &RouteState, message: &[u8]) -> bool {
        let plan = &self.live.snapshot.load().iteration;
        let guarded = match plan.course(self.route.id()) {
            RouteCourse::Iterate => plan.rebinding_protection && self.route.domain().as_ref().is_root(),
            RouteCourse::Forward(_) => state.terms.trust.guards(self.key.question.name.as_ref()),
        };
        guarded && holds_private_address(message)
    }

    /// An empty answer in place of one that may not be believed; counted.
    pub(super) fn without_addresses(&self) -> Vec<u8> {
        self.route.counters().private_answer();
        let mut message = failure_message(&self.key.question, Rcode::NOERROR);
        add_reason(&mut message, PRIVATE_ADDRESS.0.code(), PRIVATE_ADDRESS.1);
        message
    }

    /// Counts what was sent: to the upstreams of the route, and to others.
    fn count_attempts(&self, state: &RouteState, attempts: &[AttemptReport]) {
        let mut sent = 0;
        for attempt in attempts {
            if state.member(attempt.server.identity()).is_some() {
                self.observe(attempt, state);
            } else {
                count_any(attempt, &self.live.metrics);
                sent += usize::from(attempt.outcome.was_sent());
            }
        }
        self.live.metrics.resolver_sent(sent);
    }

    fn resolved(
        &self,
        state: &RouteState,
        course: AnswerCourse,
        result: Result<IteratedAnswer, ResolutionFailure>,
    ) -> LookupAnswer {
        clock_check::look(&self.live);
        let (cost, attempts) = match &result {
            Ok(resolution) => (resolution.cost, &resolution.attempts),
            Err(failure) => (failure.cost, &failure.attempts),
        };
        self.live.metrics.resolver_worked(cost.signatures, cost.hashes);
        self.count_attempts(state, attempts);
        match result {
            Ok(resolution) => {
                let IteratedAnswer { mut message, ttl, whole, kept, attempts, refused_iterations, .. } =
                    resolution;
                if let Some(iterations) = refused_iterations
                    && !has_additional(&message)
                {
                    let text = format!("NSEC3 with {iterations} iterations: the zone counts as unsigned");
                    add_reason(&mut message, ExtendedError::UnsupportedNsec3Iterations.code(), &text);
                }
                self.count_source(course);
                let secure = message.get(3).is_some_and(|low| u16::from(*low) & header::AD != 0);
                let security = if secure { AnswerSecurity::Secure } else { AnswerSecurity::Insecure };
                self.live.metrics.resolved(security);
                if kept && refused_iterations.is_none() && self.may_be_made_again(course) {
                    return self.not_kept(message, whole, attempts.into());
                }
                let message = if self.rebinds(state, &message) { self.without_addresses() } else { message };
                self.keep_answer(message, ttl, whole, state.failures, attempts.into())
            }
            Err(ResolutionFailure { cause, attempts, aliases, .. }) => {
                self.count(&cause);
                let (mut code, mut text) = (cause.extended_error().code(), cause.to_string());
                if matches!(cause, IterationFailure::Silence { .. })
                    && let Some(trouble) = connection_trouble(&attempts)
                {
                    code = ExtendedError::NetworkError.code();
                    text = format!("{text}: {trouble}");
                }
                if matches!(cause, IterationFailure::Bogus(_))
                    && clock_check::is_wrong(&self.live, self.live.clock.with_wall_clock().1)
                {
                    text = format!("{text}; {CLOCK_IS_WRONG}");
                }
                let message = aliases.unwrap_or_else(|| failure_message(&self.key.question, Rcode::SERVFAIL));
                self.fail_with(state, message, (code, &text), attempts.into())
            }
        }
    }

    /// Whether an answer of which the records are kept is made from them when it is asked for again: most never are. One that was kept as a
    /// message is popular, or takes the place of a failure.
    fn may_be_made_again(&self, course: AnswerCourse) -> bool {
        let (route, qtype) = (self.route.id(), self.key.question.qtype);
        course == AnswerCourse::Iterate
            && self.live.snapshot.load().iteration.remaking(route, qtype).is_some()
            && !self.live.cache.holds(&self.key())
    }

    fn count_source(&self, course: AnswerCourse) {
        match course {
            AnswerCourse::Iterate => {}
            AnswerCourse::Forward => self.route.counters().answered_by(DomainSource::Upstream),
            AnswerCourse::FallBack => self.route.counters().answered_by(DomainSource::Iteration),
        }
    }
}

/// Whether a message has records beside the answer, so that no reason can be added.
fn has_additional(message: &[u8]) -> bool {
    message.get(10..header::LENGTH) != Some(&[0, 0])
}

fn is_bogus(failure: &ResolutionFailure) -> bool {
    matches!(failure.cause, IterationFailure::Bogus(_))
}
