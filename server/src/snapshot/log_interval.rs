//! Lines of the log that others can cause.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Microseconds from one line to the next.
const PAUSE: u64 = 1_000_000;

/// Lets one line a second through and counts those it does not.
#[derive(Debug, Default)]
pub struct LogInterval {
    next: AtomicU64,
    left_out: AtomicU64,
}

impl LogInterval {
    /// Whether a line may be logged at this moment, in microseconds of a clock that never goes back: how many were left out
    /// before it.
    pub fn pass(&self, micros: u64) -> Option<u64> {
        let next = self.next.load(Relaxed);
        let passes =
            micros >= next && self.next.compare_exchange(next, micros + PAUSE, Relaxed, Relaxed).is_ok();
        if passes {
            return Some(self.left_out.swap(0, Relaxed));
        }
        self.left_out.fetch_add(1, Relaxed);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_second() {
        let interval = LogInterval::default();
        let moments = [5, 6, 7, 1_000_004, 1_000_005, 1_000_006, 9_000_000];
        let passed = moments.map(|at| interval.pass(at));
        assert_eq!(passed, [Some(0), None, None, None, Some(3), None, Some(1)]);
    }
}
