//! Character-strings as text.

use std::fmt::Write;

/// A character-string in quotes.
pub(super) fn quoted(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 2);
    text.push('"');
    for &byte in bytes {
        // Writing to a String does not fail.
        let _ = match byte {
            b'"' | b'\\' => write!(text, "\\{}", byte as char),
            0x20..=0x7e => write!(text, "{}", byte as char),
            _ => write!(text, "\\{byte:03}"),
        };
    }
    text.push('"');
    text
}
