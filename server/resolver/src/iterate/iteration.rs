//! One name and type, from the closest zone that is known down to its answer (RFC 1034 section 5.3.3).

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use rhumb_cache::{ANY_TYPE, LearntRecords, RecordSet};
use rhumb_wire::{DomainName, NameRef, Type};
use tokio::time::{Instant, timeout_at};

use super::budget::WorkBudget;
use super::clock::QuestionClock;
use super::failure::IterationFailure;
use super::limits;
use super::minimised_name::MinimisedName;
use super::proof_terms::ProofTerms;
use super::resolution_progress::ResolutionProgress;
use super::resolution_scope::ResolutionScope;
use super::resolver_state::ResolverState;
use super::settings::{IterationSettings, NameMinimisation};
use super::trace::{ResolutionEvent, ResolutionTrace};
use super::zone_cut::{DoubtedCut, ZoneCut, delegation};
use super::zone_exchange::ExchangeEffort;
use super::zone_reply::{ReplyEnd, ZoneReply};
use crate::exchange::AttemptReport;
use crate::network::UpstreamTransport;
use crate::question::OutboundQuestion;

/// What a client's question goes through, with what it may cost.
pub(super) struct IterationCourse<'a, N> {
    pub(super) net: &'a N,
    pub(super) state: &'a ResolverState,
    pub(super) settings: &'a IterationSettings,
    pub(super) scope: ResolutionScope<'a>,
    pub(super) clock: QuestionClock,
    pub(super) budget: WorkBudget,
    /// Everything that was sent.
    pub(super) attempts: Vec<AttemptReport>,
    /// What was learnt on the way, for what may not be kept is still good for this question.
    pub(super) learnt: Vec<Arc<LearntRecords>>,
    /// What was validated, had run out, and was replaced by something that is still to be validated.
    pub(super) replaced: Vec<Arc<LearntRecords>>,
    /// Denials that are good where nothing better is found.
    pub(super) spares: Vec<Arc<LearntRecords>>,
    /// The nameservers whose addresses are being looked for.
    pub(super) sought: Vec<DomainName>,
    /// What is being validated, each for the one before.
    pub(super) validating: Vec<(DomainName, Type)>,
    /// Proofs whose signatures by the keys of a zone are right, and how long each is good: no more than checks that were paid for.
    pub(super) proofs: Vec<(RecordSet, DomainName, ProofTerms)>,
    /// Who answered for which name and type.
    pub(super) answered: Vec<(DomainName, Type, SocketAddr)>,
    /// Servers that gave what turned out to be bogus; they are asked last.
    pub(super) suspects: Vec<SocketAddr>,
    /// The names that the copy of the root was asked for.
    pub(super) of_copy: Vec<DomainName>,
    /// Whether what it said was bogus, so that it is not asked any more.
    pub(super) copy_is_bogus: bool,
    /// Whether a kept delegation was asked of the parent again.
    pub(super) has_doubted: bool,
    /// Names whose DS was asked for. Where that gave an alias, asking again gives no more.
    pub(super) asked_digests: Vec<DomainName>,
    /// What was done, where somebody wants to know.
    pub(super) trace: ResolutionTrace,
    /// Who is waited for.
    pub(super) progress: Arc<ResolutionProgress>,
}

/// The future of a question that another one waits for.
pub(super) type BoxedLookup<'s> =
    Pin<Box<dyn Future<Output = Result<Arc<LearntRecords>, IterationFailure>> + Send + 's>>;

impl<'a, N: UpstreamTransport> IterationCourse<'a, N> {
    pub(super) fn new(
        net: &'a N,
        state: &'a ResolverState,
        settings: &'a IterationSettings,
        scope: ResolutionScope<'a>,
        clock: QuestionClock,
    ) -> Self {
        Self {
            net,
            state,
            settings,
            scope,
            clock,
            budget: WorkBudget::new(&settings.limits, Instant::now()),
            attempts: Vec::new(),
            learnt: Vec::new(),
            replaced: Vec::new(),
            spares: Vec::new(),
            sought: Vec::new(),
            validating: Vec::new(),
            proofs: Vec::new(),
            answered: Vec::new(),
            suspects: Vec::new(),
            of_copy: Vec::new(),
            copy_is_bogus: false,
            has_doubted: false,
            asked_digests: Vec::new(),
            trace: ResolutionTrace::default(),
            progress: Arc::default(),
        }
    }

