//! Validation: signatures, keys, proofs of denial (RFC 4033 to 4035, 5155, 6840). What has to be fetched for it is fetched by iteration.

mod algorithm;
mod anchor_key;
mod anchor_terms;
mod denial;
mod denial_claim;
mod failure;
mod kept_proofs;
mod key_set_reading;
pub mod limits;
mod nsec;
mod nsec3;
mod proof_role;
mod rrsig;
mod signature_outcome;
mod signed_set;
mod tracked_anchor;
mod trust_anchor;
mod type_bitmap;
mod zone_key;

pub use algorithm::{SignatureCheck, is_supported};
pub use anchor_key::{AnchorKey, AnchorKeyIdentity, AnchorKeyState};
pub use anchor_terms::AnchorTerms;
pub use denial_claim::{DenialClaim, DenialVerdict};
pub use failure::ValidationFailure;
pub(crate) use kept_proofs::{ProofFinder, nsec_proofs, nsec3_proofs};
pub use key_set_reading::KeySetReading;
pub use nsec3::HashBudget;
pub use proof_role::ProofRole;
#[cfg(test)]
pub(crate) use rrsig::RrsigRecord;
pub(crate) use rrsig::signers;
pub use signature_outcome::{DigestOutcome, SignatureOutcome};
pub use signed_set::{SetCheck, set_checks};
pub(crate) use signed_set::{SignatureReport, unfit};
pub use tracked_anchor::{AnchorKeyChange, KeySetVerdict, TrackedAnchor};
pub use trust_anchor::{TrustAnchor, TrustSettings};
pub use zone_key::{KeyDigest, ZoneKey};
