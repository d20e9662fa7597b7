//! Service parameters of SVCB and HTTPS (RFC 9460 section 2.1 and appendix A; the registry of its section 14.3).

use std::collections::HashSet;
use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

use rhumb_wire::name::unescape;

use super::base::{base64_text, decode_base64};
use super::reader::RdataReader;
use super::text::quoted;
use crate::file::number::decimal;
use crate::file::scanner::{FileWord, SyntaxError};

/// How a parameter's value is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Keys,
    Texts,
    Nothing,
    Port,
    Ipv4,
    Base64,
    Ipv6,
    Text,
    Numbers,
}

/// Keys with names of their own.
const KEYS: [(&str, u16, Kind); 10] = [
    ("mandatory", 0, Kind::Keys),
    ("alpn", 1, Kind::Texts),
    ("no-default-alpn", 2, Kind::Nothing),
    ("port", 3, Kind::Port),
    ("ipv4hint", 4, Kind::Ipv4),
    ("ech", 5, Kind::Base64),
    ("ipv6hint", 6, Kind::Ipv6),
    ("dohpath", 7, Kind::Text),
    ("ohttp", 8, Kind::Nothing),
    ("tls-supported-groups", 9, Kind::Numbers),
];

/// The number of a key; none where it is no key. 65535 is reserved.
fn key_number(name: &str) -> Option<u16> {
    let known = KEYS.iter().find(|(known, ..)| *known == name).map(|(_, number, _)| *number);
    known.or_else(|| {
        let digits = name.strip_prefix("key").filter(|digits| *digits == "0" || !digits.starts_with('0'))?;
        decimal(digits.as_bytes(), 65_534).map(|number| number as u16)
    })
}

fn kind_of(key: u16) -> Kind {
    KEYS.iter().find(|(_, number, _)| *number == key).map_or(Kind::Text, |(.., kind)| *kind)
}

impl RdataReader<'_, '_, '_> {
    pub(super) fn parameters(&mut self) -> Result<(), SyntaxError> {
        self.scanner.set_pairs(true);
        let read = self.all_parameters();
        self.scanner.set_pairs(false);
        read
    }

    fn all_parameters(&mut self) -> Result<(), SyntaxError> {
        let mut parameters: Vec<(u16, Vec<u8>)> = Vec::new();
        let mut keys = HashSet::new();
        let mut last = None;
        while let Some(word) = self.scanner.word()? {
            let (key, value) = parameter(word)?;
            if !keys.insert(key) {
                return Err(word.wrong(format!("{}: the key is there already", word.shown())));
            }
            parameters.push((key, value));
            last = Some(word);
        }
        parameters.sort_unstable_by_key(|(key, _)| *key);
        if let (Some(word), Some((0, mandatory))) = (last, parameters.first()) {
            let named = mandatory.as_chunks::<2>().0.iter().map(|key| u16::from_be_bytes(*key));
            if !named.clone().all(|key| key != 0 && keys.contains(&key)) {
                return Err(word.wrong("a mandatory key is missing, or is `mandatory` itself"));
            }
        }
        if keys.contains(&2)
            && !keys.contains(&1)
            && let Some(word) = last
        {
            return Err(word.wrong("no-default-alpn needs alpn beside it"));
        }
        for (key, value) in parameters {
            self.write_number(u64::from(key), 2);
            self.write_number(value.len() as u64, 2);
            self.out.extend(value);
        }
        Ok(())
    }
}

/// `key` or `key=value`. Errors: the key or the value is none.
fn parameter(word: FileWord<'_>) -> Result<(u16, Vec<u8>), SyntaxError> {
    let equals = word.bytes.iter().position(|&byte| byte == b'=');
    let (name, value) = match equals {
        Some(at) => (word.bytes.get(..at).unwrap_or(&[]), word.bytes.get(at + 1..)),
        None => (word.bytes, None),
    };
    let name = std::str::from_utf8(name).unwrap_or("");
    let key = key_number(name).ok_or_else(|| {
        word.wrong(format!("{}: no such key; accepted: the names of RFC 9460, or keyNNNNN", word.shown()))
    })?;
    let text =
        value.map(|value| value.strip_prefix(b"\"").and_then(|v| v.strip_suffix(b"\"")).unwrap_or(value));
    let wrong = || word.wrong(format!("{}: the value does not fit the key", word.shown()));
    let text = match text {
        Some(text) => Some(plain(text).ok_or_else(wrong)?),
        None => None,
    };
    let value = value_of(kind_of(key), text.as_deref()).ok_or_else(wrong)?;
    if value.len() > 65_535 {
        return Err(wrong());
    }
    Ok((key, value))
}

/// The bytes of a character-string's text.
fn plain(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte == b'\\' {
            let (value, after) = unescape(tail)?;
            bytes.push(value);
            rest = after;
        } else {
            bytes.push(byte);
        }
    }
    Some(bytes)
}

