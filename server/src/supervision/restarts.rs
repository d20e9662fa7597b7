//! When a worker that panicked is started again.

use std::time::Duration;

/// The pause before the first restart; it doubles with each panic in a row.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// A run of this length is a good one: the count begins anew.
const GOOD_RUN: Duration = Duration::from_mins(1);
/// Panics in a row after which a worker is given up: with their pauses, about a quarter of a minute.
const MOST_IN_A_ROW: u32 = 20;

/// The panics in a row of one worker.
#[derive(Debug, Default)]
pub(super) struct WorkerRestarts {
    in_a_row: u32,
}

impl WorkerRestarts {
    /// The pause after another panic, which ended a run of this length; none: no further start.
    pub(super) fn next(&mut self, run: Duration) -> Option<Duration> {
        if run >= GOOD_RUN {
            self.in_a_row = 0;
        }
        self.in_a_row += 1;
        let pause = FIRST_PAUSE.saturating_mul(1 << (self.in_a_row - 1).min(16));
        (self.in_a_row < MOST_IN_A_ROW).then_some(pause.min(LONGEST_PAUSE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_second_and_end() {
        let mut restarts = WorkerRestarts::default();
        let pauses: Vec<_> = std::iter::from_fn(|| restarts.next(Duration::ZERO)).collect();
        let millis: Vec<_> = pauses.iter().map(Duration::as_millis).collect();
        assert_eq!(millis[..8], [10, 20, 40, 80, 160, 320, 640, 1000]);
        assert!(millis[8..].iter().all(|pause| *pause == 1000));
        assert_eq!(millis.len(), 19);
    }

    #[test]
    fn a_good_run_begins_anew() {
        let mut restarts = WorkerRestarts::default();
        for _ in 0..100 {
            assert!(restarts.next(GOOD_RUN).is_some_and(|pause| pause == FIRST_PAUSE));
        }
        for _ in 0..18 {
            assert!(restarts.next(GOOD_RUN.saturating_sub(Duration::from_millis(1))).is_some());
        }
        assert_eq!(restarts.next(Duration::ZERO), None);
    }
}
