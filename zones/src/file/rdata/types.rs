//! What stands to the end of a record: texts, types, and the encodings.

use rhumb_wire::Type;

use super::form::RestForm;
use super::mnemonic::to_type;
use super::reader::RdataReader;
use crate::file::scanner::SyntaxError;

impl RdataReader<'_, '_, '_> {
    pub(super) fn rest(&mut self, what: RestForm) -> Result<(), SyntaxError> {
        match what {
            RestForm::Hex => self.rest_hex(1),
            RestForm::Base64 => self.rest_base64(),
            RestForm::Texts => {
                let first = self.scanner.expect("the text")?;
                self.text(first)?;
                while let Some(word) = self.scanner.word()? {
                    self.text(word)?;
                }
                Ok(())
            }
            RestForm::Types => self.types(),
            RestForm::Services => self.services(),
            RestForm::Prefixes => self.prefixes(),
        }
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

/// The types of a bitmap; none where it is no such.
pub(super) fn types_of(bitmap: &[u8]) -> Option<Vec<Type>> {
    let mut types = Vec::new();
    let mut rest = bitmap;
    while let Some((&[window, length], tail)) = rest.split_first_chunk::<2>() {
        let (bits, after) = tail.split_at_checked(usize::from(length))?;
        for (index, byte) in bits.iter().enumerate() {
            let set = (0..8u16).filter(|bit| byte & (0x80 >> bit) != 0);
            types.extend(set.map(|bit| Type(u16::from(window) << 8 | (index as u16 * 8 + bit))));
        }
        rest = after;
    }
    rest.is_empty().then_some(types)
}
