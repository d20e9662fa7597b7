//! An RRset as others see it: owner, records written out in full, signatures.

use rhumb_wire::rdata::{Field, layout};
use rhumb_wire::{NameBuf, NameRef, Type};

use super::full_name;
use super::node::Node;
use super::set::{FIXED, Images, Set, TTL_AT, expand, has_pointers};

/// An RRset of a zone, with the signatures that cover it.
#[derive(Clone, Copy, Debug)]
pub struct Rrset<'a> {
    apex: NameRef<'a>,
    node: Node<'a>,
    set: Set<'a>,
}

impl<'a> Rrset<'a> {
    pub(crate) const fn new(apex: NameRef<'a>, node: Node<'a>, set: Set<'a>) -> Self {
        Self { apex, node, set }
    }

    /// The owner, in the case of its first record.
    pub fn owner(&self) -> NameBuf {
        full_name(self.node.name(), self.apex)
    }

    /// The type of its records; for signatures without records the type they cover.
    pub const fn rtype(&self) -> Type {
        self.set.rtype
    }

    /// TTL in seconds.
    pub fn ttl(&self) -> u32 {
        self.set.ttl()
    }

    /// Number of records. Zero for signatures whose records are missing.
    pub const fn len(&self) -> usize {
        self.set.records as usize
    }

    /// Whether signatures are all there is.
    pub const fn is_empty(&self) -> bool {
        self.set.records == 0
    }

    /// The records, in the order they were given; of those with a target those that point into the zone come first.
    pub fn records(&self) -> Records<'a> {
        Records { rrset: *self, rtype: self.set.rtype, images: Images::new(self.set.image()) }
    }

    /// The RRSIG records that cover it.
    pub fn signatures(&self) -> Records<'a> {
        Records { rrset: *self, rtype: Type::RRSIG, images: Images::new(self.set.signature_image()) }
    }
}

/// Walks the records of an RRset.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    rrset: Rrset<'a>,
    rtype: Type,
    images: Images<'a>,
}

impl<'a> Iterator for Records<'a> {
    type Item = RecordView<'a>;

    fn next(&mut self) -> Option<RecordView<'a>> {
        let (at, stored) = self.images.next()?;
        Some(RecordView { rrset: self.rrset, rtype: self.rtype, at, stored })
    }
}

/// One record.
#[derive(Clone, Copy, Debug)]
pub struct RecordView<'a> {
    rrset: Rrset<'a>,
    rtype: Type,
    at: usize,
    stored: &'a [u8],
}

impl RecordView<'_> {
    /// Its type: that of the RRset, or RRSIG.
    pub const fn rtype(&self) -> Type {
        self.rtype
    }

    /// TTL in seconds.
    pub fn ttl(&self) -> u32 {
        let image = match self.rtype {
            Type::RRSIG => self.rrset.set.signature_image(),
            _ => self.rrset.set.image(),
        };
        let ttl = image.get(self.at + TTL_AT..).and_then(<[u8]>::first_chunk);
        ttl.map_or(0, |ttl| u32::from_be_bytes(*ttl))
    }

    /// Appends its RDATA in uncompressed wire form.
    pub fn rdata(&self, into: &mut Vec<u8>) {
        if !has_pointers(self.rtype) {
            into.extend_from_slice(self.stored);
            return;
        }
        let image = self.rrset.set.image();
        let owner = self.rrset.owner();
        let mut name = NameBuf::new();
        let mut at = self.at + FIXED;
        let end = at + self.stored.len();
        for field in layout(self.rtype) {
            match field {
                Field::Name(_) => {
                    let Some(after) = expand(image, at, owner.as_ref(), &mut name) else { return };
                    into.extend_from_slice(name.as_ref().as_bytes());
                    at = after;
                }
                Field::Fixed(length) => {
                    into.extend_from_slice(image.get(at..at + usize::from(*length)).unwrap_or(&[]));
                    at += usize::from(*length);
                }
                _ => {}
            }
        }
        into.extend_from_slice(image.get(at..end).unwrap_or(&[]));
    }
}
