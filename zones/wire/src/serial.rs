//! Serial number arithmetic (RFC 1982).

/// Whether `serial` is newer than `other`. At the distance 2^31, which section 3.2 leaves undefined, neither of two is.
pub const fn is_newer(serial: u32, other: u32) -> bool {
    let distance = serial.wrapping_sub(other);
    distance != 0 && distance < 1 << 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_goes_round() {
        for (newer, older) in [(1, 0), (0, u32::MAX), (1 << 31, 1), (5, 0x8000_0006)] {
            assert!(is_newer(newer, older) && !is_newer(older, newer), "{newer} {older}");
        }
        for (one, other) in [(0, 0), (7, 7), (0, 1 << 31), (0x8000_0007, 7)] {
            assert!(!is_newer(one, other) && !is_newer(other, one), "{one} {other}");
        }
    }
}
