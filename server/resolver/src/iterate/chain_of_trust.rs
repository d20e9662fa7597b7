//! From a trust anchor down to the keys of a zone, or to the proof that it has none (RFC 4035 section 5.2).

use std::sync::Arc;

use rhumb_cache::{LearntRecords, RecordContent, RecordSet, SecurityStatus};
use rhumb_wire::{DomainName, NameRef, Type};

use super::clock_doubt::ClockDoubt;
use super::failure::IterationFailure;
use super::iteration::IterationCourse;
use super::signature_need::SignatureNeed;
use super::trace::{InsecureReason, ResolutionEvent};
use super::verdict::BoxedVerdict;
use super::zone_trust::ZoneTrust;
use crate::network::UpstreamTransport;
use crate::validate::{DenialClaim, DenialVerdict, KeyDigest, SetCheck, ValidationFailure, ZoneKey, limits};

/// Seconds that a zone without usable keys is remembered as such.
const BOGUS: u32 = 5;

impl<N: UpstreamTransport> IterationCourse<'_, N> {
    /// The keys of `zone`, or why there are none.
    ///
    /// Errors: what is needed to find that out cannot be fetched.
    pub(super) fn trust_of(&mut self, zone: DomainName) -> BoxedVerdict<'_, ZoneTrust> {
        Box::pin(async move {
            let now = self.clock.now();
            if let Some(known) = self.state.zone_trust(&zone, now) {
                self.note_trust(&zone, &known, true);
                return Ok(known);
            }
            let outer = self.trace.enter(|| ResolutionEvent::Keys { zone: zone.clone() });
            let found = self.work_out_trust(&zone).await;
            self.trace.leave(outer + 1);
            let (trust, ttl) = match found {
                Ok(found) => found,
                Err(IterationFailure::Bogus(why)) => (ZoneTrust::Bogus(why), BOGUS),
                Err(failure) => {
                    self.trace.note(|| ResolutionEvent::Failed(failure.clone()));
                    self.trace.leave(outer);
                    return Err(failure);
                }
            };
            // Why a zone needs no signatures was noted where that was found.
            if !matches!(trust, ZoneTrust::Insecure) {
                self.note_trust(&zone, &trust, false);
            }
            self.trace.leave(outer);
            let of_question =
                matches!(trust, ZoneTrust::Bogus(ValidationFailure::Budget | ValidationFailure::Busy));
            // Of what a copy of the root said nothing is remembered that speaks against its servers.
            let of_copy = self.copy_is_bogus && matches!(trust, ZoneTrust::Bogus(_));
            if !of_question && !of_copy {
                let until = now.saturating_add(ttl.min(limits::ZONE_TTL));
                self.state.keep_zone_trust(&zone, &trust, now, until);
            }
            Ok(trust)
        })
    }

    async fn work_out_trust(&mut self, zone: &DomainName) -> Result<(ZoneTrust, u32), IterationFailure> {
        let Some(trust) = &self.settings.trust else {
            return Ok(self.insecure(zone, InsecureReason::NotAnchored, limits::ZONE_TTL));
        };
        let begins = trust.above(zone.as_ref()).is_none_or(|anchor| anchor.zone == *zone);
        let denied = trust.denies(zone.as_ref(), self.clock.unix());
        if begins || denied {
            self.note_anchor(trust, zone.as_ref());
        }
        if denied {
            return Ok(self.insecure(zone, InsecureReason::NotAnchored, BOGUS));
        }
        let Some(anchor) = trust.above(zone.as_ref()) else {
            return Ok(self.insecure(zone, InsecureReason::NotAnchored, limits::ZONE_TTL));
        };
        let (digests, ttl) = if anchor.zone == *zone {
            (anchor.digests.clone(), limits::ZONE_TTL)
        } else {
            let found = self.signer_of(zone).await?;
            let left = found.left(self.clock.now());
            match (&found.content, found.security) {
                (_, SecurityStatus::Insecure) => {
                    return Ok(self.insecure(zone, InsecureReason::ParentInsecure, left));
                }
                (RecordContent::Records(set), _) if set.rtype == Type::DS => {
                    (set.records.iter().filter_map(KeyDigest::parse).collect(), left)
                }
                _ if self.is_delegation(&found) => {
                    return Ok(self.insecure(zone, InsecureReason::NoDs, left));
                }
                _ => return Err(ValidationFailure::NoDelegation(zone.clone()).into()),
            }
        };
        let Some(used) = usable(&digests) else {
            self.note_digests(zone, &digests, &[], &[]);
            return Ok(self.insecure(zone, InsecureReason::UnknownAlgorithms, ttl));
        };
        let (keys, checked) = self.fetch_keys(zone, &digests, &used).await?;
        Ok((ZoneTrust::Secure(keys), ttl.min(checked)))
    }

    /// The keys of a zone, of another server where those of one cannot be believed; `used` are the digests that vouch for them.
    async fn fetch_keys(
        &mut self,
        zone: &DomainName,
        digests: &[KeyDigest],
        used: &[KeyDigest],
    ) -> Result<(Arc<[ZoneKey]>, u32), IterationFailure> {
        let mut again = 0;
        loop {
            let learnt = self.find(zone, Type::DNSKEY).await?;
            let why = match self.believed_keys(zone, &learnt, digests, used).await {
                Ok(keys) => return Ok(keys),
                Err(why) => why,
            };
            self.forget(&learnt);
            again += 1;
            if again > limits::AGAIN || !self.may_ask_others(zone, Type::DNSKEY, &why) {
                return Err(why.into());
            }
        }
    }

    async fn believed_keys(
        &mut self,
        zone: &DomainName,
        learnt: &LearntRecords,
        digests: &[KeyDigest],
        used: &[KeyDigest],
    ) -> Result<(Arc<[ZoneKey]>, u32), ValidationFailure> {
        let Some(set) = learnt.records().filter(|set| set.rtype == Type::DNSKEY) else {
            return Err(ValidationFailure::NoKeys(zone.clone()));
        };
        let keys: Vec<ZoneKey> = set.records.iter().filter_map(ZoneKey::parse).take(limits::KEYS).collect();
        self.note_digests(zone, digests, used, &keys);
        if keys.is_empty() {
            return Err(ValidationFailure::NoZoneKeys(zone.clone()));
        }
        self.keys_of(zone, set, keys, used).await
    }

    /// That a zone needs no signatures, for so many seconds.
    fn insecure(&mut self, zone: &DomainName, why: InsecureReason, ttl: u32) -> (ZoneTrust, u32) {
        self.note_insecure(zone, why);
        (ZoneTrust::Insecure, ttl)
    }

    /// The keys of a zone, signed by one of those that `digests` vouch for, and how long they may be kept.
    async fn keys_of(
        &mut self,
        zone: &DomainName,
        set: &RecordSet,
        keys: Vec<ZoneKey>,
        digests: &[KeyDigest],
    ) -> Result<(Arc<[ZoneKey]>, u32), ValidationFailure> {
        let vouched = |key: &&ZoneKey| digests.iter().any(|digest| digest.is_of(zone.as_ref(), key));
        let trusted: Vec<ZoneKey> = keys.iter().filter(vouched).cloned().collect();
        if trusted.is_empty() {
            return Err(ValidationFailure::NoTrustedKey(zone.clone()));
        }
        let checked = self.check_set(set, zone.as_ref(), &trusted).await;
        let right =
            if zone.as_ref().is_root() { self.clock_seen(set, &trusted, checked).await } else { checked }?;
        Ok((keys.into(), right.ttl))
    }

    /// What the check of the root's keys says of the clock: it is far from right where the signature is right but for its times. Gives the
    /// check, which is made anew where that is put up with.
    async fn clock_seen(
        &mut self,
        set: &RecordSet,
        keys: &[ZoneKey],
        checked: Result<SetCheck, ValidationFailure>,
    ) -> Result<SetCheck, ValidationFailure> {
        let (unix, doubt) = (self.clock.unix(), &self.state.clock_doubt);
        let failure = match checked {
            Ok(right) => {
                if self.signature_time().is_some() {
                    doubt.settle();
                }
                return Ok(right);
            }
            Err(failure) => failure,
        };
        if !ClockDoubt::would_follow(&failure) {
            return Err(failure);
        }
        let right = self.check_set_at(set, NameRef::ROOT, keys, None).await;
        if right.is_ok() {
            doubt.arise(&failure, unix);
        }
        right.ok().filter(|_| self.signature_time().is_none()).ok_or(failure)
    }

    /// Whether records of this owner and type should be signed, by the zones from the trust anchor down.
    ///
    /// Errors: `Bogus` where the keys of a zone on the way are; what is needed cannot be fetched.
    pub(super) fn expects_signatures<'s>(
        &'s mut self,
        owner: &'s DomainName,
        rtype: Type,
    ) -> BoxedVerdict<'s, SignatureNeed> {
        Box::pin(async move {
            let Some(trust) = &self.settings.trust else { return Ok(SignatureNeed::Absent) };
            let above = if rtype == Type::DS { owner.as_ref().parent() } else { None };
            let end = above.unwrap_or(owner.as_ref());
            let Some(anchor) = trust.above(end) else { return Ok(SignatureNeed::Absent) };
            let anchor = anchor.zone.clone();
            let labels = end.label_count();
            let outer = self.trace.enter(|| ResolutionEvent::Expect { name: owner.clone() });
            let expected = self.expected_from(anchor, end, labels).await;
            self.trace.leave(outer);
            expected
        })
    }

    /// The same from the trust anchor of `anchor` down to `end`, which has so many labels.
    async fn expected_from(
        &mut self,
        anchor: DomainName,
        end: NameRef<'_>,
        labels: usize,
    ) -> Result<SignatureNeed, IterationFailure> {
        let unix = self.clock.unix();
        match self.trust_of(anchor.clone()).await? {
            ZoneTrust::Insecure => return Ok(SignatureNeed::Absent),
            ZoneTrust::Bogus(why) => return Err(why.into()),
            ZoneTrust::Secure(_) => {}
        }
        let mut unproven = None;
        for depth in anchor.as_ref().label_count() + 1..=labels {
            let name = end.skip_labels(labels - depth).to_lowercase();
            let trust = self.settings.trust.as_ref();
            if let Some(trust) = trust.filter(|trust| trust.denies(name.as_ref(), unix)) {
                self.note_anchor(trust, name.as_ref());
                return Ok(SignatureNeed::Absent);
            }
            match self.step(&name).await {
                Ok(TrustStep::Insecure) => return Ok(SignatureNeed::Absent),
                Ok(TrustStep::Open) => return Ok(SignatureNeed::Open),
                Ok(TrustStep::Ends) => break,
                Ok(TrustStep::GoesOn) => {}
                // What the parent says of a delegation further down proves more than what it says of the names above that.
                Err(IterationFailure::Bogus(why @ ValidationFailure::Unproven { .. }))
                    if self.leads_below(end, labels - depth) =>
                {
                    unproven.get_or_insert(why);
                }
                Err(failure) => return Err(unproven.map_or(failure, Into::into)),
            }
        }
        unproven.map_or(Ok(SignatureNeed::Expected), |why| Err(why.into()))
    }

    /// Whether `end`, or a name above it from which less than `above` labels are missing, is known to be delegated.
    fn leads_below(&self, end: NameRef<'_>, above: usize) -> bool {
        (0..above).any(|missing| self.is_cut(end.skip_labels(missing)))
    }

    /// What lies at `name` on the way from a secure zone down.
    async fn step(&mut self, name: &DomainName) -> Result<TrustStep, IterationFailure> {
        let found = self.signer_of(name).await?;
        if found.security == SecurityStatus::Insecure {
            self.note_insecure(name, InsecureReason::ParentInsecure);
            return Ok(TrustStep::Open);
        }
        match &found.content {
            RecordContent::Records(set) if set.rtype == Type::DS => {
                match self.trust_of(name.clone()).await? {
                    ZoneTrust::Insecure => Ok(TrustStep::Insecure),
                    ZoneTrust::Bogus(why) => Err(why.into()),
                    ZoneTrust::Secure(_) => Ok(TrustStep::GoesOn),
                }
            }
            RecordContent::Records(_) => Ok(TrustStep::GoesOn),
            RecordContent::NameError => Ok(TrustStep::Ends),
            RecordContent::NoData if self.is_delegation(&found) => {
                self.note_insecure(name, InsecureReason::NoDs);
                Ok(TrustStep::Insecure)
            }
            RecordContent::NoData => Ok(TrustStep::GoesOn),
        }
    }

    /// What the parent says of DS at `name`, validated.
    async fn signer_of(&mut self, name: &DomainName) -> Result<Arc<LearntRecords>, IterationFailure> {
        let found = self.find(name, Type::DS).await?;
        self.validated_or_asked_again(found, Type::DS, 0).await
    }

    /// Whether the proofs of a denial of DS, which were checked, show a delegation.
    fn is_delegation(&mut self, denial: &LearntRecords) -> bool {
        let signers = denial.attached.iter().flat_map(crate::validate::signers);
        let zones: Vec<NameRef<'_>> = signers.collect();
        let Some(&zone) = zones.first() else { return false };
        let proofs: Vec<&RecordSet> = denial.attached.iter().collect();
        let claim = DenialClaim { name: denial.owner.as_ref(), rtype: Type::DS, zone };
        self.note_proofs(claim, &denial.attached);
        claim.no_data(&proofs, &mut self.budget.hashes) == DenialVerdict::Proven { delegation: true }
    }
}

/// What lies at a name on the way down.
enum TrustStep {
    /// A zone that needs no signatures.
    Insecure,
    /// A zone that needs none, or nothing: it is not proven which.
    Open,
    /// Nothing: there is no zone further down.
    Ends,
    /// A secure zone, or none.
    GoesOn,
}

/// The digests that can be used, the better ones alone; none if there is none.
fn usable(digests: &[KeyDigest]) -> Option<Vec<KeyDigest>> {
    let mut usable: Vec<KeyDigest> = digests.iter().filter(|digest| digest.is_usable()).cloned().collect();
    if usable.iter().any(|digest| !digest.is_weak()) {
        usable.retain(|digest| !digest.is_weak());
    }
    usable.truncate(limits::DIGESTS);
    (!usable.is_empty()).then_some(usable)
}
