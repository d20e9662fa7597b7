//! RRsets written record by record, where an image cannot be copied: its pointers would reach too far, or to what is
//! not there.

use rhumb_wire::{BufferFull, Class, MessageSection, NameBuf, Type, name};

use crate::answer::assembly::AnswerAssembly;
use crate::contents::node::ZoneNode;
use crate::contents::rdata::write_rdata;
use crate::contents::set::{FIXED, RecordImages, StoredRrset, has_pointers};

impl AnswerAssembly<'_, '_, '_, '_, '_> {
    /// Writes the records of an image one by one, every name compressed as far as the message allows.
    pub(super) fn write_records(
        &mut self,
        section: MessageSection,
        node: ZoneNode<'_>,
        set: &StoredRrset<'_>,
        owner_at: usize,
        image: &[u8],
    ) -> Result<(), BufferFull> {
        let mut owner = NameBuf::new();
        name::expand(self.w.written(), owner_at, &mut owner).map_err(|_| BufferFull)?;
        let stored_owner = self.zone.owner(node);
        let records = set.image().len();
        let ttl = set.ttl();
        for (at, rdata) in RecordImages::new(image) {
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
