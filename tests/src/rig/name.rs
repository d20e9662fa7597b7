//! Domain names between text and bytes (RFC 1035 section 3.1), with compression pointers read and none written.

use crate::fail;
use crate::failure::Failure;

/// The labels of a name in presentation form, without the root; `\.` and `\DDD` are understood, a final dot is optional.
pub fn labels(text: &str) -> Vec<Vec<u8>> {
    let mut labels = vec![Vec::new()];
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'.' => labels.push(Vec::new()),
            b'\\' => {
                let first = bytes.next().unwrap_or(b'\\');
                let escaped = if first.is_ascii_digit() {
                    let mut digits = vec![first];
                    digits.extend(bytes.by_ref().take(2));
                    String::from_utf8_lossy(&digits).parse().unwrap_or(b'?')
                } else {
                    first
                };
                labels.last_mut().expect("there is always one").push(escaped);
            }
            _ => labels.last_mut().expect("there is always one").push(byte),
        }
    }
    labels.retain(|label| !label.is_empty());
    labels
}

/// The uncompressed wire form of `text`.
pub fn to_wire(text: &str) -> Vec<u8> {
    let mut wire = Vec::with_capacity(text.len() + 2);
    for label in labels(text) {
        wire.push(label.len() as u8);
        wire.extend_from_slice(&label);
    }
    wire.push(0);
    wire
}

/// Reads a name at `*at`, moves `*at` behind it, and gives its presentation form with the final dot and its case kept.
pub fn from_wire(message: &[u8], at: &mut usize) -> Result<String, Failure> {
    let mut text = String::new();
    let mut position = *at;
    let mut jumped = false;
    for _ in 0..256 {
        let Some(&length) = message.get(position) else { fail!("name runs out of the message") };
        match length {
            0 => {
                if !jumped {
                    *at = position + 1;
                }
                if text.is_empty() {
                    text.push('.');
                }
                return Ok(text);
            }
            1..=63 => {
                let end = position + 1 + usize::from(length);
                let Some(label) = message.get(position + 1..end) else {
                    fail!("label runs out of the message")
                };
                push_label(&mut text, label);
                position = end;
            }
            192.. => {
                let Some(&low) = message.get(position + 1) else { fail!("pointer cut in half") };
                if !jumped {
                    *at = position + 2;
                }
                jumped = true;
                position = usize::from(length & 0x3f) << 8 | usize::from(low);
            }
            _ => fail!("label of unknown kind {length:#x}"),
        }
    }
    fail!("name without an end")
}

fn push_label(text: &mut String, label: &[u8]) {
    use std::fmt::Write as _;
    for &byte in label {
        match byte {
            b'.' | b'\\' | b'"' | b';' | b'(' | b')' | b'@' | b'$' => {
                text.push('\\');
                text.push(char::from(byte));
            }
            0x21..=0x7e => text.push(char::from(byte)),
            _ => write!(text, "\\{byte:03}").expect("a String takes everything"),
        }
    }
    text.push('.');
}

/// Whether `name` is `origin` or lies below it, in any case, with or without final dots.
pub fn at_or_below(name: &str, origin: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let origin = origin.trim_end_matches('.').to_ascii_lowercase();
    origin.is_empty() || name == origin || name.strip_suffix(&origin).is_some_and(|rest| rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_wire_agree() {
        for text in [".", "example.", "WwW.Example.", "a\\.b.test.", "\\000\\255.test."] {
            let wire = to_wire(text);
            let mut at = 0;
            assert_eq!(from_wire(&wire, &mut at).unwrap(), text);
            assert_eq!(at, wire.len());
        }
    }

    #[test]
    fn pointers_are_followed_and_loops_end() {
        let message = [1, b'a', 0, 1, b'b', 0xc0, 0, 0xc0, 7];
        let mut at = 3;
        assert_eq!(from_wire(&message, &mut at).unwrap(), "b.a.");
        assert_eq!(at, 7);
        assert!(from_wire(&message, &mut 7).is_err());
    }

    #[test]
    fn below_means_whole_labels() {
        assert!(at_or_below("www.Example.", "example"));
        assert!(!at_or_below("badexample.", "example."));
        assert!(at_or_below("anything.", "."));
    }
}
