//! Numbers of RDATA fields that may be given by a word.

use rhumb_wire::Type;

use super::reader::RdataReader;
use super::registry::MnemonicTable;
use crate::file::mnemonic::type_of;
use crate::file::scanner::{FileWord, SyntaxError};

impl RdataReader<'_, '_, '_> {
    pub(super) fn mnemonic(
        &mut self,
        word: FileWord<'_>,
        table: MnemonicTable,
        bytes: usize,
    ) -> Result<(), SyntaxError> {
        let text = std::str::from_utf8(word.bytes).unwrap_or("");
        match table.words().iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
            Some((_, value)) => {
                self.write_number(u64::from(*value), bytes);
                Ok(())
            }
            None => self.number(word, bytes),
        }
    }

    pub(super) fn covered(&mut self, word: FileWord<'_>) -> Result<(), SyntaxError> {
        let rtype = to_type(word)?;
        self.write_number(u64::from(rtype.0), 2);
        Ok(())
    }
}

/// A type's mnemonic. Errors: it is none.
pub(super) fn to_type(word: FileWord<'_>) -> Result<Type, SyntaxError> {
    type_of(word.bytes).ok_or_else(|| word.wrong(format!("{} is no type", word.shown())))
}
