//! Lines of the log that come often and say the same: one a minute of each cause.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tokio::time::Instant;

/// Seconds between two lines of the same cause.
const EVERY: u64 = 60;

/// When each of so many causes was last logged.
#[derive(Debug)]
pub(super) struct PacedLog<const CAUSES: usize> {
    began: Instant,
    /// In seconds since it began, from 1; 0 where it never was.
    logged: [AtomicU64; CAUSES],
}

impl<const CAUSES: usize> PacedLog<CAUSES> {
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), logged: [const { AtomicU64::new(0) }; CAUSES] }
    }

    /// Whether a line of this cause, by its index, is to be logged now.
    pub(super) fn is_due(&self, cause: usize) -> bool {
        let now = self.began.elapsed().as_secs() + 1;
        let due = |last: u64| (last == 0 || now >= last + EVERY).then_some(now);
        self.logged.get(cause).is_some_and(|last| last.fetch_update(Relaxed, Relaxed, due).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_cause_has_one_line_a_minute() {
        let log = PacedLog::<2>::new();
        assert_eq!([log.is_due(0), log.is_due(0), log.is_due(1), log.is_due(2)], [true, false, true, false]);
        tokio::time::advance(Duration::from_secs(59)).await;
        assert!(!log.is_due(0));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(log.is_due(0) && !log.is_due(0));
    }
}
