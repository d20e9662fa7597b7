//! How fast a primary is asked. Time is an argument.

use std::time::{Duration, Instant};

/// Zones of a primary that does not answer that are looked at at one time.
const MOST_OF_SILENT: usize = 2;
/// Looks at one primary in a second.
const MOST_A_SECOND: f64 = 200.0;
/// What is added to the rate by an answer.
const STEP: f64 = 1.0;
/// In a row without an answer, a primary is taken to be gone.
const SILENT_AFTER: u32 = 3;
/// How long nothing is asked of one that is gone: from the first time to the longest.
const SILENCE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(1));

/// What a look at a zone has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LookResult {
    /// The primary that was asked first did not answer.
    Silence,
    /// It has answered.
    Answer,
    /// It has sent a zone of which there was nothing. No question for a serial was spent on that.
    FirstTransfer,
    /// Nobody was asked.
    Nothing,
}

/// What one primary bears.
#[derive(Debug)]
pub(super) struct PrimaryPace {
    running: usize,
    rate: f64,
    /// Looks that may begin at once, and when they were counted.
    tokens: f64,
    counted: Instant,
    silent: u32,
    /// Until when nothing is asked.
    pause: Option<Instant>,
}

impl PrimaryPace {
    pub(super) const fn new(now: Instant) -> Self {
        let (running, silent, pause) = (0, 0, None);
        Self { running, rate: MOST_A_SECOND, tokens: 1.0, counted: now, silent, pause }
    }

    /// Whether it is taken to be gone.
    pub(super) const fn is_silent(&self) -> bool {
        self.silent >= SILENT_AFTER
    }

    /// Begins a look, if one may begin now, `most` being under way at one time. Else, when one may, where that is known.
    pub(super) fn begin(&mut self, now: Instant, most: usize) -> Result<(), Option<Instant>> {
        if let Some(pause) = self.pause.filter(|pause| now < *pause) {
            return Err(Some(pause));
        }
        let most = if self.is_silent() { MOST_OF_SILENT.min(most) } else { most };
        if self.running >= most {
            return Err(None);
        }
        let since = now.saturating_duration_since(self.counted).as_secs_f64();
        self.add(since * self.rate);
        self.counted = now;
        if self.tokens < 1.0 {
            return Err(Some(now + Duration::from_secs_f64((1.0 - self.tokens) / self.rate)));
        }
        self.tokens -= 1.0;
        self.running += 1;
        Ok(())
    }

    fn add(&mut self, tokens: f64) {
        self.tokens = (self.tokens + tokens).min((self.rate / 10.0).max(1.0));
    }

    /// A look ended. First transfers do not count against the rate: how many are under way is bound enough.
    pub(super) fn end(&mut self, result: LookResult, now: Instant) {
        self.running = self.running.saturating_sub(1);
        if matches!(result, LookResult::FirstTransfer | LookResult::Nothing) {
            self.add(1.0);
        }
        if result == LookResult::Nothing {
            return;
        }
        if result != LookResult::Silence {
            (self.silent, self.pause) = (0, None);
            self.rate = (self.rate + STEP).min(MOST_A_SECOND);
            return;
        }
        self.silent = self.silent.saturating_add(1);
        self.rate = (self.rate / 2.0).max(1.0);
        if self.is_silent() {
            let doubled = SILENCE.0.saturating_mul(1 << (self.silent - SILENT_AFTER).min(10));
            self.pause = Some(now + doubled.min(SILENCE.1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 8;

    #[test]
    fn a_primary_is_asked_as_fast_as_it_bears() {
        let begun = Instant::now();
        let mut pace = PrimaryPace::new(begun);
        let mut count = 0;
        for millis in 0..1000 {
            let now = begun + Duration::from_millis(millis);
            while pace.begin(now, MOST).is_ok() {
                count += 1;
                pace.end(LookResult::Answer, now);
            }
        }
        assert!((195..=201).contains(&count), "{count}");
        for _ in 0..8 {
            let later = begun + Duration::from_secs(2);
            assert_eq!(pace.begin(later, MOST), Ok(()));
        }
        assert_eq!(pace.begin(begun + Duration::from_secs(2), MOST), Err(None), "eight are under way");
    }

    #[test]
    fn first_transfers_go_as_fast_as_they_come() {
        let begun = Instant::now();
        let mut pace = PrimaryPace::new(begun);
        for _ in 0..1000 {
            assert_eq!(pace.begin(begun, MOST), Ok(()));
            pace.end(LookResult::FirstTransfer, begun);
        }
        assert_eq!(pace.begin(begun, MOST), Ok(()));
        pace.end(LookResult::Answer, begun);
        assert!(pace.begin(begun, MOST).is_err(), "what brings nothing is counted");
    }

    #[test]
    fn one_that_is_silent_is_left_alone_for_a_while() {
        let begun = Instant::now();
        let mut pace = PrimaryPace::new(begun);
        let mut now = begun;
        for _ in 0..3 {
            now += Duration::from_secs(1);
            assert_eq!(pace.begin(now, MOST), Ok(()));
            pace.end(LookResult::Silence, now);
        }
        assert!(pace.is_silent());
        assert_eq!(pace.begin(now, MOST), Err(Some(now + Duration::from_secs(5))));
        now += Duration::from_secs(5);
        assert_eq!((pace.begin(now, MOST), pace.rate), (Ok(()), 25.0));
        pace.end(LookResult::Silence, now);
        assert_eq!(pace.begin(now, MOST), Err(Some(now + Duration::from_secs(10))));
        now += Duration::from_secs(10);
        assert_eq!(pace.begin(now, MOST), Ok(()));
        pace.end(LookResult::Answer, now);
        assert!(!pace.is_silent());
    }
}
