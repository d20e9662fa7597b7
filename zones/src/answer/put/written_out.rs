//! RRsets written record by record, where an image cannot be copied: its pointers would reach too far, or to what is
//! not there.

use rhumb_wire::rdata::{Field, layout};
use rhumb_wire::{Class, Full, NameBuf, NameRef, Section, Type, Writer, name};

use crate::answer::Assembly;
use crate::contents::node::Node;
use crate::contents::set::{FIXED, Images, Set, expand, has_pointers};

impl Assembly<'_, '_, '_, '_, '_> {
    /// Writes the records of an image one by one, every name compressed as far as the message allows.
    pub(super) fn write_out(
        &mut self,
        section: Section,
        node: Node<'_>,
        set: &Set<'_>,
        owner_at: usize,
        image: &[u8],
    ) -> Result<(), Full> {
        let mut owner = NameBuf::new();
        name::expand(self.w.written(), owner_at, &mut owner).map_err(|_| Full)?;
        let stored_owner = self.zone.owner(node);
        let records = set.image().len();
        let ttl = set.ttl();
        for (at, rdata) in Images::new(image) {
            let rtype = if at < records { set.rtype } else { Type::RRSIG };
            self.w.record(section, owner.as_ref(), rtype, Class::IN, ttl, |w| {
                if has_pointers(rtype) {
                    write_rdata(w, rtype, image, (at + FIXED, rdata.len()), stored_owner.as_ref())
                } else {
                    w.bytes(rdata)
                }
            })?;
        }
        Ok(())
    }
}

/// Writes stored RDATA, whose place in the image is given, its names compressed anew.
fn write_rdata(
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
