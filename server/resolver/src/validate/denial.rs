//! Whether proofs of denial prove what they are for (RFC 4035 section 5.4, RFC 5155 section 8).

use rhumb_cache::RecordSet;

use super::denial_claim::{DenialClaim, DenialVerdict};
use super::limits;
use super::nsec::NsecProofs;
use super::nsec3::{HashBudget, Nsec3Proofs};
use super::proof_role::ProofRole;

impl DenialClaim<'_> {
    /// Whether there are no such records at the name, which may exist.
    pub fn no_data(self, proofs: &[&RecordSet], hashes: &mut HashBudget) -> DenialVerdict {
        self.judge(proofs, hashes, |nsec| nsec.no_data(self), |nsec3, hashes| nsec3.no_data(self, hashes))
    }

    /// Whether the name does not exist, and no wildcard that it would be made from.
    pub fn name_error(self, proofs: &[&RecordSet], hashes: &mut HashBudget) -> DenialVerdict {
        self.judge(
            proofs,
            hashes,
            |nsec| nsec.name_error(self),
            |nsec3, hashes| nsec3.name_error(self, hashes),
        )
    }

    /// Whether the name itself does not exist, so that the wildcard of `labels` labels answers for it.
    pub fn expanded(self, labels: usize, proofs: &[&RecordSet], hashes: &mut HashBudget) -> DenialVerdict {
        self.judge(
            proofs,
            hashes,
            |nsec| nsec.expanded(self, labels),
            |nsec3, hashes| nsec3.expanded(self, labels, hashes),
        )
    }

    /// What each of `proofs` says of the names that the claim is about. Iterations up to so many are followed.
    pub(crate) fn roles(self, proofs: &[&RecordSet], iterations: u16) -> Vec<ProofRole> {
        let nsec = NsecProofs::new(proofs, self.zone, limits::PROOFS);
        let mut roles = nsec.roles(self);
        let mut hashes = HashBudget::new(limits::HASHES, iterations);
        for chain in Nsec3Proofs::chains(proofs, self.zone, limits::PROOFS) {
            if !chain.is_too_much(&mut hashes) {
                roles.extend(chain.roles(self, &mut hashes));
            }
        }
        roles
    }

    fn judge<'p>(
        self,
        proofs: &[&'p RecordSet],
        hashes: &mut HashBudget,
        by_nsec: impl FnOnce(&NsecProofs<'p>) -> DenialVerdict,
        by_nsec3: impl Fn(&Nsec3Proofs<'p>, &mut HashBudget) -> DenialVerdict,
    ) -> DenialVerdict {
        let nsec = NsecProofs::new(proofs, self.zone, limits::PROOFS);
        if !nsec.is_empty() {
            let verdict = by_nsec(&nsec);
            if verdict != DenialVerdict::Unproven {
                return verdict;
            }
        }
        by_chains(&Nsec3Proofs::chains(proofs, self.zone, limits::PROOFS), hashes, by_nsec3)
    }
}

/// What one of the chains shows by itself, whichever record comes first. RFC 5155 section 8.2 lets a validator refuse records of different
/// chains, and does not ask it to: a proof is as good as its signatures, and a zone that changes its parameters is not to fail meanwhile.
///
/// Too many iterations are an excuse where there is no chain without them: else what was signed long ago could be added to a forged answer
/// to make it insecure.
fn by_chains<'p>(
    chains: &[Nsec3Proofs<'p>],
    hashes: &mut HashBudget,
    judge: impl Fn(&Nsec3Proofs<'p>, &mut HashBudget) -> DenialVerdict,
) -> DenialVerdict {
    let mut verdict = None;
    for chain in chains {
        if !chain.is_followed(hashes) {
            continue;
        }
        match judge(chain, hashes) {
            proven @ DenialVerdict::Proven { .. } => return proven,
            DenialVerdict::Unproven => verdict = verdict.or(Some(DenialVerdict::Unproven)),
            other => verdict = Some(other),
        }
    }
    verdict.unwrap_or_else(|| match chains.first() {
        Some(chain) if chain.is_too_much(hashes) => DenialVerdict::TooManyIterations,
        _ => DenialVerdict::Unproven,
    })
}
