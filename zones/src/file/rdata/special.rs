//! IPSECKEY (RFC 4025), AMTRELAY (RFC 8777) and HIP (RFC 8005): fields that say what follows them.

use super::base::hex;
use super::form::GatewayKind;
use super::reader::RdataReader;
use crate::file::number::decimal;
use crate::file::scanner::{FileWord, SyntaxError, WordScanner};

impl RdataReader<'_, '_, '_> {
    pub(super) fn gateway(&mut self, kind: GatewayKind) -> Result<(), SyntaxError> {
        let precedence = self.scanner.expect("the precedence")?;
        self.number(precedence, 1)?;
        let most = if kind == GatewayKind::Amt { 1 } else { 255 };
        let middle = self.scanner.expect("the gateway type")?;
        let first =
            decimal(middle.bytes, most).ok_or_else(|| middle.wrong(format!("0 to {most} is wanted here")))?;
        let second_word = self.scanner.expect("the algorithm or relay type")?;
        let second =
            decimal(second_word.bytes, 255).ok_or_else(|| second_word.wrong("0 to 255 is wanted here"))?;
        let gateway = match kind {
            GatewayKind::Ipsec => {
                self.out.extend([first as u8, second as u8]);
                first
            }
            GatewayKind::Amt => {
                self.out.push((first as u8) << 7 | second as u8 & 0x7f);
                second
            }
        };
        let word = self.scanner.expect("the gateway")?;
        match gateway {
            0 if word.bytes == b"." => {}
            0 => return Err(word.wrong("without a gateway, a dot is wanted here")),
            1 => self.ipv4(word)?,
            2 => self.ipv6(word)?,
            3 => self.domain(word)?,
            _ => return Err(second_word.wrong("gateway types are 0 to 3")),
        }
        let mut rest = self.scanner.clone();
        if kind == GatewayKind::Ipsec && rest.word()?.is_some() {
            self.rest_base64()?;
        }
        Ok(())
    }

    /// Algorithm, HIT, key, then rendezvous servers.
    pub(super) fn host_identity(&mut self) -> Result<(), SyntaxError> {
        let algorithm = self.scanner.expect("the algorithm")?;
        let number =
            decimal(algorithm.bytes, 255).ok_or_else(|| algorithm.wrong("the algorithm is 0 to 255"))?;
        let tag = self.scanner.expect("the host identity tag")?;
        let start = self.out.len();
        self.out.extend([0, number as u8, 0, 0]);
        hex(tag.bytes, self.out).ok_or_else(|| tag.wrong(format!("{} is not hexadecimal", tag.shown())))?;
        let tag_length = self.out.len() - start - 4;
        let key = self.scanner.expect("the public key")?;
        self.one_base64(key)?;
        let key_length = self.out.len() - start - 4 - tag_length;
        let lengths = u8::try_from(tag_length).ok().zip(u16::try_from(key_length).ok());
        let (tag_length, key_length) = lengths.ok_or_else(|| tag.wrong("the tag or the key is too long"))?;
        if let Some([first, _, high, low]) = self.out.get_mut(start..start + 4) {
            *first = tag_length;
            [*high, *low] = key_length.to_be_bytes();
        }
        while let Some(word) = self.scanner.word()? {
            self.domain(word)?;
        }
        Ok(())
    }

    /// Base 64 in one word.
    fn one_base64(&mut self, word: FileWord<'_>) -> Result<(), SyntaxError> {
        let mut scanner = WordScanner::new(word.bytes);
        let read = RdataReader { scanner: &mut scanner, origin: self.origin, out: self.out, name: self.name }
            .rest_base64();
        read.map_err(|wrong| word.wrong(wrong.message))
    }
}
