//! One upstream: its address, and everything learnt about it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::Instant;

use super::counters::{Counters, Counts};
use super::health::{Health, millis};
use super::limits;
use super::quirks::Quirks;
use super::rtt::Rtt;

/// How a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A stream (RFC 7766).
    Tcp,
}

/// A server that questions are forwarded to. It is shared by all lists that name its address and survives reloads.
#[derive(Debug)]
pub struct Upstream {
    address: SocketAddr,
    epoch: Instant,
    udp: Path,
    tcp: Path,
    pub(super) quirks: Quirks,
    routed: AtomicBool,
    explore_at: AtomicU64,
    disappointments: AtomicU32,
}

/// What is known of one transport to an upstream.
#[derive(Debug, Default)]
pub(super) struct Path {
    pub(super) rtt: Rtt,
    pub(super) health: Health,
    pub(super) counters: Counters,
}

impl Upstream {
    /// One that nothing is known of yet.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            epoch: Instant::now(),
            udp: Path::default(),
            tcp: Path::default(),
            quirks: Quirks::default(),
            routed: AtomicBool::new(true),
            explore_at: AtomicU64::new(0),
            disappointments: AtomicU32::new(0),
        }
    }

    /// Its address, port and scope.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether the last questions found it: no three failures in a row over UDP, and a route when last looked for.
    pub fn healthy(&self) -> bool {
        !self.is_down() && self.routed.load(Relaxed)
    }

    /// The smoothed time of its replies; none before the first.
    pub fn smoothed_rtt(&self, transport: Transport) -> Option<Duration> {
        self.path(transport).rtt.smoothed()
    }

    /// Failures in a row.
    pub fn failures(&self, transport: Transport) -> u32 {
        self.path(transport).health.failures()
    }

    /// What was counted.
    pub fn counts(&self, transport: Transport) -> Counts {
        self.path(transport).counters.read()
    }

    /// Whether questions go to it in mixed case (0x20): as long as it is not known to lose the case.
    pub fn keeps_case(&self) -> bool {
        self.quirks.keeps_case(self.clock(Instant::now()))
    }

    /// Whether queries to it carry EDNS: as long as it is not known to refuse that.
    pub fn takes_edns(&self) -> bool {
        self.quirks.takes_edns(self.clock(Instant::now()))
    }

    pub(super) const fn path(&self, transport: Transport) -> &Path {
        match transport {
            Transport::Udp => &self.udp,
            Transport::Tcp => &self.tcp,
        }
    }

    pub(super) fn is_down(&self) -> bool {
        self.udp.health.is_down()
    }

    /// Milliseconds of this upstream's own clock.
    pub(super) fn clock(&self, now: Instant) -> u64 {
        millis(now.saturating_duration_since(self.epoch))
    }

    pub(super) fn set_routed(&self, routed: bool) {
        self.routed.store(routed, Relaxed);
    }

    /// What upstreams are sorted by under the policy "fastest": quick refusals are worth nothing.
    pub(super) fn speed(&self) -> (bool, Duration) {
        let useless = self.disappointments.load(Relaxed) >= limits::FAILURES;
        (useless, self.udp.rtt.backed_off(self.udp.rtt.smoothed().unwrap_or(limits::DOUBTFUL)))
    }

    /// How long a first reply is waited for before another upstream is asked as well.
    pub(super) fn patience(&self, transport: Transport) -> Duration {
        let (unknown, least) = match transport {
            Transport::Udp => (limits::UDP_UNKNOWN, limits::UDP_LEAST),
            Transport::Tcp => (limits::TCP_UNKNOWN, limits::TCP_LEAST),
        };
        let rtt = &self.path(transport).rtt;
        rtt.backed_off(rtt.expected().map_or(unknown, |time| time.max(least))).min(limits::MOST)
    }

    /// The same for one that may be dead while others are not; what is known of its speed counts if it is not down.
    pub(super) fn short_patience(&self) -> Duration {
        match self.udp.rtt.expected() {
            Some(time) if self.is_down() => time.clamp(limits::UDP_LEAST, limits::DOUBTFUL),
            Some(time) => time.clamp(limits::UDP_LEAST, limits::MOST),
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
        self.disappointments.store(0, Relaxed);
    }

    /// A reply came that is no answer. That says nothing of its health: it may be due to the question alone.
    pub(super) fn disappointed(&self) {
        self.disappointments.update(Relaxed, Relaxed, |n| n.saturating_add(1));
    }

    /// A query found no reply.
    pub(super) fn failed(&self, transport: Transport, now: Instant) {
        self.path(transport).health.failed(self.clock(now));
    }

    /// Whether the caller's question is to measure this upstream although another one is faster.
    pub(super) fn claim_exploring(&self, now: Instant, random: impl FnOnce() -> u64) -> bool {
        let clock = self.clock(now);
        let due = self.explore_at.load(Relaxed);
        if clock < due {
            return false;
        }
        // The jitter keeps lists of many upstreams from measuring them all at one time.
        let next = clock + millis(limits::EXPLORE) + random() % 10_000;
        self.explore_at.compare_exchange(due, next, Relaxed, Relaxed).is_ok()
    }

    /// Whether the caller's question is to see if this upstream, which is down, is back.
    pub(super) fn claim_probe(&self, now: Instant) -> bool {
        self.udp.health.claim_probe(self.clock(now))
    }

    /// Whether a reply ever came from there.
    pub(super) fn is_tried(&self) -> bool {
        self.udp.rtt.smoothed().is_some()
    }
}
