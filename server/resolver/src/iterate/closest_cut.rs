//! Which servers a question goes to: those of the closest zone that is known, or that the configuration names.

use rhumb_wire::{NameRef, Type};

use super::iteration::IterationCourse;
use super::trace::{ResolutionEvent, ServersOrigin};
use super::zone_cut::{DELEGATION, ZoneCut};
use crate::network::UpstreamTransport;

impl<N: UpstreamTransport> IterationCourse<'_, N> {
    /// The deepest zone around `name` whose servers are known: for DS that of the parent.
    pub(super) fn closest_cut(&self, name: NameRef<'_>, rtype: Type) -> ZoneCut {
        let start = if rtype == Type::DS { name.parent().unwrap_or(name) } else { name };
        if let Some(forward) = (self.scope.forwards)(start) {
            return ZoneCut::forwarded(&forward);
        }
        let now = self.clock.now();
        let mut at = Some(start);
        while let Some(zone) = at {
            if let Some(stub) = self.settings.stub(zone) {
                return ZoneCut::stub(stub);
            }
            let kept = self.state.records.get(zone, DELEGATION, now);
            if let Some(cut) = kept.and_then(|kept| ZoneCut::kept(&kept)) {
                return cut;
            }
            at = zone.parent();
        }
        ZoneCut::hints(self.settings)
    }

    /// Whether `name` may be that of a zone: there is a delegation to it, or others than its parent's servers are asked for it.
    pub(super) fn is_cut(&self, name: NameRef<'_>) -> bool {
        self.state.records.get(name, DELEGATION, self.clock.now()).is_some()
            || (self.scope.forwards)(name).is_some()
            || self.settings.stub(name).is_some()
    }

    /// Whether the zone is known to be signed, so that a reply without signatures is of no use.
    pub(super) fn is_signed(&self, cut: &ZoneCut) -> bool {
        let zone = cut.zone.as_ref();
        let Some(trust) = &self.settings.trust else { return false };
        let digests = || self.known(zone, Type::DS).is_some_and(|known| !known.is_denial());
        let anchored = trust.anchors.iter().any(|anchor| anchor.zone.as_ref() == zone);
        cut.forward.is_some() || anchored || digests()
    }

    /// Whether records of this owner and type are those of a domain below `zone` that the configuration names other servers for.
    pub(super) fn is_elsewhere(&self, owner: NameRef<'_>, rtype: Type, zone: NameRef<'_>) -> bool {
        let other = |domain: NameRef<'_>| {
            // The parent has these.
            let of_parent = owner == domain && matches!(rtype, Type::DS | Type::NSEC | Type::RRSIG);
            domain.len() > zone.len() && !of_parent
        };
        let forward = (self.scope.forwards)(owner);
        let stub = self.settings.stub_above(owner);
        forward.is_some_and(|forward| other(forward.domain.as_ref()))
            || stub.is_some_and(|stub| other(stub.domain.as_ref()))
    }

    pub(super) fn note_servers(&mut self, cut: &ZoneCut) {
        let left = cut.expires.saturating_sub(self.clock.now());
        self.trace.note(|| ResolutionEvent::Servers {
            zone: cut.zone.clone(),
            origin: match (cut.forward.is_some(), cut.configured) {
                (true, _) => ServersOrigin::Forward,
                (_, true) => ServersOrigin::Configured,
                _ => ServersOrigin::Delegation(left),
            },
            count: cut.forward.as_ref().map_or(cut.servers.len(), |pool| pool.upstreams().len()),
        });
    }
}
