//! Serials: their arithmetic (RFC 1982), and where a SOA has its own.

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
}
