//! How much a client may send that brings no answered query (CVE-2023-44487, CVE-2024-27316, CVE-2025-8671 and their kin).

use std::time::{Duration, Instant};

/// Requests in a row that have no query, are broken or are given up, and then the connection ends.
pub const MOST_USELESS: u32 = 50;
/// Frames of a burst that carry no request, and then the connection ends. Clients begin with some five.
const MOST_FRAMES: u32 = 50;
/// Frames that belong to each request: a client gives room for what it reads, on the stream and on the connection, may end the stream
/// or send a short query before it does, and may measure the way. Many send some of them before there is an answer, so that they
/// count from the beginning of the request: its look-up may take seconds.
const EACH_REQUEST: u32 = 4;
/// They are saved up to this many: those of as many requests as can be open.
const MOST_SAVED: u32 = 400;
/// A burst has ended after this time without such a frame. So clients may ask for signs of life for as long as they like.
const PAUSE: Duration = Duration::from_secs(1);

/// The budget of a connection.
#[derive(Debug, Default)]
pub(super) struct FrameBudget {
    useless: u32,
    frames: u32,
    saved: u32,
    last: Option<Instant>,
}

impl FrameBudget {
    /// A request began whose head is right.
    pub(super) fn begun(&mut self) {
        self.saved = (self.saved + EACH_REQUEST).min(MOST_SAVED);
    }

    /// A query was answered.
    pub(super) const fn answered(&mut self) {
        (self.useless, self.frames) = (0, 0);
    }

    /// A request was of no use.
    pub(super) fn useless(&mut self) {
        self.useless = self.useless.saturating_add(1);
    }

    /// A frame came that carries no request.
    pub(super) fn frame(&mut self, now: Instant) {
        if self.saved > 0 {
            self.saved -= 1;
            return;
        }
        if self.last.is_some_and(|last| now.saturating_duration_since(last) >= PAUSE) {
            self.frames = 0;
        }
        self.last = Some(now);
        self.frames = self.frames.saturating_add(1);
    }

    /// Whether the client has to be stopped.
    pub(super) const fn is_spent(&self) -> bool {
        self.useless >= MOST_USELESS || self.frames >= MOST_FRAMES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_of_frames_spends_it() {
        let (mut budget, now) = (FrameBudget::default(), Instant::now());
        for _ in 1..MOST_FRAMES {
            budget.frame(now);
            assert!(!budget.is_spent());
        }
        budget.frame(now);
        assert!(budget.is_spent());
        let mut slow = FrameBudget::default();
        for second in 0..1000 {
            slow.frame(now + Duration::from_secs(second));
        }
        assert!(!slow.is_spent());
    }

    #[test]
    fn requests_make_up_for_frames_and_answers_for_what_was_useless() {
        let (mut budget, now) = (FrameBudget::default(), Instant::now());
        for _ in 0..1000 {
            budget.useless();
            budget.begun();
            for _ in 0..EACH_REQUEST {
                budget.frame(now);
            }
            budget.answered();
            assert!(!budget.is_spent());
        }
        (0..1000).for_each(|_| budget.begun());
        (0..MOST_SAVED + MOST_FRAMES - 1).for_each(|_| budget.frame(now));
        assert!(!budget.is_spent());
        budget.frame(now);
        assert!(budget.is_spent());
        let mut useless = FrameBudget::default();
        (0..MOST_USELESS).for_each(|_| useless.useless());
        assert!(useless.is_spent());
    }
}
