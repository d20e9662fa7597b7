//! Writes the image of an RRset (its format stands in `contents::set`).

use rhumb_wire::rdata::{RdataPiece, RdataPieces};
use rhumb_wire::{Class, NameRef, Type};

use super::log::LoggedRecord;
use super::targets::TargetLinks;
use crate::contents::set::{
    FIXED, IN_IMAGE, POINTER, SetNumbers, TO_QUESTION, VALUE, before_target, has_pointers, points,
};

/// Suffixes of earlier names that a name is compared with. A bound on work, not on what is right.
const MAX_SUFFIXES: usize = 48;
/// Longer RDATA is left to the general way.
const MAX_SIMPLE: usize = 60_000;
/// Bytes before the records of a set.
const SET_HEAD: usize = 8;

/// The records of one set.
#[derive(Debug)]
pub(crate) struct RrsetParts<'r, 'p> {
    pub(crate) rtype: Type,
    pub(crate) ttl: u32,
    pub(crate) records: &'p [&'r [u8]],
    pub(crate) signatures: &'p [&'r [u8]],
    pub(crate) links: &'p TargetLinks,
}

/// Whether [`write_simple`] can write a set that has only this record: no signature, no name to compress.
#[inline]
pub(super) const fn is_simple(record: &LoggedRecord<'_>) -> bool {
    !points(record.rtype) && record.rtype.0 != Type::RRSIG.0 && record.rdata.len() < MAX_SIMPLE
}

/// Appends the image of a set of one record: what [`ImageWriter::write`] makes of it, in fewer steps.
#[inline]
pub(super) fn write_simple(out: &mut Vec<u8>, record: &LoggedRecord<'_>) {
    let LoggedRecord { rtype, ttl, rdata, .. } = *record;
    let mut head = [0; SET_HEAD + FIXED];
    let numbers = u64::from(rtype.0) | ((FIXED + rdata.len()) as u64) << 16 | 1 << 48;
    let owner = u128::from(TO_QUESTION) << 80 | u128::from(rtype.0) << 64 | u128::from(Class::IN.0) << 48;
    let fixed = owner | u128::from(ttl) << 16 | rdata.len() as u128;
    let (set, record) = head.split_at_mut(SET_HEAD);
    set.copy_from_slice(&numbers.to_le_bytes());
    if let Some(fixed) = fixed.to_be_bytes().last_chunk::<FIXED>() {
        record.copy_from_slice(fixed);
    }
    out.extend_from_slice(&head);
    out.extend_from_slice(rdata);
}

/// Room that is used for one set after the other.
#[derive(Debug, Default)]
pub(crate) struct ImageWriter<'r> {
    image: Vec<u8>,
    places: Vec<u16>,
    suffixes: Vec<(&'r [u8], u16)>,
}

impl<'r> ImageWriter<'r> {
    /// Appends the image of `parts` to `out`. None for a set of more than four gigabytes.
    pub(crate) fn write(
        &mut self,
        out: &mut Vec<u8>,
        owner: NameRef<'_>,
        parts: &RrsetParts<'r, '_>,
    ) -> Option<()> {
        self.image.clear();
        self.places.clear();
        self.suffixes.clear();
        let pointers = has_pointers(parts.rtype);
        // A set that fits no message needs no pointers, and its offsets would not fit them.
        let bytes: usize = parts.records.iter().map(|rdata| rdata.len() + 12).sum();
        let compressed = pointers && bytes < usize::from(u16::MAX);
        for rdata in parts.records {
            let at = self.head(parts.rtype, parts.ttl);
            if compressed {
                self.names(owner, parts.rtype, rdata);
            } else {
                self.image.extend_from_slice(rdata);
            }
            self.set_length(at);
        }
        let split = self.image.len();
        for rdata in parts.signatures {
            let at = self.head(Type::RRSIG, parts.ttl);
            self.image.extend_from_slice(rdata);
            self.set_length(at);
        }
        u32::try_from(self.image.len()).ok()?;
        let numbers = SetNumbers {
            rtype: parts.rtype,
            image: split,
            signed: self.image.len() - split,
            records: parts.records.len(),
            signatures: parts.signatures.len(),
        };
        numbers.write(out);
        if points(parts.rtype) {
            let links = before_target(parts.rtype).map(|_| &parts.links.hashes);
            let bytes = links.map_or(0, |links| 4 + 4 * links.len()) + 2 * self.places.len();
            out.extend_from_slice(&u16::try_from(bytes).ok()?.to_le_bytes());
            if let Some(links) = links {
                out.extend_from_slice(&parts.links.required.to_le_bytes());
                out.extend_from_slice(&(links.len() as u16).to_le_bytes());
                out.extend(links.iter().flat_map(|hash| hash.to_le_bytes()));
            }
            out.extend(self.places.iter().flat_map(|place| place.to_le_bytes()));
        }
        out.extend_from_slice(&self.image);
        Some(())
    }

