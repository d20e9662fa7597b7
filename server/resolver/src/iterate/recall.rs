//! Answers out of what is known, for which nobody is asked.

use std::fmt;
use std::sync::Arc;

use rhumb_cache::{ANY_TYPE, CredibilityRank, LearntRecords, SecurityStatus};
use rhumb_wire::{NameRef, Type};

use super::iteration::is_of_referral;
use super::limits;
use super::question_cost::QuestionCost;
use super::resolution::{AnswerParts, IteratedAnswer};
use super::resolution_scope::OwnNames;
use super::resolver_state::ResolverState;
use super::sentinel;
use super::settings::IterationSettings;
use super::zone_cut::{APEX, DELEGATION};
use crate::question::OutboundQuestion;

/// A question to be answered out of what is known.
pub struct RecalledQuestion<'q> {
    /// What is known.
    pub state: &'q ResolverState,
    /// What should be validated, among others.
    pub settings: &'q IterationSettings,
    /// What is asked.
    pub question: &'q OutboundQuestion,
    /// The names that aliases are followed to.
    pub own: &'q OwnNames<'q>,
    /// The time, in seconds of the cache's clock.
    pub now: u32,
}

impl fmt::Debug for RecalledQuestion<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecalledQuestion").field("question", self.question).finish_non_exhaustive()
    }
}

impl RecalledQuestion<'_> {
    /// The answer as far as it is known: all of it up to `beyond` seconds after it ran out (RFC 8767), or none. What should be validated and
    /// was not is left out.
    pub fn recall(&self, beyond: u32) -> Option<IteratedAnswer> {
        self.answer(&self.known_chain(beyond)?, self.now)
    }

    /// The same of what has not run out, as it was when the first part of it was learnt: with the TTLs of then, and that time.
    pub fn recall_as_learnt(&self) -> Option<(IteratedAnswer, u32)> {
        let chain = self.known_chain(0)?;
        let learnt = chain.iter().map(|learnt| learnt.stored).min()?.min(self.now);
        Some((self.answer(&chain, learnt)?, learnt))
    }

    fn answer(&self, chain: &[Arc<LearntRecords>], now: u32) -> Option<IteratedAnswer> {
        let servers = self.state.servers_beside(chain, self.settings, self.now);
        let parts = AnswerParts { question: self.question, chain, servers, now };
        parts.resolution(Vec::new(), QuestionCost::default()).ok()
    }

    /// What is known along the aliases of the question.
    fn known_chain(&self, beyond: u32) -> Option<Vec<Arc<LearntRecords>>> {
        let Self { state, settings, question, own, now } = *self;
        let mut name = question.name.clone();
        let mut chain: Vec<Arc<LearntRecords>> = Vec::new();
        loop {
            let found = state.known(name.as_ref(), question.qtype, now, beyond)?;
            let judged = found.security != SecurityStatus::Unchecked;
            if is_of_referral(&found) {
                return None;
            }
            if !judged && settings.trust.is_some() && !question.checking_disabled {
                return None;
            }
            let target = found.target(question.qtype);
            chain.push(found);
            match target.filter(|target| own(target.as_ref())) {
                Some(target)
                    if chain.len() > limits::LINKS || chain.iter().any(|link| link.owner == target) =>
                {
                    return None;
                }
                Some(target) => name = target,
                None => break,
            }
        }
        // What a name says of the keys that are trusted has to be so now.
        sentinel::check(question, &chain, settings.trust.as_ref()).ok()?;
        Some(chain)
    }
}

/// The servers to ask `question` of, as far as they are known: those of the closest zone (RFC 1034 section 4.3.2).
pub fn refer(state: &ResolverState, question: &OutboundQuestion, now: u32) -> Option<IteratedAnswer> {
    let servers = state.closest(question.name.as_ref(), now, &[APEX, DELEGATION]);
    AnswerParts { question, chain: &[], servers, now }.resolution(Vec::new(), QuestionCost::default()).ok()
}

impl ResolverState {
    /// What is kept of `name` and `rtype`, an alias of it, or that there is nothing, up to `beyond` seconds after it ran out.
    pub(super) fn known(
        &self,
        name: NameRef<'_>,
        rtype: Type,
        now: u32,
        beyond: u32,
    ) -> Option<Arc<LearntRecords>> {
        let types = [rtype, Type::CNAME, ANY_TYPE].into_iter().filter(|_| rtype != Type::ANY);
        let mut found =
            types.filter_map(|held| self.kept(name, held, now, beyond).filter(|found| found.tells_of(rtype)));
        // Of what has run out the newest counts.
        if beyond > 0 { found.max_by_key(|found| (found.stored, found.rtype == rtype)) } else { found.next() }
    }

    /// What is kept under this very type, and may be an answer.
    pub(super) fn kept(
        &self,
        name: NameRef<'_>,
        held: Type,
        now: u32,
        beyond: u32,
    ) -> Option<Arc<LearntRecords>> {
        let found = self.records.get_within(name, held, now, beyond);
        found.filter(|found| found.credibility > CredibilityRank::Referral)
    }

    /// What is kept under one of these types of the closest name at or above `name`.
    fn closest(&self, name: NameRef<'_>, now: u32, types: &[Type]) -> Option<Arc<LearntRecords>> {
        let mut above = Some(name);
        while let Some(zone) = above {
            let found = types.iter().find_map(|rtype| self.records.get(zone, *rtype, now));
            if found.is_some() {
                return found;
            }
            above = zone.parent();
        }
        None
    }

    /// The servers that are named beside an answer: those of its zone, as they came with it. None beside denials, and beside what is secure,
    /// for they were not validated.
    pub(super) fn servers_beside(
        &self,
        chain: &[Arc<LearntRecords>],
        settings: &IterationSettings,
        now: u32,
    ) -> Option<Arc<LearntRecords>> {
        let last =
            chain.last().filter(|last| !last.is_denial() && last.security != SecurityStatus::Secure)?;
        let wanted = !settings.minimal_responses && last.rtype != Type::CNAME;
        wanted.then(|| self.closest(last.owner.as_ref(), now, &[APEX])).flatten()
    }
}