fn value_of(kind: Kind, text: Option<&[u8]>) -> Option<Vec<u8>> {
    let mut value = Vec::new();
    let items = || text.filter(|text| !text.is_empty()).map(|text| text.split(|&byte| byte == b','));
    let word = |item| std::str::from_utf8(item).ok();
    match kind {
        Kind::Nothing => return text.is_none_or(<[u8]>::is_empty).then_some(value),
        Kind::Text => value.extend_from_slice(text.unwrap_or(&[])),
        Kind::Texts => {
            for item in listed(text.filter(|text| !text.is_empty())?) {
                value.push(u8::try_from(item.len()).ok().filter(|length| *length > 0)?);
                value.extend(item);
            }
        }
        Kind::Keys => {
            let mut keys: Vec<u16> =
                items()?.map(|item| word(item).and_then(key_number)).collect::<Option<_>>()?;
            keys.sort_unstable();
            if keys.windows(2).any(|pair| pair.first() == pair.last()) {
                return None;
            }
            value.extend(keys.iter().flat_map(|key| key.to_be_bytes()));
        }
        Kind::Port => value.extend((decimal(text?, 65_535)? as u16).to_be_bytes()),
        Kind::Numbers => {
            for item in items()? {
                value.extend((decimal(item, 65_535)? as u16).to_be_bytes());
            }
        }
        Kind::Ipv4 => {
            for item in items()? {
                value.extend(word(item)?.parse::<Ipv4Addr>().ok()?.octets());
            }
        }
        Kind::Ipv6 => {
            for item in items()? {
                value.extend(word(item)?.parse::<Ipv6Addr>().ok()?.octets());
            }
        }
        Kind::Base64 => value = decode_base64(text.filter(|text| !text.is_empty())?)?,
    }
    Some(value)
}

/// A list with commas between; a backslash keeps a comma or a backslash from meaning anything (RFC 9460 appendix A.1).
fn listed(text: &[u8]) -> Vec<Vec<u8>> {
    let mut items = vec![Vec::new()];
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        match (byte, items.last_mut()) {
            (b',', _) => items.push(Vec::new()),
            (b'\\', Some(item)) => item.extend(bytes.next()),
            (_, Some(item)) => item.push(byte),
            (_, None) => {}
        }
    }
    items
}

/// The text of service parameters; none where a value does not fit its key.
pub(super) fn parameters_text(parameters: &[u8]) -> Option<String> {
    let mut text = String::new();
    let mut rest = parameters;
    while let Some((&[k0, k1, l0, l1], tail)) = rest.split_first_chunk::<4>() {
        let key = u16::from_be_bytes([k0, k1]);
        let (value, after) = tail.split_at_checked(usize::from(u16::from_be_bytes([l0, l1])))?;
        let value = value_text(kind_of(key), value)?;
        let blank = if text.is_empty() { "" } else { " " };
        // Writing to a String does not fail.
        let _ = write!(text, "{blank}{}", key_text(key));
        if let Some(value) = value {
            let _ = write!(text, "={value}");
        }
        rest = after;
    }
    rest.is_empty().then_some(text)
}

fn key_text(key: u16) -> String {
    KEYS.iter()
        .find(|(_, number, _)| *number == key)
        .map_or_else(|| format!("key{key}"), |(name, ..)| (*name).to_owned())
}

#[expect(clippy::option_option, reason = "no value at all is a text of its own; none at all is no text")]
fn value_text(kind: Kind, value: &[u8]) -> Option<Option<String>> {
    let joined = |items: Vec<String>| (!items.is_empty()).then(|| items.join(","));
    let whole = |size: usize| value.len().is_multiple_of(size).then_some(());
    let numbers = || value.as_chunks::<2>().0.iter().map(|bytes| u16::from_be_bytes(*bytes));
    Some(match kind {
        Kind::Nothing => {
            return value.is_empty().then_some(None);
        }
        Kind::Text => (!value.is_empty()).then(|| quoted(value)),
        Kind::Texts => {
            let mut items = Vec::new();
            let mut rest = value;
            while let Some((&length, tail)) = rest.split_first() {
                let (item, after) =
                    tail.split_at_checked(usize::from(length)).filter(|(item, _)| !item.is_empty())?;
                for (index, &byte) in item.iter().enumerate() {
                    if index == 0 && !items.is_empty() {
                        items.push(b',');
                    }
                    if matches!(byte, b',' | b'\\') {
                        items.push(b'\\');
                    }
                    items.push(byte);
                }
                rest = after;
            }
            Some(quoted(&items)).filter(|_| !items.is_empty()).map(Some)?
        }
        Kind::Keys => {
            whole(2)?;
            Some(joined(numbers().map(key_text).collect())?)
        }
        Kind::Port => Some(u16::from_be_bytes(value.try_into().ok()?).to_string()),
        Kind::Numbers => {
            whole(2)?;
            Some(joined(numbers().map(|number| number.to_string()).collect())?)
        }
        Kind::Ipv4 => {
            whole(4)?;
            Some(joined(
                value.as_chunks::<4>().0.iter().map(|octets| Ipv4Addr::from(*octets).to_string()).collect(),
            )?)
        }
        Kind::Ipv6 => {
            whole(16)?;
            Some(joined(
                value.as_chunks::<16>().0.iter().map(|octets| Ipv6Addr::from(*octets).to_string()).collect(),
            )?)
        }
        Kind::Base64 => Some(base64_text(value)).filter(|_| !value.is_empty()).map(Some)?,
    })
}
