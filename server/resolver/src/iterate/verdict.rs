//! Validation of what was learnt (RFC 4035 section 5).

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use rhumb_cache::{LearntRecords, RecordContent, RecordSet, SecurityStatus};
use rhumb_wire::{NameRef, Type};

use super::failure::IterationFailure;
use super::iteration::IterationCourse;
use super::signature_need::SignatureNeed;
use super::trace::ResolutionEvent;
use super::zone_trust::ZoneTrust;
use crate::network::UpstreamTransport;
use crate::validate::{ValidationFailure, limits, signers};

/// The future of a validation that another one waits for.
pub(super) type BoxedVerdict<'s, T> = Pin<Box<dyn Future<Output = Result<T, IterationFailure>> + Send + 's>>;

impl<N: UpstreamTransport> IterationCourse<'_, N> {
    /// Whether it stays as it is: it was validated, or answers are not.
    pub(super) fn is_judged(&self, learnt: &LearntRecords) -> bool {
        self.settings.trust.is_none() || learnt.security != SecurityStatus::Unchecked
    }

    /// What was learnt, with what validation finds; where answers are not validated as it is.
    ///
    /// Errors: `Bogus`; or what is needed for validation cannot be fetched.
    pub(super) fn validated(&mut self, learnt: Arc<LearntRecords>) -> BoxedVerdict<'_, Arc<LearntRecords>> {
        Box::pin(async move {
            if self.is_judged(&learnt) {
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
    pub(super) fn held_ttl(&self, ttl: u32, left: u32) -> u32 {
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
                        let Some(labels) = right.wildcard else {
                            return Ok((SecurityStatus::Secure, right.ttl, right.left));
                        };
                        let (security, proofs) = self.expansion(set, labels, attached, signer, &keys).await?;
                        return Ok((security, right.ttl.min(proofs.ttl), right.left.min(proofs.left)));
                    }
                    Err(why) => failure = Some(why),
                },
            }
        }
        let (owner, rtype) = (set.owner.as_ref().to_lowercase(), set.rtype);
        let side = if rtype == Type::DS { owner.as_ref().parent() } else { None };
        let is_above = !side.unwrap_or(owner.as_ref()).is_at_or_below(anchor);
        let need =
            if is_above { SignatureNeed::Expected } else { self.expects_signatures(&owner, rtype).await? };
        // A wrong signature by a secure zone shows that it is not that of an unsigned zone that may be there.
        let wrong = need == SignatureNeed::Open && failure.is_some();
        if need == SignatureNeed::Expected || wrong {
            return Err(failure.unwrap_or(ValidationFailure::Unsigned { owner, rtype }).into());
        }
        Ok(insecure)
    }
}
