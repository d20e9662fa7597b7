//! Stored RDATA written into a message.

use rhumb_wire::rdata::{RdataField, layout};
use rhumb_wire::{BufferFull, MessageWriter, NameBuf, NameRef, Type};

use super::set::expand;

/// Writes stored RDATA, whose place in the image is given, its names compressed anew.
pub(crate) fn write_rdata(
    w: &mut MessageWriter<'_, '_>,
    rtype: Type,
    image: &[u8],
    (mut at, length): (usize, usize),
    owner: NameRef<'_>,
) -> Result<(), BufferFull> {
    let end = at + length;
    let mut name = NameBuf::new();
    for field in layout(rtype) {
        match field {
            RdataField::Name(_) => {
                at = expand(image, at, owner, &mut name).ok_or(BufferFull)?;
                w.name(name.as_ref())?;
            }
            RdataField::Fixed(length) => {
                w.bytes(image.get(at..at + usize::from(*length)).ok_or(BufferFull)?)?;
                at += usize::from(*length);
            }
            _ => {}
        }
    }
    w.bytes(image.get(at..end).unwrap_or(&[]))
}
