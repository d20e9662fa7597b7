//! Domain names as a configuration has them.

use rhumb_wire::{DomainName, NameError};
use thiserror::Error;

/// Why a text is no name of a domain or a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum DomainError {
    #[error("is empty; the root is written `.`")]
    Empty,
    #[error("is `@`, which only zone files know; write the name in full")]
    Origin,
    #[error("holds a blank or control character")]
    Blank,
    #[error("holds a character beyond ASCII; write such a name in its `xn--` form")]
    NotAscii,
    #[error("is a wildcard; write the name behind the `*.`, which covers everything below it")]
    Wildcard,
    #[error("is no domain name: {0}")]
    Name(#[from] NameError),
}

/// Reads a name in lower case; the final dot may be left out.
pub(crate) fn read_domain(text: &str) -> Result<DomainName, DomainError> {
    match text {
        "" => return Err(DomainError::Empty),
        "@" => return Err(DomainError::Origin),
        _ if !text.is_ascii() => return Err(DomainError::NotAscii),
        _ if text.bytes().any(|byte| !byte.is_ascii_graphic()) => return Err(DomainError::Blank),
        _ => {}
    }
    let name: DomainName = text.parse()?;
    if name.as_ref().is_wildcard() {
        return Err(DomainError::Wildcard);
    }
    Ok(name.as_ref().to_lowercase())
}

/// A name as a file has it: without the final dot, but for the root.
pub(crate) fn show_domain(name: &DomainName) -> String {
    let mut text = name.to_string();
    if text.len() > 1 {
        text.pop();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_for_one_name() {
        for (text, shown) in [
            (".", "."),
            ("example.com", "example.com"),
            ("Example.COM.", "example.com"),
            (r"a\.b.example", r"a\.b.example"),
            (r"a\046b.example", r"a\.b.example"),
            (r"\065.example", "a.example"),
            (r"a\032b", r"a\032b"),
            (r"\255", r"\255"),
            (r"\@", r"\@"),
            (r"x\.", r"x\."),
            ("_dns.example", "_dns.example"),
        ] {
            let name = read_domain(text).unwrap();
            assert_eq!(show_domain(&name), shown, "{text}");
            assert_eq!(read_domain(shown), Ok(name), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_name() {
        let long = "a".repeat(64);
        let many = "abcdefg.".repeat(32);
        for (text, error) in [
            ("", DomainError::Empty),
            ("@", DomainError::Origin),
            ("..", DomainError::Name(NameError::EmptyLabel)),
            (".example", DomainError::Name(NameError::EmptyLabel)),
            ("a..b", DomainError::Name(NameError::EmptyLabel)),
            (long.as_str(), DomainError::Name(NameError::LabelTooLong)),
            (many.as_str(), DomainError::Name(NameError::TooLong)),
            (r"a\", DomainError::Name(NameError::Escape)),
            (r"a\25", DomainError::Name(NameError::Escape)),
            (r"a\256", DomainError::Name(NameError::Escape)),
            ("a b", DomainError::Blank),
            ("a\tb", DomainError::Blank),
            ("bücher.example", DomainError::NotAscii),
            ("*.corp.example", DomainError::Wildcard),
            ("*", DomainError::Wildcard),
        ] {
            assert_eq!(read_domain(text), Err(error), "{text}");
        }
    }
}
