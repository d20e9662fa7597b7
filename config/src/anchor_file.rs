//! Trusted keys out of a file of DS and DNSKEY records.

use std::path::Path;

use rhumb_wire::Type;

use crate::regular_file::{FileError, read_regular_file};
use crate::trusted_key::{TrustedKey, TrustedKeyError};

/// The largest file that is looked at, in bytes.
const MOST_BYTES: usize = 64 << 10;
/// The most keys taken from one file.
const MOST_KEYS: usize = 64;
/// Flags of a DNSKEY: it signs its zone, it is revoked (RFC 4034 section 2.1.1, RFC 5011 section 2.1).
const ZONE: u8 = 1;
const REVOKED: u8 = 0x80;

/// What is wrong with a file of trusted keys.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnchorFileError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("line {0}: the record {1}")]
    Line(usize, TrustedKeyError),
    #[error("line {0}: the key signs no zone, or is revoked")]
    Useless(usize),
    #[error("has more than {MOST_KEYS} keys")]
    TooMany,
    #[error("has no DS or DNSKEY record")]
    Nothing,
}

/// Reads the keys that a file has. Errors: it cannot be read, a line is no trusted key, or there is none.
pub(crate) fn read(path: &Path) -> Result<Vec<TrustedKey>, AnchorFileError> {
    let (bytes, _) = read_regular_file(path, MOST_BYTES)?;
    parse(&String::from_utf8_lossy(&bytes))
}

fn parse(text: &str) -> Result<Vec<TrustedKey>, AnchorFileError> {
    let mut keys = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let (record, comment) = line.split_once(';').unwrap_or((line, ""));
        if record.trim().is_empty() || is_untrusted(comment) {
            continue;
        }
        let key: TrustedKey = record.parse().map_err(|error| AnchorFileError::Line(number, error))?;
        if key.rtype == Type::DNSKEY && !signs_zone(&key.rdata) {
            return Err(AnchorFileError::Useless(number));
        }
        if keys.len() == MOST_KEYS {
            return Err(AnchorFileError::TooMany);
        }
        keys.push(key);
    }
    if keys.is_empty() { Err(AnchorFileError::Nothing) } else { Ok(keys) }
}

/// Whether a comment says that the key is not trusted: Unbound writes the state of RFC 5011 behind each, of which 2 is valid and 3 missing.
fn is_untrusted(comment: &str) -> bool {
    let state = comment.split_once(";;state=").and_then(|(_, rest)| rest.trim_start().chars().next());
    state.is_some_and(|state| !matches!(state, '2' | '3'))
}

fn signs_zone(rdata: &[u8]) -> bool {
    matches!(rdata, [high, low, 3, _, _, ..] if high & ZONE != 0 && low & REVOKED == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DS: &str = ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D";

    #[test]
    fn records_and_comments_are_read() {
        let text = format!("; the root\n\n{DS} ; KSK-2017\nexample. 3600 IN DNSKEY 257 3 15 AwEAAQ==\n");
        let keys = parse(&text).unwrap();
        let told: Vec<_> = keys.iter().map(|key| (key.zone.to_string(), key.rtype)).collect();
        assert_eq!(told, [(".".to_owned(), Type::DS), ("example.".to_owned(), Type::DNSKEY)]);
    }

    /// What Unbound keeps of a key that it does not trust yet, or no longer, is passed over.
    #[test]
    fn states_of_unbound_count() {
        let key = ". 172800 IN DNSKEY 257 3 15 AwEAAQ== ;{id = 1 (ksk), size = 2048b}";
        for (state, trusted) in
            [("0", false), ("1", false), ("2", true), ("3", true), ("4", false), ("5", false)]
        {
            let text = format!("{DS}\n{key} ;;state={state} [  X  ] ;;count=0 ;;lastchange=1\n");
            assert_eq!(parse(&text).unwrap().len(), 1 + usize::from(trusted), "{state}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let many = format!("{DS}\n").repeat(MOST_KEYS + 1);
        for (text, message) in [
            ("", "has no DS or DNSKEY"),
            ("; nothing\n", "has no DS or DNSKEY"),
            (". DS 1 8\n", "line 1: the record is no DS"),
            ("\n. DS 1 8 2 xx\n", "line 2: the record has a digest"),
            (". DNSKEY 256 3 15 AwEAAQ==\n. DNSKEY 385 3 15 AwEAAQ==\n", "line 2: the key signs no zone"),
            (". DNSKEY 1 3 15 AwEAAQ==\n", "line 1: the key signs no zone"),
            (". DNSKEY 257 2 15 AwEAAQ==\n", "line 1: the key signs no zone"),
            (many.as_str(), "more than 64"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(message), "{text}: {error}");
        }
    }
}
