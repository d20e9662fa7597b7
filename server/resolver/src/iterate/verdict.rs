//! Validation of what was learnt: sets of records, and denials (RFC 4035 section 5).

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use rhumb_cache::{ANY_TYPE, LearntRecords, RecordContent, RecordSet, SecurityStatus};
use rhumb_wire::{DomainName, NameRef, Type};

use super::failure::IterationFailure;
use super::iteration::IterationCourse;
use super::trace::ResolutionEvent;
use super::zone_trust::ZoneTrust;
use crate::network::UpstreamTransport;
use crate::validate::{
    DenialClaim, DenialVerdict, SetCheck, SignatureFate, ValidationFailure, ZoneKey, limits, set_checks,
    signers,
};

/// The future of a validation that another one waits for.
pub(super) type BoxedVerdict<'s, T> = Pin<Box<dyn Future<Output = Result<T, IterationFailure>> + Send + 's>>;

impl<N: UpstreamTransport> IterationCourse<'_, N> {
    /// What was learnt, with what validation finds; where answers are not validated as it is.
    ///
    /// Errors: `Bogus`; or what is needed for validation cannot be fetched.
    pub(super) fn validated(&mut self, learnt: Arc<LearntRecords>) -> BoxedVerdict<'_, Arc<LearntRecords>> {
        Box::pin(async move {
            if self.settings.trust.is_none() || learnt.security != SecurityStatus::Unchecked {
                return Ok(learnt);
            }
            // A denial may need itself to be proven: by a zone that denies its own name.
            let this = (learnt.owner.clone(), learnt.rtype);
            if self.validating.contains(&this) {
                let (owner, rtype) = this;
                return Err(ValidationFailure::Unproven { owner, rtype }.into());
            }
            if self.validating.len() >= limits::DEPTH {
                return Err(ValidationFailure::Budget.into());
            }
            let (name, rtype) = &this;
            let outer = self.trace.enter(|| ResolutionEvent::Validate { name: name.clone(), rtype: *rtype });
            self.validating.push(this);
            let judged = self.judge(&learnt).await;
            self.validating.pop();
            self.trace.leave(outer + 1);
            self.trace.note(|| match &judged {
                Ok(judged) => ResolutionEvent::Verdict(judged.security),
                Err(failure) => ResolutionEvent::Failed(failure.clone()),
            });
            self.trace.leave(outer);
            let judged = match judged {
                Ok(judged) => Arc::new(judged),
                Err(failure) => {
                    self.forget(&learnt);
                    return Err(failure);
                }
            };
            self.state.records.put_shared(&judged);
            self.learnt.push(Arc::clone(&judged));
            Ok(judged)
        })
    }

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

    async fn judge(&mut self, learnt: &LearntRecords) -> Result<LearntRecords, IterationFailure> {
        let with = |security| LearntRecords { security, ..learnt.clone() };
        let Some(trust) = &self.settings.trust else { return Ok(with(SecurityStatus::Insecure)) };
        let owner = learnt.owner.as_ref();
        let denied = trust.denies(owner, self.clock.unix());
        let side = if learnt.rtype == Type::DS { owner.parent().unwrap_or(owner) } else { owner };
        let anchor = trust.above(side).filter(|_| !denied && learnt.rtype != Type::RRSIG);
        let Some(anchor) = anchor.map(|anchor| anchor.zone.clone()) else {
            self.note_anchor(trust, owner);
            return Ok(with(SecurityStatus::Insecure));
        };
        match &learnt.content {
            RecordContent::Records(set) => {
                // A CNAME that was made from a DNAME is as good as that.
                let dname = learnt.attached.iter().find(|set| set.rtype == Type::DNAME);
                let set = dname.unwrap_or(set);
                let (security, ttl, left) = self.judge_set(set, &learnt.attached, anchor.as_ref()).await?;
                let ttl = self.held_ttl(learnt.ttl.min(ttl), left);
                Ok(LearntRecords { security, ttl, ..learnt.clone() })
            }
            RecordContent::NoData | RecordContent::NameError => {
                self.judge_denial(learnt, anchor.as_ref()).await
            }
        }
    }

    /// A TTL within the limits of the cache, which are not to be kept to beyond the end of a signature, `left` seconds from now.
    fn held_ttl(&self, ttl: u32, left: u32) -> u32 {
        self.state.records.hold(ttl).min(left)
    }

    /// What a set is, how long it may be kept, and how long its signature is valid; `anchor` is the trust anchor closest to what was learnt
    /// by it. A zone above the anchor has no say in whether signatures are needed below.
    async fn judge_set(
        &mut self,
        set: &RecordSet,
        attached: &[RecordSet],
        anchor: NameRef<'_>,
    ) -> Result<(SecurityStatus, u32, u32), IterationFailure> {
        let insecure = (SecurityStatus::Insecure, set.ttl, u32::MAX);
        let mut failure = None;
        for signer in signers(set).into_iter().take(2) {
            match self.trust_of(signer.to_lowercase()).await? {
                ZoneTrust::Insecure if signer.is_at_or_below(anchor) => return Ok(insecure),
                ZoneTrust::Insecure => {}
                ZoneTrust::Bogus(why) => failure = Some(why),
                ZoneTrust::Secure(keys) => match self.check_set(set, signer, &keys).await {
                    Ok(right) => {
                        let security = match right.wildcard {
                            None => SecurityStatus::Secure,
                            Some(labels) => self.expansion(set, labels, attached, signer, &keys).await?,
                        };
                        return Ok((security, right.ttl, right.left));
                    }
                    Err(why) => failure = Some(why),
                },
            }
        }
        let (owner, rtype) = (set.owner.as_ref().to_lowercase(), set.rtype);
        let side = if rtype == Type::DS { owner.as_ref().parent() } else { None };
        let is_above = !side.unwrap_or(owner.as_ref()).is_at_or_below(anchor);
        if is_above || self.expects_signatures(&owner, rtype).await? {
            return Err(failure.unwrap_or(ValidationFailure::Unsigned { owner, rtype }).into());
        }
        Ok(insecure)
    }

    /// The time by which signatures are valid or not; none while the clock is wrong and that is put up with.
    pub(super) fn signature_time(&self) -> Option<u32> {
        let unix = self.clock.unix();
        let is_lenient = self.settings.lenient_before > 0;
        let is_wrong = unix < self.settings.lenient_before || self.state.clock_doubt.was_never_right(unix);
        (!is_lenient || !is_wrong).then_some(unix)
    }

    /// Checks the signatures of a set by the keys of `zone`, until one is right.
    pub(super) async fn check_set(
        &mut self,
        set: &RecordSet,
        zone: NameRef<'_>,
        keys: &[ZoneKey],
    ) -> Result<SetCheck, ValidationFailure> {
        self.check_set_at(set, zone, keys, self.signature_time()).await
    }

    /// The same at `now`; without, the times of signatures do not count.
    pub(super) async fn check_set_at(
        &mut self,
        set: &RecordSet,
        zone: NameRef<'_>,
        keys: &[ZoneKey],
        now: Option<u32>,
    ) -> Result<SetCheck, ValidationFailure> {
        let mut failure = None;
        self.note_unfit(set, zone, keys, now);
        for candidate in set_checks(set, zone, keys, now)? {
            if !self.budget.take_check() {
                self.note_check(set, zone, &candidate, SignatureFate::NotChecked);
                return Err(failure.unwrap_or(ValidationFailure::Budget));
            }
            match self.net.check_signature(candidate.check.clone()).await {
                Some(true) => {
                    self.note_check(set, zone, &candidate, SignatureFate::Right);
                    return Ok(candidate);
                }
                Some(false) => {
                    self.note_check(set, zone, &candidate, SignatureFate::Wrong);
                    self.budget.check_failed();
                    let (owner, rtype) = (set.owner.as_ref().to_lowercase(), set.rtype);
                    let (zone, tag) = (zone.to_lowercase(), candidate.tag);
                    failure = Some(ValidationFailure::Wrong { zone, owner, rtype, tag });
                }
                None => {
                    self.note_check(set, zone, &candidate, SignatureFate::NotChecked);
                    return Err(ValidationFailure::Busy);
                }
            }
        }
        let (owner, rtype) = (set.owner.as_ref().to_lowercase(), set.rtype);
        Err(failure.unwrap_or(ValidationFailure::Unsigned { owner, rtype }))
    }

    /// Whether it is proven that a set was rightly made from a wildcard of `labels` labels.
    async fn expansion(
        &mut self,
        set: &RecordSet,
        labels: usize,
        attached: &[RecordSet],
        zone: NameRef<'_>,
        keys: &[ZoneKey],
    ) -> Result<SecurityStatus, IterationFailure> {
        let (proofs, _) = self.right_proofs(attached, zone, keys).await?;
        let claim = DenialClaim { name: set.owner.as_ref(), rtype: set.rtype, zone };
        self.note_proofs(claim, &proofs);
        let verdict = claim.expanded(labels, &proofs.iter().collect::<Vec<_>>(), &mut self.budget.hashes);
        match verdict {
            DenialVerdict::Proven { .. } => Ok(SecurityStatus::Secure),
            DenialVerdict::OptOut | DenialVerdict::TooManyIterations => Ok(SecurityStatus::Insecure),
            DenialVerdict::Unproven => {
                let (owner, rtype) = (set.owner.as_ref().to_lowercase(), set.rtype);
                Err(self.unproven(owner, rtype).into())
            }
        }
    }

    fn unproven(&self, owner: DomainName, rtype: Type) -> ValidationFailure {
        if self.budget.hashes.is_spent() {
            ValidationFailure::Budget
        } else {
            ValidationFailure::Unproven { owner, rtype }
        }
    }

    /// The proofs among what came with an answer whose signatures are right, and how long each is. Errors: `Bogus` where the budget is
    /// spent.
    async fn right_proofs(
        &mut self,
        attached: &[RecordSet],
        zone: NameRef<'_>,
        keys: &[ZoneKey],
    ) -> Result<(Vec<RecordSet>, Vec<u32>), IterationFailure> {
        let proofs = attached.iter().filter(|set| matches!(set.rtype, Type::NSEC | Type::NSEC3));
        let mut right = (Vec::new(), Vec::new());
        for proof in proofs.take(limits::PROOFS) {
            // Each link of a chain of aliases comes with the proofs of all.
            let is_it =
                |(known, of, _): &&(RecordSet, DomainName, u32)| known == proof && of.as_ref() == zone;
            if let Some((_, _, ttl)) = self.proofs.iter().find(is_it) {
                right.0.push(proof.clone());
                right.1.push(*ttl);
                continue;
            }
            match self.check_set(proof, zone, keys).await {
                // A proof is never made from a wildcard.
                Ok(check) if check.wildcard.is_none() => {
                    right.0.push(proof.clone());
                    right.1.push(check.ttl);
                    self.proofs.push((proof.clone(), zone.to_lowercase(), check.ttl));
                }
                Err(why @ (ValidationFailure::Budget | ValidationFailure::Busy)) => return Err(why.into()),
                Ok(_) | Err(_) => {}
            }
        }
        Ok(right)
    }

    async fn judge_denial(
        &mut self,
        learnt: &LearntRecords,
        anchor: NameRef<'_>,
    ) -> Result<LearntRecords, IterationFailure> {
        let name = learnt.owner.as_ref();
        // What does not exist has no keys either.
        let denied = learnt.content == RecordContent::NameError;
        let parent_side = denied || learnt.rtype == Type::DS;
        let mut zones: Vec<DomainName> = Vec::new();
        for signer in learnt.attached.iter().flat_map(signers) {
            let holds = name.is_at_or_below(signer) && !(parent_side && signer == name && !name.is_root());
            if holds && !zones.iter().any(|zone| zone.as_ref() == signer) {
                zones.push(signer.to_lowercase());
            }
        }
        let mut failure = None;
        for zone in zones.into_iter().take(2) {
            match self.trust_of(zone.clone()).await? {
                ZoneTrust::Insecure if zone.as_ref().is_at_or_below(anchor) => return Ok(insecure(learnt)),
                ZoneTrust::Insecure => {}
                ZoneTrust::Bogus(why) => failure = Some(why),
                ZoneTrust::Secure(keys) => match self.denied_by(learnt, zone.as_ref(), &keys).await? {
                    Ok(judged) => return Ok(judged),
                    Err(why) => failure = Some(why),
                },
            }
        }
        let owner = learnt.owner.clone();
        // A zone may deny its own name, which its parent or a trust anchor vouches for.
        let is_zone = denied && (name == anchor || self.is_cut(name));
        let side = if parent_side && !is_zone { Type::DS } else { learnt.rtype };
        if self.expects_signatures(&owner, side).await? {
            let rtype = learnt.rtype;
            return Err(failure.unwrap_or(ValidationFailure::Unproven { owner, rtype }).into());
        }
        Ok(insecure(learnt))
    }

    /// Whether a denial is proven by the keys of `zone`; what is kept of it then is what was checked.
    async fn denied_by(
        &mut self,
        learnt: &LearntRecords,
        zone: NameRef<'_>,
        keys: &[ZoneKey],
    ) -> Result<Result<LearntRecords, ValidationFailure>, IterationFailure> {
        let mut attached = Vec::new();
        let (mut ttl, mut left) = (learnt.ttl, u32::MAX);
        for soa in learnt.attached.iter().filter(|set| set.rtype == Type::SOA) {
            match self.check_set(soa, zone, keys).await {
                Ok(right) => (ttl, left) = (ttl.min(right.ttl), left.min(right.left)),
                Err(why) => return Ok(Err(why)),
            }
            attached.push(soa.clone());
        }
        let (proofs, ttls) = self.right_proofs(&learnt.attached, zone, keys).await?;
        let claim = DenialClaim { name: learnt.owner.as_ref(), rtype: learnt.rtype, zone };
        self.note_proofs(claim, &proofs);
        let verdict = {
            let proofs: Vec<&RecordSet> = proofs.iter().collect();
            if learnt.content == RecordContent::NameError {
                claim.name_error(&proofs, &mut self.budget.hashes)
            } else {
                claim.no_data(&proofs, &mut self.budget.hashes)
            }
        };
        if matches!(verdict, DenialVerdict::Proven { .. }) {
            // The TTL of a denial is that of its SOA, or the minimum there (RFC 9077).
            let soa = attached.iter().map(|soa: &RecordSet| (soa.clone(), ttl));
            let proofs = proofs.iter().cloned().zip(ttls).map(|(proof, left)| (proof, left.min(ttl)));
            self.keep_proofs(zone, soa.chain(proofs));
        }
        attached.extend(proofs);
        let security = match verdict {
            DenialVerdict::Proven { .. } => SecurityStatus::Secure,
            DenialVerdict::OptOut | DenialVerdict::TooManyIterations => SecurityStatus::Insecure,
            DenialVerdict::Unproven => return Ok(Err(self.unproven(learnt.owner.clone(), learnt.rtype))),
        };
        let ttl = self.held_ttl(ttl, left);
        Ok(Ok(LearntRecords { attached: attached.into(), security, ttl, ..learnt.clone() }))
    }
}

fn insecure(learnt: &LearntRecords) -> LearntRecords {
    LearntRecords { security: SecurityStatus::Insecure, ..learnt.clone() }
}
