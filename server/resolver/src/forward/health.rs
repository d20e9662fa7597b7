//! Whether an upstream is up, and when one that is down is tried again.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::limits;

/// Failures in a row, and the next try of one that is down. Times are milliseconds of a clock that only grows.
#[derive(Debug, Default)]
pub(super) struct Health {
    failures: AtomicU32,
    probe_at: AtomicU64,
    probes: AtomicU32,
}

impl Health {
    /// A good answer came: up again.
    pub(super) fn succeeded(&self) {
        self.failures.store(0, Relaxed);
    }

    /// A question found no reply there at `now`.
    pub(super) fn failed(&self, now: u64) {
        if self.failures.fetch_add(1, Relaxed).saturating_add(1) == limits::FAILURES {
            self.probes.store(0, Relaxed);
            self.probe_at.store(now + pause(0), Relaxed);
        }
    }

    /// Failures in a row.
    pub(super) fn failures(&self) -> u32 {
        self.failures.load(Relaxed)
    }

    /// Whether it is down.
    pub(super) fn is_down(&self) -> bool {
        self.failures() >= limits::FAILURES
    }

    /// Whether the caller is the one whose question tries, at `now`, if this upstream is back. One caller alone gets
    /// a yes, and the next one only after a longer pause.
    pub(super) fn claim_probe(&self, now: u64) -> bool {
        let due = self.probe_at.load(Relaxed);
        if !self.is_down() || now < due {
            return false;
        }
        let probes = self.probes.load(Relaxed).saturating_add(1);
        let claimed = self.probe_at.compare_exchange(due, now + pause(probes), Relaxed, Relaxed).is_ok();
        if claimed {
            self.probes.store(probes, Relaxed);
        }
        claimed
    }
}

fn pause(probes: u32) -> u64 {
    let least = limits::PROBE_LEAST.as_millis() as u64;
    let most = limits::PROBE_MOST.as_millis() as u64;
    least.checked_shl(probes.min(16)).unwrap_or(most).min(most)
}

/// Milliseconds of `time`, for the clock above.
pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_failures_in_a_row_and_no_fewer() {
        let health = Health::default();
        for now in 0..10 {
            health.failed(now);
            health.failed(now);
            assert!(!health.is_down());
            health.succeeded();
        }
        for _ in 0..3 {
            health.failed(10);
        }
        assert!(health.is_down());
        health.succeeded();
        assert!(!health.is_down());
    }

    #[test]
    fn probes_are_claimed_once_and_back_off_to_half_a_minute() {
        let health = Health::default();
        (0..3).for_each(|_| health.failed(0));
        // A storm of failures at one moment does not push the next try away.
        (0..100).for_each(|_| health.failed(1));
        let mut claims = Vec::new();
        for now in 0..120_000 {
            if health.claim_probe(now) {
                claims.push(now);
                assert!(!health.claim_probe(now));
                health.failed(now);
            }
        }
        assert_eq!(claims, [1000, 3000, 7000, 15_000, 31_000, 61_000, 91_000]);
        health.succeeded();
        assert!(!health.claim_probe(1_000_000));
        (0..3).for_each(|_| health.failed(200_000));
        assert!(!health.claim_probe(200_999));
        assert!(health.claim_probe(201_000));
    }
}
