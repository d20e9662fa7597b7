//! One message of a transfer: images copied whole with their pointers filled in, or record by record where they do not fit.

use rhumb_wire::{BufferFull, Class, MessageSection, MessageWriter, Type, header};

use crate::contents::ZoneContents;
use crate::contents::node::ZoneNode;
use crate::contents::rdata::write_rdata;
use crate::contents::set::{FIXED, IN_IMAGE, RecordImages, StoredRrset, VALUE, has_pointers};

/// The two bits that make a pointer, and the greatest offset it can hold.
const POINTER: u16 = 0xc000;
const REACH: usize = 0x3fff;

/// How much of something was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WriteProgress {
    Whole,
    /// For want of room.
    Nothing,
}

/// Which images of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SetPart {
    All,
    Records,
    Signatures,
}

/// The message being written.
pub(super) struct TransferMessage<'z, 'w, 'b, 'c> {
    contents: &'z ZoneContents,
    w: &'w mut MessageWriter<'b, 'c>,
    /// Where the apex stands in full, once it does.
    apex: Option<usize>,
    /// Where the owner of the node at hand stands, once it does.
    owner: Option<usize>,
}

impl<'z, 'w, 'b, 'c> TransferMessage<'z, 'w, 'b, 'c> {
    /// Begins behind the question, which is for the apex, if there is one.
    pub(super) fn new(contents: &'z ZoneContents, w: &'w mut MessageWriter<'b, 'c>) -> Self {
        let question = w.counted(MessageSection::Question) > 0;
        Self { contents, w, apex: question.then_some(header::LENGTH), owner: None }
    }

    /// Whether it has no record yet.
    pub(super) fn is_empty(&self) -> bool {
        self.w.counted(MessageSection::Answer) == 0
    }

    pub(super) fn limit(&self) -> usize {
        self.w.limit()
    }

    pub(super) fn set_limit(&mut self, limit: usize) {
        self.w.set_limit(limit);
    }

    /// What follows belongs to `node`.
    pub(super) fn turn_to(&mut self, node: ZoneNode<'_>) {
        self.owner = self.apex.filter(|_| node.name().is_empty());
    }

    /// Writes this part of `set`: all of it or none.
    pub(super) fn images(
        &mut self,
        node: ZoneNode<'_>,
        set: &StoredRrset<'_>,
        part: SetPart,
    ) -> WriteProgress {
        let (image, count) = match part {
            SetPart::All => (set.images(), set.records + set.signatures),
            SetPart::Records => (set.image(), set.records),
            SetPart::Signatures => (set.signature_image(), set.signatures),
        };
        let pointers = (part != SetPart::Signatures).then(|| set.pointers());
        if count == 0 {
            return WriteProgress::Whole;
        }
        let (mark, apex, owner) = (self.w.mark(), self.apex, self.owner);
        if self.copy(node, image, pointers.into_iter().flatten()).is_ok() {
            self.w.count_many(MessageSection::Answer, count as u16);
            return WriteProgress::Whole;
        }
        self.w.rollback(mark);
        (self.apex, self.owner) = (apex, owner);
        WriteProgress::Nothing
    }

    fn copy(
        &mut self,
        node: ZoneNode<'_>,
        image: &[u8],
        pointers: impl Iterator<Item = (usize, u16)>,
    ) -> Result<(), BufferFull> {
        let owner = self.owner(node)?;
        let to_owner =
            POINTER | u16::try_from(owner).ok().filter(|at| usize::from(*at) <= REACH).ok_or(BufferFull)?;
        // The first two bytes of an image are the pointer to its owner, which is written already.
        let base = self.w.len().checked_sub(2).ok_or(BufferFull)?;
        let apex = self.contents.apex().len();
        let apex_at = self.apex;
        let placed = self.w.append(image.get(2..).ok_or(BufferFull)?)?;
        for (record, _) in RecordImages::new(image).skip(1) {
            point(placed, record - 2, to_owner);
        }
        for (place, stored) in pointers {
            let value = usize::from(stored & VALUE);
            let target = if stored & IN_IMAGE != 0 {
                base + value
            } else if value > apex {
                owner + (node.name().len() + apex).checked_sub(value).ok_or(BufferFull)?
            } else {
                apex_at.ok_or(BufferFull)? + apex - value
            };
            if target > REACH {
                return Err(BufferFull);
            }
            point(placed, place - 2, POINTER | target as u16);
        }
        Ok(())
    }

    /// Writes the owner of the next record: in full, its apex by a pointer, where the message does not have it yet. Gives where
    /// it stands in full.
    fn owner(&mut self, node: ZoneNode<'_>) -> Result<usize, BufferFull> {
        if let Some(owner) = self.owner {
            self.w.u16(POINTER | owner as u16)?;
            return Ok(owner);
        }
        let owner = self.w.len();
        if owner > REACH {
            return Err(BufferFull);
        }
        self.w.bytes(node.name())?;
        if let Some(apex) = self.apex {
            self.w.u16(POINTER | apex as u16)?;
        } else {
            let apex = self.w.len();
            self.apex = (apex <= REACH).then_some(apex);
            self.w.bytes(self.contents.apex().as_bytes())?;
        }
        self.owner = Some(owner);
        Ok(owner)
    }

    /// Writes the records of `set` and its signatures one by one, from byte `from` of the images on. Errors: the message is full;
    /// holds the byte it came to.
    pub(super) fn records(
        &mut self,
        node: ZoneNode<'_>,
        set: &StoredRrset<'_>,
        from: usize,
    ) -> Result<(), usize> {
        let owner = self.contents.owner(node);
        let split = set.image().len();
        for (at, rdata) in RecordImages::new(set.images()).skip_while(|(at, _)| *at < from) {
            let rtype = if at < split { set.rtype } else { Type::RRSIG };
            let place = (at + FIXED, rdata.len());
            self.w
                .record(MessageSection::Answer, owner.as_ref(), rtype, Class::IN, set.ttl(), |w| {
                    if has_pointers(rtype) {
                        write_rdata(w, rtype, set.images(), place, owner.as_ref())
                    } else {
                        w.bytes(rdata)
                    }
                })
                .map_err(|BufferFull| at)?;
        }
        Ok(())
    }
}

/// Fills in a pointer.
fn point(placed: &mut [u8], at: usize, pointer: u16) {
    if let Some(place) = placed.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        *place = pointer.to_be_bytes();
    }
}
