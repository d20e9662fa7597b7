//! Which record of a proof says what, for those who ask.

use rhumb_cache::RecordSet;
use rhumb_wire::{DomainName, Type};

use super::denial_claim::DenialClaim;
use super::limits;
use super::nsec::NsecProofs;
use super::nsec3::{HashBudget, Nsec3Proofs};

/// What an NSEC or NSEC3 record says of one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofRole {
    /// The owner of the record.
    pub owner: DomainName,
    /// NSEC or NSEC3.
    pub rtype: Type,
    /// The name that it says something of: the one that is denied, its closest encloser, the one below that, the wildcard there.
    pub name: DomainName,
    /// Whether it stands at the name, which exists then; else it covers it, so that it does not exist.
    pub stands: bool,
    /// Whether it leaves out delegations without signatures (RFC 5155 section 6).
    pub opt_out: bool,
}

impl DenialClaim<'_> {
    /// What each of `proofs` says of the names that the claim is about. Iterations up to so many are followed.
    pub(crate) fn roles(self, proofs: &[&RecordSet], iterations: u16) -> Vec<ProofRole> {
        let nsec = NsecProofs::new(proofs, self.zone, limits::PROOFS);
        let mut roles = nsec.roles(self);
        let mut hashes = HashBudget::new(limits::HASHES, iterations);
        let nsec3 = Nsec3Proofs::new(proofs, self.zone, limits::PROOFS);
        if let Some(nsec3) = nsec3.filter(|nsec3| !nsec3.is_too_much(&hashes)) {
            roles.extend(nsec3.roles(self, &mut hashes));
        }
        roles
    }
}
