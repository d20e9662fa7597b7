//! The time of one question.

use tokio::time::Instant;

/// The cache's clock, from the moment a question began.
#[derive(Clone, Copy, Debug)]
pub(super) struct QuestionClock {
    began: Instant,
    /// Seconds of the cache's clock at that moment.
    seconds: u32,
}

impl QuestionClock {
    /// A question begins at `seconds` of the cache's clock.
    pub(super) fn new(seconds: u32) -> Self {
        Self { began: Instant::now(), seconds }
    }

    /// Seconds of the cache's clock.
    pub(super) fn now(&self) -> u32 {
        self.seconds.saturating_add(u32::try_from(self.began.elapsed().as_secs()).unwrap_or(u32::MAX))
    }
}
