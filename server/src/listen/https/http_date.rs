//! The time as HTTP writes it (RFC 9110, section 5.6.7).

use std::time::{SystemTime, UNIX_EPOCH};

/// The length of a date.
const LENGTH: usize = 29;
const DAYS: [&[u8; 3]; 7] = [b"Thu", b"Fri", b"Sat", b"Sun", b"Mon", b"Tue", b"Wed"];
const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
const DAY: u64 = 86_400;

/// The date of now, written anew once a second.
#[derive(Debug)]
pub(super) struct HttpDate {
    second: u64,
    text: [u8; LENGTH],
}

impl HttpDate {
    pub(super) fn new() -> Self {
        Self { second: 0, text: written(0) }
    }

    /// Looks at the clock.
    pub(super) fn renew(&mut self) {
        let second = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        if second != self.second {
            *self = Self { second, text: written(second) };
        }
    }

    pub(super) const fn text(&self) -> &[u8] {
        &self.text
    }
}

/// The date so many seconds after 1970 began.
fn written(second: u64) -> [u8; LENGTH] {
    let (days, within) = (second / DAY, second % DAY);
    let (year, month, day) = date_of(days);
    let weekday = DAYS.get((days % 7) as usize).copied().unwrap_or(b"Thu");
    let month = MONTHS.get(month).copied().unwrap_or(b"Jan");
    let digit = |number: u64| b'0' + (number % 10) as u8;
    let pair = |number: u64| [digit(number / 10), digit(number)];
    let ([w1, w2, w3], [m1, m2, m3], [d1, d2]) = (*weekday, *month, pair(day));
    let ([y1, y2], [y3, y4]) = (pair(year / 100), pair(year));
    let ([h1, h2], [n1, n2], [s1, s2]) = (pair(within / 3600), pair(within / 60 % 60), pair(within % 60));
    [
        w1, w2, w3, b',', b' ', d1, d2, b' ', m1, m2, m3, b' ', y1, y2, y3, y4, b' ', h1, h2, b':', n1, n2,
        b':', s1, s2, b' ', b'G', b'M', b'T',
    ]
}

/// Year, month from 0 and day from 1, of a day after 1970 began. Years begin in March here, so that a leap day is their last.
fn date_of(days: u64) -> (u64, usize, u64) {
    // From the first of March of the year 0, in cycles of 400 years.
    let days = days + 719_468;
    let (cycle, within) = (days / 146_097, days % 146_097);
    let year = (within - within / 1460 + within / 36_524 - within / 146_096) / 365;
    let of_year = within - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let next = u64::from(month >= 10);
    (cycle * 400 + year + next, ((month + 2) % 12) as usize, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (second, expected) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"),
            (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 GMT"),
            (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
            (1_767_225_600, "Thu, 01 Jan 2026 00:00:00 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
        ] {
            assert_eq!(str::from_utf8(&written(second)).unwrap(), expected);
        }
    }

    #[test]
    fn the_date_of_now_is_none_of_the_past() {
        let mut date = HttpDate::new();
        date.renew();
        let year: u32 = str::from_utf8(&date.text()[12..16]).unwrap().parse().unwrap();
        assert!(year >= 2025);
    }
}
