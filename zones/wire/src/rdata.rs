//! RDATA: where its names stand, whether its lengths add up, how it is compressed and expanded.
//!
//! RFC 1035 section 3.3 and the RFC of each type; RFC 3597 section 4 for names of newer types, RFC 4034 section 6.2 with
//! RFC 6840 section 5.1 for the canonical form.

mod digest;
mod error;
mod layout;

use crate::message::MessageRecord;
use crate::name::{self, NameBuf, NameRef};
use crate::number::Type;
use crate::writer::{BufferFull, MessageWriter};

pub use digest::digest_fits;
pub use error::RdataError;
pub use layout::{NameRule, RdataField, layout};

/// A part of uncompressed RDATA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RdataPiece<'a> {
    /// Bytes that hold no name.
    Bytes(&'a [u8]),
    /// A name, and how it may be treated.
    Name(NameRef<'a>, NameRule),
}

/// Walks uncompressed RDATA piece by piece, checking it on the way.
#[derive(Clone, Debug)]
pub struct RdataPieces<'a> {
    fields: &'static [RdataField],
    rest: &'a [u8],
    names: bool,
    gateway: u8,
}

impl<'a> RdataPieces<'a> {
    /// The pieces of `rdata`, which is of type `rtype`.
    pub fn new(rtype: Type, rdata: &'a [u8]) -> Self {
        Self { fields: layout(rtype), rest: rdata, names: false, gateway: 0 }
    }

    fn take(&mut self, length: usize) -> Result<RdataPiece<'a>, RdataError> {
        let (head, rest) = self.rest.split_at_checked(length).ok_or(RdataError::Short)?;
        self.rest = rest;
        Ok(RdataPiece::Bytes(head))
    }

    fn take_name(&mut self, rule: NameRule) -> Result<RdataPiece<'a>, RdataError> {
        let name = NameRef::parse(self.rest)?;
        self.rest = self.rest.get(name.len()..).unwrap_or(&[]);
        Ok(RdataPiece::Name(name, rule))
    }

    fn field(&mut self, field: RdataField) -> Result<RdataPiece<'a>, RdataError> {
        if let RdataField::Gateway { at, mask } = field {
            self.gateway = self.rest.get(usize::from(at)).ok_or(RdataError::Short)? & mask;
            return self.take(usize::from(at) + 1 + usize::from(mask == 0xff));
        }
        match (field, self.gateway) {
            (RdataField::Name(rule), _) | (RdataField::GatewayValue(rule), 3) => self.take_name(rule),
            (RdataField::GatewayValue(_), 0) => self.take(0),
            (RdataField::GatewayValue(_), 1) => self.take(4),
            (RdataField::GatewayValue(_), 2) => self.take(16),
            (RdataField::GatewayValue(_), _) => Err(RdataError::Field),
            (field, _) => self.take(layout::measure(field, self.rest)?),
        }
    }
}

impl<'a> Iterator for RdataPieces<'a> {
    type Item = Result<RdataPiece<'a>, RdataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.names {
            if self.rest.is_empty() {
                return None;
            }
            return Some(self.take_name(NameRule::PLAIN));
        }
        let Some((&field, fields)) = self.fields.split_first() else {
            let left = std::mem::take(&mut self.rest);
            return (!left.is_empty()).then_some(Err(RdataError::Trailing));
        };
        self.fields = fields;
        if field == RdataField::Names {
            self.names = true;
            return self.next();
        }
        let piece = self.field(field);
        if piece.is_err() {
            self.fields = &[];
            self.rest = &[];
        }
        Some(piece)
    }
}

/// Whether uncompressed `rdata` is well-formed for `rtype`. Errors: see [`RdataError`].
pub fn check(rtype: Type, rdata: &[u8]) -> Result<(), RdataError> {
    RdataPieces::new(rtype, rdata).try_for_each(|piece| piece.map(|_| ()))
}

