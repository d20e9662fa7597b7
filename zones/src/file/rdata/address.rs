//! Addresses of all kinds.

use std::net::Ipv6Addr;

use super::reader::RdataReader;
use crate::file::scanner::{FileWord, SyntaxError};

impl RdataReader<'_, '_, '_> {
    #[inline]
    pub(super) fn ipv4(&mut self, word: FileWord<'_>) -> Result<(), SyntaxError> {
        let octets =
            ipv4(word.bytes).ok_or_else(|| word.wrong(format!("{} is no IPv4 address", word.shown())))?;
        self.out.extend_from_slice(&octets);
        Ok(())
    }

    #[inline]
    pub(super) fn ipv6(&mut self, word: FileWord<'_>) -> Result<(), SyntaxError> {
        let octets =
            ipv6(word.bytes).ok_or_else(|| word.wrong(format!("{} is no IPv6 address", word.shown())))?;
        self.out.extend_from_slice(&octets);
        Ok(())
    }

    /// Groups of four hexadecimal digits (RFC 6742 section 2.1.2).
    pub(super) fn groups(&mut self, word: FileWord<'_>, groups: usize) -> Result<(), SyntaxError> {
        let wrong = || {
            word.wrong(format!("{} has not {groups} groups of up to four hexadecimal digits", word.shown()))
        };
        let text = std::str::from_utf8(word.bytes).map_err(|_| wrong())?;
        let mut count = 0;
        for group in text.split(':') {
            if group.is_empty() || group.len() > 4 || !group.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(wrong());
            }
            let value = u16::from_str_radix(group, 16).map_err(|_| wrong())?;
            self.write_number(u64::from(value), 2);
            count += 1;
        }
        if count == groups { Ok(()) } else { Err(wrong()) }
    }

    /// Bytes with hyphens between (RFC 7043).
    pub(super) fn eui(&mut self, word: FileWord<'_>, bytes: usize) -> Result<(), SyntaxError> {
        let wrong = || {
            word.wrong(format!(
                "{} has not {bytes} pairs of hexadecimal digits with hyphens between",
                word.shown()
            ))
        };
        let before = self.out.len();
        for pair in word.bytes.split(|&byte| byte == b'-') {
            match pair {
                [high, low] => {
                    let (high, low) =
                        super::base::hex_digit(*high).zip(super::base::hex_digit(*low)).ok_or_else(wrong)?;
                    self.out.push(high << 4 | low);
                }
                _ => return Err(wrong()),
            }
        }
        if self.out.len() - before == bytes { Ok(()) } else { Err(wrong()) }
    }

    /// `0x` and hexadecimal digits, dots anywhere (RFC 1706 section 7).
    pub(super) fn nsap(&mut self, word: FileWord<'_>) -> Result<(), SyntaxError> {
        let wrong = || {
            word.wrong(format!(
                "{} is no NSAP address; accepted: 0x and pairs of hexadecimal digits",
                word.shown()
            ))
        };
        let digits =
            word.bytes.strip_prefix(b"0x").or_else(|| word.bytes.strip_prefix(b"0X")).ok_or_else(wrong)?;
        let digits: Vec<u8> = digits.iter().copied().filter(|&byte| byte != b'.').collect();
        super::base::hex(&digits, self.out).filter(|()| !digits.is_empty()).ok_or_else(wrong)
    }
}

/// Four decimal numbers with dots between.
#[inline]
pub(in super::super) fn ipv4(word: &[u8]) -> Option<[u8; 4]> {
    let mut octets = [0; 4];
    let mut rest = word;
    for (index, octet) in octets.iter_mut().enumerate() {
        if index > 0 {
            rest = rest.strip_prefix(b".")?;
        }
        let (&first, tail) = rest.split_first()?;
        let mut value = u16::from(digit(first)?);
        rest = tail;
        // No zero before other digits, which some would take as octal.
        for _ in 0..if value == 0 { 0 } else { 2 } {
            let Some((next, tail)) = rest.split_first().and_then(|(next, tail)| Some((digit(*next)?, tail)))
            else {
                break;
            };
            value = value * 10 + u16::from(next);
            rest = tail;
        }
        *octet = u8::try_from(value).ok()?;
    }
    rest.is_empty().then_some(octets)
}

#[inline]
const fn digit(byte: u8) -> Option<u8> {
    let digit = byte.wrapping_sub(b'0');
    if digit < 10 { Some(digit) } else { None }
}

/// The text forms of RFC 4291 section 2.2.
#[inline]
pub(in super::super) fn ipv6(word: &[u8]) -> Option<[u8; 16]> {
    hex_groups(word).or_else(|| {
        let address: Ipv6Addr = std::str::from_utf8(word).ok()?.parse().ok()?;
        Some(address.octets())
    })
}

/// An address of hexadecimal groups alone; also none for some that are right but unusual.
#[inline]
fn hex_groups(word: &[u8]) -> Option<[u8; 16]> {
    let mut octets = [0; 16];
    // Groups read, and how many of them stand before `::`.
    let (mut count, mut gap) = (0usize, None);
    let mut rest = word;
    loop {
        let (mut value, mut digits) = (0u16, 0);
        while let Some((nibble, tail)) =
            rest.split_first().and_then(|(byte, tail)| Some((super::base::hex_digit(*byte)?, tail)))
        {
            value = value << 4 | u16::from(nibble);
            digits += 1;
            rest = tail;
        }
        if !(1..=4).contains(&digits) {
            return None;
        }
        octets.get_mut(2 * count..2 * count + 2)?.copy_from_slice(&value.to_be_bytes());
        count += 1;
        rest = match rest {
            [] => break,
            [b':', b':', tail @ ..] if gap.is_none() => {
                gap = Some(count);
                if tail.is_empty() {
                    break;
                }
                tail
            }
            [b':', tail @ ..] => tail,
            _ => return None,
        };
    }
    match gap {
        None if count == 8 => {}
        // The gap stands for a group at the least.
        Some(gap) if count < 8 => {
            let behind = octets.get_mut(2 * gap..)?;
            behind.rotate_right(16 - 2 * count);
        }
        _ => return None,
    }
    Some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::Ipv4Addr;

    proptest! {
        #[test]
        fn as_the_standard_library_has_it(
            four in "([0-9]{1,3}\\.){3}[0-9]{1,4}|[0-9.]{0,12}|(25[4-6]|0)(\\.(0|1|0?9|255)){3,4}",
            six in "([0-9a-fA-F]{1,5}:){0,8}[0-9a-f]{0,4}|[0-9a-f:]{0,20}|([0-9a-f]{0,4}:){1,7}:([0-9a-f]{1,4}:){0,3}(1|192\\.0\\.2\\.1)?",
            address in any::<u128>(),
            mask in any::<u128>(),
        ) {
            prop_assert_eq!(ipv4(four.as_bytes()), four.parse::<Ipv4Addr>().ok().map(|a| a.octets()), "{}", four);
            let given = Ipv6Addr::from(address & mask & (mask >> 32));
            for text in [six, given.to_string()] {
                let wanted = text.parse::<Ipv6Addr>().ok().map(|a| a.octets());
                prop_assert_eq!(ipv6(text.as_bytes()), wanted, "{}", &text);
                if let Some(octets) = hex_groups(text.as_bytes()) {
                    prop_assert_eq!(Some(octets), wanted, "{}", text);
                }
            }
        }
    }
}
