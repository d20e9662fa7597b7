//! What can be wrong with the records of a zone.

use std::fmt;

use rhumb_wire::{DomainName, Type};

/// Whether records of a type may stand beside a CNAME (RFC 4035 section 2.5; RFC 2535 had KEY and SIG there too).
pub(crate) const fn stands_beside_cname(rtype: Type) -> bool {
    matches!(rtype, Type::RRSIG | Type::NSEC | Type::KEY | Type::SIG)
}

/// Why a single record is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddError {
    /// The owner does not lie at or below the apex.
    #[error("the owner lies outside the zone")]
    OutOfZone,
    /// A SOA record anywhere but at the apex.
    #[error("SOA stands at the apex alone")]
    MisplacedSoa,
    /// A second SOA that differs from the first (RFC 2181 section 6.1).
    #[error("a second SOA")]
    SecondSoa,
    /// A type that only exists in questions or envelopes (RFC 6895 section 3.1).
    #[error("a type that no zone holds")]
    MetaType,
    /// An NSEC3 record whose owner is no hash below the apex (RFC 5155 section 3).
    #[error("the owner of an NSEC3 record is a hash right below the apex")]
    BadNsec3Owner,
    /// RDATA that is not well-formed for its type where the builder needs its fields.
    #[error("RDATA does not fit its type")]
    BadRdata,
    /// More than the zone's four gigabytes of records.
    #[error("the zone is too large")]
    TooLarge,
}

/// How bad a fault is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultSeverity {
    /// The zone is served all the same.
    Warning,
    /// The zone cannot be served.
    Error,
}

/// A fault that shows when all records are together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneFault {
    /// How bad it is.
    pub severity: FaultSeverity,
    /// The owner of the record it was found at.
    pub owner: DomainName,
    /// The line given with that record; 0 where no record is to blame.
    pub line: u32,
    /// What it is.
    pub kind: FaultKind,
}

/// The kinds of faults. Each says its severity.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// Error: no SOA at the apex.
    NoSoa,
    /// Warning: no NS at the apex (RFC 1035 section 5.2 wants one; secondaries and resolvers have no use for the zone).
    NoNs,
    /// Error: other data beside a CNAME (RFC 2181 section 10.1, RFC 4035 section 2.5 for what may stand there).
    CnameAndOther(Type),
    /// Error: more than one CNAME at a name.
    SeveralCnames,
    /// Error: more than one DNAME at a name (RFC 6672 section 2.4).
    SeveralDnames,
    /// Error: more records than contents can refer to.
    TooLarge,
    /// Warning: the TTLs of an RRset differ; the lowest is taken (RFC 2181 section 5.2).
    TtlsDiffer(Type),
    /// Warning: an NS needs the address of a name at or below its own cut, and the zone has none.
    MissingGlue(DomainName),
    /// Warning: the target of an NS, MX or SRV lies in the authoritative part of this zone and has no address.
    TargetWithoutAddress {
        /// The type that points there.
        rtype: Type,
        /// Where it points.
        target: DomainName,
    },
    /// Warning: the target of an NS, MX or SRV is an alias (RFC 2181 section 10.3).
    TargetIsAlias {
        /// The type that points there.
        rtype: Type,
        /// Where it points.
        target: DomainName,
    },
    /// Warning: the owner ends in the zone's name twice, as where a dot is missing at its end.
    OwnerLacksDot,
    /// Warning: what a record points to is not there, and seems to have been meant as a whole name.
    TargetLacksDot {
        /// The type that points there.
        rtype: Type,
        /// Where it points.
        target: DomainName,
    },
    /// Warning: what a record points to is not there, and seems to have been meant as an address.
    TargetIsAddress {
        /// The type that points there.
        rtype: Type,
        /// Where it points.
        target: DomainName,
    },
    /// Warning: a record that no answer holds, as it lies below a zone cut or a DNAME (occluded, RFC 9499).
    Occluded {
        /// The record's type.
        rtype: Type,
        /// The owner of the NS or DNAME above.
        by: DomainName,
    },
    /// Warning: the same record twice; one is kept.
    Duplicate(Type),
    /// Warning: a digest is longer or shorter than its type says; BIND refuses a zone that has such a record.
    DigestLength(Type),
}

impl FaultKind {
    /// How bad it is.
    pub const fn severity(&self) -> FaultSeverity {
        match self {
            Self::NoSoa
            | Self::CnameAndOther(_)
            | Self::SeveralCnames
            | Self::SeveralDnames
            | Self::TooLarge => FaultSeverity::Error,
            _ => FaultSeverity::Warning,
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSoa => f.write_str("the zone has no SOA record at its apex"),
            Self::NoNs => f.write_str("the zone has no NS record at its apex"),
            Self::CnameAndOther(rtype) => write!(f, "a CNAME and {rtype} at the same name"),
            Self::SeveralCnames => f.write_str("more than one CNAME at the same name"),
            Self::SeveralDnames => f.write_str("more than one DNAME at the same name"),
            Self::TooLarge => f.write_str("the zone is too large"),
            Self::TtlsDiffer(rtype) => write!(f, "the TTLs of the {rtype} RRset differ, the lowest is taken"),
            Self::MissingGlue(target) => {
                write!(f, "the delegation needs an address of {target}, which is missing")
            }
            Self::TargetWithoutAddress { rtype, target } => {
                write!(f, "{rtype} points to {target}, which has no address in this zone")
            }
            Self::TargetIsAlias { rtype, target } => {
                write!(f, "{rtype} points to {target}, which is a CNAME")
            }
            Self::OwnerLacksDot => {
                f.write_str("the name ends in that of the zone twice: is a dot missing at its end?")
            }
            Self::TargetLacksDot { rtype, target } => {
                write!(f, "{rtype} points to {target}, which is not there: is a dot missing at its end?")
            }
            Self::TargetIsAddress { rtype, target } => {
                write!(f, "{rtype} points to {target}: an address where a name is wanted")
            }
            Self::Occluded { rtype, by } => {
                write!(f, "{rtype} lies below {by}, whose NS or DNAME record hides it")
            }
            Self::Duplicate(rtype) => write!(f, "the same {rtype} record twice, one is kept"),
            Self::DigestLength(rtype) => write!(
                f,
                "the digest of a {rtype} record has another length than its type says: there are secondaries that refuse the zone for it"
            ),
        }
    }
}
