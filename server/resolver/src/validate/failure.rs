//! Why data is bogus.

use rhumb_wire::edns::ExtendedError;
use rhumb_wire::{DomainName, Type};

/// Why data that should be signed cannot be believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValidationFailure {
    /// There is no signature by the zone.
    #[error("{owner} {rtype}: no signature")]
    Unsigned {
        /// The owner.
        owner: DomainName,
        /// The type.
        rtype: Type,
    },
    /// The signature is too old.
    #[error("{owner} {rtype}: signature by key {tag} expired {seconds} s ago")]
    Expired {
        /// The owner.
        owner: DomainName,
        /// The type.
        rtype: Type,
        /// The key.
        tag: u16,
        /// How long ago.
        seconds: u32,
    },
    /// The signature is not valid yet.
    #[error("{owner} {rtype}: signature by key {tag} is valid in {seconds} s")]
    NotYet {
        /// The owner.
        owner: DomainName,
        /// The type.
        rtype: Type,
        /// The key.
        tag: u16,
        /// From when on.
        seconds: u32,
    },
    /// The zone has no key that the signatures name.
    #[error("{zone} has no key {tag}")]
    NoKey {
        /// The signer of the signatures.
        zone: DomainName,
        /// The key.
        tag: u16,
    },
    /// The signature is wrong.
    #[error("{owner} {rtype}: wrong signature by key {tag}")]
    Wrong {
        /// The owner.
        owner: DomainName,
        /// The type.
        rtype: Type,
        /// The key.
        tag: u16,
    },
    /// No key of the zone is the one that its parent or the trust anchor vouches for.
    #[error("no key of {0} is vouched for")]
    NoTrustedKey(DomainName),
    /// The zone has no keys though it should.
    #[error("{0} has no DNSKEY")]
    NoKeys(DomainName),
    /// The parent of a zone does not say whether it is signed.
    #[error("whether {0} is signed is not proven")]
    NoDelegation(DomainName),
    /// A denial is not proven.
    #[error("that {owner} has no {rtype} is not proven")]
    Unproven {
        /// The name.
        owner: DomainName,
        /// The type.
        rtype: Type,
    },
    /// So much as the validation of one question may cost was spent.
    #[error(
        "more than {} signatures or {} hashes for one question",
        super::limits::CHECKS,
        super::limits::HASHES
    )]
    Budget,
    /// The threads that check signatures have too much to do.
    #[error("too many signatures wait to be checked")]
    Busy,
}

impl ValidationFailure {
    /// The code that tells a client the cause (RFC 8914).
    pub const fn extended_error(&self) -> ExtendedError {
        match self {
            Self::Unsigned { .. } => ExtendedError::RrsigsMissing,
            Self::Expired { .. } => ExtendedError::SignatureExpired,
            Self::NotYet { .. } => ExtendedError::SignatureNotYetValid,
            Self::NoKey { .. } | Self::NoTrustedKey(_) | Self::NoKeys(_) => ExtendedError::DnskeyMissing,
            Self::Unproven { .. } => ExtendedError::NsecMissing,
            Self::Wrong { .. } | Self::NoDelegation(_) => ExtendedError::DnssecBogus,
            Self::Budget | Self::Busy => ExtendedError::Other,
        }
    }
}
