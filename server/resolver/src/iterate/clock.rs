//! The time of one question.

use tokio::time::Instant;

/// The cache's clock, from the moment a question began.
#[derive(Clone, Copy, Debug)]
pub(super) struct QuestionClock {
    began: Instant,
    /// Seconds of the cache's clock at that moment.
    seconds: u32,
    /// Seconds since 1970 at that moment.
    unix: u32,
}

impl QuestionClock {
    /// A question begins at `seconds` of the cache's clock, `unix` seconds after 1970.
    pub(super) fn new((seconds, unix): (u32, u32)) -> Self {
        Self { began: Instant::now(), seconds, unix }
    }

    /// Seconds since 1970, by which signatures are valid or not.
    pub(super) fn unix(&self) -> u32 {
        self.unix.wrapping_add(self.elapsed())
    }

    /// Seconds of the cache's clock.
    pub(super) fn now(&self) -> u32 {
        self.seconds.saturating_add(self.elapsed())
    }

    fn elapsed(&self) -> u32 {
        u32::try_from(self.began.elapsed().as_secs()).unwrap_or(u32::MAX)
    }
}
