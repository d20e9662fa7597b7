//! A client's question along its aliases.

use std::sync::Arc;

use rhumb_cache::LearntRecords;
use rhumb_wire::{DomainName, Rcode, Type};

use super::clock::QuestionClock;
use super::failure::IterationFailure;
use super::iteration::IterationCourse;
use super::limits;
use super::resolution::{AnswerParts, IteratedAnswer};
use super::resolution_failure::ResolutionFailure;
use super::resolution_progress::ResolutionProgress;
use super::resolution_scope::{OwnNames, ResolutionScope};
use super::resolver_state::ResolverState;
use super::sentinel;
use super::settings::IterationSettings;
use super::trace::{ResolutionEvent, ResolutionStep, ResolutionTrace};
use crate::network::UpstreamTransport;
use crate::question::OutboundQuestion;
use crate::validate::TrustSettings;

/// Resolves `question` from the root, or the closest zone that is known, or by the servers that its domain is forwarded to. `time` is seconds of the cache's clock, and since 1970.
///
/// Errors: [`ResolutionFailure`], after at most [`limits::DEADLINE`] and [`limits::SENDS`] messages.
pub async fn resolve(
    net: &impl UpstreamTransport,
    state: &ResolverState,
    settings: &IterationSettings,
    question: &OutboundQuestion,
    scope: ResolutionScope<'_>,
    time: (u32, u32),
) -> Result<IteratedAnswer, ResolutionFailure> {
    let mut iteration = IterationCourse::new(net, state, settings, scope, QuestionClock::new(time));
    answered(&mut iteration, question, scope.own).await
}

/// The same; `progress` shows whom it waits for.
///
/// Errors: as [`resolve`].
pub async fn resolve_watched(
    net: &impl UpstreamTransport,
    state: &ResolverState,
    settings: &IterationSettings,
    question: &OutboundQuestion,
    scope: ResolutionScope<'_>,
    time: (u32, u32),
    progress: &Arc<ResolutionProgress>,
) -> Result<IteratedAnswer, ResolutionFailure> {
    let mut iteration = IterationCourse::new(net, state, settings, scope, QuestionClock::new(time));
    iteration.progress = Arc::clone(progress);
    answered(&mut iteration, question, scope.own).await
}

/// The same, and each step that was taken.
pub async fn resolve_traced(
    net: &impl UpstreamTransport,
    state: &ResolverState,
    settings: &IterationSettings,
    question: &OutboundQuestion,
    scope: ResolutionScope<'_>,
    time: (u32, u32),
) -> (Result<IteratedAnswer, ResolutionFailure>, Vec<ResolutionStep>) {
    let mut iteration = IterationCourse::new(net, state, settings, scope, QuestionClock::new(time));
    iteration.trace = ResolutionTrace::kept();
    let found = answered(&mut iteration, question, scope.own).await;
    (found, iteration.trace.take())
}

async fn answered<N: UpstreamTransport>(
    iteration: &mut IterationCourse<'_, N>,
    question: &OutboundQuestion,
    own: &OwnNames<'_>,
) -> Result<IteratedAnswer, ResolutionFailure> {
    let (state, settings) = (iteration.state, iteration.settings);
    let mut chain = Vec::new();
    let followed = follow(iteration, question, own, &mut chain).await;
    let (attempts, cost) = (std::mem::take(&mut iteration.attempts), iteration.budget.cost());
    let now = iteration.clock.now();
    let servers = state.servers_beside(&chain, settings, now);
    let parts = AnswerParts { question, chain: &chain, servers, now };
    let cause = match followed.and_then(|()| sentinel::check(question, &chain, settings.trust.as_ref())) {
        Ok(()) => {
            let refused_iterations = iteration.budget.hashes.refused_iterations();
            let found = parts.resolution(attempts, cost);
            let is_kept = |link: &Arc<LearntRecords>| state.records.holds(link.owner.as_ref(), link.rtype);
            let kept = question.qtype != Type::ANY && chain.iter().all(is_kept);
            let found = found.map(|found| IteratedAnswer { kept, refused_iterations, ..found });
            return found.map_err(|cause| ResolutionFailure {
                cause,
                attempts: Vec::new(),
                aliases: None,
                cost,
            });
        }
        Err(cause) => cause,
    };
    if cause.is_of_the_chain() {
        // The others were noted where they came up.
        iteration.trace.note(|| ResolutionEvent::Failed(cause.clone()));
    }
    let rcode = match &cause {
        IterationFailure::Loop(_) | IterationFailure::TooManyLinks(_) => Some(Rcode::SERVFAIL),
        IterationFailure::NameTooLong { .. } => Some(Rcode::YXDOMAIN),
        _ => None,
    };
    let aliases = rcode.map(|rcode| AnswerParts { servers: None, ..parts }.message(rcode, 0).ok());
    Err(ResolutionFailure { cause, attempts, aliases: aliases.flatten(), cost })
}

