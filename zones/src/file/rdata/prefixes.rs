//! APL: lists of address prefixes (RFC 3123).

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::reader::RdataReader;
use crate::file::number::decimal;
use crate::file::scanner::{FileWord, SyntaxError};

impl RdataReader<'_, '_, '_> {
    pub(super) fn prefixes(&mut self) -> Result<(), SyntaxError> {
        while let Some(word) = self.scanner.word()? {
            let wrong = || {
                word.wrong(format!(
                    "{} is no prefix; accepted: [!]1:IPV4/LENGTH or [!]2:IPV6/LENGTH",
                    word.shown()
                ))
            };
            self.prefix(word).ok_or_else(wrong)?;
        }
        Ok(())
    }

    fn prefix(&mut self, word: FileWord<'_>) -> Option<()> {
        let (negated, text) = match word.bytes.strip_prefix(b"!") {
            Some(rest) => (0x80, rest),
            None => (0, word.bytes),
        };
        let (family, rest) = std::str::from_utf8(text).ok()?.split_once(':')?;
        let (address, length) = rest.split_once('/')?;
        let (octets, most) = match (family, address.parse().ok()?) {
            ("1", IpAddr::V4(v4)) => (v4.octets().to_vec(), 32),
            ("2", IpAddr::V6(v6)) => (v6.octets().to_vec(), 128),
            _ => return None,
        };
        let length = decimal(length.as_bytes(), most)?;
        // Zeros at the end are left out (RFC 3123 section 4).
        let used = octets.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        self.out.extend([0, if most == 32 { 1 } else { 2 }, length as u8, negated | used as u8]);
        self.out.extend(octets.iter().take(used));
        Some(())
    }
}

/// The text of APL's RDATA; none where it is of another family or cut off.
pub(super) fn prefixes_text(rdata: &[u8]) -> Option<String> {
    let mut text = String::new();
    let mut rest = rdata;
    while let Some((&[_, family, length, used], tail)) = rest.split_first_chunk::<4>() {
        let (bytes, after) = tail.split_at_checked(usize::from(used & 0x7f))?;
        let mut octets = [0u8; 16];
        octets.get_mut(..bytes.len())?.copy_from_slice(bytes);
        let address: IpAddr = match (rest.first()?, family) {
            (0, 1) if bytes.len() <= 4 => Ipv4Addr::from(*octets.first_chunk::<4>()?).into(),
            (0, 2) => Ipv6Addr::from(octets).into(),
            _ => return None,
        };
        let (blank, not) = (if text.is_empty() { "" } else { " " }, if used & 0x80 == 0 { "" } else { "!" });
        // Writing to a String does not fail.
        let _ = write!(text, "{blank}{not}{family}:{address}/{length}");
        rest = after;
    }
    rest.is_empty().then_some(text)
}
