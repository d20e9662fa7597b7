//! Trusted keys as records: DS or DNSKEY, each on one line.

use std::fmt;
use std::str::FromStr;

use rhumb_wire::{DomainName, Type};

use crate::domain::read_domain;

/// A trusted key of a zone: a DS or DNSKEY record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedKey {
    /// The zone whose apex it stands at.
    pub zone: DomainName,
    /// DS or DNSKEY, which says how the RDATA is read.
    pub rtype: Type,
    /// Its RDATA.
    pub rdata: Vec<u8>,
    text: String,
}

/// The keys of the root as IANA publishes them: those of 2017 and 2024.
const ROOT_KEYS: [&str; 2] = [
    ". DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
    ". DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
];

/// The keys of the root.
pub(crate) fn built_in() -> Vec<TrustedKey> {
    ROOT_KEYS.iter().filter_map(|text| text.parse().ok()).collect()
}

/// Why a text is no trusted key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustedKeyError {
    /// It has another form.
    #[error("is no DS or DNSKEY record")]
    Form,
    /// Its owner is no name.
    #[error("has an owner that is no domain name")]
    Owner,
    /// One of its numbers is none, or too large.
    #[error("has a number that is none or too large")]
    Number,
    /// The digest or the key cannot be read.
    #[error("has a digest that is not hexadecimal, or a key that is not base64")]
    Data,
}

impl FromStr for TrustedKey {
    type Err = TrustedKeyError;

    /// A record as a zone file has it, on one line: TTL and class may be left out.
    fn from_str(text: &str) -> Result<Self, TrustedKeyError> {
        let text = text.split(';').next().unwrap_or(text);
        let words: Vec<&str> =
            text.split_ascii_whitespace().filter(|word| !matches!(*word, "(" | ")")).collect();
        let (owner, rest) = words.split_first().ok_or(TrustedKeyError::Form)?;
        let zone = read_domain(owner).map_err(|_| TrustedKeyError::Owner)?;
        let head =
            |word: &&&str| word.eq_ignore_ascii_case("in") || word.bytes().all(|byte| byte.is_ascii_digit());
        let skipped = rest.iter().take_while(head).count();
        let rest = rest.get(skipped..).unwrap_or_default();
        let [rtype, first, second, third, data @ ..] = rest else { return Err(TrustedKeyError::Form) };
        let number = |word: &str| word.parse::<u8>().map_err(|_| TrustedKeyError::Number);
        let data = data.concat();
        let rtype: Type = rtype.parse().map_err(|_| TrustedKeyError::Form)?;
        let data = match rtype {
            Type::DS => hexadecimal(&data),
            Type::DNSKEY => base64(&data),
            _ => return Err(TrustedKeyError::Form),
        };
        let data = data.filter(|data| !data.is_empty()).ok_or(TrustedKeyError::Data)?;
        let first: u16 = first.parse().map_err(|_| TrustedKeyError::Number)?;
        let rdata = [&first.to_be_bytes()[..], &[number(second)?, number(third)?], &data].concat();
        Ok(Self { zone, rtype, rdata, text: words.join(" ") })
    }
}

impl fmt::Display for TrustedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let byte = |[high, low]: &[u8; 2]| Some((digit(high)? << 4 | digit(low)?) as u8);
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| {
        Some(match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        })
    };
    let text = text.trim_end_matches('=');
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0u32, 0);
    for byte in text.bytes() {
        bits = bits << 6 | u32::from(digit(byte)?);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::show_domain;

    #[test]
    fn keys_are_read_as_zone_files_have_them() {
        let keys = built_in();
        assert_eq!(keys.len(), 2);
        assert!(keys.iter().all(|key| key.rdata.len() == 36 && show_domain(&key.zone) == "."));
        assert_eq!(keys[0].rdata[..6], [0x4F, 0x66, 8, 2, 0xE0, 0x6D]);
        let key: TrustedKey = "example.com. 3600 IN DNSKEY 257 3 5 AwEA AQ== ; one".parse().unwrap();
        assert_eq!((key.rtype, key.rdata), (Type::DNSKEY, vec![1, 1, 3, 5, 3, 1, 0, 1]));
        // Every digit there is, in order: 0 to 63, six bits each.
        let digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ abcdefghijklmnopqrstuvwxyz 0123456789+/";
        let key: TrustedKey = format!(". DNSKEY 257 3 8 {digits}").parse().unwrap();
        let bits = (0..64_u8).flat_map(|digit| (0..6).rev().map(move |at| digit >> at & 1));
        let bytes: Vec<u8> = bits
            .collect::<Vec<_>>()
            .chunks(8)
            .map(|byte| byte.iter().fold(0, |all, bit| all << 1 | bit))
            .collect();
        assert_eq!(key.rdata[4..], bytes);
        for (text, error) in [
            ("", TrustedKeyError::Form),
            (". DS 1 8", TrustedKeyError::Form),
            (". DS 1 8 2", TrustedKeyError::Data),
            (". A 1 8 2 00", TrustedKeyError::Form),
            (". DS 1 8 2 0", TrustedKeyError::Data),
            (". DS 1 8 2 xx", TrustedKeyError::Data),
            (". DS 70000 8 2 00", TrustedKeyError::Number),
            ("a..b DS 1 8 2 00", TrustedKeyError::Owner),
        ] {
            assert_eq!(text.parse::<TrustedKey>().unwrap_err(), error, "{text}");
        }
    }
}
