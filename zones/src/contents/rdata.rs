//! Stored RDATA written into a message.

use rhumb_wire::rdata::{Field, layout};
use rhumb_wire::{Full, NameBuf, NameRef, Type, Writer};

use super::set::expand;

/// Writes stored RDATA, whose place in the image is given, its names compressed anew.
pub(crate) fn write_rdata(
    w: &mut Writer<'_, '_>,
    rtype: Type,
    image: &[u8],
    (mut at, length): (usize, usize),
    owner: NameRef<'_>,
) -> Result<(), Full> {
    let end = at + length;
    let mut name = NameBuf::new();
    for field in layout(rtype) {
        match field {
            Field::Name(_) => {
                at = expand(image, at, owner, &mut name).ok_or(Full)?;
                w.name(name.as_ref())?;
            }
            Field::Fixed(length) => {
                w.bytes(image.get(at..at + usize::from(*length)).ok_or(Full)?)?;
                at += usize::from(*length);
            }
            _ => {}
        }
    }
    w.bytes(image.get(at..end).unwrap_or(&[]))
}