/// Asks the servers of the root which servers the root has (RFC 9609), and keeps what they say: whether they said anything.
pub async fn prime(
    net: &impl UpstreamTransport,
    state: &ResolverState,
    settings: &IterationSettings,
    time: (u32, u32),
) -> bool {
    let (scope, clock) = (ResolutionScope::whole(), QuestionClock::new(time));
    let mut iteration = IterationCourse::new(net, state, settings, scope, clock);
    let primed = iteration.prime().await;
    if primed && let Some(name) = settings.trust.as_ref().and_then(root_key_signal) {
        // Whatever comes back, the servers of the root have seen it.
        let _ = iteration.find(&name, Type::NULL).await;
    }
    primed
}

/// The name by which the servers of the root are told which of its keys are trusted (RFC 8145 section 5.1); none if none are.
fn root_key_signal(trust: &TrustSettings) -> Option<DomainName> {
    let root = trust.anchors.iter().filter(|anchor| anchor.zone.as_ref().is_root());
    let mut tags: Vec<u16> = root.flat_map(|anchor| &anchor.digests).map(|digest| digest.tag).collect();
    tags.sort_unstable();
    tags.dedup();
    let label = tags.iter().fold("_ta".to_owned(), |label, tag| format!("{label}-{tag:04x}"));
    label.parse().ok().filter(|_| !tags.is_empty())
}

async fn follow<N: UpstreamTransport>(
    iteration: &mut IterationCourse<'_, N>,
    question: &OutboundQuestion,
    own: &OwnNames<'_>,
    chain: &mut Vec<Arc<LearntRecords>>,
) -> Result<(), IterationFailure> {
    let mut name = question.name.clone();
    loop {
        let found = iteration.find(&name, question.qtype).await?;
        if question.qtype == Type::ANY {
            let all = iteration.learnt.iter().filter(|learnt| learnt.owner == name && !learnt.is_denial());
            let mut all: Vec<_> = all.cloned().collect();
            if all.iter().any(|found| found.rtype != Type::RRSIG) {
                // Signatures go with what they sign.
                all.retain(|found| found.rtype != Type::RRSIG);
            }
            let all = if all.is_empty() { vec![found] } else { all };
            for found in all {
                chain.push(judged(iteration, question, found).await?);
            }
            return Ok(());
        }
        let found = judged(iteration, question, found).await?;
        let target = found.target(question.qtype);
        if found.rtype == Type::DNAME && found.owner != name {
            let dname = found.owner.clone();
            chain.push(found);
            return Err(IterationFailure::NameTooLong { dname, name });
        }
        chain.push(found);
        let Some(target) = target else { return Ok(()) };
        if chain.iter().any(|link| link.owner == target) {
            return Err(IterationFailure::Loop(question.name.clone()));
        }
        if chain.len() > limits::LINKS {
            return Err(IterationFailure::TooManyLinks(question.name.clone()));
        }
        if !own(target.as_ref()) {
            return Ok(());
        }
        name = target;
    }
}

/// The same once it was validated, where the client wants that. What is bogus is asked for once more, of other servers if there are any.
///
/// Errors: it is bogus again.
async fn judged<N: UpstreamTransport>(
    iteration: &mut IterationCourse<'_, N>,
    question: &OutboundQuestion,
    found: Arc<LearntRecords>,
) -> Result<Arc<LearntRecords>, IterationFailure> {
    if question.checking_disabled {
        return Ok(found);
    }
    iteration.validated_or_asked_again(found, question.qtype, 1).await
}
