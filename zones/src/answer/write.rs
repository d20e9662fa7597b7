//! RRset images into the message: copied whole, then the pointers filled in.

mod records;

use rhumb_wire::{BufferFull, Class, MessageSection, NameRef, Type, name};

use super::assembly::{AnswerAssembly, MessageFull};
use super::position::{ChainName, OwnerPosition, QUESTION_AT};
use crate::contents::node::ZoneNode;
use crate::contents::set::{FIXED, IN_IMAGE, RecordImages, StoredRrset, TO_QUESTION, TTL_AT, VALUE};
use crate::lookup::NameMatch;

/// The two bits that make a pointer, and the greatest offset it can hold.
const POINTER: u16 = 0xc000;
const REACH: usize = 0x3fff;

impl<'z> AnswerAssembly<'z, '_, '_, '_, '_> {
    /// The whole of the current name as owner of what `found` matched.
    #[inline]
    pub(super) fn owner_of(&self, current: &ChainName<'_>, found: &NameMatch<'z>) -> OwnerPosition {
        let shared = if current.is_question { found.shared } else { self.shared_apex() };
        OwnerPosition { at: current.at, end: QUESTION_AT + self.asked.name.len(), shared }
    }

    /// Of a name further down the chain only the apex is known to stand in full, at the question's end.
    fn shared_apex(&self) -> usize {
        if self.local { self.zone.apex().len() } else { 0 }
    }

    /// The last `length` bytes of the current name as owner.
    #[inline]
    pub(super) fn owner_at(&self, current: &ChainName<'_>, length: usize) -> OwnerPosition {
        let question_end = QUESTION_AT + self.asked.name.len();
        if current.is_question {
            return OwnerPosition { at: question_end - length, end: question_end, shared: length };
        }
        let skipped = current.name.len().saturating_sub(length);
        let at = suffix_at(self.w.written(), current.at, skipped).unwrap_or(current.at);
        OwnerPosition { at, end: question_end, shared: self.shared_apex() }
    }

    /// Where the RDATA of the first record of an image begins that was written at `at`.
    #[inline]
    pub(super) fn rdata_at(&self, at: usize) -> usize {
        let owner = self.w.written().get(at..).and_then(<[u8]>::first_chunk);
        let pointer = owner.is_some_and(|owner| u16::from_be_bytes(*owner) >= POINTER);
        let owner_end = if pointer { at + 2 } else { name::skip(self.w.written(), at).unwrap_or(at + 2) };
        owner_end + FIXED - 2
    }

    /// Writes an RRset, with its signatures where they are wanted; where it begins. A DNAME that a chain comes by again stays
    /// where it is. Errors: it does not fit, nothing was written.
    pub(super) fn write_rrset(
        &mut self,
        section: MessageSection,
        node: ZoneNode<'_>,
        set: &StoredRrset<'_>,
        owner: OwnerPosition,
    ) -> Result<usize, MessageFull> {
        if set.rtype == Type::DNAME
            && let Some(at) = self.dname_at(owner.at)
        {
            return Ok(at);
        }
        let (image, more) = if self.proves() { (set.images(), set.signatures) } else { (set.image(), 0) };
        self.write_image(section, node, set, owner, image, set.records + more)
    }

    /// Writes an RRset without its signatures.
    pub(super) fn write_unsigned(
        &mut self,
        section: MessageSection,
        node: ZoneNode<'_>,
        set: &StoredRrset<'_>,
        owner: OwnerPosition,
    ) -> Result<usize, MessageFull> {
        self.write_image(section, node, set, owner, set.image(), set.records)
    }

    fn write_image(
        &mut self,
        section: MessageSection,
        node: ZoneNode<'_>,
        set: &StoredRrset<'_>,
        owner: OwnerPosition,
        image: &[u8],
        records: u32,
    ) -> Result<usize, MessageFull> {
        let at = self.w.len();
        if self.copy(set, owner, image).is_ok() {
            self.w.count_many(section, records as u16);
            return Ok(at);
        }
        // A pointer that cannot be filled in, or no room: written out, compressed name by name, it may be shorter.
        self.w.cut(at);
        let mark = self.w.mark();
        self.write_records(section, node, set, owner.at, image).map(|()| at).map_err(|BufferFull| {
            self.w.rollback(mark);
            MessageFull
        })
    }

    /// Copies the image and fills in its pointers. Errors: there is no room, or one cannot be filled in.
    #[inline]
    fn copy(&mut self, set: &StoredRrset<'_>, owner: OwnerPosition, image: &[u8]) -> Result<(), BufferFull> {
        let at = self.w.len();
        if owner.at > REACH {
            return Err(BufferFull);
        }
        let placed = self.w.append(image)?;
        let to_owner = POINTER | owner.at as u16;
        if to_owner != TO_QUESTION {
            for (record, _) in RecordImages::new(image) {
                set_pointer(placed, record, to_owner);
            }
        }
        for (place, stored) in set.pointers() {
            let value = usize::from(stored & VALUE);
            let target = match stored & IN_IMAGE {
                0 if value <= owner.shared => owner.end - value,
                0 => return Err(BufferFull),
                _ => at + value,
            };
            if target > REACH {
                return Err(BufferFull);
            }
            set_pointer(placed, place, POINTER | target as u16);
        }
        Ok(())
    }

