//! What came of a question, and of each message sent for it.

use std::sync::Arc;
use std::time::Duration;

use rhumb_wire::Rcode;

use super::clean::Unusable;
use super::upstream::{Transport, Upstream};
use crate::network::Why;

/// A good answer.
#[derive(Debug)]
pub struct Answer {
    /// A message of our own making, see [`super::clean::Cleaned::message`].
    pub message: Vec<u8>,
    /// NOERROR or NXDOMAIN.
    pub rcode: Rcode,
    /// How long it may be kept, in seconds.
    pub ttl: u32,
    /// Whether it denies the name or the type (RFC 2308).
    pub negative: bool,
    /// Who gave it.
    pub upstream: Arc<Upstream>,
    /// Everything that was tried, the good answer last.
    pub tried: Vec<Attempt>,
}

/// No upstream had a good answer.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct Failure {
    /// Why, the most telling reason of all upstreams asked.
    pub reason: Reason,
    /// The info code of the upstream's extended error (RFC 8914), where there was one.
    pub extended: Option<u16>,
    /// Everything that was tried.
    pub tried: Vec<Attempt>,
}

impl Failure {
    /// What the client is to be told: the upstream's own response code if it gave one, else SERVFAIL.
    pub const fn rcode(&self) -> Rcode {
        match self.reason {
            Reason::Rcode(rcode) => rcode,
            _ => Rcode::SERVFAIL,
        }
    }
}

/// Why a question failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The list is empty.
    #[error("no upstream is configured")]
    NoUpstream,
    /// The routing table knows no way to any of them.
    #[error("no route to any upstream")]
    NoRoute,
    /// None replied in time, or the network said no.
    #[error("no upstream replied")]
    Silence,
    /// What they replied is not to be used.
    #[error("no usable reply: {0}")]
    Unusable(Unusable),
    /// The last response code of those that replied.
    #[error("upstream says {0}")]
    Rcode(Rcode),
}

/// One message sent, and what came of it.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// To whom.
    pub upstream: Arc<Upstream>,
    /// How.
    pub transport: Transport,
    /// What came of it.
    pub outcome: Outcome,
    /// From sending to the outcome.
    pub elapsed: Duration,
}

/// What came of a message sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A good answer: NOERROR or NXDOMAIN.
    Answered(Rcode),
    /// A response code that is no answer.
    Refusal(Rcode),
    /// A response code that may be due to EDNS, asked once more without.
    WithoutEdns(Rcode),
    /// Longer than a datagram: asked once more over TCP.
    Truncated,
    /// Given up for what came: asked once more over TCP.
    Suspicious(Why),
    /// Only messages came that cannot be read.
    Malformed,
    /// The reply cannot be used.
    Unusable(Unusable),
    /// Nothing came in time. A reply that comes later still counts, as an attempt of its own.
    TimedOut,
    /// Nobody listens there.
    ConnectionRefused,
    /// The network knows no way.
    Unreachable,
    /// Another error of the system.
    Error(std::io::ErrorKind),
    /// Nothing was sent: the routing table knows no way.
    NoRoute,
    /// Somebody else's answer came first.
    Overtaken,
}

/// Is told of each attempt as it ends.
pub trait Observe: Send {
    /// One attempt ended.
    fn attempt(&mut self, attempt: &Attempt);
}

/// Nobody looks.
impl Observe for () {
    fn attempt(&mut self, _attempt: &Attempt) {}
}

impl<F: FnMut(&Attempt) + Send> Observe for F {
    fn attempt(&mut self, attempt: &Attempt) {
        self(attempt);
    }
}
