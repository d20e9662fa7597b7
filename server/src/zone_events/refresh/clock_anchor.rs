//! The wall clock against the monotonic one: times that were noted by a clock which has jumped since follow it. Both are arguments.

use std::time::{Duration, Instant};

use crate::snapshot::{CLOCK_JUMP, RefreshStatus, SecondaryTimes};

/// Where the two clocks stood together.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClockAnchor {
    wall: u64,
    at: Instant,
}

impl ClockAnchor {
    /// The wall clock says `wall`, in seconds since 1970, at `now`.
    pub(super) const fn new(wall: u64, now: Instant) -> Self {
        Self { wall, at: now }
    }

    /// Whether the wall clock has jumped since the clocks were last put together, which they are then.
    pub(super) fn jump(&mut self, wall: u64, now: Instant) -> Option<ClockJump> {
        let before = self.wall.saturating_add(now.saturating_duration_since(self.at).as_secs());
        if before.abs_diff(wall) <= CLOCK_JUMP {
            return None;
        }
        *self = Self::new(wall, now);
        Some(ClockJump { before, wall })
    }
}

/// What a wall clock says, and what it would say had it not jumped; in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ClockJump {
    pub(super) before: u64,
    pub(super) wall: u64,
}

impl ClockJump {
    /// A time by the clock of before, by that of now.
    const fn carried(self, time: u64) -> u64 {
        if self.wall > self.before {
            time.saturating_add(self.wall - self.before)
        } else {
            time.saturating_sub(self.before - self.wall)
        }
    }

    /// When a zone was checked. What lay ahead of the clock of before was noted by a clock like that of now.
    fn checked(self, time: u64) -> u64 {
        let is_ahead = time > self.before.saturating_add(CLOCK_JUMP);
        if is_ahead { time } else { self.carried(time) }.min(self.wall)
    }

    /// The times of a zone that is served for `left` from now on.
    pub(super) fn times(self, times: SecondaryTimes, left: Option<Duration>) -> SecondaryTimes {
        let expires =
            left.map_or_else(|| self.carried(times.expires), |left| self.wall.saturating_add(left.as_secs()));
        SecondaryTimes { checked: self.checked(times.checked), expires }
    }

    /// What is told of a zone follows the clock.
    pub(super) fn carry(self, status: &mut RefreshStatus, expires: Option<u64>) {
        status.next = self.carried(status.next);
        status.checked = status.checked.map(|checked| self.checked(checked));
        status.expires = status.expires.map(|before| expires.unwrap_or_else(|| self.carried(before)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WALL: u64 = 1_800_000_000;
    const DAY: u64 = 86_400;

    #[test]
    fn a_clock_that_goes_on_does_not_jump() {
        let begun = Instant::now();
        let mut anchor = ClockAnchor::new(WALL, begun);
        let mut jump = |seconds: u64, wall| anchor.jump(wall, begun + Duration::from_secs(seconds));
        for seconds in [0, 1, 59, DAY, 400 * DAY] {
            assert_eq!(jump(seconds, WALL + seconds), None);
            assert_eq!(jump(seconds, WALL + seconds + 60), None);
            assert_eq!(jump(seconds, WALL + seconds - 60), None);
        }
        let ahead = ClockJump { before: WALL + 500 * DAY, wall: WALL + 500 * DAY + 61 };
        assert_eq!(jump(500 * DAY, ahead.wall), Some(ahead));
        // The clocks are together again from there on.
        assert_eq!(jump(500 * DAY + 5, ahead.wall + 5), None);
        let back = ClockJump { before: ahead.wall + 10, wall: WALL };
        assert_eq!(jump(500 * DAY + 10, WALL), Some(back));
        assert_eq!(jump(500 * DAY + 20, 0), Some(ClockJump { before: WALL + 10, wall: 0 }));
    }

    #[test]
    fn what_is_left_stays() {
        let times = SecondaryTimes { checked: WALL - 100, expires: WALL + DAY };
        let left = Duration::from_secs(DAY);
        for wall in [0, 1, WALL - 30 * DAY, WALL + 61, WALL + 30 * DAY] {
            let jump = ClockJump { before: WALL, wall };
            let carried = jump.times(times, Some(left));
            assert_eq!(carried.expires, wall + DAY, "{wall}");
            assert_eq!(carried.checked, wall.saturating_sub(100), "{wall}");
            assert!(!carried.is_over(wall) && carried.is_over(wall + DAY), "{wall}");
            let mut status = RefreshStatus {
                next: WALL + 50,
                checked: Some(times.checked),
                expires: Some(times.expires),
                ..RefreshStatus::default()
            };
            jump.carry(&mut status, Some(carried.expires));
            assert_eq!((status.checked, status.expires), (Some(carried.checked), Some(carried.expires)));
            assert_eq!(status.next, jump.carried(WALL + 50));
        }
    }

    #[test]
    fn what_was_noted_by_the_right_clock_stays_when_that_is_back() {
        // A host starts with a clock that is days late, and is told the time a little later.
        let times = SecondaryTimes { checked: WALL - 100, expires: WALL + DAY };
        let jump = ClockJump { before: WALL - 5 * DAY, wall: WALL };
        let carried = jump.times(times, Some(Duration::from_secs(DAY / 2)));
        assert_eq!((carried.checked, carried.expires), (WALL - 100, WALL + DAY / 2));
    }
}
