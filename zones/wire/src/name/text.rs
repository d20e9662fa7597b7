//! Names as text (RFC 1035 section 5.1, escapes of RFC 4343 section 2.1).

use std::fmt::{self, Write};
use std::str::FromStr;

use super::buffer::NameBuf;
use super::domain_name::{DomainName, NameRef};
use super::error::NameError;
use super::limits::MAX_LABEL;

impl fmt::Display for NameRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return f.write_char('.');
        }
        for label in self.labels() {
            for &byte in label {
                match byte {
                    b'.' | b'\\' | b'"' | b'(' | b')' | b';' | b'@' | b'$' => {
                        write!(f, "\\{}", byte as char)?;
                    }
                    0x21..=0x7e => f.write_char(byte as char)?,
                    _ => write!(f, "\\{byte:03}")?,
                }
            }
            f.write_char('.')?;
        }
        Ok(())
    }
}

impl NameBuf {
    /// Reads `text`, relative to `origin` where it does not end in a dot; `@` alone is the origin.
    ///
    /// Errors: `EmptyLabel`, `LabelTooLong`, `TooLong`, `Escape`.
    pub fn set_text(&mut self, text: &[u8], origin: NameRef<'_>) -> Result<(), NameError> {
        self.clear();
        match text {
            b"@" => return self.finish(origin),
            b"." => return self.finish(NameRef::ROOT),
            b"" => return Err(NameError::EmptyLabel),
            _ => {}
        }
        if self.set_plain(text, origin).is_some() {
            return Ok(());
        }
        self.clear();
        let mut label = [0u8; MAX_LABEL];
        let mut length = 0usize;
        let mut rest = text;
        let mut absolute = false;
        while let Some((&byte, tail)) = rest.split_first() {
            rest = tail;
            absolute = byte == b'.';
            if absolute {
                self.push_label(label.get(..length).unwrap_or(&[]))?;
                length = 0;
                continue;
            }
            let value = if byte == b'\\' {
                let (value, after) = unescape(rest).ok_or(NameError::Escape)?;
                rest = after;
                value
            } else {
                byte
            };
            *label.get_mut(length).ok_or(NameError::LabelTooLong)? = value;
            length += 1;
        }
        if absolute {
            return self.finish(NameRef::ROOT);
        }
        self.push_label(label.get(..length).unwrap_or(&[]))?;
        self.finish(origin)
    }

    /// A text without escapes is the wire form already, one byte to the right, but that each dot has to become the length
    /// of the label after it. None: an escape or a fault, which the slow way finds again.
    #[inline]
    fn set_plain(&mut self, text: &[u8], origin: NameRef<'_>) -> Option<()> {
        self.bytes.get_mut(1..=text.len())?.copy_from_slice(text);
        // Where the length of the label that is being read goes.
        let mut slot = 0;
        let (chunks, rest) = text.as_chunks::<8>();
        for (index, chunk) in chunks.iter().enumerate() {
            slot = self.set_dots(u64::from_le_bytes(*chunk), 8 * index, slot)?;
        }
        let mut last = [b'a'; 8];
        last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        slot = self.set_dots(u64::from_le_bytes(last), 8 * chunks.len(), slot)?;
        self.length = text.len() + 1;
        if slot == text.len() {
            *self.bytes.get_mut(slot)? = 0;
            return Some(());
        }
        self.set_length(slot, text.len() - slot)?;
        self.finish(origin).ok()
    }

    /// Makes lengths of the dots among eight bytes of text that begin at `at`. None: a backslash is among them, or a label
    /// is too long or empty.
    #[inline]
    fn set_dots(&mut self, word: u64, at: usize, mut slot: usize) -> Option<usize> {
        const ONES: u64 = 0x0101_0101_0101_0101;
        // Marks the bytes that are zero, and no others.
        let zeros = |word: u64| !((word & (0x7f * ONES)).wrapping_add(0x7f * ONES) | word | (0x7f * ONES));
        if zeros(word ^ (u64::from(b'\\') * ONES)) != 0 {
            return None;
        }
        let mut dots = zeros(word ^ (u64::from(b'.') * ONES));
        while dots != 0 {
            let dot = at + dots.trailing_zeros() as usize / 8;
            self.set_length(slot, dot - slot)?;
            slot = dot + 1;
            dots &= dots - 1;
        }
        Some(slot)
    }

    #[inline]
    fn set_length(&mut self, slot: usize, length: usize) -> Option<()> {
        *self.bytes.get_mut(slot)? = (1..=MAX_LABEL).contains(&length).then_some(length as u8)?;
        Some(())
    }
}

/// What stands after a backslash (RFC 1035 section 5.1): its value and the rest; none if it is no escape.
pub fn unescape(after: &[u8]) -> Option<(u8, &[u8])> {
    let (&first, rest) = after.split_first()?;
    if !first.is_ascii_digit() {
        return Some((first, rest));
    }
    let (&[second, third], rest) = rest.split_first_chunk::<2>()?;
    if !second.is_ascii_digit() || !third.is_ascii_digit() {
        return None;
    }
    let value = u16::from(first - b'0') * 100 + u16::from(second - b'0') * 10 + u16::from(third - b'0');
    u8::try_from(value).ok().map(|value| (value, rest))
}

impl FromStr for DomainName {
    type Err = NameError;

    /// A name as text; a missing final dot is taken as given.
    fn from_str(text: &str) -> Result<Self, NameError> {
        let mut name = NameBuf::new();
        name.set_text(text.as_bytes(), NameRef::ROOT)?;
        Ok(name.as_ref().to_name())
    }
}
