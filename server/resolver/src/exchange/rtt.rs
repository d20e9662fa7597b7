//! How long a server takes (the estimator of RFC 6298 section 2).

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Doublings of the time-out after replies that did not come.
const BACKOFF: u32 = 3;

/// Smoothed round-trip time and its variation.
#[derive(Debug, Default)]
pub(super) struct RoundTripTime {
    /// Microseconds: the smoothed time in the upper half (0: not known yet), the variation in the lower.
    estimate: AtomicU64,
    backoff: AtomicU32,
}

impl RoundTripTime {
    /// A reply came after `rtt`.
    pub(super) fn sample(&self, rtt: Duration) {
        let sample = u32::try_from(rtt.as_micros()).unwrap_or(u32::MAX).clamp(1, u32::MAX / 4);
        self.backoff.store(0, Relaxed);
        // Samples of concurrent replies may be taken in any order; none gets lost.
        self.estimate.update(Relaxed, Relaxed, |old| match halves(old) {
            (0, _) => join(sample, sample / 2),
            (smoothed, variation) => join(
                smoothed - smoothed / 8 + (sample / 8).max(u32::from(smoothed < 8)),
                variation - variation / 4 + smoothed.abs_diff(sample) / 4,
            ),
        });
    }

    /// No reply came in time.
    pub(super) fn timed_out(&self) {
        self.backoff.update(Relaxed, Relaxed, |n| (n + 1).min(BACKOFF));
    }

    /// The smoothed time; none before the first reply.
    pub(super) fn smoothed(&self) -> Option<Duration> {
        let (smoothed, _) = halves(self.estimate.load(Relaxed));
        (smoothed > 0).then(|| Duration::from_micros(u64::from(smoothed)))
    }

    /// Smoothed time and four times its variation; none before the first reply.
    pub(super) fn expected(&self) -> Option<Duration> {
        let (smoothed, variation) = halves(self.estimate.load(Relaxed));
        (smoothed > 0).then(|| Duration::from_micros(u64::from(smoothed) + 4 * u64::from(variation)))
    }

    /// `time` doubled for each reply in a row that did not come.
    pub(super) fn backed_off(&self, time: Duration) -> Duration {
        time * (1 << self.backoff.load(Relaxed).min(BACKOFF))
    }
}

fn halves(estimate: u64) -> (u32, u32) {
    ((estimate >> 32) as u32, estimate as u32)
}

fn join(smoothed: u32, variation: u32) -> u64 {
    u64::from(smoothed) << 32 | u64::from(variation)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn the_first_sample_counts_whole_and_later_ones_an_eighth() {
        let rtt = RoundTripTime::default();
        assert_eq!((rtt.smoothed(), rtt.expected()), (None, None));
        rtt.sample(ms(80));
        assert_eq!((rtt.smoothed(), rtt.expected()), (Some(ms(80)), Some(ms(240))));
        rtt.sample(ms(160));
        assert_eq!(rtt.smoothed(), Some(ms(90)));
        assert_eq!(rtt.expected(), Some(ms(90 + 4 * 50)));
        for _ in 0..100 {
            rtt.sample(ms(20));
        }
        assert!(rtt.smoothed().unwrap() < ms(21) && rtt.expected().unwrap() < ms(25));
        for _ in 0..100 {
            rtt.sample(Duration::ZERO);
        }
        assert!(rtt.smoothed().is_some_and(|s| s < ms(1)));
        rtt.sample(Duration::MAX);
        assert!(rtt.smoothed().is_some());
    }

    #[test]
    fn silence_doubles_the_time_out_and_a_reply_ends_that() {
        let rtt = RoundTripTime::default();
        for factor in [1, 2, 4, 8, 8] {
            assert_eq!(rtt.backed_off(ms(10)), ms(10 * factor));
            rtt.timed_out();
        }
        rtt.sample(ms(10));
        assert_eq!(rtt.backed_off(ms(10)), ms(10));
    }
}
