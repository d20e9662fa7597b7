//! Numbers of zone files: TTLs with units, decimal fields, times of signatures.

/// The greatest TTL (RFC 2181 section 8).
const MOST_TTL: u32 = 0x7fff_ffff;

/// A decimal number up to `most`; none if it is no such number.
#[inline]
pub(super) fn decimal(word: &[u8], most: u64) -> Option<u64> {
    if word.is_empty() || word.len() > 20 {
        return None;
    }
    let mut value = 0u64;
    for &byte in word {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    (value <= most).then_some(value)
}

/// A TTL: as [`interval`], and not beyond the greatest.
#[inline]
pub(super) fn ttl(word: &[u8]) -> Option<u32> {
    interval(word).filter(|seconds| *seconds <= MOST_TTL)
}

/// A time of 32 bits: seconds, or numbers with the units w, d, h, m, s (`1h30m`).
#[inline]
pub(super) fn interval(word: &[u8]) -> Option<u32> {
    match decimal(word, u64::from(u32::MAX)) {
        Some(seconds) => Some(seconds as u32),
        None => seconds(word).and_then(|seconds| u32::try_from(seconds).ok()),
    }
}

/// A time in seconds, written as [`interval`] takes it, the greatest where it has more than 64 bits.
pub(super) fn seconds(word: &[u8]) -> Option<u64> {
    let (mut total, mut value, mut digits, mut units) = (0u64, 0u64, false, false);
    for &byte in word {
        if byte.is_ascii_digit() {
            value = value.saturating_mul(10).saturating_add(u64::from(byte - b'0'));
            digits = true;
            continue;
        }
        let unit = match byte.to_ascii_lowercase() {
            b's' => 1,
            b'm' => 60,
            b'h' => 3600,
            b'd' => 86_400,
            b'w' => 604_800,
            _ => return None,
        };
        if !digits {
            return None;
        }
        total = total.saturating_add(value.saturating_mul(unit));
        (value, digits, units) = (0, false, true);
    }
    // A number without a unit stands alone.
    if digits { (!units).then_some(value) } else { units.then_some(total) }
}

/// A time of RRSIG: seconds since 1970, or `YYYYMMDDHHmmSS` in UTC (RFC 4034 section 3.2).
pub(super) fn signature_time(word: &[u8]) -> Option<u32> {
    if word.len() != 14 {
        return decimal(word, u64::from(u32::MAX)).map(|seconds| seconds as u32);
    }
    let part = |from: usize, to: usize| decimal(word.get(from..to)?, u64::MAX);
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hour, minute, second) = (part(8, 10)?, part(10, 12)?, part(12, 14)?);
    if !(1..=12).contains(&month)
        || !(1..=31).contains(&day)
        || hour > 23
        || minute > 59
        || second > 60
        || year < 1970
    {
        return None;
    }
    let days = days_since_1970(year, month, day);
    // Serial arithmetic: the field holds the lower 32 bits (RFC 4034 section 3.1.5).
    Some((days * 86_400 + hour * 3600 + minute * 60 + second) as u32)
}

/// `YYYYMMDDHHmmSS` of seconds since 1970.
pub(crate) fn signature_time_text(seconds: u32) -> String {
    let (days, rest) = (u64::from(seconds) / 86_400, seconds % 86_400);
    let (mut year, mut left) = (1970, days);
    loop {
        let length = days_since_1970(year + 1, 1, 1) - days_since_1970(year, 1, 1);
        if left < length {
            break;
        }
        left -= length;
        year += 1;
    }
    let start = days_since_1970(year, 1, 1);
    let month = (1..=12).rev().find(|month| days_since_1970(year, *month, 1) - start <= left).unwrap_or(1);
    let day = left - (days_since_1970(year, month, 1) - start) + 1;
    format!("{year:04}{month:02}{day:02}{:02}{:02}{:02}", rest / 3600, rest / 60 % 60, rest % 60)
}

/// Days of the Gregorian calendar.
fn days_since_1970(year: u64, month: u64, day: u64) -> u64 {
    const BEFORE: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let past = year - 1;
    let years = (year - 1970) * 365 + (past / 4 - past / 100 + past / 400) - 477;
    let months = BEFORE.get((month - 1) as usize).copied().unwrap_or(0) + u64::from(leap && month > 2);
    years + months + day - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ttls_have_units() {
        for (text, seconds) in [
            ("0", Some(0)),
            ("3600", Some(3600)),
            ("1h30m", Some(5400)),
            ("1W", Some(604_800)),
            ("2147483647", Some(0x7fff_ffff)),
            ("2147483648", None),
            ("30000d", None),
            ("1h30", None),
            ("h", None),
            ("", None),
            ("-1", None),
            ("1x", None),
        ] {
            assert_eq!(ttl(text.as_bytes()), seconds, "{text}");
        }
    }

    #[test]
    fn intervals_have_all_bits() {
        for (text, seconds) in [
            ("4294967295", Some(u32::MAX)),
            ("4294967296", None),
            ("30000d", Some(2_592_000_000)),
            ("50000d", None),
        ] {
            assert_eq!(interval(text.as_bytes()), seconds, "{text}");
        }
    }

    #[test]
    fn times_beyond_all_bits_keep_their_form() {
        for (text, time) in [
            ("4294967296", Some(1 << 32)),
            ("50000d", Some(4_320_000_000)),
            ("1h30m", Some(5400)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("99999999999999999999999w1h", Some(u64::MAX)),
            ("99999999999999999999999x", None),
            ("1h99999999999999999999999", None),
            ("h", None),
            ("", None),
        ] {
            assert_eq!(seconds(text.as_bytes()), time, "{text}");
        }
    }

    #[test]
    fn times_of_signatures() {
        for (text, seconds) in [
            ("19700101000000", 0),
            ("20000229120000", 951_825_600),
            ("20240101000000", 1_704_067_200),
            ("20380119031407", 0x7fff_ffff),
        ] {
            assert_eq!(signature_time(text.as_bytes()), Some(seconds), "{text}");
            assert_eq!(signature_time_text(seconds), text);
        }
        assert_eq!(signature_time(b"1704067200"), Some(1_704_067_200));
        assert_eq!(signature_time(b"20241301000000"), None);
    }
}
