//! What is known of a question before anyone is asked.

use std::sync::Arc;

use rhumb_cache::{ANY_TYPE, LearntRecords};
use rhumb_wire::{NameRef, Type};

use super::iteration::IterationCourse;
use crate::network::UpstreamTransport;

impl<N: UpstreamTransport> IterationCourse<'_, N> {
    /// What is known already.
    pub(super) fn known(&self, name: NameRef<'_>, rtype: Type) -> Option<Arc<LearntRecords>> {
        let types = [rtype, Type::CNAME, ANY_TYPE];
        let fits = |found: &Arc<LearntRecords>| found.owner.as_ref() == name && types.contains(&found.rtype);
        if rtype == Type::ANY {
            return None;
        }
        if rtype == Type::DS {
            return self.known_digests(name);
        }
        let held = self.learnt.iter().rev().find(|found| fits(found) && found.tells_of(rtype));
        held.cloned().or_else(|| self.state.known(name, rtype, self.clock.now(), 0))
    }

    /// What is known of DS. What the parent said comes before what the zone itself said of its apex, which may be what is being validated.
    fn known_digests(&self, name: NameRef<'_>) -> Option<Arc<LearntRecords>> {
        let was_asked = self.asked_digests.iter().any(|asked| asked.as_ref() == name);
        let in_question = |found: &LearntRecords| {
            !was_asked
                && self.validating.iter().any(|(owner, rtype)| *owner == found.owner && *rtype == found.rtype)
        };
        [Type::DS, Type::CNAME, ANY_TYPE].into_iter().find_map(|held| {
            let fits = |found: &&Arc<LearntRecords>| found.rtype == held && found.owner.as_ref() == name;
            let found = self.learnt.iter().rev().find(fits).cloned();
            let found = found.or_else(|| self.state.kept(name, held, self.clock.now(), 0))?;
            (found.tells_of(Type::DS) && (held == Type::DS || !in_question(&found))).then_some(found)
        })
    }
}
