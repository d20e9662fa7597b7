//! Names that are denied by what was proven of others of their zone (RFC 8198).

use std::sync::Arc;

use rhumb_cache::{
    ANY_TYPE, CredibilityRank, KeptProof, LearntRecords, RecordContent, RecordSet, SecurityStatus,
};
use rhumb_wire::{DomainName, NameRef, Type};

use super::iteration::IterationCourse;
use super::limits;
use crate::network::UpstreamTransport;
use crate::validate::{DenialClaim, DenialVerdict, ProofFinder, nsec_proofs, nsec3_proofs};

impl<N: UpstreamTransport> IterationCourse<'_, N> {
    /// Keeps what proved a denial in `zone`: records and the seconds that each is good for.
    pub(super) fn keep_proofs(&self, zone: NameRef<'_>, proofs: impl IntoIterator<Item = (RecordSet, u32)>) {
        if self.settings.aggressive_nsec {
            let now = self.clock.now();
            let kept = |(set, ttl): (RecordSet, u32)| KeptProof {
                set: Arc::new(set),
                until: now.saturating_add(ttl.min(limits::DENIAL_TTL)),
            };
            self.state.proofs.keep(&zone.to_lowercase(), proofs.into_iter().map(kept));
        }
    }

    /// The denial of `name` and `rtype` that proofs of its zone make, which came with other answers. None if they do not, or may not.
    pub(super) fn known_denial(&mut self, name: &DomainName, rtype: Type) -> Option<Arc<LearntRecords>> {
        let trust = self.settings.trust.as_ref().filter(|_| self.settings.aggressive_nsec)?;
        if rtype == Type::ANY || trust.denies(name.as_ref(), self.clock.unix()) {
            return None;
        }
        // The parent answers for DS.
        let within = if rtype == Type::DS { name.as_ref().parent()? } else { name.as_ref() };
        let now = self.clock.now();
        let (zone, soa) = self.state.proofs.zone_of(within, now)?;
        let deeper = |other: NameRef<'_>| other.len() > zone.as_ref().len();
        let anchored = trust.above(name.as_ref()).is_some_and(|anchor| deeper(anchor.zone.as_ref()));
        if anchored || deeper(self.closest_cut(name.as_ref(), rtype).zone.as_ref()) {
            return None;
        }
        let (content, proofs) = self.proven(name.as_ref(), rtype, &zone)?;
        let until = proofs.iter().map(|proof| proof.until).chain([soa.until]).min()?;
        let attached = std::iter::once(&soa).chain(&proofs).map(|proof| RecordSet::clone(&proof.set));
        Some(Arc::new(LearntRecords {
            owner: name.clone(),
            rtype: if content == RecordContent::NameError { ANY_TYPE } else { rtype },
            content,
            attached: attached.collect(),
            credibility: CredibilityRank::Authoritative,
            security: SecurityStatus::Secure,
            ttl: until.saturating_sub(now),
            stored: now,
        }))
    }

    /// What the proofs of `zone` show of a name, and which of them do.
    fn proven(
        &mut self,
        name: NameRef<'_>,
        rtype: Type,
        zone: &DomainName,
    ) -> Option<(RecordContent, Vec<KeptProof>)> {
        let (kept, now) = (&self.state.proofs, self.clock.now());
        let find = |owner: NameRef<'_>, rtype| kept.at_or_before(zone, owner, rtype, now);
        let find_set: &ProofFinder<'_> = &|owner, rtype| find(owner, rtype).map(|proof| proof.set);
        let hashes = &mut self.budget.hashes;
        let mut proofs = nsec_proofs(name, zone.as_ref(), find_set);
        if proofs.is_empty() {
            let sample = kept.any(zone, Type::NSEC3, now)?;
            proofs = nsec3_proofs(name, zone.as_ref(), &sample.set, find_set, hashes);
        }
        let sets: Vec<&RecordSet> = proofs.iter().map(AsRef::as_ref).collect();
        let claim = DenialClaim { name, rtype, zone: zone.as_ref() };
        // Where a chain opts out, what it does not name may be there (RFC 8198 section 5.2).
        let proves = |verdict| matches!(verdict, DenialVerdict::Proven { .. });
        let content = if proves(claim.name_error(&sets, hashes)) {
            RecordContent::NameError
        } else if proves(claim.no_data(&sets, hashes)) {
            RecordContent::NoData
        } else {
            return None;
        };
        let found = proofs.iter().map(|set| find(set.owner.as_ref(), set.rtype));
        Some((content, found.collect::<Option<_>>()?))
    }
}
