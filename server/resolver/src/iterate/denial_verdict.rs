//! Validation of denials and of what was made from wildcards (RFC 4035 section 5.4).

use rhumb_cache::{LearntRecords, RecordContent, RecordSet, SecurityStatus};
use rhumb_wire::{DomainName, NameRef, Type};

use super::failure::IterationFailure;
use super::iteration::IterationCourse;
use super::proof_terms::ProofTerms;
use super::signature_need::SignatureNeed;
use super::zone_trust::ZoneTrust;
use crate::network::UpstreamTransport;
use crate::validate::{DenialClaim, DenialVerdict, ValidationFailure, ZoneKey, limits, signers};

impl<N: UpstreamTransport> IterationCourse<'_, N> {
    /// Whether it is proven that a set was rightly made from a wildcard of `labels` labels, and how long that is good.
    pub(super) async fn expansion(
        &mut self,
        set: &RecordSet,
        labels: usize,
        attached: &[RecordSet],
        zone: NameRef<'_>,
        keys: &[ZoneKey],
    ) -> Result<(SecurityStatus, ProofTerms), IterationFailure> {
        let (proofs, terms) = self.right_proofs(attached, zone, keys).await?;
        let claim = DenialClaim { name: set.owner.as_ref(), rtype: set.rtype, zone };
        self.note_proofs(claim, &proofs);
        let verdict = claim.expanded(labels, &proofs.iter().collect::<Vec<_>>(), &mut self.budget.hashes);
        let terms = ProofTerms::of_all(&terms);
        match verdict {
            DenialVerdict::Proven { .. } => Ok((SecurityStatus::Secure, terms)),
            DenialVerdict::OptOut | DenialVerdict::TooManyIterations => Ok((SecurityStatus::Insecure, terms)),
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

    /// The proofs among what came with an answer whose signatures are right, and how long each is good. Errors: `Bogus` where the budget is
    /// spent.
    async fn right_proofs(
        &mut self,
        attached: &[RecordSet],
        zone: NameRef<'_>,
        keys: &[ZoneKey],
    ) -> Result<(Vec<RecordSet>, Vec<ProofTerms>), IterationFailure> {
        let proofs = attached.iter().filter(|set| matches!(set.rtype, Type::NSEC | Type::NSEC3));
        let mut right = (Vec::new(), Vec::new());
        for proof in proofs.take(limits::PROOFS) {
            // Each link of a chain of aliases comes with the proofs of all.
            let is_it =
                |(known, of, _): &&(RecordSet, DomainName, ProofTerms)| known == proof && of.as_ref() == zone;
            if let Some((_, _, terms)) = self.proofs.iter().find(is_it) {
                right.0.push(proof.clone());
                right.1.push(*terms);
                continue;
            }
            match self.check_set(proof, zone, keys).await {
                // A proof is never made from a wildcard.
                Ok(check) if check.wildcard.is_none() => {
                    right.0.push(proof.clone());
                    let terms = ProofTerms { ttl: check.ttl, left: check.left };
                    right.1.push(terms);
                    self.proofs.push((proof.clone(), zone.to_lowercase(), terms));
                }
                Err(why @ (ValidationFailure::Budget | ValidationFailure::Busy)) => return Err(why.into()),
                Ok(_) | Err(_) => {}
            }
        }
        Ok(right)
    }

    /// A denial, with what its proofs say. Errors: `Bogus`; or what is needed for validation cannot be fetched.
    pub(super) async fn judge_denial(
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
        if self.expects_signatures(&owner, side).await? == SignatureNeed::Expected {
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
        let (proofs, terms) = self.right_proofs(&learnt.attached, zone, keys).await?;
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
            let proofs = proofs.iter().cloned().zip(&terms).map(|(proof, terms)| (proof, terms.ttl.min(ttl)));
            self.keep_proofs(zone, soa.chain(proofs));
        }
        attached.extend(proofs);
        let security = match verdict {
            DenialVerdict::Proven { .. } => SecurityStatus::Secure,
            DenialVerdict::OptOut | DenialVerdict::TooManyIterations => SecurityStatus::Insecure,
            DenialVerdict::Unproven => return Ok(Err(self.unproven(learnt.owner.clone(), learnt.rtype))),
        };
        let terms = ProofTerms::of_all(&terms);
        let ttl = self.held_ttl(ttl.min(terms.ttl), left.min(terms.left));
        Ok(Ok(LearntRecords { attached: attached.into(), security, ttl, ..learnt.clone() }))
    }
}

fn insecure(learnt: &LearntRecords) -> LearntRecords {
    LearntRecords { security: SecurityStatus::Insecure, ..learnt.clone() }
}
