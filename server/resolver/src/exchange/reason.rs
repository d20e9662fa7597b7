//! What a server says of its response beside the response code.

use rhumb_wire::edns::{EXTENDED_ERROR, OptRecord};

use super::limits;

/// An extended error (RFC 8914) out of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtendedReason {
    /// The info code.
    pub code: u16,
    /// Its text: what of it is readable, [`limits::REASON`] bytes at most.
    pub text: Box<str>,
}

impl ExtendedReason {
    /// The first extended error of a reply.
    pub(crate) fn of(edns: Option<OptRecord<'_>>) -> Option<Self> {
        let value = edns?.options.find(EXTENDED_ERROR)?;
        let (code, text) = value.split_first_chunk::<2>()?;
        // RFC 8914 section 2: the text may end in a zero byte.
        let text = String::from_utf8_lossy(text);
        let mut readable = String::new();
        for character in text.chars().filter(|character| !character.is_control()) {
            if readable.len() + character.len_utf8() > limits::REASON {
                break;
            }
            readable.push(character);
        }
        Some(Self { code: u16::from_be_bytes(*code), text: readable.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(option: &[u8]) -> Option<(u16, String)> {
        let reason = ExtendedReason::of(Some(OptRecord::new(1232, 0, option)));
        reason.map(|reason| (reason.code, reason.text.into()))
    }

    #[test]
    fn the_text_is_cut_and_cleaned() {
        let value = |text: &[u8]| [&[0, 15, 0, text.len() as u8 + 2, 0, 6], text].concat();
        for (text, read) in [
            (&b""[..], ""),
            (b"bogus\0", "bogus"),
            (b"a\x1b[31m\r\nb", "a[31mb"),
            ("caf\u{e9}".as_bytes(), "caf\u{e9}"),
            (b"\xff", "\u{fffd}"),
        ] {
            assert_eq!(of(&value(text)), Some((6, read.to_owned())), "{text:?}");
        }
        let (_, long) = of(&value(&[b'x'; 200])).unwrap();
        assert_eq!(long.len(), limits::REASON);
        let (_, wide) = of(&value("\u{20ac}".repeat(60).as_bytes())).unwrap();
        assert!(wide.len() <= limits::REASON && wide.chars().all(|character| character == '\u{20ac}'));
    }

    #[test]
    fn what_is_no_extended_error_is_none() {
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[0, 15, 0, 1, 6]), None);
        assert_eq!(of(&[0, 10, 0, 2, 0, 6]), None);
        assert_eq!(of(&[0, 15, 0, 9, 0, 6]), None);
        assert_eq!(ExtendedReason::of(None), None);
    }
}
