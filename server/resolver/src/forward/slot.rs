//! What one question knows of one upstream.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::limits;
use super::pool::{Choice, Role};
use super::upstream::{Transport, Upstream};

/// An upstream in the course of one question.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) upstream: Arc<Upstream>,
    pub(super) need: Need,
    /// Whether EDNS was answered with an error.
    pub(super) plain: bool,
    /// Whether mixed case came back changed.
    pub(super) case_lost: bool,
    /// Whether mixed case is left out, TCP having been of no help.
    pub(super) uncased: bool,
    /// When it may be asked again.
    pub(super) not_before: Instant,
    role: Role,
    udp: u8,
    tcp: u8,
}

/// Whether TCP is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    No,
    /// UDP brought something suspicious; it will do again if TCP does not work.
    Suspicion,
    /// The answer is longer than a datagram.
    Truncated,
}

impl Slot {
    pub(super) fn new(choice: Choice, now: Instant) -> Self {
        Self {
            upstream: choice.upstream,
            need: Need::No,
            plain: false,
            case_lost: false,
            uncased: false,
            not_before: now,
            role: choice.role,
            udp: 0,
            tcp: 0,
        }
    }

    pub(super) const fn transport(&self) -> Transport {
        match self.need {
            Need::No => Transport::Udp,
            Need::Suspicion | Need::Truncated => Transport::Tcp,
        }
    }

    /// Whether one more message may be sent to it.
    pub(super) const fn may_send(&self) -> bool {
        match self.transport() {
            Transport::Udp => self.udp < limits::SENDS_EACH,
            Transport::Tcp => self.tcp < limits::SENDS_EACH,
        }
    }

    /// Counts a message; how long its reply is waited for before another upstream is asked as well.
    pub(super) fn send(&mut self) -> Duration {
        let first = self.udp == 0 && self.tcp == 0;
        let transport = self.transport();
        match transport {
            Transport::Udp => self.udp += 1,
            Transport::Tcp => self.tcp += 1,
        }
        if first && self.role != Role::Regular && transport == Transport::Udp {
            self.upstream.short_patience()
        } else {
            self.upstream.patience(transport)
        }
    }

    /// Whether it may be asked again in its turn; one that is down gets one more chance only.
    pub(super) const fn may_be_asked_again(&self) -> bool {
        self.may_send() && (!matches!(self.role, Role::Down) || self.udp + self.tcp < 2)
    }

    /// The transport in use did not work: what was suspected only goes back to UDP. Whether it is another one now.
    pub(super) fn transport_failed(&mut self) -> bool {
        let back = self.need == Need::Suspicion;
        if back {
            self.need = Need::No;
            self.uncased = self.case_lost;
        }
        back
    }

    /// A pause before it is asked again, longer each time.
    pub(super) fn pause(&mut self, now: Instant) {
        self.not_before = now + limits::PAUSE * u32::from(self.udp + self.tcp);
    }
}
