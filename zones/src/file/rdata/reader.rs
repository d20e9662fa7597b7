//! The fields of one record, one after the other.

use rhumb_wire::name::unescape;
use rhumb_wire::{NameBuf, NameRef, Type, rdata};

use super::form::{FieldForm, forms};
use crate::file::number;
use crate::file::scanner::{FileWord, SyntaxError, WordScanner};

/// Reads the RDATA of one record.
pub(in crate::file) struct RdataReader<'s, 't, 'o> {
    pub(super) scanner: &'s mut WordScanner<'t>,
    pub(super) origin: NameRef<'o>,
    pub(super) out: &'s mut Vec<u8>,
    pub(super) name: &'s mut NameBuf,
}

impl<'s, 't, 'o> RdataReader<'s, 't, 'o> {
    /// What is read goes to the end of `out`; `name` is room for a name.
    pub(in crate::file) fn new(
        scanner: &'s mut WordScanner<'t>,
        origin: NameRef<'o>,
        out: &'s mut Vec<u8>,
        name: &'s mut NameBuf,
    ) -> Self {
        Self { scanner, origin, out, name }
    }

    /// Reads to the end of the record. Errors: a field is missing, wrong or one too many.
    pub(in crate::file) fn read(mut self, rtype: Type) -> Result<(), SyntaxError> {
        let before = self.scanner.at();
        match rtype {
            // The frequent ones, whose fields cannot break a rule of their type.
            Type::A | Type::AAAA | Type::NS | Type::CNAME | Type::PTR | Type::MX => {
                let first = self.scanner.expect("RDATA")?;
                if first.bytes == b"\\#" && !first.quoted {
                    return self.generic(rtype, first);
                }
                self.frequent(rtype, first)?;
                return self.end();
            }
            _ => {}
        }
        let mut look_ahead = self.scanner.clone();
        if let Some(first) = look_ahead.word()?.filter(|word| word.bytes == b"\\#" && !word.quoted) {
            *self.scanner = look_ahead;
            return self.generic(rtype, first);
        }
        if self.removal(rtype)? {
            return Ok(());
        }
        let forms = forms(rtype).ok_or_else(|| {
            SyntaxError::new(
                before,
                format!("{rtype} has no text form here; accepted: \\# LENGTH HEX (RFC 3597)"),
            )
        })?;
        for &form in forms {
            self.field(form)?;
        }
        self.end()?;
        rdata::check(rtype, self.out).map_err(|error| SyntaxError::new(before, format!("{rtype}: {error}")))
    }

    /// `CDS 0 0 0 0` and `CDNSKEY 0 3 0 0`, as RFC 8078 section 4 writes them before its erratum: they ask for the removal of
    /// DS, and what stands for the digest and the key is one byte.
    fn removal(&mut self, rtype: Type) -> Result<bool, SyntaxError> {
        let protocol = match rtype {
            Type::CDS => 0,
            Type::CDNSKEY => 3,
            _ => return Ok(false),
        };
        let mut ahead = self.scanner.clone();
        for digit in [0, protocol, 0, 0] {
            if ahead.word()?.is_none_or(|word| word.bytes != [b'0' + digit]) {
                return Ok(false);
            }
        }
        if ahead.word()?.is_some() {
            return Ok(false);
        }
        *self.scanner = ahead;
        // Both have two bytes, two numbers of one byte, and then the digest or the key.
        self.out.extend([0, 0, protocol, 0, 0]);
        Ok(true)
    }

    #[inline]
    fn frequent(&mut self, rtype: Type, first: FileWord<'t>) -> Result<(), SyntaxError> {
        match rtype {
            Type::A => self.ipv4(first),
            Type::AAAA => self.ipv6(first),
            Type::MX => {
                self.number(first, 2)?;
                let target = self.scanner.expect("the name")?;
                self.domain(target)
            }
            _ => self.domain(first),
        }
    }

    fn end(&mut self) -> Result<(), SyntaxError> {
        match self.scanner.word()? {
            None => Ok(()),
            Some(word) => Err(word.wrong(format!("{} is more than the type takes", word.shown()))),
        }
    }

    /// `\# length hex` (RFC 3597 section 5).
    fn generic(&mut self, rtype: Type, first: FileWord<'t>) -> Result<(), SyntaxError> {
        let word = self.scanner.expect("the length")?;
        let length =
            number::decimal(word.bytes, 65_535).ok_or_else(|| word.wrong("the length is 0 to 65535"))?;
        self.rest_hex(0)?;
        if self.out.len() as u64 != length {
            return Err(word.wrong(format!("{length} bytes are announced and {} given", self.out.len())));
        }
        rdata::check(rtype, self.out).map_err(|error| first.wrong(format!("{rtype}: {error}")))
    }

