//! Numbers of RDATA fields that may be given by a word.

use rhumb_wire::Type;

use super::super::reader::type_of;
use super::super::scanner::{FileWord, SyntaxError};
use super::RdataReader;

/// A registry of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MnemonicTable {
    /// DNSSEC algorithms.
    Algorithm,
    /// Types of certificates (RFC 4398 section 2.1).
    Certificate,
}

impl MnemonicTable {
    const fn words(self) -> &'static [(&'static str, u16)] {
        match self {
            Self::Algorithm => &[
                ("RSAMD5", 1),
                ("DH", 2),
                ("DSA", 3),
                ("RSASHA1", 5),
                ("DSA-NSEC3-SHA1", 6),
                ("NSEC3DSA", 6),
                ("RSASHA1-NSEC3-SHA1", 7),
                ("NSEC3RSASHA1", 7),
                ("RSASHA256", 8),
                ("RSASHA512", 10),
                ("ECC-GOST", 12),
                ("ECDSAP256SHA256", 13),
                ("ECDSAP384SHA384", 14),
                ("ED25519", 15),
                ("ED448", 16),
                ("INDIRECT", 252),
                ("PRIVATEDNS", 253),
                ("PRIVATEOID", 254),
            ],
            Self::Certificate => &[
                ("PKIX", 1),
                ("SPKI", 2),
                ("PGP", 3),
                ("IPKIX", 4),
                ("ISPKI", 5),
                ("IPGP", 6),
                ("ACPKIX", 7),
                ("IACPKIX", 8),
                ("URI", 253),
                ("OID", 254),
            ],
        }
    }
}

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
