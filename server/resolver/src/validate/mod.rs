//! Validation: signatures, keys, proofs of denial (RFC 4033 to 4035, 5155, 6840). What has to be fetched for it is fetched by iteration.

mod algorithm;
mod denial;
mod denial_claim;
mod failure;
mod kept_proofs;
pub mod limits;
mod nsec;
mod nsec3;
mod rrsig;
mod signed_set;
mod trust_anchor;
mod type_bitmap;
mod zone_key;

pub use algorithm::{SignatureCheck, is_supported};
pub(crate) use denial_claim::{DenialClaim, DenialVerdict};
pub use failure::ValidationFailure;
pub(crate) use kept_proofs::{ProofFinder, nsec_proofs, nsec3_proofs};
pub(crate) use nsec3::HashBudget;
#[cfg(test)]
pub(crate) use rrsig::RrsigRecord;
pub(crate) use rrsig::signers;
pub(crate) use signed_set::{SetCheck, checks};
pub use trust_anchor::{TrustAnchor, TrustSettings};
pub use zone_key::{KeyDigest, ZoneKey};
