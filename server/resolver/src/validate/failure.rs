//! Why data is bogus.

use rhumb_cache::ANY_TYPE;
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
    #[error("dnskey {tag} of {zone}: signature of {owner} {rtype} expired {} ago", span(*seconds))]
    Expired {
        /// The zone that signed.
        zone: DomainName,
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
    #[error("dnskey {tag} of {zone}: signature of {owner} {rtype} is valid in {}", span(*seconds))]
    NotYet {
        /// The zone that signed.
        zone: DomainName,
        /// The owner.
        owner: DomainName,
        /// The type.
        rtype: Type,
        /// The key.
        tag: u16,
        /// From when on.
        seconds: u32,
    },
    /// The signature ends before it begins.
    #[error("dnskey {tag} of {zone}: signature of {owner} {rtype} expires before it is valid")]
    Reversed {
        /// The zone that signed.
        zone: DomainName,
        /// The owner.
        owner: DomainName,
        /// The type.
        rtype: Type,
        /// The key.
        tag: u16,
    },
    /// The zone has no key that the signatures name.
    #[error("dnskey {tag} of {zone}: there is no such key")]
    NoKey {
        /// The signer of the signatures.
        zone: DomainName,
        /// The key.
        tag: u16,
    },
    /// The signature is wrong.
    #[error("dnskey {tag} of {zone}: wrong signature of {owner} {rtype}")]
    Wrong {
        /// The zone that signed.
        zone: DomainName,
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
    /// None of its DNSKEY records is a key that signs zones (RFC 4034 section 2.1.1).
    #[error("no DNSKEY of {0} has the flag of zone keys")]
    NoZoneKeys(DomainName),
    /// The parent of a zone does not say whether it is signed.
    #[error("whether {0} is signed is not proven")]
    NoDelegation(DomainName),
    /// A denial is not proven.
    #[error("that {owner} {} is not proven", lacks(*rtype))]
    Unproven {
        /// The name.
        owner: DomainName,
        /// The type that it lacks; [`ANY_TYPE`] where the name is said not to exist.
        rtype: Type,
    },
    /// So much as the validation of one question may cost was spent.
    #[error("more signatures or hashes than one question may cost")]
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
            Self::Reversed { .. } => ExtendedError::SignatureReversed,
            Self::NoZoneKeys(_) => ExtendedError::NoZoneKeyBit,
            Self::NoKey { .. } | Self::NoTrustedKey(_) | Self::NoKeys(_) => ExtendedError::DnskeyMissing,
            Self::Unproven { .. } => ExtendedError::NsecMissing,
            Self::Wrong { .. } | Self::NoDelegation(_) => ExtendedError::DnssecBogus,
            Self::Budget | Self::Busy => ExtendedError::Other,
        }
    }
}

/// What is said of a name that is denied.
fn lacks(rtype: Type) -> String {
    if rtype == ANY_TYPE { "does not exist".to_owned() } else { format!("has no {rtype}") }
}

/// Seconds in words of one unit.
fn span(seconds: u32) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use rhumb_wire::edns::ExtendedError as Code;

    use super::*;

    fn name(text: &str) -> DomainName {
        text.parse().unwrap()
    }

    fn check<const N: usize>(rows: [(ValidationFailure, Code, &str); N]) {
        for (failure, code, text) in rows {
            assert_eq!((failure.extended_error(), failure.to_string().as_str()), (code, text));
        }
    }

    /// Every cause of SERVFAIL that lies in a signature, its code and its text.
    #[test]
    fn failures_of_signatures_have_their_codes_and_name_their_cause() {
        let (rtype, tag) = (Type::A, 12_345);
        let (zone, owner) = (|| name("example.com"), || name("www.example.com"));
        let of_key = "dnskey 12345 of example.com.: ";
        let unsigned = ValidationFailure::Unsigned { owner: owner(), rtype };
        let expired =
            ValidationFailure::Expired { zone: zone(), owner: owner(), rtype, tag, seconds: 10_900 };
        let early = ValidationFailure::NotYet { zone: zone(), owner: owner(), rtype, tag, seconds: 90 };
        let reversed = ValidationFailure::Reversed { zone: zone(), owner: owner(), rtype, tag };
        let wrong = ValidationFailure::Wrong { zone: zone(), owner: owner(), rtype, tag };
        let no_key = ValidationFailure::NoKey { zone: zone(), tag };
        let of_set = |does: &str| format!("{of_key}signature of www.example.com. A {does}");
        check([
            (unsigned, Code::RrsigsMissing, "www.example.com. A: no signature"),
            (expired, Code::SignatureExpired, &of_set("expired 3 h ago")),
            (early, Code::SignatureNotYetValid, &of_set("is valid in 90 s")),
            (reversed, Code::SignatureReversed, &of_set("expires before it is valid")),
            (wrong, Code::DnssecBogus, &format!("{of_key}wrong signature of www.example.com. A")),
            (no_key, Code::DnskeyMissing, &format!("{of_key}there is no such key")),
        ]);
    }

    /// The causes that the tests above have not.
    #[test]
    fn failures_of_chains_have_their_codes_and_name_their_cause() {
        let (zone, owner) = (|| name("example.com"), name("www.example.com"));
        let nameless = ValidationFailure::Unproven { owner: owner.clone(), rtype: ANY_TYPE };
        let unproven = ValidationFailure::Unproven { owner, rtype: Type::A };
        let no_keys = "no DNSKEY of example.com. has the flag of zone keys";
        let no_delegation = "whether example.com. is signed is not proven";
        let budget = "more signatures or hashes than one question may cost";
        check([
            (
                ValidationFailure::NoTrustedKey(zone()),
                Code::DnskeyMissing,
                "no key of example.com. is vouched for",
            ),
            (ValidationFailure::NoKeys(zone()), Code::DnskeyMissing, "example.com. has no DNSKEY"),
            (ValidationFailure::NoZoneKeys(zone()), Code::NoZoneKeyBit, no_keys),
            (ValidationFailure::NoDelegation(zone()), Code::DnssecBogus, no_delegation),
            (nameless, Code::NsecMissing, "that www.example.com. does not exist is not proven"),
            (unproven, Code::NsecMissing, "that www.example.com. has no A is not proven"),
            (ValidationFailure::Budget, Code::Other, budget),
            (ValidationFailure::Busy, Code::Other, "too many signatures wait to be checked"),
        ]);
    }

    #[test]
    fn spans_are_given_in_one_unit() {
        for (seconds, text) in [(0, "0 s"), (119, "119 s"), (120, "2 min"), (10_900, "3 h"), (172_800, "2 d")]
        {
            assert_eq!(span(seconds), text);
        }
    }
}
