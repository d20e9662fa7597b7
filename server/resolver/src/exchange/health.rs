//! Whether a server is up, and when one that is down is probed.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::limits;

/// Failures in a row, and the next probe of a server that is down. Times are milliseconds of a clock that only grows.
#[derive(Debug, Default)]
pub(super) struct ServerHealth {
    failures: AtomicU32,
    probe_at: AtomicU64,
    /// Probes since a client's question was answered.
    probes: AtomicU32,
    /// When one that is silent may be asked next.
    trial_at: AtomicU64,
}

impl ServerHealth {
    /// A question of a client was answered.
    pub(super) fn succeeded(&self) {
        self.failures.store(0, Relaxed);
        self.probes.store(0, Relaxed);
    }

    /// A probe was answered: up again. Should it be down again before it has answered a client, the pauses between probes
    /// go on where they were.
    pub(super) fn probe_succeeded(&self) {
        self.failures.store(0, Relaxed);
    }

    /// It was heard of by another way: it may be down, but it is not silent.
    pub(super) fn heard(&self) {
        self.failures.update(Relaxed, Relaxed, |failures| failures.min(limits::FAILURES));
    }

    /// A query found no reply at `now`. Whether the server is down since this one.
    pub(super) fn failed(&self, now: u64) -> bool {
        let went_down = self.failures.fetch_add(1, Relaxed).saturating_add(1) == limits::FAILURES;
        if went_down {
            self.probe_at.store(now + pause(self.probes.load(Relaxed)), Relaxed);
        }
        went_down
    }

    /// A query failed at `now` by what will go on to fail. Whether the server is down since this one.
    pub(super) fn failed_for_good(&self, now: u64) -> bool {
        self.failures.update(Relaxed, Relaxed, |failures| failures.max(limits::FAILURES - 1));
        self.failed(now)
    }

    /// Failures in a row.
    pub(super) fn failures(&self) -> u32 {
        self.failures.load(Relaxed)
    }

    /// Whether it is down.
    pub(super) fn is_down(&self) -> bool {
        self.failures() >= limits::FAILURES
    }

    /// Whether it has been silent for so long that it is spared.
    pub(super) fn is_silent(&self) -> bool {
        self.failures() >= limits::SILENT_FAILURES
    }

    /// Whether the caller may ask one that is silent at `now`: one caller in [`limits::TRIAL`] may.
    pub(super) fn claim_trial(&self, now: u64) -> bool {
        let (due, next) = (self.trial_at.load(Relaxed), now + millis(limits::TRIAL));
        now >= due && self.trial_at.compare_exchange(due, next, Relaxed, Relaxed).is_ok()
    }

    /// When it is to be probed; none while it is up.
    pub(super) fn probe_at(&self) -> Option<u64> {
        self.is_down().then(|| self.probe_at.load(Relaxed))
    }

    /// Whether the caller is to probe it at `now`. Of several callers one alone gets a yes, and the next one only after a
    /// longer pause.
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
        let health = ServerHealth::default();
        for now in 0..10 {
            assert!(!health.failed(now) && !health.failed(now));
            assert!(!health.is_down() && health.probe_at().is_none());
            health.succeeded();
        }
        assert_eq!([10; 4].map(|now| health.failed(now)), [false, false, true, false]);
        assert!(health.is_down());
        health.succeeded();
        assert!(!health.is_down());
    }

    #[test]
    fn what_goes_on_to_fail_is_down_at_once() {
        let health = ServerHealth::default();
        assert!(health.failed_for_good(10));
        assert!(health.is_down() && !health.failed_for_good(20));
        assert_eq!(health.probe_at(), Some(1010));
        health.succeeded();
        assert!(!health.is_down() && !health.failed(30));
        assert!(health.failed_for_good(40));
    }

    #[test]
    fn probes_are_claimed_once_and_back_off_to_a_quarter_of_a_minute() {
        let health = ServerHealth::default();
        (0..3).for_each(|_| _ = health.failed(0));
        // A storm of failures at one moment does not push the next probe away.
        (0..100).for_each(|_| _ = health.failed(1));
        let mut claims = Vec::new();
        for now in 0..62_000 {
            let due = health.probe_at().unwrap();
            if health.claim_probe(now) {
                assert_eq!(due, now);
                claims.push(now);
                assert!(!health.claim_probe(now));
                health.failed(now);
            }
        }
        assert_eq!(claims, [1000, 3000, 7000, 15_000, 30_000, 45_000, 60_000]);
        health.succeeded();
        assert!(!health.claim_probe(1_000_000));
        (0..3).for_each(|_| _ = health.failed(200_000));
        assert!(!health.claim_probe(200_999));
        assert!(health.claim_probe(201_000));
    }

    #[test]
    fn one_that_is_silent_gets_a_trial_now_and_then() {
        let health = ServerHealth::default();
        (1..limits::SILENT_FAILURES).for_each(|_| _ = health.failed(0));
        assert!(!health.is_silent());
        health.failed(0);
        assert!(health.is_silent());
        let trials = (5000..7000).filter(|now| health.claim_trial(*now)).count();
        assert_eq!(trials, 8);
        health.heard();
        assert!(!health.is_silent() && health.is_down());
        (0..limits::SILENT_FAILURES).for_each(|_| _ = health.failed(0));
        assert!(health.is_silent());
        health.succeeded();
        assert!(!health.is_silent());
    }

    #[test]
    fn one_that_answers_nothing_but_probes_is_probed_less_and_less() {
        let health = ServerHealth::default();
        let mut now = 0;
        let mut pauses = Vec::new();
        for _ in 0..6 {
            (0..3).for_each(|_| _ = health.failed(now));
            let due = health.probe_at().unwrap();
            pauses.push(due - now);
            assert!(health.claim_probe(due));
            health.probe_succeeded();
            assert!(!health.is_down());
            now = due;
        }
        assert_eq!(pauses, [1000, 2000, 4000, 8000, 15_000, 15_000]);
    }
}
