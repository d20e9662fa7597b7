//! What validation notes of its steps, where somebody wants to know.

use rhumb_cache::RecordSet;
use rhumb_wire::{DomainName, NameRef};

use super::iteration::IterationCourse;
use super::trace::{AnchorKind, InsecureReason, ResolutionEvent, TrustFound};
use super::zone_trust::ZoneTrust;
use crate::network::UpstreamTransport;
use crate::validate::{
    DenialClaim, DigestOutcome, KeyDigest, SetCheck, SignatureOutcome, SignatureReport, TrustSettings,
    ZoneKey, unfit,
};

impl<N: UpstreamTransport> IterationCourse<'_, N> {
    /// Notes the signatures of a set that need no check to be passed over.
    pub(super) fn note_unfit(
        &mut self,
        set: &RecordSet,
        zone: NameRef<'_>,
        keys: &[ZoneKey],
        now: Option<u32>,
    ) {
        if self.trace.is_kept() {
            for report in unfit(set, zone, keys, now) {
                self.trace.note(|| signature(set, report));
            }
        }
    }

    /// Notes what a check of a signature found.
    pub(super) fn note_check(
        &mut self,
        set: &RecordSet,
        signer: NameRef<'_>,
        check: &SetCheck,
        outcome: SignatureOutcome,
    ) {
        let (tag, algorithm, expires) = (check.tag, check.check.algorithm, check.expires);
        self.trace.note(|| signature(set, SignatureReport { signer, tag, algorithm, expires, outcome }));
    }

    /// Notes which records of a proof say what.
    pub(super) fn note_proofs<'p>(
        &mut self,
        claim: DenialClaim<'_>,
        proofs: impl IntoIterator<Item = &'p RecordSet>,
    ) {
        if self.trace.is_kept() {
            let proofs: Vec<&RecordSet> = proofs.into_iter().collect();
            for role in claim.roles(&proofs, self.settings.limits.iterations) {
                self.trace.note(|| ResolutionEvent::Proof(role));
            }
        }
    }

    /// Notes what is found out of the keys of a zone.
    pub(super) fn note_trust(&mut self, zone: &DomainName, trust: &ZoneTrust, known: bool) {
        let found = || TrustFound::of(trust);
        self.trace.note(|| ResolutionEvent::Trust { zone: zone.clone(), found: found(), known });
    }

    /// Notes why a zone needs no signatures.
    pub(super) fn note_insecure(&mut self, zone: &DomainName, why: InsecureReason) {
        let found = TrustFound::Insecure(why);
        self.trace.note(|| ResolutionEvent::Trust { zone: zone.clone(), found, known: false });
    }

    /// Notes which trust anchor, negative or not, counts for a name.
    pub(super) fn note_anchor(&mut self, trust: &TrustSettings, name: NameRef<'_>) {
        let unix = self.clock.unix();
        self.trace.note(|| {
            let negative = trust.negative_above(name, unix);
            ResolutionEvent::Anchor(match (negative, trust.above(name)) {
                (Some((domain, until)), _) => AnchorKind::Negative(domain.clone(), *until),
                (None, Some(anchor)) => AnchorKind::Trusted(anchor.zone.clone()),
                (None, None) => AnchorKind::Absent,
            })
        });
    }

    /// Notes what became of the DS records of a zone or the trust anchors of one, of which `used` are good for something.
    pub(super) fn note_digests(
        &mut self,
        zone: &DomainName,
        all: &[KeyDigest],
        used: &[KeyDigest],
        keys: &[ZoneKey],
    ) {
        for digest in all {
            let names = |key: &ZoneKey| key.tag() == digest.tag && key.algorithm() == digest.algorithm;
            self.trace.note(|| ResolutionEvent::Digest {
                zone: zone.clone(),
                tag: digest.tag,
                algorithm: digest.algorithm,
                kind: digest.kind,
                outcome: match () {
                    () if !used.contains(digest) => DigestOutcome::NotUsed,
                    () if keys.iter().any(|key| digest.is_of(zone.as_ref(), key)) => DigestOutcome::Matched,
                    () if keys.iter().any(names) => DigestOutcome::OtherKey,
                    () => DigestOutcome::NoKey,
                },
            });
        }
    }
}

fn signature(set: &RecordSet, report: SignatureReport<'_>) -> ResolutionEvent {
    let SignatureReport { signer, tag, algorithm, expires, outcome } = report;
    let (owner, rtype) = (set.owner.as_ref().to_lowercase(), set.rtype);
    ResolutionEvent::Signature {
        owner,
        rtype,
        signer: signer.to_lowercase(),
        tag,
        algorithm,
        expires,
        outcome,
    }
}