    /// The records of `name` and `rtype`, an alias of it, or that there is nothing; for ANY the first of the types there are,
    /// the others stand in what was learnt.
    pub(super) fn find<'s>(&'s mut self, name: &'s DomainName, rtype: Type) -> BoxedLookup<'s> {
        Box::pin(async move {
            let outer = self.trace.enter(|| ResolutionEvent::Find { name: name.clone(), rtype });
            let found = self.find_or_ask(name, rtype).await;
            if let Err(failure) = &found {
                self.trace.leave(outer + 1);
                self.trace.note(|| ResolutionEvent::Failed(failure.clone()));
            }
            self.trace.leave(outer);
            found
        })
    }

    async fn find_or_ask(
        &mut self,
        name: &DomainName,
        rtype: Type,
    ) -> Result<Arc<LearntRecords>, IterationFailure> {
        let now = self.clock.now();
        let is_for_client = self.validating.is_empty() && self.sought.is_empty();
        let known = self.known(name.as_ref(), rtype);
        if let Some(known) = known.filter(|known| !(is_for_client && is_of_referral(known))) {
            self.trace.note(|| ResolutionEvent::known(&known, now));
            return Ok(known);
        }
        if let Some(denial) = self.known_denial(name, rtype) {
            let left = denial.left(now);
            self.trace.note(|| ResolutionEvent::KnownDenial { denial: Arc::clone(&denial), left });
            return Ok(denial);
        }
        self.find_anew(name, rtype).await
    }

    /// The same from the servers, whatever is known.
    pub(super) async fn find_anew(
        &mut self,
        name: &DomainName,
        rtype: Type,
    ) -> Result<Arc<LearntRecords>, IterationFailure> {
        if rtype == Type::DS && !self.asked_digests.contains(name) {
            self.asked_digests.push(name.clone());
        }
        let deadline = self.budget.deadline();
        let found = timeout_at(deadline, self.descend(name, rtype)).await;
        found.unwrap_or_else(|_| {
            // Where the last servers were silent, that is the cause.
            let silence = self.progress.failure();
            self.progress.end_wait();
            Err(silence.unwrap_or(IterationFailure::Deadline))
        })
    }

    /// Asks for the servers of the root by those that are configured; whether they said which there are.
    pub(super) async fn prime(&mut self) -> bool {
        let hints = ZoneCut::hints(self.settings);
        let question = iterative(NameRef::ROOT, Type::NS);
        let Ok(reply) = self.ask(&hints, &question, ExchangeEffort::Whole).await else { return false };
        let Some(set) = reply.links.first().and_then(|link| link.records()) else { return false };
        let now = self.clock.now();
        let usable = ZoneCut::delegated(set, &reply.glue);
        let usable =
            usable.servers.iter().flat_map(|server| &server.addresses).any(|to| self.settings.allows(*to));
        if usable {
            self.state.records.put(delegation(set, reply.glue, set.ttl.min(limits::TTL), now));
        }
        usable
    }

