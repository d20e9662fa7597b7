//! An RRset as others see it: owner, records written out in full, signatures.

use rhumb_wire::rdata::{RdataField, layout};
use rhumb_wire::{NameBuf, NameRef, Type};

use super::names::full_name;
use super::node::ZoneNode;
use super::set::{FIXED, RecordImages, StoredRrset, TTL_AT, expand, has_pointers};

/// An RRset of a zone, with the signatures that cover it.
#[derive(Clone, Copy, Debug)]
pub struct ZoneRrset<'a> {
    apex: NameRef<'a>,
    node: ZoneNode<'a>,
    set: StoredRrset<'a>,
}

impl<'a> ZoneRrset<'a> {
    pub(crate) const fn new(apex: NameRef<'a>, node: ZoneNode<'a>, set: StoredRrset<'a>) -> Self {
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
    pub fn records(&self) -> RrsetRecords<'a> {
        RrsetRecords { rrset: *self, rtype: self.set.rtype, images: RecordImages::new(self.set.image()) }
    }

    /// The RRSIG records that cover it.
    pub fn signatures(&self) -> RrsetRecords<'a> {
        RrsetRecords {
            rrset: *self,
            rtype: Type::RRSIG,
            images: RecordImages::new(self.set.signature_image()),
        }
    }
}

/// Walks the records of an RRset.
#[derive(Clone, Debug)]
pub struct RrsetRecords<'a> {
    rrset: ZoneRrset<'a>,
    rtype: Type,
    images: RecordImages<'a>,
}

impl<'a> Iterator for RrsetRecords<'a> {
    type Item = ZoneRecord<'a>;

    fn next(&mut self) -> Option<ZoneRecord<'a>> {
        let (at, stored) = self.images.next()?;
        Some(ZoneRecord { rrset: self.rrset, rtype: self.rtype, at, stored })
    }
}

/// One record.
#[derive(Clone, Copy, Debug)]
pub struct ZoneRecord<'a> {
    rrset: ZoneRrset<'a>,
    rtype: Type,
    at: usize,
    stored: &'a [u8],
}

impl ZoneRecord<'_> {
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
                RdataField::Name(_) => {
                    let Some(after) = expand(image, at, owner.as_ref(), &mut name) else { return };
                    into.extend_from_slice(name.as_ref().as_bytes());
                    at = after;
                }
                RdataField::Fixed(length) => {
                    into.extend_from_slice(image.get(at..at + usize::from(*length)).unwrap_or(&[]));
                    at += usize::from(*length);
                }
                _ => {}
            }
        }
        into.extend_from_slice(image.get(at..end).unwrap_or(&[]));
    }
}
