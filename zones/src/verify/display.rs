//! What each finding says.

use std::fmt;

use rhumb_wire::DomainName;

use super::defect::ZoneDefect;
use crate::file::signature_time_text;

impl fmt::Display for ZoneDefect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongDigest => f.write_str("the digest that ZONEMD gives is not that of the zone"),
            Self::OtherSerial { serial, digested } => {
                write!(f, "ZONEMD is made for serial {digested}, the zone has serial {serial}")
            }
            Self::DigestMissing => {
                f.write_str("a ZONEMD that can be verified is required, and there is none")
            }
            Self::NoDigestSupported => f.write_str(
                "no ZONEMD can be verified; one each of scheme 1 with hash algorithm 1 or 2 can be",
            ),
            Self::NoKey => f.write_str("the zone is signed and has no DNSKEY"),
            Self::NoDenial => f.write_str("the zone is signed and has neither NSEC nor NSEC3"),
            Self::More { count, like } => write!(f, "{count} more as `{like}`"),
            Self::Unsigned(_)
            | Self::NoSignatureOf { .. }
            | Self::OrphanSignature(_)
            | Self::UselessSignature(_)
            | Self::Expired { .. }
            | Self::NotYetValid { .. }
            | Self::WrongSigner(_)
            | Self::UnknownKey { .. }
            | Self::WrongLabels { .. }
            | Self::WrongTtl { .. } => signature(self, f),
            Self::DsAtApex => f.write_str("DS at the apex; it belongs in the parent zone"),
            Self::DsWithoutNs => f.write_str("DS without NS"),
            Self::BelongsAtApex(rtype) => write!(f, "{rtype} is of no use but at the apex"),
            Self::DanglingAlias(target) => {
                write!(f, "CNAME points to {target}, which this zone does not have")
            }
            Self::AliasLoop => f.write_str("the CNAME leads back to itself"),
            _ => denial(self, f),
        }
    }
}

fn signature(defect: &ZoneDefect, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match defect {
        ZoneDefect::Unsigned(rtype) => write!(f, "{rtype} has no signature"),
        ZoneDefect::NoSignatureOf { rtype, algorithm } => {
            write!(f, "{rtype} has no signature of algorithm {algorithm}, of which there is a key")
        }
        ZoneDefect::OrphanSignature(rtype) => write!(f, "a signature of {rtype}, which is not there"),
        ZoneDefect::UselessSignature(rtype) => {
            write!(f, "a signature of {rtype}, which is not authoritative here")
        }
        ZoneDefect::Expired { rtype, since } => {
            write!(f, "the signature of {rtype} expired {}", signature_time_text(*since))
        }
        ZoneDefect::NotYetValid { rtype, from } => {
            write!(f, "the signature of {rtype} is not valid before {}", signature_time_text(*from))
        }
        ZoneDefect::WrongSigner(rtype) => write!(f, "the signer of {rtype} is not the apex"),
        ZoneDefect::UnknownKey { rtype, tag, algorithm } => {
            write!(
                f,
                "the signature of {rtype} is by key {tag} of algorithm {algorithm}, which is no DNSKEY here"
            )
        }
        ZoneDefect::WrongLabels { rtype, found } => {
            write!(f, "the signature of {rtype} is for {found} labels, which the owner does not have")
        }
        ZoneDefect::WrongTtl { rtype, signed, ttl } => {
            write!(f, "the signature of {rtype} is for TTL {signed}, the TTL is {ttl}")
        }
        _ => Ok(()),
    }
}

/// About proofs of denial.
fn denial(defect: &ZoneDefect, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let at = |name: &Option<DomainName>| name.as_ref().map_or_else(String::new, |name| format!(" of {name}"));
    match defect {
        ZoneDefect::NoNsec => f.write_str("the name has no NSEC"),
        ZoneDefect::SeveralNsec => f.write_str("more than one NSEC"),
        ZoneDefect::NsecAlone => f.write_str("NSEC at a name that has nothing else"),
        ZoneDefect::OccludedNsec => f.write_str("NSEC at a name that is not authoritative here"),
        ZoneDefect::WrongNext { next, follows } => {
            write!(f, "NSEC leads to {next}, the name that follows is {follows}")
        }
        ZoneDefect::Listed { of, name, rtype } => {
            write!(f, "{of}{} lists {rtype}, which is not there", at(name))
        }
        ZoneDefect::LeftOut { of, name, rtype } => {
            write!(f, "{of}{} does not list {rtype}, which is there", at(name))
        }
        ZoneDefect::NoNsec3 => f.write_str("the name has no NSEC3"),
        ZoneDefect::SeveralNsec3 => f.write_str("more than one NSEC3 of the same parameters"),
        ZoneDefect::Nsec3WithoutName => f.write_str("NSEC3 whose owner is the hash of no name of the zone"),
        ZoneDefect::ForeignNsec3 => f.write_str("NSEC3 with parameters that no NSEC3PARAM gives"),
        ZoneDefect::WrongNextHash { next, follows } => {
            write!(f, "NSEC3 leads to {next}, the hash that follows is {follows}")
        }
        ZoneDefect::NoChain => f.write_str("NSEC3PARAM, and no NSEC3 of its parameters"),
        ZoneDefect::ChainNotAnnounced => f.write_str("NSEC3, and no NSEC3PARAM that gives its parameters"),
        ZoneDefect::ManyIterations(count) => {
            write!(f, "{count} iterations of NSEC3: validators take the zone for unsigned")
        }
        _ => Ok(()),
    }
}
