//! The fields of a request, as far as a server of DNS needs them (RFC 9113, section 8.3.1).

use super::field::{FieldName, HeaderField};
use super::header_decoder::{BlockError, DecodedStrings, HeaderDecoder};
use super::header_table::FIELD_OVERHEAD;

/// Bytes of a head, each field with 32 more (RFC 9113, section 6.5.2). Longer ones are answered by 431.
pub(super) const LONGEST_HEAD: usize = 8 << 10;

/// A value, and in how many fields it came.
#[derive(Debug, Default)]
struct HeadValue {
    bytes: Vec<u8>,
    count: u32,
}

impl HeadValue {
    fn clear(&mut self) {
        self.bytes.clear();
        self.count = 0;
    }

    /// Takes the first value alone.
    fn set(&mut self, value: &[u8]) {
        if self.count == 0 {
            self.bytes.extend_from_slice(value);
        }
        self.count += 1;
    }

    /// Joins values with commas (RFC 9110, section 5.3).
    fn join(&mut self, value: &[u8]) {
        if self.count > 0 {
            self.bytes.push(b',');
        }
        self.bytes.extend_from_slice(value);
        self.count += 1;
    }

    fn get(&self) -> Option<&[u8]> {
        (self.count > 0).then_some(self.bytes.as_slice())
    }
}

/// The head of one request after the other.
#[derive(Debug, Default)]
pub struct RequestHead {
    strings: DecodedStrings,
    fields: HeadFields,
}

#[derive(Debug, Default)]
struct HeadFields {
    method: HeadValue,
    path: HeadValue,
    content_type: HeadValue,
    content_encoding: HeadValue,
    forwarded: HeadValue,
    forwarded_for: HeadValue,
    content_length: Option<u64>,
    schemes: u32,
    authorities: u32,
    size: usize,
    /// Whether a field came that is no pseudo-header.
    is_regular: bool,
    has_pseudo: bool,
    is_malformed: bool,
}

/// What is wrong with the head of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeadFault {
    /// It is longer than what is read.
    Long,
    /// It breaks the rules (RFC 9113, section 8.1.1).
    Malformed,
}

impl RequestHead {
    /// The method, as it was written.
    pub fn method(&self) -> &[u8] {
        &self.fields.method.bytes
    }

    /// The path, with what follows `?`.
    pub fn target(&self) -> &[u8] {
        &self.fields.path.bytes
    }

    /// The first `content-type`.
    pub fn content_type(&self) -> Option<&[u8]> {
        self.fields.content_type.get()
    }

    /// The first `content-encoding`.
    pub fn content_encoding(&self) -> Option<&[u8]> {
        self.fields.content_encoding.get()
    }

    /// All of `forwarded`, joined.
    pub fn forwarded(&self) -> Option<&[u8]> {
        self.fields.forwarded.get()
    }

    /// All of `x-forwarded-for`, joined.
    pub fn forwarded_for(&self) -> Option<&[u8]> {
        self.fields.forwarded_for.get()
    }

    pub(super) const fn content_length(&self) -> Option<u64> {
        self.fields.content_length
    }

    /// Takes the place of the head before. Errors: the block cannot be read.
    pub(super) fn read(&mut self, block: &[u8], decoder: &mut HeaderDecoder) -> Result<(), BlockError> {
        let Self { strings, fields } = self;
        fields.clear();
        decoder.decode(block, strings, |field| fields.add(field))
    }

    /// Whether it is the head of a request (RFC 9113, sections 8.3 and 8.3.1).
    pub(super) fn check_request(&self) -> Result<(), HeadFault> {
        let HeadFields { method, path, schemes, authorities, .. } = &self.fields;
        self.check()?;
        // CONNECT has neither scheme nor path (section 8.5).
        let needed = if method.bytes == b"CONNECT" { (1, 0, 0) } else { (1, 1, 1) };
        let is_empty = method.bytes.is_empty() || path.count > 0 && path.bytes.is_empty();
        if (method.count, *schemes, path.count) != needed || *authorities > 1 || is_empty {
            return Err(HeadFault::Malformed);
        }
        Ok(())
    }

    /// Whether it may follow the content of a request (RFC 9113, section 8.1).
    pub(super) fn check_trailers(&self) -> Result<(), HeadFault> {
        self.check()?;
        if self.fields.has_pseudo { Err(HeadFault::Malformed) } else { Ok(()) }
    }

    fn check(&self) -> Result<(), HeadFault> {
        match self.fields {
            HeadFields { size, .. } if size > LONGEST_HEAD => Err(HeadFault::Long),
            HeadFields { is_malformed: true, .. } => Err(HeadFault::Malformed),
            _ => Ok(()),
        }
    }
}

impl HeadFields {
    fn clear(&mut self) {
        let Self { method, path, content_type, content_encoding, forwarded, forwarded_for, .. } = self;
        for value in [method, path, content_type, content_encoding, forwarded, forwarded_for] {
            value.clear();
        }
        (self.content_length, self.schemes, self.authorities, self.size) = (None, 0, 0, 0);
        (self.is_regular, self.has_pseudo, self.is_malformed) = (false, false, false);
    }

    fn add(&mut self, field: HeaderField<'_>) {
        let HeaderField { kind, name, value, is_valid } = field;
        self.size += name.len() + value.len() + FIELD_OVERHEAD;
        // Once it is too long nothing of it matters, and nothing more is looked at.
        if self.size > LONGEST_HEAD {
            return;
        }
        let is_pseudo = kind.is_pseudo();
        self.has_pseudo |= is_pseudo;
        self.is_malformed |= is_pseudo && self.is_regular || !is_valid;
        self.is_regular |= !is_pseudo;
        match kind {
            FieldName::Method => self.method.set(value),
            FieldName::Path => self.path.set(value),
            FieldName::Scheme => self.schemes += 1,
            FieldName::Authority => self.authorities += 1,
            FieldName::ContentType => self.content_type.set(value),
            FieldName::ContentEncoding => self.content_encoding.set(value),
            FieldName::ContentLength => self.set_length(value),
            FieldName::Forwarded => self.forwarded.join(value),
            FieldName::ForwardedFor => self.forwarded_for.join(value),
            FieldName::Te => self.is_malformed |= !value.eq_ignore_ascii_case(b"trailers"),
            FieldName::Other => {}
            FieldName::Forbidden => self.is_malformed = true,
        }
    }

    /// The length may be given again, but not another one (RFC 9110, section 8.6).
    fn set_length(&mut self, value: &[u8]) {
        let number = str::from_utf8(value).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let length = number.and_then(|text| text.parse().ok());
        self.is_malformed |=
            length.is_none() || self.content_length.is_some_and(|known| Some(known) != length);
        self.content_length = self.content_length.or(length);
    }
}

#[cfg(test)]
mod tests;
