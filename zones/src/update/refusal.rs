//! Why a message is not carried out.

use rhumb_wire::{DomainName, Rcode, Type};

use crate::fault::{AddError, ZoneFault};

/// Why a message is not carried out. The zone is as if it had not come.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpdateRefusal {
    /// It cannot be read, or says what means nothing (RFC 2136 sections 3.1, 3.2 and 3.4.1).
    #[error("{0}")]
    Malformed(&'static str),
    /// It is for another zone or class.
    #[error("this is not the zone {0}")]
    NotAuthoritative(DomainName),
    /// A name that does not lie in the zone.
    #[error("{0} does not lie in the zone")]
    OutOfZone(DomainName),
    /// A name is used that was to be unused.
    #[error("prerequisite: {0} owns records")]
    NameUsed(DomainName),
    /// A name is unused that was to be used.
    #[error("prerequisite: {0} owns no record")]
    NameUnused(DomainName),
    /// A set exists that was to be absent.
    #[error("prerequisite: {0} has {1} records")]
    SetPresent(DomainName, Type),
    /// A set does not exist.
    #[error("prerequisite: {0} has no {1} record")]
    SetMissing(DomainName, Type),
    /// A set has other records than it was to have.
    #[error("prerequisite: {0} has other {1} records")]
    SetDiffers(DomainName, Type),
    /// No rule allows anything to this client.
    #[error("no rule of the zone is for this client")]
    NoRule,
    /// No rule allows an operation, said in words.
    #[error("{0}: no rule of the zone allows it")]
    Denied(String),
    /// Signing makes these records (RFC 4035 section 2), and updates do not.
    #[error("{1} of {0} is made by signing, not by updates")]
    SignerType(DomainName, Type),
    /// The zone was signed elsewhere: its signatures would not hold of what is changed.
    #[error("the zone is signed elsewhere, and a change would break its signatures")]
    SignedElsewhere,
    /// A record would stand below a DNAME (RFC 6672 section 5.2).
    #[error("{0} lies below {1}, which has a DNAME")]
    BelowDname(DomainName, DomainName),
    /// A set would have more records than are allowed.
    #[error("{0} would have more than {2} {1} records")]
    SetTooLarge(DomainName, Type, usize),
    /// The zone would have more records than are allowed.
    #[error("the zone would have more than {0} records")]
    ZoneTooLarge(u64),
    /// A record that no zone may hold.
    #[error("a record of {0}: {1}")]
    Record(DomainName, AddError),
    /// What would keep the zone from being served.
    #[error("the zone could not be served: {0:?}")]
    Zone(Box<ZoneFault>),
    /// The zone has no SOA whose serial could be moved.
    #[error("the zone has no SOA")]
    NoSoa,
}

impl UpdateRefusal {
    /// The response code (RFC 2136 section 2.2).
    pub const fn rcode(&self) -> Rcode {
        match self {
            Self::Malformed(_) | Self::Record(..) => Rcode::FORMERR,
            Self::NotAuthoritative(_) => Rcode::NOTAUTH,
            Self::OutOfZone(_) => Rcode::NOTZONE,
            Self::NameUsed(_) => Rcode::YXDOMAIN,
            Self::NameUnused(_) => Rcode::NXDOMAIN,
            Self::SetPresent(..) => Rcode::YXRRSET,
            Self::SetMissing(..) | Self::SetDiffers(..) => Rcode::NXRRSET,
            Self::NoRule
            | Self::Denied(_)
            | Self::SignerType(..)
            | Self::SignedElsewhere
            | Self::BelowDname(..)
            | Self::SetTooLarge(..)
            | Self::ZoneTooLarge(_) => Rcode::REFUSED,
            Self::Zone(_) | Self::NoSoa => Rcode::SERVFAIL,
        }
    }
}
