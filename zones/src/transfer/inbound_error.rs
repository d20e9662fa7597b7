//! Why a transfer is of no use.

use rhumb_wire::{DomainName, Rcode, Type};

use crate::difference::DifferenceMisfit;
use crate::fault::{AddError, ZoneFault};

/// Why a transfer is of no use. What was served before is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InboundError {
    /// A message that cannot be read, or is no response.
    #[error("a message cannot be read")]
    Message,
    /// The primary says so.
    #[error("the primary answers {0}")]
    Refused(Rcode),
    /// The first record is no SOA of the zone.
    #[error("the first record is not the SOA of the zone")]
    FirstRecord,
    /// Nothing but a SOA, and that is newer: the difference has to be asked for in another way.
    #[error("the SOA stands alone though its serial is newer")]
    SoaAlone,
    /// The serial is older than what is served.
    #[error("the serial of the primary, {theirs}, is older than ours, {ours}")]
    OlderSerial {
        /// The primary's.
        theirs: u32,
        /// What is served.
        ours: u32,
    },
    /// A difference that does not begin where the one before ended, or ends elsewhere than was announced.
    #[error("a difference from serial {found}, where {expected} is expected")]
    OutOfStep {
        /// What would have followed.
        expected: u32,
        /// What came.
        found: u32,
    },
    /// A difference removes what is not there, or adds what is.
    #[error("the difference does not fit the version that it is for: {1} of {0}")]
    Unfit(DomainName, Type),
    /// The last SOA is not the first one.
    #[error("the last SOA is not the first one")]
    LastSoa,
    /// Records behind the last SOA.
    #[error("there are records behind the last SOA")]
    Surplus,
    /// The messages ended before the last SOA.
    #[error("the transfer is not complete")]
    Incomplete,
    /// A record that no zone may hold.
    #[error("a record of {0}: {1}")]
    Record(DomainName, AddError),
    /// Class, RDATA or owner of a record cannot be.
    #[error("a record is malformed")]
    Malformed,
    /// More than is allowed.
    #[error("the transfer is larger than is allowed")]
    TooLarge,
    /// What keeps the zone from being served, the first of it.
    #[error("the zone cannot be served: {0:?}")]
    Zone(Box<ZoneFault>),
}

impl From<DifferenceMisfit> for InboundError {
    fn from(misfit: DifferenceMisfit) -> Self {
        match misfit {
            DifferenceMisfit::Unfit(owner, rtype) => Self::Unfit(owner, rtype),
            DifferenceMisfit::Record(owner, error) => Self::Record(owner, error),
            DifferenceMisfit::Zone(fault) => Self::Zone(fault),
        }
    }
}
