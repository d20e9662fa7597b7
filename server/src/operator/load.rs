//! The load of the last minute: figures taken every few seconds, compared with those of a minute ago.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::metrics::{ServerMetrics, TrafficFigures};

/// The time between two looks.
pub(crate) const SAMPLE_EVERY: Duration = Duration::from_secs(5);
/// Looks that are kept: a minute's.
const KEPT: usize = 13;

/// What was seen in the last minute.
#[derive(Debug, Default)]
pub(crate) struct LoadHistory(Mutex<VecDeque<(Instant, TrafficFigures)>>);

/// The load of the last minute, or of the time since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct RecentLoad {
    /// Queries a second; none before the second look.
    pub(super) queries_per_second: Option<f64>,
    /// The time that half of the queries took at most, in seconds.
    pub(super) median: Option<f64>,
    /// The time that all but one in a hundred took at most, in seconds.
    pub(super) slowest_hundredth: Option<f64>,
}

impl LoadHistory {
    /// Takes a look.
    pub(crate) fn sample(&self, metrics: &ServerMetrics) {
        self.push(Instant::now(), metrics.traffic());
    }

    fn push(&self, at: Instant, figures: TrafficFigures) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back((at, figures));
    }

    /// From the oldest look to `now`.
    pub(super) fn recent(&self, at: Instant, now: &TrafficFigures) -> RecentLoad {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((then, before)) = kept.front() else { return RecentLoad::default() };
        let elapsed = at.saturating_duration_since(*then).as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
        let queries = now.queries.saturating_sub(before.queries) as f64;
        RecentLoad {
            queries_per_second: (elapsed >= 1.0).then(|| queries / elapsed),
            median: now.quantile_since(before, 0.5),
            slowest_hundredth: now.quantile_since(before, 0.99),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_load_is_that_of_the_last_minute() {
        let (history, zero) = (LoadHistory::default(), Instant::now());
        let figures = |queries| TrafficFigures { queries, ..TrafficFigures::default() };
        assert_eq!(history.recent(zero, &figures(7)), RecentLoad::default());
        history.push(zero, figures(1000));
        assert_eq!(history.recent(zero, &figures(1000)).queries_per_second, None);
        let at = |second| zero + Duration::from_secs(second);
        assert_eq!(history.recent(at(10), &figures(1500)).queries_per_second, Some(50.0));
        for look in 1..=100 {
            history.push(at(look * 5), figures(1000 + look * 10));
        }
        // The oldest look that is kept is a minute old.
        assert_eq!(history.recent(at(500), &figures(2000)).queries_per_second, Some(2.0));
    }
}
