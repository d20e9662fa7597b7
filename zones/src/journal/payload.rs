//! What the records of a log hold: the records of a zone, or of a difference.

use rhumb_wire::{NameRef, Type, rdata};

use crate::contents::{ZoneContents, ZoneRrsets};
use crate::difference::{DifferenceRecord, RecordList, ZoneDifference};

/// Bytes of one part of a whole zone: enough that the frame is nothing, and little to hold.
const PART: usize = 256 << 10;

/// The payload of a record.
#[derive(Debug, Clone, Copy)]
pub struct RecordPayload<'p>(pub &'p [u8]);

impl<'p> RecordPayload<'p> {
    /// The records of a part of a zone; an error where they cannot be read.
    pub fn records(self) -> impl Iterator<Item = Option<DifferenceRecord<'p>>> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let (record, length) = read_record(rest).unzip();
            rest = length.and_then(|length| rest.get(length..)).unwrap_or(&[]);
            Some(record)
        })
    }

    /// A difference; none where it cannot be read.
    pub fn difference(self) -> Option<ZoneDifference> {
        let mut rest = self.0;
        let mut list = || {
            let (length, behind) = rest.split_first_chunk::<4>()?;
            let (bytes, behind) = behind.split_at_checked(u32::from_be_bytes(*length) as usize)?;
            rest = behind;
            RecordPayload(bytes).list()
        };
        let lists = [list()?, list()?, list()?, list()?];
        if rest.is_empty() { ZoneDifference::of_lists(lists) } else { None }
    }

    fn list(self) -> Option<RecordList> {
        let mut list = RecordList::default();
        for record in self.records() {
            list.push(record?);
        }
        list.shrink();
        Some(list)
    }
}

/// The first record, and how many bytes it has. None where it is not well-formed.
fn read_record(bytes: &[u8]) -> Option<(DifferenceRecord<'_>, usize)> {
    let owner = NameRef::parse(bytes).ok()?;
    let (&[r0, r1, t0, t1, t2, t3, l0, l1], rest) = bytes.get(owner.len()..)?.split_first_chunk::<8>()?;
    let rdata = rest.get(..usize::from(u16::from_be_bytes([l0, l1])))?;
    let (rtype, ttl) = (Type(u16::from_be_bytes([r0, r1])), u32::from_be_bytes([t0, t1, t2, t3]));
    rdata::check(rtype, rdata).ok()?;
    Some((DifferenceRecord { owner, rtype, ttl, rdata }, owner.len() + 8 + rdata.len()))
}

impl ZoneDifference {
    /// Appends the payload of a [`super::RecordKind::Change`] or [`super::RecordKind::Earlier`].
    pub fn write_payload(&self, into: &mut Vec<u8>) {
        for list in self.lists() {
            // A difference of four gigabytes is no difference any more: transfers are bounded far below.
            into.extend_from_slice(&(list.bytes().len() as u32).to_be_bytes());
            into.extend_from_slice(list.bytes());
        }
    }
}

/// The payloads of the parts of a whole zone, one after the other.
#[derive(Debug)]
pub struct ZonePayload<'c> {
    sets: ZoneRrsets<'c>,
    rdata: Vec<u8>,
}

impl<'c> ZonePayload<'c> {
    /// Of these contents.
    pub fn new(contents: &'c ZoneContents) -> Self {
        Self { sets: contents.iter(), rdata: Vec::new() }
    }

    /// Puts the next part in place of what is in `part`. Whether there was one.
    pub fn next_part(&mut self, part: &mut Vec<u8>) -> bool {
        part.clear();
        while part.len() < PART {
            let Some(set) = self.sets.next() else { break };
            let owner = set.owner();
            for record in set.records().chain(set.signatures()) {
                self.rdata.clear();
                record.rdata(&mut self.rdata);
                let (rtype, ttl) = (record.rtype(), record.ttl());
                DifferenceRecord { owner: owner.as_ref(), rtype, ttl, rdata: &self.rdata }.write(part);
            }
        }
        !part.is_empty()
    }
}
