//! What stands to the end of a record: texts, types, and the encodings.

use rhumb_wire::Type;

use super::form::RestForm;
use super::mnemonic::to_type;
use super::reader::RdataReader;
use crate::file::scanner::SyntaxError;

/// Keys of DKIM are given to operators in one piece.
const TOO_LONG: &str =
    "a character-string has at most 255 bytes; write it as several strings, as in \"part one\" \"part two\"";

impl RdataReader<'_, '_, '_> {
    pub(super) fn rest(&mut self, what: RestForm) -> Result<(), SyntaxError> {
        match what {
            RestForm::Hex => self.rest_hex(1),
            RestForm::Base64 => self.rest_base64(),
            RestForm::Texts => {
                let first = self.scanner.expect("the text")?;
                self.text_or(first, TOO_LONG)?;
                while let Some(word) = self.scanner.word()? {
                    self.text_or(word, TOO_LONG)?;
                }
                Ok(())
            }
            RestForm::MaybeBase64 => {
                let mut ahead = self.scanner.clone();
                if ahead.expect("base 64, or -")?.bytes != b"-" {
                    return self.rest_base64();
                }
                *self.scanner = ahead;
                Ok(())
            }
            RestForm::Types => self.types(),
            RestForm::OldTypes => self.old_types(),
            RestForm::Services => self.services(),
            RestForm::Prefixes => self.prefixes(),
        }
    }

    /// The bitmap of NXT: one bit a type up to 127 (RFC 2535 section 5.2).
    fn old_types(&mut self) -> Result<(), SyntaxError> {
        let mut bits = [0u8; 16];
        let mut used = 0;
        while let Some(word) = self.scanner.word()? {
            let number = to_type(word)?.0;
            let byte = usize::from(number / 8);
            let place = bits.get_mut(byte).filter(|_| number != 0);
            *place.ok_or_else(|| word.wrong("NXT has types from 1 to 127 alone"))? |= 0x80 >> (number % 8);
            used = used.max(byte + 1);
        }
        self.out.extend(bits.iter().take(used));
        Ok(())
    }

    /// A type bitmap (RFC 4034 section 4.1.2).
    fn types(&mut self) -> Result<(), SyntaxError> {
        let mut types: Vec<Type> = Vec::new();
        while let Some(word) = self.scanner.word()? {
            types.push(to_type(word)?);
        }
        types.sort_unstable();
        types.dedup();
        for window in types.chunk_by(|a, b| a.0 >> 8 == b.0 >> 8) {
            let mut bits = [0u8; 32];
            let mut used = 0;
            for rtype in window {
                let [_, low] = rtype.0.to_be_bytes();
                used = usize::from(low) / 8 + 1;
                if let Some(byte) = bits.get_mut(usize::from(low) / 8) {
                    *byte |= 0x80 >> (low % 8);
                }
            }
            let number = window.first().map_or(0, |rtype| (rtype.0 >> 8) as u8);
            self.out.extend_from_slice(&[number, used as u8]);
            self.out.extend(bits.iter().take(used));
        }
        Ok(())
    }
}

/// The types of NXT's bitmap; none where it is no such, or not as short as can be.
pub(super) fn old_types_of(bitmap: &[u8]) -> Option<Vec<Type>> {
    let first_is_set = bitmap.first().is_some_and(|first| first & 0x80 != 0);
    if bitmap.len() > 16 || bitmap.last() == Some(&0) || first_is_set {
        return None;
    }
    Some(bits_of(bitmap).map(Type).collect())
}

/// The numbers of the bits that are set, from the highest bit of the first byte on.
fn bits_of(bits: &[u8]) -> impl Iterator<Item = u16> {
    let numbers = (0u16..)
        .zip(bits)
        .flat_map(|(index, byte)| (0..8).map(move |bit| (index * 8 + bit, byte >> (7 - bit) & 1)));
    numbers.filter(|(_, set)| *set != 0).map(|(number, _)| number)
}

/// The types of a bitmap; none where it is no such.
pub(super) fn types_of(bitmap: &[u8]) -> Option<Vec<Type>> {
    let mut types = Vec::new();
    let mut rest = bitmap;
    while let Some((&[window, length], tail)) = rest.split_first_chunk::<2>() {
        let (bits, after) = tail.split_at_checked(usize::from(length))?;
        types.extend(bits_of(bits).map(|low| Type((u16::from(window) << 8).saturating_add(low))));
        rest = after;
    }
    rest.is_empty().then_some(types)
}