    /// Writes an RRset whose owner stands nowhere in the message, with its signatures. Its RDATA has no names that are
    /// compressed. Errors: it does not fit, nothing was written.
    pub(super) fn write_with_owner(
        &mut self,
        section: MessageSection,
        current: &ChainName<'_>,
        node: ZoneNode<'_>,
        set: &StoredRrset<'_>,
    ) -> Result<(), MessageFull> {
        let mark = self.w.mark();
        let apex = self.owner_at(current, self.zone.apex().len());
        self.copy_with_owner(apex.at, node, set.images()).map_err(|BufferFull| {
            self.w.rollback(mark);
            MessageFull
        })?;
        self.w.count_many(section, (set.records + set.signatures) as u16);
        Ok(())
    }

    fn copy_with_owner(&mut self, apex: usize, node: ZoneNode<'_>, images: &[u8]) -> Result<(), BufferFull> {
        let owner = self.w.len();
        if owner > REACH {
            return Err(BufferFull);
        }
        self.w.bytes(node.name())?;
        if self.zone.apex().is_root() {
            self.w.u8(0)?;
        } else {
            self.w.u16(POINTER | apex as u16)?;
        }
        let placed = self.w.append(images.get(2..).ok_or(BufferFull)?)?;
        for (record, _) in RecordImages::new(images).skip(1) {
            set_pointer(placed, record - 2, POINTER | owner as u16);
        }
        Ok(())
    }

    /// Writes the signatures alone. Errors: they do not fit, nothing was written.
    pub(super) fn write_signatures(
        &mut self,
        set: &StoredRrset<'_>,
        owner: OwnerPosition,
    ) -> Result<(), MessageFull> {
        let at = self.w.len();
        let image = set.signature_image();
        if owner.at > REACH {
            return Err(MessageFull);
        }
        self.w.bytes(image).map_err(|BufferFull| MessageFull)?;
        for (record, _) in RecordImages::new(image) {
            self.w.patch_u16(at + record, POINTER | owner.at as u16);
        }
        self.w.count_many(MessageSection::Answer, set.signatures as u16);
        Ok(())
    }

    /// Writes the CNAME made from a DNAME. Errors: it does not fit, nothing was written.
    pub(super) fn write_cname(
        &mut self,
        owner: usize,
        ttl: u32,
        target: NameRef<'_>,
    ) -> Result<usize, MessageFull> {
        let mark = self.w.mark();
        let at = self.w.len();
        self.alias(owner, ttl, target).map_err(|BufferFull| {
            self.w.rollback(mark);
            MessageFull
        })?;
        self.w.count(MessageSection::Answer);
        Ok(at)
    }

    fn alias(&mut self, owner: usize, ttl: u32, target: NameRef<'_>) -> Result<(), BufferFull> {
        if owner > REACH {
            return Err(BufferFull);
        }
        self.w.u16(POINTER | owner as u16)?;
        self.w.u16(Type::CNAME.0)?;
        self.w.u16(Class::IN.0)?;
        self.w.u32(ttl)?;
        let apex = self.zone.apex();
        let apex_at = QUESTION_AT + self.asked.name.len() - apex.len().min(self.asked.name.len());
        let below = self.zone.below_apex(target).filter(|_| self.local && !apex.is_root());
        self.w.with_length(|w| match below {
            Some(below) => {
                w.bytes(below)?;
                w.u16(POINTER | apex_at as u16)
            }
            None => w.name(target),
        })
    }

    /// Sets the TTL of all records from offset `at` on.
    pub(super) fn set_ttls(&mut self, at: usize, ttl: u32) {
        let mut rdata = self.rdata_at(at);
        while let Some(length) = self.w.written().get(rdata - 2..).and_then(<[u8]>::first_chunk) {
            let end = rdata + usize::from(u16::from_be_bytes(*length));
            self.w.patch_u32(rdata - FIXED + TTL_AT, ttl);
            if end >= self.w.len() {
                return;
            }
            rdata = self.rdata_at(end);
        }
    }
}

/// Fills in a pointer.
#[inline]
fn set_pointer(placed: &mut [u8], at: usize, pointer: u16) {
    if let Some(place) = placed.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        *place = pointer.to_be_bytes();
    }
}

/// Where a name of the message has the suffix that is left after `skipped` bytes of its labels.
fn suffix_at(message: &[u8], mut at: usize, skipped: usize) -> Option<usize> {
    let mut left = skipped;
    // As many steps as a name has labels, each after at most one pointer.
    for _ in 0..256 {
        let length = *message.get(at)?;
        if length >= 0xc0 {
            let pointer = u16::from_be_bytes([length & 0x3f, *message.get(at + 1)?]);
            at = usize::from(pointer);
            continue;
        }
        if left == 0 {
            return Some(at);
        }
        left = left.checked_sub(1 + usize::from(length))?;
        at += 1 + usize::from(length);
    }
    None
}