    fn field(&mut self, form: FieldForm) -> Result<(), SyntaxError> {
        match form {
            FieldForm::Rest(what) => return self.rest(what),
            FieldForm::Location => return self.location(),
            FieldForm::Parameters => return self.parameters(),
            FieldForm::Host => return self.host_identity(),
            FieldForm::Gateway(kind) => return self.gateway(kind),
            _ => {}
        }
        let word = self.scanner.expect(form.what())?;
        match form {
            FieldForm::Name => self.domain(word),
            FieldForm::Number(bytes) => self.number(word, bytes),
            FieldForm::Interval => self.interval(word),
            FieldForm::Ipv4 => self.ipv4(word),
            FieldForm::Ipv6 => self.ipv6(word),
            FieldForm::Text => self.text(word),
            FieldForm::LongText => self.unescaped(word),
            FieldForm::Type => self.covered(word),
            FieldForm::Time => self.time(word),
            FieldForm::Mnemonic(table, bytes) => self.mnemonic(word, table, bytes),
            FieldForm::Salt => self.salt(word),
            FieldForm::Hash => self.hash(word),
            FieldForm::Groups(groups) => self.groups(word, groups),
            FieldForm::Eui(bytes) => self.eui(word, bytes),
            FieldForm::Nsap => self.nsap(word),
            FieldForm::Rest(_)
            | FieldForm::Location
            | FieldForm::Parameters
            | FieldForm::Host
            | FieldForm::Gateway(_) => Ok(()),
        }
    }

    #[inline]
    pub(super) fn domain(&mut self, word: FileWord<'_>) -> Result<(), SyntaxError> {
        if word.quoted {
            return Err(word.wrong("a quoted text where a name is wanted"));
        }
        self.name
            .set_text(word.bytes, self.origin)
            .map_err(|error| word.wrong(format!("the name {}: {error}", word.shown())))?;
        self.out.extend_from_slice(self.name.as_ref().as_bytes());
        Ok(())
    }

    #[inline]
    pub(super) fn number(&mut self, word: FileWord<'_>, bytes: usize) -> Result<(), SyntaxError> {
        let most = if bytes >= 8 { u64::MAX } else { (1 << (8 * bytes)) - 1 };
        let value = number::decimal(word.bytes, most)
            .ok_or_else(|| word.wrong(format!("{} is no number from 0 to {most}", word.shown())))?;
        self.write_number(value, bytes);
        Ok(())
    }

    /// The lower `bytes` bytes of a value.
    pub(super) fn write_number(&mut self, value: u64, bytes: usize) {
        self.out.extend(value.to_be_bytes().iter().skip(8 - bytes));
    }

    fn interval(&mut self, word: FileWord<'_>) -> Result<(), SyntaxError> {
        let value = number::interval(word.bytes).map(u64::from);
        let value = value.ok_or_else(|| {
            word.wrong(format!("{} is no time; accepted: seconds, or as in 1h30m", word.shown()))
        })?;
        self.write_number(value, 4);
        Ok(())
    }

    /// A character-string (RFC 1035 section 3.3).
    pub(super) fn text(&mut self, word: FileWord<'_>) -> Result<(), SyntaxError> {
        self.text_or(word, "a character-string has at most 255 bytes")
    }

    /// The same; `too_long` is the error of one that is too long.
    pub(super) fn text_or(&mut self, word: FileWord<'_>, too_long: &str) -> Result<(), SyntaxError> {
        let at = self.out.len();
        self.out.push(0);
        self.unescaped(word)?;
        let length = u8::try_from(self.out.len() - at - 1).map_err(|_| word.wrong(too_long))?;
        if let Some(place) = self.out.get_mut(at) {
            *place = length;
        }
        Ok(())
    }

    fn unescaped(&mut self, word: FileWord<'_>) -> Result<(), SyntaxError> {
        let mut rest = word.bytes;
        while let Some((&byte, tail)) = rest.split_first() {
            rest = tail;
            if byte == b'\\' {
                let (value, after) = unescape(tail).ok_or_else(|| {
                    word.wrong("a backslash is followed by one character, or by three digits up to 255")
                })?;
                self.out.push(value);
                rest = after;
            } else {
                self.out.push(byte);
            }
        }
        Ok(())
    }

    fn time(&mut self, word: FileWord<'_>) -> Result<(), SyntaxError> {
        let value = number::signature_time(word.bytes).ok_or_else(|| {
            word.wrong(format!("{} is no time; accepted: YYYYMMDDHHmmSS or seconds since 1970", word.shown()))
        })?;
        self.write_number(u64::from(value), 4);
        Ok(())
    }
}
