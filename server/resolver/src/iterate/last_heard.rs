//! When anything was heard last.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::Instant;

/// When the last reply of any server came, whoever asked for it.
#[derive(Debug)]
pub(super) struct LastHeard {
    epoch: Instant,
    /// Milliseconds since then, one added; 0 before the first.
    at: AtomicU64,
}

impl Default for LastHeard {
    fn default() -> Self {
        Self { epoch: Instant::now(), at: AtomicU64::new(0) }
    }
}

impl LastHeard {
    /// A reply came.
    pub(super) fn hear(&self) {
        let passed = u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX - 1);
        self.at.fetch_max(passed + 1, Relaxed);
    }

    /// When the last one came; none before the first.
    pub(super) fn last(&self) -> Option<Instant> {
        let passed = self.at.load(Relaxed).checked_sub(1)?;
        Some(self.epoch + Duration::from_millis(passed))
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_last_reply_counts_also_one_at_once() {
        let heard = LastHeard::default();
        assert_eq!(heard.last(), None);
        for wait in [0, 1, 700] {
            advance(Duration::from_millis(wait)).await;
            heard.hear();
            assert_eq!(heard.last(), Some(Instant::now()));
        }
    }
}
