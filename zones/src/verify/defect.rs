//! The kinds of findings.

use rhumb_wire::{DomainName, Type};

use super::types::BitmapDifference;
use crate::fault::FaultSeverity;

/// What is wrong with a zone as a whole. Each says its severity: an error where the records are not those that were
/// published, a warning where validators, or some of the answers, will have trouble.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ZoneDefect {
    /// Error: the digest of ZONEMD is not that of the zone (RFC 8976 section 4).
    WrongDigest,
    /// Error: ZONEMD was made for another serial (RFC 8976 section 4).
    OtherSerial {
        /// The zone's serial.
        serial: u32,
        /// That of ZONEMD.
        digested: u32,
    },
    /// Error: a ZONEMD that can be verified is required, and there is none.
    DigestMissing,
    /// Warning: no ZONEMD has a scheme and a hash algorithm that can be verified, or two have the same.
    NoDigestSupported,
    /// Warning: a signed zone without DNSKEY.
    NoKey,
    /// Warning: a signed zone without NSEC and NSEC3.
    NoDenial,
    /// Warning: an RRset without a signature (RFC 4035 section 2.2).
    Unsigned(Type),
    /// Warning: no signature of an algorithm that a key of the zone has (RFC 4035 section 2.2).
    NoSignatureOf {
        /// The type of the RRset.
        rtype: Type,
        /// The algorithm.
        algorithm: u8,
    },
    /// Warning: a signature of records that are not there.
    OrphanSignature(Type),
    /// Warning: a signature of records that are not authoritative (RFC 4035 section 2.2).
    UselessSignature(Type),
    /// Warning: a signature whose time is over.
    Expired {
        /// The type it covers.
        rtype: Type,
        /// Its expiration.
        since: u32,
    },
    /// Warning: a signature whose time has not begun.
    NotYetValid {
        /// The type it covers.
        rtype: Type,
        /// Its inception.
        from: u32,
    },
    /// Warning: the signer is not the apex (RFC 4034 section 3.1.7).
    WrongSigner(Type),
    /// Warning: no DNSKEY has the tag and the algorithm of a signature.
    UnknownKey {
        /// The type it covers.
        rtype: Type,
        /// The tag.
        tag: u16,
        /// The algorithm.
        algorithm: u8,
    },
    /// Warning: the number of labels is not that of the owner (RFC 4034 section 3.1.3).
    WrongLabels {
        /// The type it covers.
        rtype: Type,
        /// The number in the signature.
        found: u8,
    },
    /// Warning: the original TTL is not that of the RRset (RFC 4034 section 3.1.4).
    WrongTtl {
        /// The type it covers.
        rtype: Type,
        /// The original TTL of the signature in seconds.
        signed: u32,
        /// The TTL of the RRset in seconds.
        ttl: u32,
    },
    /// Warning: a name without NSEC (RFC 4035 section 2.3).
    NoNsec,
    /// Warning: more than one NSEC at a name.
    SeveralNsec,
    /// Warning: an NSEC at a name that has nothing else (RFC 4035 section 2.3).
    NsecAlone,
    /// Warning: an NSEC below a cut or a DNAME.
    OccludedNsec,
    /// Warning: an NSEC that does not lead to the name that follows.
    WrongNext {
        /// Where it leads.
        next: DomainName,
        /// The name that follows.
        follows: DomainName,
    },
    /// Warning: an NSEC or NSEC3 lists a type that its name does not have.
    Listed {
        /// NSEC or NSEC3.
        of: Type,
        /// The name, if it is not the owner.
        name: Option<DomainName>,
        /// The type.
        rtype: Type,
    },
    /// Warning: an NSEC or NSEC3 does not list a type that its name has.
    LeftOut {
        /// NSEC or NSEC3.
        of: Type,
        /// The name, if it is not the owner.
        name: Option<DomainName>,
        /// The type.
        rtype: Type,
    },
    /// Warning: a name without NSEC3 that opt-out does not exempt (RFC 5155 section 7.1).
    NoNsec3,
    /// Warning: more than one NSEC3 of the same parameters at a name.
    SeveralNsec3,
    /// Warning: an NSEC3 whose owner is the hash of no name.
    Nsec3WithoutName,
    /// Warning: an NSEC3 with parameters that no NSEC3PARAM names.
    ForeignNsec3,
    /// Warning: an NSEC3 that does not lead to the one that follows.
    WrongNextHash {
        /// Where it leads; empty if that is no SHA-1 hash.
        next: String,
        /// The hash that follows.
        follows: String,
    },
    /// Warning: NSEC3PARAM without NSEC3 records of its parameters.
    NoChain,
    /// Warning: NSEC3 records, and no NSEC3PARAM that names their parameters (RFC 5155 section 4).
    ChainNotAnnounced,
    /// Warning: so many iterations that validators take the zone for unsigned (RFC 9276 section 3.2).
    ManyIterations(u16),
    /// Warning: DS at the apex, whose place is in the parent zone.
    DsAtApex,
    /// Warning: DS at a name that is no zone cut (RFC 4034 section 5).
    DsWithoutNs,
    /// Warning: a type of which only the apex makes use.
    BelongsAtApex(Type),
    /// Warning: a CNAME to a name that this zone would have, and has not.
    DanglingAlias(DomainName),
    /// Warning: a CNAME that leads back to itself.
    AliasLoop,
    /// Warning: so many more of one kind.
    More {
        /// How many.
        count: usize,
        /// The last that was reported.
        like: Box<ZoneDefect>,
    },
}

impl ZoneDefect {
    /// How bad it is.
    pub const fn severity(&self) -> FaultSeverity {
        match self {
            Self::WrongDigest | Self::OtherSerial { .. } | Self::DigestMissing => FaultSeverity::Error,
            _ => FaultSeverity::Warning,
        }
    }

    pub(super) const fn bitmap(of: Type, difference: BitmapDifference) -> Self {
        match difference {
            BitmapDifference::Listed(rtype) => Self::Listed { of, name: None, rtype },
            BitmapDifference::LeftOut(rtype) => Self::LeftOut { of, name: None, rtype },
        }
    }

    pub(super) fn hashed_bitmap(name: DomainName, difference: BitmapDifference) -> Self {
        let (of, name) = (Type::NSEC3, Some(name));
        match difference {
            BitmapDifference::Listed(rtype) => Self::Listed { of, name, rtype },
            BitmapDifference::LeftOut(rtype) => Self::LeftOut { of, name, rtype },
        }
    }
}
