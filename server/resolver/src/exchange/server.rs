//! One server elsewhere: its identity, and everything learnt about it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use rhumb_wire::Transport;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::capabilities::ServerCapabilities;
use super::counters::{TransportCounters, TransportCounts};
use super::health::{ServerHealth, millis};
use super::limits;
use super::places::{QueryPlace, QueryPlaces};
use super::rtt::RoundTripTime;
use crate::identity::ServerIdentity;

/// A server that is asked. All who ask it share one object, which survives reloads; see [`super::ServerStore`].
#[derive(Debug)]
pub struct RemoteServer {
    identity: ServerIdentity,
    epoch: Instant,
    /// Its own transport.
    own: PathState,
    /// The stream for answers that are longer than a datagram; not in use where its own is a stream.
    stream: PathState,
    pub(super) capabilities: ServerCapabilities,
    routed: AtomicBool,
    explore_at: AtomicU64,
    /// Replies in a row that were no answers.
    useless: AtomicU32,
    went_down: Arc<Notify>,
    under_way: Arc<QueryPlaces>,
}

/// What is known of one transport to a server.
#[derive(Debug, Default)]
pub(super) struct PathState {
    pub(super) rtt: RoundTripTime,
    pub(super) health: ServerHealth,
    pub(super) counters: TransportCounters,
}

impl RemoteServer {
    /// One that nothing is known of yet. `went_down` is notified each time it turns out to be down.
    pub fn new(identity: ServerIdentity, went_down: Arc<Notify>) -> Self {
        Self {
            identity,
            epoch: Instant::now(),
            own: PathState::default(),
            stream: PathState::default(),
            capabilities: ServerCapabilities::default(),
            routed: AtomicBool::new(true),
            explore_at: AtomicU64::new(0),
            useless: AtomicU32::new(0),
            went_down,
            under_way: Arc::default(),
        }
    }

    /// Which server it is.
    pub const fn identity(&self) -> &ServerIdentity {
        &self.identity
    }

    /// Whether the last queries found it: no three failures in a row over its own transport, and a route when last looked
    /// for.
    pub fn is_healthy(&self) -> bool {
        !self.is_down() && self.routed.load(Relaxed)
    }

    /// Whether the last three queries over its own transport found no reply.
    pub fn is_down(&self) -> bool {
        self.own.health.is_down()
    }

    /// A place among the queries to it that are under way; none if there are `most` already.
    pub(super) fn take_place(&self, most: usize) -> Option<QueryPlace> {
        self.under_way.take(most)
    }

    /// Whether it has been silent for so long that most questions pass it over.
    pub fn is_silent(&self) -> bool {
        self.own.health.is_silent()
    }

    /// Whether the caller's question may go to it: always, or as a trial where it is silent.
    pub fn claim_question(&self, now: Instant) -> bool {
        !self.is_silent() || self.own.health.claim_trial(self.clock(now))
    }

    /// The smoothed time of its replies; none before the first.
    pub fn smoothed_rtt(&self, transport: Transport) -> Option<Duration> {
        self.path(transport).rtt.smoothed()
    }

    /// Failures in a row.
    pub fn failures(&self, transport: Transport) -> u32 {
        self.path(transport).health.failures()
    }

    /// What was counted over one transport.
    pub fn counts(&self, transport: Transport) -> TransportCounts {
        self.path(transport).counters.read()
    }

    /// Whether questions go to it in mixed case (0x20): as long as it is not known to lose the case.
    pub fn keeps_case(&self) -> bool {
        self.capabilities.keeps_case(self.clock(Instant::now()))
    }

    /// Whether queries to it carry EDNS: as long as it is not known to refuse that.
    pub fn takes_edns(&self) -> bool {
        self.capabilities.takes_edns(self.clock(Instant::now()))
    }

    /// What servers are sorted by where the fastest comes first: quick refusals are worth nothing.
    pub fn speed(&self) -> (bool, Duration) {
        let useless = self.useless.load(Relaxed) >= limits::FAILURES;
        (useless, self.own.rtt.backed_off(self.own.rtt.smoothed().unwrap_or(limits::DOUBTFUL)))
    }

    /// Whether it answers over its stream transport and has not over its own for the last three times.
    pub fn is_heard_by_stream_alone(&self) -> bool {
        self.is_down() && self.stream.rtt.smoothed().is_some() && self.stream.health.failures() == 0
    }

    /// How long it needs for a reply as a rule, by whatever transport it is heard; none where it is not.
    pub fn usual_time(&self) -> Option<Duration> {
        let stream = self.stream.rtt.smoothed();
        if self.is_down() {
            return stream.filter(|_| self.is_heard_by_stream_alone());
        }
        self.own.rtt.smoothed().or(stream)
    }

    /// Whether a reply ever came from there.
    pub fn is_tried(&self) -> bool {
        self.own.rtt.smoothed().is_some()
    }

    /// Whether the caller's question is to measure this server although another one is faster.
    pub fn claim_exploring(&self, now: Instant, random: impl FnOnce() -> u64) -> bool {
        let clock = self.clock(now);
        let due = self.explore_at.load(Relaxed);
        if clock < due {
            return false;
        }
        // The jitter keeps lists of many servers from measuring them all at one time.
        let next = clock + millis(limits::EXPLORE) + random() % 10_000;
        self.explore_at.compare_exchange(due, next, Relaxed, Relaxed).is_ok()
    }

