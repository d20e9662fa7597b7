//! Addresses of all kinds.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::super::scanner::{Word, Wrong};
use super::Fields;

impl Fields<'_, '_, '_> {
    #[inline]
    pub(super) fn ipv4(&mut self, word: Word<'_>) -> Result<(), Wrong> {
        let octets =
            ipv4(word.bytes).ok_or_else(|| word.wrong(format!("{} is no IPv4 address", word.shown())))?;
        self.out.extend_from_slice(&octets);
        Ok(())
    }

    #[inline]
    pub(super) fn ipv6(&mut self, word: Word<'_>) -> Result<(), Wrong> {
        let text = std::str::from_utf8(word.bytes).ok();
        let address: Option<Ipv6Addr> = text.and_then(|text| text.parse().ok());
        let address = address.ok_or_else(|| word.wrong(format!("{} is no IPv6 address", word.shown())))?;
        self.out.extend_from_slice(&address.octets());
        Ok(())
    }

    /// Groups of four hexadecimal digits (RFC 6742 section 2.1.2).
    pub(super) fn groups(&mut self, word: Word<'_>, groups: usize) -> Result<(), Wrong> {
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
            self.put(u64::from(value), 2);
            count += 1;
        }
        if count == groups { Ok(()) } else { Err(wrong()) }
    }

    /// Bytes with hyphens between (RFC 7043).
    pub(super) fn eui(&mut self, word: Word<'_>, bytes: usize) -> Result<(), Wrong> {
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
    pub(super) fn nsap(&mut self, word: Word<'_>) -> Result<(), Wrong> {
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
fn ipv4(word: &[u8]) -> Option<[u8; 4]> {
    let text = std::str::from_utf8(word).ok()?;
    text.parse::<Ipv4Addr>().ok().map(|address| address.octets())
}
