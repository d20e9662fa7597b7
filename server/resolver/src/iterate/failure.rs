//! Why a question could not be answered.

use rhumb_wire::edns::ExtendedError;
use rhumb_wire::{DomainName, Rcode, Type};

use crate::exchange::UnusableReply;
use crate::validate::ValidationFailure;

/// Why there is no answer; the client gets SERVFAIL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IterationFailure {
    /// No server of the zone replied.
    #[error("all {servers} servers of {zone} silent")]
    Silence {
        /// The zone whose servers were asked.
        zone: DomainName,
        /// Servers asked.
        servers: usize,
    },
    /// The servers of the zone replied with this code, the last of them.
    #[error("servers of {zone} say {rcode}")]
    Refused {
        /// The zone whose servers were asked.
        zone: DomainName,
        /// The code.
        rcode: Rcode,
    },
    /// What the servers of the zone replied is not to be used.
    #[error("no usable reply from {zone}: {why}")]
    Unusable {
        /// The zone whose servers were asked.
        zone: DomainName,
        /// Why.
        why: UnusableReply,
    },
    /// The zone has no server whose address can be found.
    #[error("no server of {0} has an address that can be asked")]
    NoAddress(DomainName),
    /// The routing table knows no way to any server of the zone.
    #[error("no route to any server of {0}")]
    NoRoute(DomainName),
    /// The address of a nameserver is asked for to find that same address.
    #[error("the address of {0} leads to itself")]
    Circle(DomainName),
    /// It was tried a moment ago in vain.
    #[error("{name} {rtype} could not be found a moment ago")]
    Remembered {
        /// The name.
        name: DomainName,
        /// The type.
        rtype: Type,
    },
    /// Aliases lead back to where they were.
    #[error("the aliases of {0} form a loop")]
    Loop(DomainName),
    /// The chain of aliases is too long.
    #[error("more than {max} aliases in a row from {0}", max = super::limits::LINKS)]
    TooManyLinks(DomainName),
    /// The time is over.
    #[error("no answer within the time for one question")]
    Deadline,
    /// So much as a question may cost was spent.
    #[error("more messages or bytes than one question may cost")]
    Budget,
    /// Nameservers whose addresses need other nameservers, too deep.
    #[error("addresses of nameservers lead too many questions deep")]
    Depth,
    /// The name says of a key of the root what is not so (RFC 8509).
    #[error("root key sentinel: key {tag} of the root is {}trusted", if *.trusted { "" } else { "not " })]
    Sentinel {
        /// The tag of the key.
        tag: u16,
        /// Whether it is trusted.
        trusted: bool,
    },
    /// It is bogus.
    #[error(transparent)]
    Bogus(#[from] ValidationFailure),
    /// The answer does not fit a message.
    #[error("the answer is longer than a message")]
    TooLong,
}

impl IterationFailure {
    /// The code that tells a client the cause (RFC 8914).
    pub const fn extended_error(&self) -> ExtendedError {
        match self {
            Self::Silence { .. } | Self::NoAddress(_) | Self::Circle(_) => {
                ExtendedError::NoReachableAuthority
            }
            Self::Bogus(failure) => failure.extended_error(),
            Self::Sentinel { .. } => ExtendedError::DnssecBogus,
            Self::NoRoute(_) => ExtendedError::NetworkError,
            Self::Unusable { .. } => ExtendedError::InvalidData,
            Self::Remembered { .. } => ExtendedError::CachedError,
            _ => ExtendedError::Other,
        }
    }

    /// Whether the next question may well end otherwise: nothing was found out about the name itself.
    pub(super) const fn is_of_the_question(&self) -> bool {
        matches!(self, Self::Deadline | Self::Budget | Self::Depth | Self::Circle(_))
    }
}
