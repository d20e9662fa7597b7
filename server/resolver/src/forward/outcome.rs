//! What came of a question.

use std::sync::Arc;

use rhumb_wire::{NameRef, Rcode};

use crate::exchange::{AttemptReport, ExtendedReason, RemoteServer, UnusableReply};

/// A good answer.
#[derive(Debug)]
pub struct ForwardAnswer {
    /// A message of our own making, see [`super::scrub::ScrubbedAnswer::message`].
    pub message: Vec<u8>,
    /// NOERROR or NXDOMAIN.
    pub rcode: Rcode,
    /// How long it may be kept, in seconds.
    pub ttl: u32,
    /// Whether it denies the name or the type (RFC 2308).
    pub negative: bool,
    /// Whether the upstream is trusted and says that it is authentic (AD).
    pub authentic: bool,
    /// The upstream's extended error, where there was one.
    pub reason: Option<ExtendedReason>,
    /// The upstream that gave it.
    pub server: Arc<RemoteServer>,
    /// Everything that was tried, the good answer among it.
    pub attempts: Vec<AttemptReport>,
}

/// No upstream had a good answer.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct ForwardFailure {
    /// Why, the most telling reason of all upstreams asked.
    pub reason: FailureReason,
    /// The upstream's extended error, where there was one.
    pub extended: Option<ExtendedReason>,
    /// Everything that was tried.
    pub attempts: Vec<AttemptReport>,
}

impl ForwardFailure {
    /// The response code for the client: the upstream's own if it gave one, else SERVFAIL. What needs EDNS to be said is of the messages
    /// between this server and the upstream (BADVERS, BADCOOKIE).
    pub const fn rcode(&self) -> Rcode {
        match self.reason {
            FailureReason::Rcode(rcode) if rcode.0 < 16 => rcode,
            _ => Rcode::SERVFAIL,
        }
    }

    /// Whether every reply is a referral, the last of them to a zone at or below `domain`, which is forwarded. The client gets an
    /// empty answer then: it cannot follow a referral, and SERVFAIL to one type keeps it from using the answer to another (RFC 4074
    /// section 4.5). A server that refers to a zone above knows nothing of the domain.
    pub fn is_referral_within(&self, domain: NameRef<'_>) -> bool {
        match self.reason {
            FailureReason::Unusable(UnusableReply::Referral(labels)) => {
                usize::from(labels) >= domain.label_count()
            }
            _ => false,
        }
    }
}

/// Why a question failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FailureReason {
    /// The list is empty.
    #[error("no upstream is configured")]
    NoUpstream,
    /// The routing table knows no way to any of them.
    #[error("no route to any upstream")]
    NoRoute,
    /// So many queries to them are under way as may be.
    #[error("too many queries are under way")]
    Full,
    /// None replied in time, or the network said no.
    #[error("no upstream replied")]
    Silence,
    /// What they replied is not to be used.
    #[error("no usable reply: {0}")]
    Unusable(UnusableReply),
    /// The last response code of those that replied.
    #[error("upstream says {0}")]
    Rcode(Rcode),
}
