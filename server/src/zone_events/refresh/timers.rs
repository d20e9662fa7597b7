//! How long until a zone is looked at again. Time and chance are arguments.

use std::time::Duration;

use rhumb_config::{SecondaryTerms, TimerBounds};
use rhumb_zones::SoaTimers;

const REFRESH: (Duration, Duration) = (Duration::from_secs(30), Duration::from_hours(24 * 28));
const RETRY: (Duration, Duration) = (Duration::from_secs(10), Duration::from_hours(24 * 14));
/// The longest expire: what a SOA can say.
const EXPIRE: (Duration, Duration) = (Duration::from_hours(24), Duration::from_secs(u32::MAX as u64));
/// The first and the longest pause of a zone that has no contents yet.
const EMPTY: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(10));
/// The longest pause of a zone that has expired.
const EXPIRED: Duration = Duration::from_hours(1);
/// By which share a time is made shorter at most, so that zones do not come together again and again.
const SPREAD: f64 = 0.1;
/// By which share the pause of a zone without contents is made longer at most.
const EMPTY_SPREAD: f64 = 0.5;

/// The times of a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ZoneTimers {
    /// Between two looks.
    pub(super) refresh: Duration,
    /// After a look that failed.
    pub(super) retry: Duration,
    /// After which it is served no more.
    pub(super) expire: Duration,
}

impl ZoneTimers {
    /// Those of its SOA within the bounds of the configuration.
    pub(super) fn of(soa: SoaTimers, terms: &SecondaryTerms) -> Self {
        Self {
            refresh: within(soa.refresh, terms.refresh, REFRESH),
            retry: within(soa.retry, terms.retry, RETRY),
            expire: within(soa.expire, terms.expire, EXPIRE),
        }
    }

    /// Until the next look after one that went well; `chance` is from 0 to 1.
    pub(super) fn after_success(&self, chance: f64) -> Duration {
        self.refresh.mul_f64(1.0 - SPREAD * chance)
    }

    /// Until the next look after so many that failed in a row.
    pub(super) fn after_failures(&self, failures: u32, chance: f64) -> Duration {
        let doubled = self.retry.saturating_mul(1 << failures.saturating_sub(1).min(20));
        doubled.min(self.refresh.max(self.retry)).mul_f64(1.0 - SPREAD * chance)
    }

    /// Until the next look at a zone that has expired, however many failed before: queries fail until one goes well (RFC 1035, section
    /// 3.3.13).
    pub(super) fn after_expiry(&self, chance: f64) -> Duration {
        self.retry.min(EXPIRED).mul_f64(1.0 - SPREAD * chance)
    }
}

/// Until the next look at a zone that has no contents yet, after so many that failed in a row.
pub(super) fn after_empty(failures: u32, chance: f64) -> Duration {
    let doubled = EMPTY.0.saturating_mul(1 << failures.saturating_sub(1).min(20));
    doubled.min(EMPTY.1).mul_f64(1.0 + EMPTY_SPREAD * chance)
}

fn within(time: Duration, bounds: TimerBounds, usual: (Duration, Duration)) -> Duration {
    let least = bounds.min.unwrap_or(usual.0);
    let most = bounds.max.unwrap_or(usual.1).max(least);
    time.clamp(least, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn timers(refresh: u64, retry: u64, expire: u64, terms: &SecondaryTerms) -> ZoneTimers {
        let [refresh, retry, expire] = [refresh, retry, expire].map(secs);
        ZoneTimers::of(SoaTimers { refresh, retry, expire }, terms)
    }

    #[test]
    fn times_of_the_soa_are_kept_within_bounds() {
        let usual = SecondaryTerms::default();
        let day = 86_400;
        let found = |refresh, retry, expire, terms| {
            let timers = timers(refresh, retry, expire, terms);
            [timers.refresh, timers.retry, timers.expire].map(|time| time.as_secs())
        };
        assert_eq!(found(3600, 600, 7 * day, &usual), [3600, 600, 7 * day]);
        assert_eq!(found(1, 1, 1, &usual), [30, 10, day]);
        assert_eq!(
            found(u64::from(u32::MAX), u64::from(u32::MAX), u64::from(u32::MAX), &usual),
            [28 * day, 14 * day, u64::from(u32::MAX)]
        );
        let bounds = |min, max| TimerBounds { min: Some(secs(min)), max: Some(secs(max)) };
        let own =
            SecondaryTerms { refresh: bounds(1, 5), retry: bounds(1, 2), expire: bounds(1, 9), ..usual };
        assert_eq!(found(3600, 600, 7 * day, &own), [5, 2, 9]);
        assert_eq!(found(1, 1, 1, &own), [1, 1, 1]);
    }

    #[test]
    fn pauses_grow_and_are_spread() {
        let timers = timers(3600, 600, 86_400, &SecondaryTerms::default());
        assert_eq!(timers.after_success(0.0), secs(3600));
        assert_eq!(timers.after_success(1.0), secs(3240));
        let pauses: Vec<u64> =
            (1..6).map(|failures| timers.after_failures(failures, 0.0).as_secs()).collect();
        assert_eq!(pauses, [600, 1200, 2400, 3600, 3600]);
        let pauses: Vec<u64> = (1..10).map(|failures| after_empty(failures, 0.0).as_secs()).collect();
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 320, 600, 600]);
        assert_eq!(after_empty(40, 1.0), secs(900));
        assert_eq!((timers.after_expiry(0.0), timers.after_expiry(1.0)), (secs(600), secs(540)));
        assert_eq!(timers.after_failures(u32::MAX, 1.0), secs(3240));
    }
}
