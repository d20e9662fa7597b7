//! What turned out to be bogus goes again, and what it replaced comes back.

use rhumb_cache::{ANY_TYPE, LearntRecords, SecurityStatus};
use rhumb_wire::{DomainName, Type};

use super::iteration::IterationCourse;
use crate::network::UpstreamTransport;

impl<N: UpstreamTransport> IterationCourse<'_, N> {
    /// Forgets what is bogus; whoever gave it is asked last from now on.
    pub(super) fn forget(&mut self, learnt: &LearntRecords) {
        let of_it = |name: &DomainName, rtype: Type| {
            *name == learnt.owner && (rtype == learnt.rtype || learnt.rtype == ANY_TYPE)
        };
        let by = self.answered.iter().filter(|(name, rtype, _)| of_it(name, *rtype));
        self.suspects.extend(by.map(|(.., address)| *address));
        let owner = learnt.owner.as_ref();
        if !self.copy_is_bogus && self.of_copy.iter().any(|name| name.as_ref().is_at_or_below(owner)) {
            self.copy_is_bogus = true;
            self.scope.root.is_bogus();
            self.forget_copy();
        }
        self.restore(learnt);
        self.learnt.retain(|known| known.owner != learnt.owner || known.rtype != learnt.rtype);
    }

    /// Puts what was validated before in the place of what is bogus: it is still good as a stale answer.
    fn restore(&mut self, bogus: &LearntRecords) {
        let (owner, rtype) = (bogus.owner.as_ref(), bogus.rtype);
        let is_judged = |known: &LearntRecords| known.security != SecurityStatus::Unchecked;
        let kept = self.state.records.get_within(owner, rtype, self.clock.now(), u32::MAX);
        // Somebody who was told the same may have done this.
        if !is_judged(bogus) && kept.is_some_and(|kept| is_judged(&kept)) {
            return;
        }
        self.state.records.forget(owner, rtype);
        let before = self.replaced.iter().find(|known| known.owner == bogus.owner && known.rtype == rtype);
        if let Some(before) = before {
            self.state.records.put_shared(before);
        }
    }

    /// Forgets what the copy of the root said and nobody has validated.
    fn forget_copy(&mut self) {
        let Self { learnt, of_copy, state, .. } = self;
        learnt.retain(|known| {
            let stays = known.security != SecurityStatus::Unchecked || !of_copy.contains(&known.owner);
            if !stays {
                state.records.forget(known.owner.as_ref(), known.rtype);
            }
            stays
        });
    }
}