    /// Everything before the RDATA; the offset of its length.
    fn head(&mut self, rtype: Type, ttl: u32) -> usize {
        for word in [TO_QUESTION, rtype.0, Class::IN.0] {
            self.image.extend_from_slice(&word.to_be_bytes());
        }
        self.image.extend_from_slice(&ttl.to_be_bytes());
        self.image.extend_from_slice(&[0, 0]);
        self.image.len() - 2
    }

    fn set_length(&mut self, at: usize) {
        let length = (self.image.len() - at - 2) as u16;
        if let Some(room) = self.image.get_mut(at..at + 2) {
            room.copy_from_slice(&length.to_be_bytes());
        }
    }

    /// RDATA with its names compressed.
    fn names(&mut self, owner: NameRef<'_>, rtype: Type, rdata: &'r [u8]) {
        let mut at = 0;
        for piece in RdataPieces::new(rtype, rdata) {
            match piece {
                Ok(RdataPiece::Name(name, _)) => {
                    self.name(owner, name);
                    at += name.len();
                }
                Ok(RdataPiece::Bytes(bytes)) => {
                    self.image.extend_from_slice(bytes);
                    at += bytes.len();
                }
                // The reader has checked it; what cannot be told apart goes out as it is.
                Err(_) => return self.image.extend_from_slice(rdata.get(at..).unwrap_or(&[])),
            }
        }
    }

    /// A name: as many labels as stand nowhere yet, then a pointer. Only what is equal to the letter is pointed to, so that
    /// the zone can be written out as it was read.
    fn name(&mut self, owner: NameRef<'_>, name: NameRef<'r>) {
        let start = self.image.len();
        let mut suffix = name;
        let target = loop {
            if suffix.is_root() {
                break None;
            }
            if let Some(target) = self.find(owner, suffix) {
                break Some(target);
            }
            let offset = start + name.len() - suffix.len();
            if offset <= usize::from(VALUE) && self.suffixes.len() < MAX_SUFFIXES {
                self.suffixes.push((suffix.as_bytes(), offset as u16));
            }
            suffix = suffix.parent().unwrap_or(NameRef::ROOT);
        };
        let plain = name.len() - suffix.len();
        self.image.extend_from_slice(name.as_bytes().get(..plain).unwrap_or(&[]));
        match target {
            Some(target) => {
                self.places.push(self.image.len() as u16);
                self.image.extend_from_slice(&(POINTER | target).to_be_bytes());
            }
            None => self.image.push(0),
        }
    }

    /// What a pointer to `suffix` has to say.
    fn find(&self, owner: NameRef<'_>, suffix: NameRef<'r>) -> Option<u16> {
        if owner.is_at_or_below(suffix) && owner.as_bytes().ends_with(suffix.as_bytes()) {
            return Some(suffix.len() as u16);
        }
        let (_, offset) = self.suffixes.iter().find(|(bytes, _)| *bytes == suffix.as_bytes())?;
        Some(IN_IMAGE | offset)
    }
}
