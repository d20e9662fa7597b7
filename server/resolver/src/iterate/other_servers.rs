//! What is bogus is asked for again, of other servers of its zone: one of them may be broken or forged where the others are right.

use std::sync::Arc;

use rhumb_cache::LearntRecords;
use rhumb_wire::{DomainName, NameRef, Type};

use super::failure::IterationFailure;
use super::iteration::IterationCourse;
use crate::network::UpstreamTransport;
use crate::validate::{ValidationFailure, limits};

impl<N: UpstreamTransport> IterationCourse<'_, N> {
    /// What was found once it was validated. What is bogus is asked for again, `least` times at any rate, and as long as there are servers
    /// that have not given anything bogus.
    ///
    /// Errors: it is bogus again; or what is needed for validation cannot be fetched.
    pub(super) async fn validated_or_asked_again(
        &mut self,
        found: Arc<LearntRecords>,
        rtype: Type,
        least: usize,
    ) -> Result<Arc<LearntRecords>, IterationFailure> {
        if self.is_judged(&found) {
            return Ok(found);
        }
        let name = found.owner.clone();
        let mut judged = self.validated(found).await;
        for again in 0..limits::AGAIN {
            let Err(IterationFailure::Bogus(why)) = &judged else { break };
            if again >= least && !self.may_ask_others(&name, rtype, why) {
                break;
            }
            let why = why.clone();
            let next = match self.find(&name, rtype).await {
                Ok(found) => self.validated(found).await,
                Err(failure) => Err(failure),
            };
            // That nobody else can be asked is not what is wrong.
            judged = next.map_err(|failure| match failure {
                IterationFailure::Bogus(_) => failure,
                _ => why.into(),
            });
        }
        let Err(failure @ IterationFailure::Bogus(_)) = judged else { return judged };
        let fits = |spare: &Arc<LearntRecords>| spare.owner == name && spare.tells_of(rtype);
        let Some(place) = self.spares.iter().position(fits) else { return Err(failure) };
        let spare = self.spares.swap_remove(place);
        self.validated(spare).await.map_err(|_| failure)
    }

    /// Whether a server can be asked for these records that has not given anything bogus.
    pub(super) fn may_ask_others(&self, name: &DomainName, rtype: Type, why: &ValidationFailure) -> bool {
        !matches!(why, ValidationFailure::Budget | ValidationFailure::Busy)
            && self.has_others(name.as_ref(), rtype)
    }

    fn has_others(&self, name: NameRef<'_>, rtype: Type) -> bool {
        let cut = self.closest_cut(name, rtype);
        if let Some(pool) = &cut.forward {
            return pool.upstreams().len() > 1;
        }
        let now = self.clock.now();
        let addresses = cut.servers.iter().flat_map(|server| self.known_addresses(server, now));
        addresses
            .into_iter()
            .any(|address| self.settings.allows(address) && !self.suspects.contains(&address))
    }
}