/// Appends the RDATA of `record` to `into`, its names expanded, once it was found well-formed.
///
/// Errors: see [`RdataError`]; `into` is then as it was.
pub fn expand(record: &MessageRecord<'_>, into: &mut Vec<u8>) -> Result<(), RdataError> {
    let start = into.len();
    let done = expand_fields(record, into).and_then(|()| match into.get(start..) {
        Some(expanded) if u16::try_from(expanded.len()).is_ok() => check(record.rtype, expanded),
        _ => Err(RdataError::TooLong),
    });
    if done.is_err() {
        into.truncate(start);
    }
    done
}

fn expand_fields(record: &MessageRecord<'_>, into: &mut Vec<u8>) -> Result<(), RdataError> {
    let end = record.rdata_at + record.rdata.len();
    let mut at = record.rdata_at;
    let mut name = NameBuf::new();
    for &field in layout(record.rtype) {
        match field {
            RdataField::Name(rule) if rule.expand => {
                let message = record.message().get(..end).ok_or(RdataError::Short)?;
                at = name::expand(message, at, &mut name)?;
                into.extend_from_slice(name.as_ref().as_bytes());
            }
            RdataField::Name(_) => {
                let rest = record.message().get(at..end).ok_or(RdataError::Short)?;
                let name = NameRef::parse(rest)?;
                at += name.len();
                into.extend_from_slice(name.as_bytes());
            }
            // From here on no name is ever compressed.
            RdataField::Gateway { .. } | RdataField::GatewayValue(_) | RdataField::Names => break,
            field => {
                let rest = record.message().get(at..end).ok_or(RdataError::Short)?;
                let length = layout::measure(field, rest)?;
                into.extend_from_slice(rest.get(..length).ok_or(RdataError::Short)?);
                at += length;
            }
        }
    }
    into.extend_from_slice(record.message().get(at..end).ok_or(RdataError::Short)?);
    Ok(())
}

/// Writes uncompressed RDATA, compressing the names whose type allows it. RDATA that is not well-formed goes out as it is.
///
/// Errors: `BufferFull`; a part may have been written.
pub fn write(w: &mut MessageWriter<'_, '_>, rtype: Type, rdata: &[u8]) -> Result<(), BufferFull> {
    if !layout(rtype).iter().any(|field| matches!(field, RdataField::Name(rule) if rule.compress)) {
        return w.bytes(rdata);
    }
    let mut written = 0;
    for piece in RdataPieces::new(rtype, rdata) {
        match piece {
            Ok(RdataPiece::Bytes(bytes)) => {
                w.bytes(bytes)?;
                written += bytes.len();
            }
            Ok(RdataPiece::Name(name, rule)) => {
                if rule.compress {
                    w.name(name)?;
                } else {
                    w.name_plain(name)?;
                }
                written += name.len();
            }
            Err(_) => return w.bytes(rdata.get(written..).unwrap_or(&[])),
        }
    }
    Ok(())
}

/// Puts the names of uncompressed RDATA into lower case where the canonical form asks for it (RFC 4034 section 6.2).
pub fn make_canonical(rtype: Type, rdata: &mut [u8]) {
    let mut at = 0;
    let mut spans = [(0usize, 0usize); 4];
    let mut found = 0;
    for piece in RdataPieces::new(rtype, rdata) {
        match piece {
            Ok(RdataPiece::Bytes(bytes)) => at += bytes.len(),
            Ok(RdataPiece::Name(name, rule)) => {
                if let Some(span) = spans.get_mut(found).filter(|_| rule.lower) {
                    *span = (at, at + name.len());
                    found += 1;
                }
                at += name.len();
            }
            Err(_) => return,
        }
    }
    for &(start, end) in spans.iter().take(found) {
        if let Some(name) = rdata.get_mut(start..end) {
            name.make_ascii_lowercase();
        }
    }
}

#[cfg(test)]
mod tests;
