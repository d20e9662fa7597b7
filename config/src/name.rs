//! Domain names in presentation form.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use thiserror::Error;

/// The most bytes of a label (RFC 1035 section 2.3.4).
const MOST_LABEL: usize = 63;
/// The most bytes of a name on the wire, with the length of each label and of the root (RFC 1035 section 2.3.4).
const MOST_NAME: usize = 255;

/// A domain name in presentation form: lower case, without the final dot, one spelling for one name.
///
/// The root is `.`; the text is never empty. Bytes that are special in zone files carry a backslash, those that do
/// not print are written `\DDD` (RFC 1035 section 5.1), everything else stands for itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DomainName(Box<str>);

impl DomainName {
    /// The root of the domain name space, `.`.
    pub fn root() -> Self {
        DomainName(Box::from("."))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        &*self.0 == "."
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is no domain name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NameError {
    /// There is no text; the root is written `.`.
    #[error("is empty; the root is written `.`")]
    Empty,
    /// Two dots follow each other, or a dot comes first.
    #[error("has an empty label")]
    EmptyLabel,
    /// A label is longer than 63 bytes.
    #[error("has a label of more than 63 bytes")]
    LongLabel,
    /// The name is longer than 255 bytes on the wire.
    #[error("is longer than 255 bytes")]
    LongName,
    /// A backslash is followed by neither a printing character nor three digits up to 255.
    #[error("has a backslash without a character or three digits from 000 to 255 behind it")]
    Escape,
    /// A blank or control character stands unescaped.
    #[error("holds a blank or control character")]
    Blank,
    /// A character beyond ASCII stands in it.
    #[error("holds a character beyond ASCII; write such a name in its `xn--` form")]
    NotAscii,
}

impl FromStr for DomainName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match text {
            "" => return Err(NameError::Empty),
            "." => return Ok(DomainName::root()),
            _ => {}
        }
        // The root's length byte is counted from the start.
        let (mut name, mut wire) = (String::with_capacity(text.len()), 1);
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            if !name.is_empty() {
                name.push('.');
            }
            let (length, after) = label(rest, &mut name)?;
            wire += length + 1;
            if wire > MOST_NAME {
                return Err(NameError::LongName);
            }
            rest = after;
        }
        Ok(DomainName(name.into_boxed_str()))
    }
}

/// Takes one label and the dot behind it; gives its length in bytes and what follows.
fn label<'a>(text: &'a [u8], name: &mut String) -> Result<(usize, &'a [u8]), NameError> {
    let (mut length, mut rest) = (0, text);
    loop {
        let byte = match rest {
            [] => break,
            [b'.', after @ ..] => {
                rest = after;
                break;
            }
            [b'\\', after @ ..] => {
                let (byte, after) = escaped(after)?;
                rest = after;
                byte
            }
            [byte, ..] if !byte.is_ascii() => return Err(NameError::NotAscii),
            [byte, ..] if !byte.is_ascii_graphic() => return Err(NameError::Blank),
            [byte, after @ ..] => {
                rest = after;
                *byte
            }
        };
        length += 1;
        if length > MOST_LABEL {
            return Err(NameError::LongLabel);
        }
        present(byte.to_ascii_lowercase(), name);
    }
    if length == 0 { Err(NameError::EmptyLabel) } else { Ok((length, rest)) }
}

/// The byte that an escape stands for, from what follows the backslash.
fn escaped(text: &[u8]) -> Result<(u8, &[u8]), NameError> {
    if let Some((digits, after)) = text.split_first_chunk::<3>()
        && digits.iter().all(u8::is_ascii_digit)
    {
        let value = digits.iter().fold(0_u16, |value, digit| value * 10 + u16::from(digit - b'0'));
        return u8::try_from(value).map(|byte| (byte, after)).map_err(|_| NameError::Escape);
    }
    match text {
        [byte, after @ ..] if byte.is_ascii_graphic() && !byte.is_ascii_digit() => Ok((*byte, after)),
        _ => Err(NameError::Escape),
    }
}

fn present(byte: u8, name: &mut String) {
    match byte {
        b'.' | b'\\' | b'"' | b'(' | b')' | b';' | b'@' | b'$' => {
            name.push('\\');
            name.push(char::from(byte));
        }
        byte if byte.is_ascii_graphic() => name.push(char::from(byte)),
        // Writing to a String cannot fail.
        byte => drop(write!(name, "\\{byte:03}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_for_one_name() {
        for (text, name) in [
            (".", "."),
            ("example.com", "example.com"),
            ("Example.COM.", "example.com"),
            (r"a\.b.example", r"a\.b.example"),
            (r"a\046b.example", r"a\.b.example"),
            (r"\065.example", "a.example"),
            (r"a\032b", r"a\032b"),
            (r"\255", r"\255"),
            (r"\x.", "x"),
            ("_dns.example", "_dns.example"),
        ] {
            let parsed: DomainName = text.parse().unwrap();
            assert_eq!(parsed.as_str(), name, "{text}");
            assert_eq!(parsed.as_str().parse::<DomainName>().unwrap(), parsed, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_name() {
        let long = "a".repeat(64);
        let many = "abcdefg.".repeat(32);
        for (text, error) in [
            ("", NameError::Empty),
            ("..", NameError::EmptyLabel),
            (".example", NameError::EmptyLabel),
            ("a..b", NameError::EmptyLabel),
            (long.as_str(), NameError::LongLabel),
            (many.as_str(), NameError::LongName),
            (r"a\", NameError::Escape),
            (r"a\25", NameError::Escape),
            (r"a\256", NameError::Escape),
            ("a b", NameError::Blank),
            ("a\tb", NameError::Blank),
            ("bücher.example", NameError::NotAscii),
        ] {
            assert_eq!(text.parse::<DomainName>(), Err(error), "{text}");
        }
    }

    #[test]
    fn holds_the_longest_name_and_label() {
        assert!("a".repeat(63).parse::<DomainName>().is_ok());
        // 31 labels of 7 bytes and one of 5: 31 * 8 + 6 + 1 = 255.
        let name = format!("{}abcde", "abcdefg.".repeat(31));
        assert!(name.parse::<DomainName>().is_ok());
        assert_eq!(format!("{name}f").parse::<DomainName>(), Err(NameError::LongName));
    }
}
