//! Header blocks (RFC 7541).

use super::field::{FieldName, HeaderField, is_value};
use super::header_table::HeaderTable;
use super::huffman::decode_huffman;
use super::static_table::{STATIC_FIELDS, STATIC_TABLE};

/// Integers have this many bits beside those of their first byte: more than any length or index that is of use.
const MOST_BITS: u32 = 21;

/// Why a header block cannot be read. What the other side refers to is not known from there on, so that the connection has to end
/// (RFC 9113, section 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BlockError {
    #[error("the block ends within a field")]
    Cut,
    #[error("an integer is too large")]
    Integer,
    #[error("no field has this index")]
    Index,
    #[error("a string is not in the Huffman code")]
    Huffman,
    #[error("the size of the table is changed to what it must not be, or within a block")]
    TableSize,
}

/// Where strings are put that are not in the block as such.
#[derive(Debug, Default)]
pub(super) struct DecodedStrings {
    name: Vec<u8>,
    value: Vec<u8>,
}

/// Reads the header blocks of a connection, which have to be given all, in order.
#[derive(Debug)]
pub(super) struct HeaderDecoder {
    table: HeaderTable,
}

impl HeaderDecoder {
    pub(super) const fn new() -> Self {
        Self { table: HeaderTable::new() }
    }

    /// Gives each field of a block to `each`, in order.
    pub(super) fn decode(
        &mut self,
        block: &[u8],
        strings: &mut DecodedStrings,
        mut each: impl FnMut(HeaderField<'_>),
    ) -> Result<(), BlockError> {
        let mut rest = block;
        let mut begun = false;
        while let Some(first) = rest.first() {
            let field = match first {
                0x80.. => self.field(integer(&mut rest, 7)?)?,
                0x40.. => self.literal(&mut rest, 6, strings)?,
                0x20.. => {
                    let size = integer(&mut rest, 5)?;
                    if begun || !self.table.set_limit(size) {
                        return Err(BlockError::TableSize);
                    }
                    continue;
                }
                _ => self.literal(&mut rest, 4, strings)?,
            };
            each(field);
            begun = true;
        }
        Ok(())
    }

    /// The field of an index.
    #[inline]
    fn field(&self, index: usize) -> Result<HeaderField<'_>, BlockError> {
        let at = index.checked_sub(1).ok_or(BlockError::Index)?;
        match STATIC_TABLE.get(at) {
            Some(field) => Ok(HeaderField {
                kind: field.kind,
                name: field.name.as_bytes(),
                value: field.value.as_bytes(),
                is_valid: true,
            }),
            None => self.table.get(at - STATIC_FIELDS).ok_or(BlockError::Index),
        }
    }

    /// A field that is written out, the name maybe by its index, which has so many bits of the first byte. Those with six are to be
    /// remembered.
    fn literal<'a, 'i: 'a>(
        &'a mut self,
        rest: &mut &'i [u8],
        bits: u32,
        strings: &'a mut DecodedStrings,
    ) -> Result<HeaderField<'a>, BlockError> {
        let index = integer(rest, bits)?;
        let is_kept = bits == 6;
        if index > 0 && !is_kept {
            let known = self.field(index)?;
            let value = string(rest, &mut strings.value)?;
            return Ok(HeaderField { value, is_valid: is_value(value), ..known });
        }
        let (kind, name) = if index == 0 {
            let name = string(rest, &mut strings.name)?;
            (FieldName::of(name), name)
        } else {
            let known = self.field(index)?;
            // A copy, for what is remembered may take the place of the field that has the name.
            strings.name.clear();
            strings.name.extend_from_slice(known.name);
            (known.kind, strings.name.as_slice())
        };
        let value = string(rest, &mut strings.value)?;
        let field = HeaderField { kind, name, value, is_valid: is_value(value) };
        if is_kept {
            self.table.insert(field);
        }
        Ok(field)
    }

    #[cfg(test)]
    pub(super) fn table(&self) -> &HeaderTable {
        &self.table
    }
}

/// An integer at the front whose first byte has so many bits of it (RFC 7541, section 5.1).
#[inline]
fn integer(rest: &mut &[u8], bits: u32) -> Result<usize, BlockError> {
    let (first, mut behind) = rest.split_first().ok_or(BlockError::Cut)?;
    let most = (1 << bits) - 1;
    let mut value = usize::from(*first) & most;
    if value == most {
        let mut shift = 0;
        loop {
            let (next, more) = behind.split_first().ok_or(BlockError::Cut)?;
            behind = more;
            value += usize::from(next & 0x7f) << shift;
            if next & 0x80 == 0 {
                break;
            }
            shift += 7;
            if shift >= MOST_BITS {
                return Err(BlockError::Integer);
            }
        }
    }
    *rest = behind;
    Ok(value)
}

/// A string at the front (RFC 7541, section 5.2).
#[inline]
fn string<'a, 'i: 'a>(rest: &mut &'i [u8], decoded: &'a mut Vec<u8>) -> Result<&'a [u8], BlockError> {
    let is_huffman = rest.first().is_some_and(|first| first & 0x80 != 0);
    let length = integer(rest, 7)?;
    let (text, behind) = rest.split_at_checked(length).ok_or(BlockError::Cut)?;
    *rest = behind;
    if !is_huffman {
        return Ok(text);
    }
    decoded.clear();
    decode_huffman(text, decoded).map_err(|_| BlockError::Huffman)?;
    Ok(decoded)
}

#[cfg(test)]
mod tests;
