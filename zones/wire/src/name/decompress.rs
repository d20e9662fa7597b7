//! Names inside a message, where a pointer may end them (RFC 1035 section 4.1.4; the mistakes to avoid are those of RFC 9267).

use super::buffer::NameBuf;
use super::domain_name::NameRef;
use super::error::NameError;
use super::limits::{MAX_LABEL, MAX_LENGTH};

/// The most pointers followed for one name: a valid name has no more than it has labels.
const MAX_POINTERS: usize = 127;

/// Copies the name at `offset` of `message` into `into`, pointers followed, and gives the offset of what comes after it.
///
/// Each pointer must lead strictly before the place where the run of labels that holds it began.
///
/// Errors: `Short`, `TooLong`, `Pointer`, `LabelType`.
pub fn expand(message: &[u8], offset: usize, into: &mut NameBuf) -> Result<usize, NameError> {
    into.clear();
    let mut at = offset;
    let mut run = offset;
    let mut after = None;
    for _ in 0..=MAX_POINTERS {
        let start = at;
        let last = loop {
            let length = usize::from(*message.get(at).ok_or(NameError::Short)?);
            if length == 0 || length > MAX_LABEL {
                break length;
            }
            at += 1 + length;
        };
        into.push_labels(message.get(start..at).ok_or(NameError::Short)?)?;
        if last == 0 {
            into.finish(NameRef::ROOT)?;
            return Ok(after.unwrap_or(at + 1));
        }
        let target = pointer(message, at)?;
        after.get_or_insert(at + 2);
        if target >= run {
            return Err(NameError::Pointer);
        }
        run = target;
        at = target;
    }
    Err(NameError::Pointer)
}

/// The offset after the name at `offset`, without following a pointer. Errors: `Short`, `LabelType`, `TooLong`.
#[inline]
pub fn skip(message: &[u8], offset: usize) -> Result<usize, NameError> {
    let mut at = offset;
    loop {
        let length = usize::from(*message.get(at).ok_or(NameError::Short)?);
        if length > MAX_LABEL {
            pointer(message, at)?;
            return Ok(at + 2);
        }
        at += 1 + length;
        if at - offset > MAX_LENGTH {
            return Err(NameError::TooLong);
        }
        if length == 0 {
            return Ok(at);
        }
    }
}

fn pointer(message: &[u8], at: usize) -> Result<usize, NameError> {
    match message.get(at..at + 2) {
        Some(&[high, low]) if high >= 0xc0 => Ok(usize::from(u16::from_be_bytes([high & 0x3f, low]))),
        Some(_) => Err(NameError::LabelType),
        None => Err(NameError::Short),
    }
}
