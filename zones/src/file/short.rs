//! The short way for what most lines are: a record on one line, nothing quoted or escaped before its RDATA.
//!
//! Whatever is unusual or wrong is left to the general way, which begins where the short one began.

use rhumb_wire::Type;

use super::disk::FileSource;
use super::head::{RecordHead, is_frequent};
use super::line::{LineRest, is_plain_name};
use super::number;
use super::rdata::{ipv4, ipv6};
use super::reader::ZoneReader;
use super::scanner::{FileWord, WordScanner};

impl<F: FileSource> ZoneReader<'_, F> {
    /// What stands before RDATA, and from where on that stands, if there is nothing unusual in it.
    #[inline]
    pub(super) fn short_head<'t>(
        &mut self,
        scanner: &WordScanner<'t>,
        blank: bool,
    ) -> Option<(RecordHead<'t>, LineRest<'t>)> {
        let mut line = scanner.rest();
        let start = line.0.len();
        let mut bytes: &[u8] = &[];
        if blank {
            line.skip_blanks();
        } else {
            (bytes, _) = line.word()?;
        }
        if !(if blank { self.has_owner } else { is_plain_name(bytes) }) {
            return None;
        }
        let skipped = if blank { start - line.0.len() } else { 0 };
        let first = FileWord { bytes, quoted: false, at: scanner.at() + skipped };
        let (ttl, rtype) = line.ttl_and_type()?;
        if !blank {
            self.owner.set_text(bytes, self.origin.as_ref()).ok()?;
            self.has_owner = true;
            let inside = self.origin_inside && bytes.last() != Some(&b'.');
            let length = || self.owner.as_ref().len().checked_sub(self.builder.apex().len());
            self.owner_below = if inside { length() } else { None };
        }
        Some((RecordHead { first, ttl, rtype }, line))
    }

    /// RDATA of the most frequent types, if there is nothing unusual about it and nothing behind it; what comes then.
    #[inline]
    pub(super) fn short_rdata<'t>(&mut self, mut line: LineRest<'t>, rtype: Type) -> Option<LineRest<'t>> {
        if !is_frequent(rtype) {
            return None;
        }
        let (mut word, _) = line.word()?;
        self.rdata.clear();
        match rtype {
            Type::A => self.rdata.extend_from_slice(&ipv4(word)?),
            Type::AAAA => self.rdata.extend_from_slice(&ipv6(word)?),
            _ => {
                if rtype == Type::MX {
                    let preference = number::decimal(word, u64::from(u16::MAX))? as u16;
                    self.rdata.extend_from_slice(&preference.to_be_bytes());
                    (word, _) = line.word()?;
                }
                let word = Some(word).filter(|word| is_plain_name(word))?;
                self.scratch.set_text(word, self.origin.as_ref()).ok()?;
                self.rdata.extend_from_slice(self.scratch.as_ref().as_bytes());
            }
        }
        line.end()
    }
}
