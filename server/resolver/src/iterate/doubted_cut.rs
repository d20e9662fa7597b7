//! Delegations out of the cache whose servers are of no use: the parent may name others by now.

use std::net::SocketAddr;

use rhumb_wire::{NameRef, Type};
use tokio::time::Instant;

use super::failure::IterationFailure;
use super::iteration::IterationCourse;
use super::zone_cut::{DELEGATION, DoubtedCut, ZoneCut};
use super::zone_reply::{ReplyEnd, ZoneReply};
use crate::identity::ServerIdentity;
use crate::network::UpstreamTransport;

impl<N: UpstreamTransport> IterationCourse<'_, N> {
    /// The zone above one whose servers, as the cache has them, failed since `begun`.
    ///
    /// Errors: the failure, where it is not to be asked. It is once for a question, seldom for a zone, and not where the network may be gone.
    pub(super) fn doubt(
        &mut self,
        cut: &ZoneCut,
        failure: IterationFailure,
        begun: Instant,
    ) -> Result<(ZoneCut, DoubtedCut), IterationFailure> {
        let silent = match failure {
            IterationFailure::Refused { .. }
            | IterationFailure::Unusable { .. }
            | IterationFailure::NoAddress { .. } => false,
            IterationFailure::Silence { .. } => true,
            _ => return Err(failure),
        };
        let now = Instant::now();
        let Some(parent) = cut.zone.as_ref().parent().filter(|_| !self.has_doubted) else {
            return Err(failure);
        };
        let above = self.closest_cut(parent, Type::A);
        if self.state.has_failed(&cut.zone, DELEGATION, now) || silent && !self.may_be_there(&above, begun) {
            return Err(failure);
        }
        self.has_doubted = true;
        self.state.failed(&cut.zone, DELEGATION, now);
        Ok((above, DoubtedCut { cut: cut.clone(), failure }))
    }

    /// Whether anything was heard since `begun`, or something may be heard of the servers of `cut`.
    fn may_be_there(&self, cut: &ZoneCut, begun: Instant) -> bool {
        self.state.heard.last().is_some_and(|last| last >= begun) || !self.is_known_down(cut)
    }

    /// Whether all servers of `cut` whose addresses are at hand are known to be down.
    pub(super) fn is_known_down(&self, cut: &ZoneCut) -> bool {
        let now = self.clock.now();
        let addresses = cut.servers.iter().flat_map(|server| self.known_addresses(server, now));
        let usable: Vec<_> = addresses.filter(|address| self.settings.allows(*address)).collect();
        let is_down =
            |address: &SocketAddr| self.state.servers.server(&ServerIdentity::plain(*address)).is_down();
        !usable.is_empty() && usable.iter().all(is_down)
    }

    /// What the reply of a zone above to a question for `asked` says of a delegation that is in doubt; gives it back where it says nothing
    /// of it yet. Errors: it stands, and so does the failure.
    pub(super) fn settle_doubt(
        &self,
        doubted: DoubtedCut,
        asked: NameRef<'_>,
        reply: &ZoneReply,
    ) -> Result<Option<DoubtedCut>, IterationFailure> {
        let DoubtedCut { cut, failure } = &doubted;
        match &reply.end {
            ReplyEnd::Referral(referral) if referral.servers.owner == cut.zone => {
                let found = ZoneCut::delegated(&referral.servers, &referral.glue);
                let is_same = found.servers.iter().all(|server| cut.servers.contains(server));
                if is_same { Err(failure.clone()) } else { Ok(None) }
            }
            // It is not delegated any more.
            _ if asked.is_at_or_below(cut.zone.as_ref()) => {
                self.state.records.forget(cut.zone.as_ref(), DELEGATION);
                Ok(None)
            }
            _ => Ok(Some(doubted)),
        }
    }
}
