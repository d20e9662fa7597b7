//! The reason that belongs to an answer out of the cache: an extended error (RFC 8914) in an OPT at the end of the message, which no
//! other message there has.

use rhumb_wire::edns::{self, EXTENDED_ERROR, ExtendedError};
use rhumb_wire::{MessageView, Type, header};

/// Why an answer is empty that has a private address.
pub const PRIVATE_ADDRESS: (ExtendedError, &str) =
    (ExtendedError::Blocked, "a private address (rebinding-protection)");

/// Why a question is not asked of an upstream that would ask this server again.
pub const CIRCLE: (ExtendedError, &str) =
    (ExtendedError::NoReachableAuthority, "the upstreams ask this server again: a circle of forwarders");

/// Why a name of one label is not asked of upstreams.
pub(super) const ONE_LABEL: (ExtendedError, &str) = (ExtendedError::Blocked, "domain-needed");

/// Bytes of the OPT and its option before the option's value.
const BEFORE: usize = edns::FIXED + 4;
/// The longest value.
const LONGEST: usize = 192;

/// Adds a reason to `message`, which has the cache's form and none yet. A text that is too long is cut; all of it is left out
/// where the message is as long as one can be.
pub fn add_reason(message: &mut Vec<u8>, code: u16, text: &str) {
    let reason = ReasonValue::new(code, text);
    let value = reason.value();
    let fits = u16::try_from(message.len() + BEFORE + value.len()).is_ok();
    if let Some(count) = message.get_mut(10..header::LENGTH).filter(|_| fits) {
        count.copy_from_slice(&[0, 1]);
        message.push(0);
        for word in [Type::OPT.0, 0, 0, 0, (4 + value.len()) as u16, EXTENDED_ERROR, value.len() as u16] {
            message.extend_from_slice(&word.to_be_bytes());
        }
        message.extend_from_slice(value);
    }
}

/// Takes the reason off the message of `length` bytes in `out`, which has the cache's form: the length without it, and the length of the
/// reason, which [`read_reason`] finds.
#[inline]
pub(super) fn take_reason(out: &mut [u8], length: usize) -> (usize, u8) {
    match out.get(10..header::LENGTH) {
        Some([0, 0]) | None => (length, 0),
        Some(_) => take_off(out, length).unwrap_or((length, 0)),
    }
}

#[cold]
fn take_off(out: &mut [u8], length: usize) -> Option<(usize, u8)> {
    let (end, value) = reason_start(out.get(..length)?)?;
    out.get_mut(10..header::LENGTH)?.fill(0);
    Some((end, u8::try_from(value).ok()?))
}

/// Where the OPT of a message begins that has a reason, and the length of the reason.
fn reason_start(message: &[u8]) -> Option<(usize, usize)> {
    let value = MessageView::parse(message).ok()?.edns().ok()??.options.find(EXTENDED_ERROR)?.len();
    Some((message.len().checked_sub(BEFORE + value)?, value))
}

/// The length of `message`, which has the cache's form, without its reason.
pub(super) fn length_without_reason(message: &[u8]) -> usize {
    match message.get(10..header::LENGTH) {
        Some([0, 0]) | None => message.len(),
        Some(_) => reason_start(message).map_or(message.len(), |(end, _)| end),
    }
}

/// The value of an extended error: its code and its text.
#[derive(Debug)]
pub(super) struct ReasonValue {
    bytes: [u8; LONGEST],
    length: usize,
}

impl ReasonValue {
    /// A text that is too long is cut.
    pub(super) fn new(code: u16, text: &str) -> Self {
        let mut reason = Self { bytes: [0; LONGEST], length: 2 };
        let (head, rest) = reason.bytes.split_at_mut(2);
        head.copy_from_slice(&code.to_be_bytes());
        let text = text.get(..text.floor_char_boundary(rest.len())).unwrap_or_default();
        if let Some(place) = rest.get_mut(..text.len()) {
            place.copy_from_slice(text.as_bytes());
            reason.length += text.len();
        }
        reason
    }

    pub(super) fn value(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// Puts a reason behind the message that ends at `end` of `out`, where [`read_reason`] finds it: its length, 0 where there is no room.
#[cold]
pub(super) fn place_reason(out: &mut [u8], end: usize, reason: &ReasonValue) -> u8 {
    match out.get_mut(end + BEFORE..end + BEFORE + reason.length) {
        Some(place) => {
            place.copy_from_slice(reason.value());
            u8::try_from(reason.length).unwrap_or(0)
        }
        None => 0,
    }
}

/// The reason of so many bytes that was taken off the message which ends at `end` of `out`, where nothing was written since.
#[cold]
pub(super) fn read_reason(out: &[u8], end: usize, length: u8) -> Option<ReasonValue> {
    let length = usize::from(length);
    let mut reason = ReasonValue { bytes: [0; LONGEST], length };
    let value = out.get(end + BEFORE..end + BEFORE + length)?;
    reason.bytes.get_mut(..length)?.copy_from_slice(value);
    Some(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> Vec<u8> {
        [&[0, 0, 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0][..], b"\x01a\0", &[0, 1, 0, 1]].concat()
    }

    #[test]
    fn what_is_added_is_taken_off_again() {
        for text in ["", "upstream: filtered", &"x".repeat(150)] {
            let mut with = message();
            add_reason(&mut with, 17, text);
            let read = MessageView::parse(&with).unwrap().edns().unwrap().unwrap();
            let value = [&[0, 17], text.as_bytes()].concat();
            assert_eq!(read.options.find(EXTENDED_ERROR), Some(&value[..]));
            let length = with.len();
            assert_eq!(length_without_reason(&with), message().len(), "{text}");
            with.resize(1000, 0xee);
            let (end, size) = take_reason(&mut with, length);
            assert_eq!(with[..end], message(), "{text}");
            assert_eq!(read_reason(&with, end, size).unwrap().value(), value);
        }
    }

    #[test]
    fn without_one_nothing_changes() {
        let mut plain = message();
        let length = plain.len();
        assert_eq!(take_reason(&mut plain, length), (length, 0));
        assert_eq!(length_without_reason(&plain), length);
        assert_eq!(plain, message());
        assert_eq!(take_reason(&mut [0; 5], 5), (5, 0));
    }

    #[test]
    fn too_long_a_text_is_cut_and_a_full_message_stays() {
        for (text, length) in [("x".repeat(300), 190), ("x\u{20ac}".repeat(100), 189)] {
            let mut with = message();
            add_reason(&mut with, 6, &text);
            assert_eq!(with.len(), message().len() + BEFORE + 2 + length);
            assert!(with.ends_with(&text.as_bytes()[..length]));
        }
        let mut full = message();
        full.resize(65_530, 0);
        let before = full.clone();
        add_reason(&mut full, 6, "x");
        assert_eq!(full, before);
    }
}
