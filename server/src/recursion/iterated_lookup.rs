//! A look-up that asks authoritative servers, from the root down.

use std::sync::Arc;

use rhumb_resolver::iterate::{self, IteratedAnswer, IterationFailure, ResolutionFailure};
use rhumb_resolver::validate::ValidationFailure;
use rhumb_resolver::{IterationSettings, StubZone, holds_private_address};
use rhumb_wire::NameRef;
use rhumb_wire::{Rcode, header};
use tokio::sync::mpsc;

use super::clock_check::{self, CLOCK_IS_WRONG};
use super::lookup::{LookupEvent, STALE_AFTER, UpstreamLookup};
use super::lookup_answer::LookupAnswer;
use super::tried::tried;
use crate::metrics::{AnswerSecurity, WorkBound};
use crate::query::{PRIVATE_ADDRESS, add_reason, failure_message, is_own_name};
use crate::snapshot::{RouteCourse, RouteEntry, RouteState, ServerSnapshot};

/// The same with the upstreams of the domains whose answers are validated, as they are now.
fn with_forwards(settings: &Arc<IterationSettings>, snapshot: &ServerSnapshot) -> Arc<IterationSettings> {
    let validated =
        |entry: &&RouteEntry| snapshot.iteration.course(entry.route.id()) == RouteCourse::Validate;
    let entries = snapshot.view.routes.iter().map(|(_, entry)| entry).filter(validated);
    let forward = |entry: &RouteEntry| StubZone {
        domain: entry.route.domain().clone(),
        servers: entry.route.state().members.iter().map(|member| member.identity.address).collect(),
    };
    let forwards: Vec<StubZone> = entries.map(forward).collect();
    if forwards.is_empty() {
        return Arc::clone(settings);
    }
    // The configuration names them, so that loopback addresses are meant.
    Arc::new(IterationSettings { forwards, loopback: true, ..IterationSettings::clone(settings) })
}

impl UpstreamLookup {
    /// Resolves the question by iteration. A stale answer is reported to `events` where it takes long.
    pub(super) async fn iterated(
        &self,
        settings: &Arc<IterationSettings>,
        state: &RouteState,
        events: &mpsc::UnboundedSender<LookupEvent>,
    ) -> LookupAnswer {
        let snapshot = self.live.snapshot.load_full();
        let settings = &with_forwards(settings, &snapshot);
        if snapshot.iteration.course(self.route.id()) == RouteCourse::Iterate {
            self.prime_once(settings);
        }
        let (route, qtype) = (self.route.id(), self.key.question.qtype);
        let own = move |name: NameRef<'_>| is_own_name(&snapshot, name, qtype, route);
        let time = self.live.clock.with_wall_clock();
        let wrong = settings.trust.is_some() && clock_check::is_wrong(time.1);
        let (live, network, question) = (&self.live, &*self.network, &self.key.question);
        let resolving = async {
            let Some(explained) = &self.key.explained else {
                return iterate::resolve(network, &live.resolver, settings, question, &own, time).await;
            };
            let traced = iterate::resolve_traced(network, &live.resolver, settings, question, &own, time);
            let (found, steps) = traced.await;
            explained.add(question, steps);
            found
        };
        let mut resolving = std::pin::pin!(resolving);
        let mut stale = std::pin::pin!(tokio::time::sleep(STALE_AFTER));
        let mut waiting = true;
        loop {
            tokio::select! {
                biased;
                result = &mut resolving => return self.resolved(state, wrong, result),
                () = &mut stale, if waiting => {
                    waiting = false;
                    if let Some(found) = self.stale(state, true) {
                        let _ = events.send(LookupEvent::Stale(Arc::clone(&self.key), found));
                    }
                }
            }
        }
    }

    /// Has the root asked for its servers, once, beside the first question.
    fn prime_once(&self, settings: &Arc<IterationSettings>) {
        if !self.live.resolver.claim_priming() {
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

    /// Whether an answer from the root down holds addresses that it may not hold.
    fn rebinds(&self, message: &[u8]) -> bool {
        let plan = &self.live.snapshot.load().iteration;
        let from_root =
            plan.course(self.route.id()) == RouteCourse::Iterate && self.route.domain().as_ref().is_root();
        plan.rebinding_protection && from_root && holds_private_address(message)
    }

    /// An empty answer in place of one that may not be believed; counted.
    pub(super) fn without_addresses(&self) -> Vec<u8> {
        self.route.counters().private_answer();
        let mut message = failure_message(&self.key.question, Rcode::NOERROR);
        add_reason(&mut message, PRIVATE_ADDRESS.0.code(), PRIVATE_ADDRESS.1);
        message
    }

    fn resolved(
        &self,
        state: &RouteState,
        clock_is_wrong: bool,
        result: Result<IteratedAnswer, ResolutionFailure>,
    ) -> LookupAnswer {
        let cost = match &result {
            Ok(resolution) => resolution.cost,
            Err(failure) => failure.cost,
        };
        self.live.metrics.resolver_worked(cost.signatures, cost.hashes);
        match result {
            Ok(resolution) => {
                let IteratedAnswer { message, ttl, whole, attempts, .. } = resolution;
                self.live.metrics.resolver_sent(attempts.len());
                let secure = message.get(3).is_some_and(|low| u16::from(*low) & header::AD != 0);
                let security = if secure { AnswerSecurity::Secure } else { AnswerSecurity::Insecure };
                self.live.metrics.resolved(security);
                let message = if self.rebinds(&message) { self.without_addresses() } else { message };
                self.keep_answer(message, ttl, whole, state.failures, tried(&attempts))
            }
            Err(ResolutionFailure { cause, attempts, aliases, .. }) => {
                self.live.metrics.resolver_sent(attempts.len());
                self.count(&cause);
                let (code, mut text) = (cause.extended_error().code(), cause.to_string());
                if clock_is_wrong && matches!(cause, IterationFailure::Bogus(_)) {
                    text = format!("{text}; {CLOCK_IS_WRONG}");
                }
                let message = aliases.unwrap_or_else(|| failure_message(&self.key.question, Rcode::SERVFAIL));
                self.fail_with(state, message, (code, &text), tried(&attempts))
            }
        }
    }
}
