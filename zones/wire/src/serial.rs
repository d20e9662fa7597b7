//! Serials: their arithmetic (RFC 1982), and where a SOA has its own.

use crate::calendar;

/// Whether `serial` is newer than `other`. At the distance 2^31, which section 3.2 leaves undefined, neither of two is.
pub const fn is_newer(serial: u32, other: u32) -> bool {
    let distance = serial.wrapping_sub(other);
    distance != 0 && distance < 1 << 31
}

/// The serial in the RDATA of a SOA: five numbers of four bytes stand behind the two names (RFC 1035 section 3.3.13).
pub fn of_soa(rdata: &[u8]) -> Option<u32> {
    rdata.last_chunk::<20>()?.first_chunk().map(|serial| u32::from_be_bytes(*serial))
}

/// The serial that follows `serial`. Zero is left out: some servers take it for no serial at all.
pub const fn next(serial: u32) -> u32 {
    match serial.wrapping_add(1) {
        0 => 1,
        next => next,
    }
}

/// `wanted` where it is newer than `serial`, else the one that follows.
pub const fn wanted_or_next(wanted: u32, serial: u32) -> u32 {
    if is_newer(wanted, serial) && wanted != 0 { wanted } else { next(serial) }
}

/// Year, month and day of a time in seconds since 1970, in UTC, and two zeros: 2026112900.
pub const fn of_day(time: u64) -> u32 {
    let (year, month, day) = calendar::date(time / 86_400);
    // Until the year 42949.
    ((year * 10_000 + month * 100 + day) * 100) as u32
}

/// The serial that a zone gets on its way from `serial` to `target`: that, where it is newer, else the largest that is newer than `serial`
/// (RFC 1982 section 3.1), from which the rest of the way is shorter.
pub const fn step_towards(serial: u32, target: u32) -> u32 {
    if is_newer(target, serial) { target } else { next(serial.wrapping_add((1 << 31) - 2)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_serial_is_newer() {
        for serial in [0, 1, 0x7fff_ffff, 0x8000_0000, u32::MAX - 1, u32::MAX] {
            assert!(is_newer(next(serial), serial) && next(serial) != 0, "{serial}");
        }
    }

    #[test]
    fn the_order_goes_round() {
        for (newer, older) in [(1, 0), (0, u32::MAX), (1 << 31, 1), (5, 0x8000_0006)] {
            assert!(is_newer(newer, older) && !is_newer(older, newer), "{newer} {older}");
        }
        for (one, other) in [(0, 0), (7, 7), (0, 1 << 31), (0x8000_0007, 7)] {
            assert!(!is_newer(one, other) && !is_newer(other, one), "{one} {other}");
        }
    }

    #[test]
    fn the_serial_of_a_soa_stands_before_its_four_last_numbers() {
        let numbers: Vec<u8> = (1..=20).collect();
        for (case, names, length, serial) in [
            ("two names", &b"\x01a\0\x01b\0"[..], 20, Some(0x0102_0304)),
            ("two roots", b"\0\0", 20, Some(0x0102_0304)),
            ("numbers alone", b"", 20, Some(0x0102_0304)),
            ("a byte short", b"", 19, None),
            ("nothing", b"", 0, None),
        ] {
            assert_eq!(of_soa(&[names, &numbers[..length]].concat()), serial, "{case}");
        }
    }

    #[test]
    fn every_serial_is_reached_in_three_steps() {
        for serial in [0, 1, 7, 0x7fff_ffff, 0x8000_0000, u32::MAX - 1, u32::MAX] {
            for target in [1, 2, 6, 7, 8, 0x7fff_ffff, 0x8000_0000, 0x8000_0007, u32::MAX - 1, u32::MAX] {
                let (mut at, mut steps) = (serial, 0);
                while at != target {
                    let next = step_towards(at, target);
                    assert!(is_newer(next, at), "{serial} {target}: {at} {next}");
                    (at, steps) = (next, steps + 1);
                }
                let expected = if is_newer(target, serial) { 1 } else { 3 };
                assert!(steps <= expected, "{serial} {target}: {steps}");
            }
        }
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        for (time, expected) in [
            (0, 1_970_010_100),
            (951_782_399, 2_000_022_800),
            (951_782_400, 2_000_022_900),
            (951_868_800, 2_000_030_100),
            (1_735_689_599, 2_024_123_100),
            (1_735_689_600, 2_025_010_100),
            (4_107_542_400, 2_100_030_100),
        ] {
            assert_eq!(of_day(time), expected, "{time}");
        }
        assert_eq!(wanted_or_next(2_026_112_900, 7), 2_026_112_900);
        assert_eq!(wanted_or_next(2_026_112_900, 2_026_112_903), 2_026_112_904);
        assert_eq!(wanted_or_next(0, u32::MAX), 1);
    }
}
