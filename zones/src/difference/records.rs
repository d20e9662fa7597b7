//! Records one behind the other, in as little memory as their bytes take.

use std::cmp::Ordering;

use rhumb_wire::{NameRef, Type};

/// Bytes of type, TTL and length of the RDATA.
const HEAD: usize = 8;

/// One record of a difference; its class is IN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DifferenceRecord<'d> {
    /// The owner.
    pub owner: NameRef<'d>,
    /// The type.
    pub rtype: Type,
    /// TTL in seconds.
    pub ttl: u32,
    /// RDATA in uncompressed wire form.
    pub rdata: &'d [u8],
}

impl DifferenceRecord<'_> {
    /// By which records are put in order.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        let rest = |record: &Self| (record.rtype.0, record.ttl);
        let owners = self.owner.canonical_cmp(other.owner);
        owners.then_with(|| rest(self).cmp(&rest(other))).then_with(|| self.rdata.cmp(other.rdata))
    }

    /// Appends it: owner · type · TTL · length · RDATA.
    pub(crate) fn write(&self, into: &mut Vec<u8>) {
        into.extend_from_slice(self.owner.as_bytes());
        into.extend_from_slice(&self.rtype.0.to_be_bytes());
        into.extend_from_slice(&self.ttl.to_be_bytes());
        // RDATA of a zone has a length of 16 bits.
        into.extend_from_slice(&(self.rdata.len() as u16).to_be_bytes());
        into.extend_from_slice(self.rdata);
    }
}

/// Records as [`DifferenceRecord::write`] has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RecordList {
    bytes: Vec<u8>,
    count: usize,
}

impl RecordList {
    pub(crate) fn push(&mut self, record: DifferenceRecord<'_>) {
        record.write(&mut self.bytes);
        self.count += 1;
    }

    pub(crate) fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn iter(&self) -> DifferenceRecords<'_> {
        DifferenceRecords(&self.bytes)
    }

    /// Number of records.
    pub(super) const fn len(&self) -> usize {
        self.count
    }

    /// The record that begins at this byte, and where the next one does.
    pub(crate) fn at(&self, offset: usize) -> Option<(DifferenceRecord<'_>, usize)> {
        let mut records = DifferenceRecords(self.bytes.get(offset..)?);
        let record = records.next()?;
        Some((record, self.bytes.len() - records.0.len()))
    }

    pub(super) fn memory(&self) -> usize {
        self.bytes.capacity()
    }
}

/// Walks the records.
#[derive(Clone)]
pub(crate) struct DifferenceRecords<'d>(&'d [u8]);

impl<'d> Iterator for DifferenceRecords<'d> {
    type Item = DifferenceRecord<'d>;

    fn next(&mut self) -> Option<DifferenceRecord<'d>> {
        let owner = NameRef::parse(self.0).ok()?;
        let (&[r0, r1, t0, t1, t2, t3, l0, l1], rest) =
            self.0.get(owner.len()..)?.split_first_chunk::<HEAD>()?;
        let (rdata, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([l0, l1])))?;
        self.0 = rest;
        let (rtype, ttl) = (Type(u16::from_be_bytes([r0, r1])), u32::from_be_bytes([t0, t1, t2, t3]));
        Some(DifferenceRecord { owner, rtype, ttl, rdata })
    }
}
