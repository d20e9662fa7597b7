//! One question and what may be spent on it, over all servers that are asked.

use std::sync::Arc;
use std::time::Duration;

use rhumb_wire::{Transport, header};
use tokio::time::Instant;

use super::limits;
use super::report::{AttemptObserver, AttemptOutcome, AttemptReport};
use super::server::RemoteServer;
use crate::network::UpstreamTransport;
use crate::question::OutboundQuestion;

/// What all exchanges for one question share: the network, the budget, the list of attempts.
pub struct LookupContext<'a, N> {
    pub(super) net: &'a N,
    pub(super) question: &'a OutboundQuestion,
    observer: &'a mut AttemptObserver<'a>,
    /// Whether replies are to say if they are authentic (AD).
    authentic: bool,
    deadline: Instant,
    /// Messages that may still be sent.
    sends: usize,
    /// Bytes of replies that may still be read before nothing more is sent.
    received: usize,
    attempts: Vec<AttemptReport>,
    recursion_desired: bool,
    /// Whether a reply without EDNS would be of no use, since records have to be signed.
    signed: bool,
    /// The most queries to one server under way at a time.
    places_of_server: usize,
}

impl<'a, N: UpstreamTransport> LookupContext<'a, N> {
    /// A question that may take until `now + time`, `sends` messages and replies of `received` bytes.
    pub fn new(
        net: &'a N,
        question: &'a OutboundQuestion,
        observer: &'a mut AttemptObserver<'a>,
        now: Instant,
        (time, sends, received): (Duration, usize, usize),
    ) -> Self {
        Self {
            net,
            question,
            observer,
            authentic: false,
            deadline: now + time,
            sends,
            received,
            attempts: Vec::new(),
            recursion_desired: true,
            signed: false,
            places_of_server: limits::UNDER_WAY_OF_SERVER,
        }
    }

    /// The same, asking for AD in replies if `wanted`.
    #[must_use]
    pub fn asking_authentic(self, wanted: bool) -> Self {
        Self { authentic: wanted, ..self }
    }

    /// The same of authoritative servers, which are asked without RD.
    #[must_use]
    pub const fn iterative(mut self) -> Self {
        self.recursion_desired = false;
        self
    }

    /// The same for records that have to be signed, if `expected`: nothing is asked without EDNS because of silence.
    #[must_use]
    pub const fn expecting_signatures(mut self, expected: bool) -> Self {
        self.signed = expected;
        self
    }

    /// The same with so many queries to one server under way at a time, those of other questions among them.
    #[must_use]
    pub const fn with_places(mut self, of_server: usize) -> Self {
        self.places_of_server = of_server;
        self
    }

    /// The most queries to one server under way at a time.
    pub(super) const fn places_of_server(&self) -> usize {
        self.places_of_server
    }

    /// Messages and bytes that are left of the budget.
    pub const fn left(&self) -> (usize, usize) {
        (self.sends, self.received)
    }

    /// Whether records have to be signed.
    pub(super) const fn is_signed(&self) -> bool {
        self.signed
    }

    /// The flags that its queries have.
    pub(super) const fn flags(&self) -> u16 {
        let recursion = if self.recursion_desired { header::RD } else { 0 };
        let authentic = if self.authentic { header::AD } else { 0 };
        recursion | authentic
    }

    /// When the question ends at the latest.
    pub const fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether one more message may be sent.
    pub fn may_send(&self, now: Instant) -> bool {
        now < self.deadline && self.sends > 0 && self.received > 0
    }

    /// What was tried so far.
    pub fn attempts(&self) -> &[AttemptReport] {
        &self.attempts
    }

    /// Ends it: everything that was tried.
    pub fn into_attempts(self) -> Vec<AttemptReport> {
        self.attempts
    }

    pub(super) fn count_sent(&mut self) {
        self.sends = self.sends.saturating_sub(1);
    }

    pub(super) fn count_received(&mut self, bytes: usize) {
        self.received = self.received.saturating_sub(bytes);
    }

    /// Reports what came of a message that was sent at `sent`.
    pub(super) fn report(
        &mut self,
        server: &Arc<RemoteServer>,
        transport: Transport,
        outcome: AttemptOutcome,
        sent: Instant,
    ) {
        let report =
            AttemptReport { server: Arc::clone(server), transport, outcome, elapsed: sent.elapsed() };
        (self.observer)(&report);
        self.attempts.push(report);
    }
}