    /// When it is to be probed; none while it is up.
    pub fn probe_at(&self) -> Option<Instant> {
        self.own.health.probe_at().map(|at| self.epoch + Duration::from_millis(at))
    }

    /// Whether the caller is to see if this server, which is down, is back.
    pub fn claim_probe(&self, now: Instant) -> bool {
        self.own.health.claim_probe(self.clock(now))
    }

    pub(super) fn path(&self, transport: Transport) -> &PathState {
        if transport == self.identity.transport { &self.own } else { &self.stream }
    }

    /// Milliseconds of this server's own clock.
    pub(super) fn clock(&self, now: Instant) -> u64 {
        millis(now.saturating_duration_since(self.epoch))
    }

    /// Whether the last query to it found a reply, so that there is a route. Should it be gone since, the next query fails and says so.
    pub(super) fn is_known_routed(&self) -> bool {
        self.routed.load(Relaxed) && self.is_tried() && self.own.health.failures() == 0
    }

    /// Whether there was a route to it when that was last looked for.
    pub fn is_routed(&self) -> bool {
        self.routed.load(Relaxed)
    }

    pub(super) fn set_routed(&self, routed: bool) {
        self.routed.store(routed, Relaxed);
    }

    /// How long a reply is waited for before the query is sent again, or to another server.
    pub(super) fn retransmit_after(&self, transport: Transport) -> Duration {
        let (unknown, least) = match transport {
            _ if transport.is_datagram() => (limits::UDP_UNKNOWN, limits::UDP_LEAST),
            _ if transport == self.identity.transport => (limits::UDP_UNKNOWN, limits::STREAM_LEAST),
            _ => (limits::STREAM_UNKNOWN, limits::STREAM_LEAST),
        };
        let rtt = &self.path(transport).rtt;
        rtt.backed_off(rtt.expected().map_or(unknown, |time| time.max(least))).min(most(rtt))
    }

    /// The same for one that may be dead while others are not; what is known of its speed counts if it is not down.
    pub(super) fn short_retransmit_after(&self) -> Duration {
        match self.own.rtt.expected() {
            Some(time) if self.is_down() => time.clamp(limits::UDP_LEAST, limits::DOUBTFUL),
            // What a first reply says of the variation is no more than a guess.
            Some(time) => {
                let twice = 2 * self.own.rtt.smoothed().unwrap_or(time);
                time.min(twice).clamp(limits::UDP_LEAST, most(&self.own.rtt))
            }
            None => limits::DOUBTFUL,
        }
    }

    /// A reply that came from there and nowhere else took `rtt`.
    pub(super) fn replied(&self, transport: Transport, rtt: Duration) {
        self.path(transport).rtt.sample(rtt);
    }

    /// A good answer came.
    pub(super) fn answered(&self, transport: Transport) {
        self.path(transport).health.succeeded();
        self.useless.store(0, Relaxed);
    }

    /// An answer came over its stream transport, its own having brought nothing.
    pub(super) fn heard(&self) {
        self.own.health.heard();
    }

    /// A probe was answered.
    pub(super) fn probe_answered(&self) {
        self.own.health.probe_succeeded();
    }

    /// A reply came that is no answer. That says nothing of its health: it may be due to the question alone.
    pub(super) fn was_useless(&self) {
        self.useless.update(Relaxed, Relaxed, |n| n.saturating_add(1));
    }

    /// A query failed by what will go on to fail. Whether it is down since this one, which [`Self::tell_down`] tells.
    pub(super) fn failed_for_good(&self, transport: Transport, now: Instant) -> bool {
        self.path(transport).health.failed_for_good(self.clock(now))
    }

    /// Tells those who look after servers that are down.
    pub(super) fn tell_down(&self) {
        self.went_down.notify_one();
    }

    /// A query found no reply.
    pub(super) fn failed(&self, transport: Transport, now: Instant) {
        if self.path(transport).health.failed(self.clock(now)) && transport == self.identity.transport {
            self.went_down.notify_one();
        }
    }
}

/// The most that is waited for a reply: longer where that is how long it takes as a rule.
fn most(rtt: &RoundTripTime) -> Duration {
    let usual = rtt.smoothed().unwrap_or_default();
    limits::MOST.max(usual + usual / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the routing table may be left alone: only while the last query found a reply.
    #[test]
    fn a_route_is_known_while_replies_come() {
        let identity = ServerIdentity::plain(([192, 0, 2, 1], 53).into());
        let server = RemoteServer::new(identity, Arc::default());
        assert!(!server.is_known_routed(), "nothing came from there yet");
        server.replied(Transport::Udp, Duration::from_millis(20));
        server.answered(Transport::Udp);
        assert!(server.is_known_routed());
        server.failed(Transport::Udp, Instant::now());
        assert!(!server.is_known_routed(), "the last query found no reply");
        server.answered(Transport::Udp);
        server.set_routed(false);
        assert!(!server.is_known_routed(), "the route is gone");
    }
}