    /// Goes down from the closest zone that is known.
    async fn descend(
        &mut self,
        name: &DomainName,
        rtype: Type,
    ) -> Result<Arc<LearntRecords>, IterationFailure> {
        let mut cut = self.closest_cut(name.as_ref(), rtype);
        let mut asked = MinimisedName::new(name, self.settings.minimisation);
        let mut is_kept = !cut.configured;
        let mut doubted: Option<DoubtedCut> = None;
        loop {
            let begun = Instant::now();
            self.note_servers(&cut);
            let question = self.next_question(&mut asked, name, rtype, &cut);
            let whole = question.name == *name && question.qtype == rtype;
            let is_short = !whole && self.relaxed() && cut.forward.is_none();
            let effort = if is_short { ExchangeEffort::Shortened } else { ExchangeEffort::Whole };
            let was_down = is_short && self.is_known_down(&cut);
            let reply = match self.ask(&cut, &question, effort).await {
                Ok(reply) => reply,
                Err(failure) if is_short && failure_may_be_of_the_name(&failure, was_down) => {
                    asked.show_all();
                    continue;
                }
                Err(failure) if is_kept => {
                    let (above, failed) = self.doubt(&cut, failure, begun)?;
                    (cut, doubted, is_kept) = (above, Some(failed), false);
                    asked = MinimisedName::new(name, self.settings.minimisation);
                    continue;
                }
                Err(failure) => return Err(doubted.map_or(failure, |doubted| doubted.failure)),
            };
            self.trace.note(|| ResolutionEvent::Reply(reply.meaning()));
            if let Some(failed) = doubted.take() {
                doubted = self.settle_doubt(failed, question.name.as_ref(), &reply)?;
            }
            match &reply.end {
                ReplyEnd::Referral(referral) => {
                    let below = ZoneCut::delegated(&referral.servers, &referral.glue);
                    let ttl = referral.servers.ttl.min(limits::TTL);
                    let expires = self.clock.now().saturating_add(ttl).min(cut.expires);
                    cut = ZoneCut { expires, ..below };
                    is_kept = false;
                }
                ReplyEnd::Denial(denial) if !whole && denial.rtype == ANY_TYPE && reply.links.is_empty() => {
                    if !self.relaxed() {
                        return Ok(Arc::new(LearntRecords { owner: name.clone(), ..(**denial).clone() }));
                    }
                    asked.show_all();
                }
                _ if !whole => asked.lengthen(),
                _ => return self.of_reply(name, rtype, &reply),
            }
        }
    }

    fn relaxed(&self) -> bool {
        self.settings.minimisation == NameMinimisation::Relaxed
    }

    /// The question for the servers of `cut`: its name is shortened as long as that may show another cut.
    fn next_question(
        &self,
        asked: &mut MinimisedName,
        name: &DomainName,
        rtype: Type,
        cut: &ZoneCut,
    ) -> OutboundQuestion {
        if cut.forward.is_some() {
            // What is bogus is to be found out here.
            return OutboundQuestion { checking_disabled: true, ..iterative(name.as_ref(), rtype) };
        }
        loop {
            let short = asked.below(cut.zone.as_ref(), rtype);
            if short.len() == name.as_ref().len() {
                return iterative(name.as_ref(), rtype);
            }
            // That there is no cut was seen before.
            if self.known(short, Type::A).is_none_or(|known| known.rtype == ANY_TYPE) {
                return iterative(short, Type::A);
            }
            asked.lengthen();
        }
    }

    /// What a reply to the whole question says of the name.
    fn of_reply(
        &self,
        name: &DomainName,
        rtype: Type,
        reply: &ZoneReply,
    ) -> Result<Arc<LearntRecords>, IterationFailure> {
        let at_name = reply.links.iter().find(|link| link.owner == *name);
        let found = at_name.or(match &reply.end {
            ReplyEnd::Denial(denial) => Some(denial),
            ReplyEnd::NameTooLong => reply.links.last(),
            _ => None,
        });
        let held = found.and_then(|found| {
            self.learnt.iter().rev().find(|held| held.owner == found.owner && held.rtype == found.rtype)
        });
        held.cloned().ok_or_else(|| IterationFailure::Remembered { name: name.clone(), rtype })
    }
}

/// Whether another name may be answered by servers that did not answer this one; `were_down` says that they were known to be down before.
const fn failure_may_be_of_the_name(failure: &IterationFailure, were_down: bool) -> bool {
    match failure {
        IterationFailure::Refused { .. } | IterationFailure::Unusable { .. } => true,
        IterationFailure::Silence { .. }
        | IterationFailure::NoStream(_)
        | IterationFailure::Untrusted { .. } => !were_down,
        _ => false,
    }
}

/// Whether it says by the proofs of a referral alone that there is no DS: good for validation, and no answer for lack of an SOA.
pub(super) fn is_of_referral(learnt: &LearntRecords) -> bool {
    let has_soa = || learnt.attached.iter().any(|set| set.rtype == Type::SOA);
    learnt.rtype == Type::DS && learnt.is_denial() && !learnt.attached.is_empty() && !has_soa()
}

/// A question as it goes to authoritative servers.
pub(super) fn iterative(name: NameRef<'_>, rtype: Type) -> OutboundQuestion {
    OutboundQuestion { dnssec_ok: true, ..OutboundQuestion::new(name, rtype) }
}
