//! What came of each message sent.

use std::sync::Arc;
use std::time::Duration;

use rhumb_wire::{Rcode, Transport};

use super::server::RemoteServer;
use super::unusable::UnusableReply;
use crate::network::SpoofSignal;
use crate::session_failure::SessionFailure;

/// One message sent, and what came of it.
#[derive(Clone, Debug)]
pub struct AttemptReport {
    /// The server it was for.
    pub server: Arc<RemoteServer>,
    /// How it was sent.
    pub transport: Transport,
    /// What came of it.
    pub outcome: AttemptOutcome,
    /// From sending to the outcome.
    pub elapsed: Duration,
}

/// Sees each attempt as it ends.
pub type AttemptObserver<'o> = dyn FnMut(&AttemptReport) + Send + 'o;

/// What came of a message sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// A good answer: NOERROR or NXDOMAIN.
    Answered(Rcode),
    /// A response code that is no answer.
    Refused(Rcode),
    /// A response code that may be due to EDNS, asked once more without.
    WithoutEdns(Rcode),
    /// The server wants another cookie of its own (BADCOOKIE): asked once more with that.
    StaleCookie,
    /// Longer than a datagram: asked once more over TCP.
    Truncated,
    /// Given up for what came: asked once more over TCP.
    Suspicious(SpoofSignal),
    /// Only messages came that cannot be read.
    Malformed,
    /// The reply cannot be used.
    Unusable(UnusableReply),
    /// Nothing came in time. A reply that comes later still counts, as an attempt of its own.
    TimedOut,
    /// Nothing listens there.
    ConnectionRefused,
    /// The network knows no way.
    Unreachable,
    /// There is no encrypted session.
    NoSession(SessionFailure),
    /// The server closed the connection without a reply.
    Closed,
    /// The response of HTTP is another than 200.
    HttpStatus(u16),
    /// The response of HTTP or QUIC holds no message.
    NoMessage,
    /// Another error of the system.
    Error(std::io::ErrorKind),
    /// Nothing was sent: the routing table knows no way.
    NoRoute,
    /// Nothing was sent: too many queries to this server are under way.
    ServerFull,
    /// Nothing was sent: too many queries to all servers are under way.
    AllFull,
    /// The answer of another server came first.
    Overtaken,
}

impl AttemptOutcome {
    /// Whether a message was sent.
    pub const fn was_sent(self) -> bool {
        !matches!(self, Self::NoRoute | Self::ServerFull | Self::AllFull)
    }

    /// Whether a message came from the server, whatever it was worth.
    pub const fn was_heard(self) -> bool {
        matches!(
            self,
            Self::Answered(_)
                | Self::Refused(_)
                | Self::WithoutEdns(_)
                | Self::StaleCookie
                | Self::Truncated
                | Self::Suspicious(_)
                | Self::Malformed
                | Self::Unusable(_)
                | Self::HttpStatus(_)
                | Self::NoMessage
        )
    }

    /// Whether nothing was sent because of too many others.
    pub const fn is_full(self) -> bool {
        matches!(self, Self::ServerFull | Self::AllFull)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_heard() {
        let timed_out = [AttemptOutcome::TimedOut, AttemptOutcome::Unreachable, AttemptOutcome::Closed];
        assert!(timed_out.into_iter().all(|outcome| !outcome.was_heard()));
        let answered = [AttemptOutcome::Answered(Rcode::NOERROR), AttemptOutcome::Truncated];
        assert!(answered.into_iter().all(AttemptOutcome::was_heard));
    }

    #[test]
    fn what_was_sent_and_what_had_no_room() {
        for (outcome, sent, full) in [
            (AttemptOutcome::TimedOut, true, false),
            (AttemptOutcome::ConnectionRefused, true, false),
            (AttemptOutcome::Unreachable, true, false),
            (AttemptOutcome::Overtaken, true, false),
            (AttemptOutcome::NoRoute, false, false),
            (AttemptOutcome::ServerFull, false, true),
            (AttemptOutcome::AllFull, false, true),
        ] {
            assert_eq!((outcome.was_sent(), outcome.is_full()), (sent, full), "{outcome:?}");
        }
    }
}
