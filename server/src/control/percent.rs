//! Percent-encoding of what goes into a query string (RFC 3986 section 2.1).
//!
//! A `+` is a `+`: domain names may hold one, and the form encoding that makes it a blank is not spoken here.

use std::fmt::Write as _;

/// Text that means itself as a value in a query string.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// The text that was encoded; `None` where a `%` is not followed by two hexadecimal digits or the result is not UTF-8.
pub(crate) fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let (&[high, low], after) = rest.split_first_chunk::<2>()?;
        let (high, low) = (char::from(high).to_digit(16)?, char::from(low).to_digit(16)?);
        out.push((high * 16 + low) as u8);
        rest = after;
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoding() {
        for (text, meant) in [
            ("www.example.com", Some("www.example.com")),
            ("a%5C.b", Some("a\\.b")),
            ("a%5c%32", Some("a\\2")),
            ("a+b", Some("a+b")),
            ("%C3%BC", Some("ü")),
            ("%", None),
            ("%2", None),
            ("%2x", None),
            ("%+1", None),
            ("%FF", None),
        ] {
            assert_eq!(decode(text).as_deref(), meant, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_encoded_comes_back(text in "\\PC*") {
            let encoded = encode(&text);
            assert!(encoded.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'&' && byte != b'='));
            assert_eq!(decode(&encoded), Some(text));
        }
    }
}
