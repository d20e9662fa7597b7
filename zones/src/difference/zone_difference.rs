//! One difference.

use std::collections::HashMap;

use rhumb_wire::{Type, serial};

use super::records::{DifferenceRecord, RecordList};

/// The records that one version of a zone has and another has not, and the SOA of both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneDifference {
    /// The serial before.
    pub from: u32,
    /// The serial after.
    pub to: u32,
    /// The SOA before and after: one record each.
    pub(super) soa: [RecordList; 2],
    pub(super) removed: RecordList,
    pub(super) added: RecordList,
}

impl ZoneDifference {
    /// The SOA before, the SOA after, what is removed, what is added.
    pub(crate) fn lists(&self) -> [&RecordList; 4] {
        let [old, new] = &self.soa;
        [old, new, &self.removed, &self.added]
    }

    /// A difference of the lists that [`Self::lists`] has. None where the first two are not one SOA each.
    pub(crate) fn of_lists([old, new, removed, added]: [RecordList; 4]) -> Option<Self> {
        let (from, to) = (serial_of(&old)?, serial_of(&new)?);
        Some(Self { from, to, soa: [old, new], removed, added })
    }

    /// The SOA before and after.
    pub(crate) fn soas(&self) -> Option<[DifferenceRecord<'_>; 2]> {
        let [old, new] = &self.soa;
        Some([old.iter().next()?, new.iter().next()?])
    }

    /// Records removed, without the SOA.
    pub fn removed(&self) -> impl Iterator<Item = DifferenceRecord<'_>> {
        self.removed.iter()
    }

    /// Records added, without the SOA.
    pub fn added(&self) -> impl Iterator<Item = DifferenceRecord<'_>> {
        self.added.iter()
    }

    /// Records removed, the SOA first where it differs.
    pub fn removed_with_soa(&self) -> impl Iterator<Item = DifferenceRecord<'_>> {
        self.soa_if_changed(0).chain(self.removed.iter())
    }

    /// Records added, the SOA first where it differs.
    pub fn added_with_soa(&self) -> impl Iterator<Item = DifferenceRecord<'_>> {
        self.soa_if_changed(1).chain(self.added.iter())
    }

    fn soa_if_changed(&self, which: usize) -> impl Iterator<Item = DifferenceRecord<'_>> {
        let [old, new] = &self.soa;
        let soa = self.soa.get(which).filter(|_| old != new);
        soa.into_iter().flat_map(RecordList::iter)
    }

    /// Whether the two versions are the same, SOA and all.
    pub fn is_empty(&self) -> bool {
        let [old, new] = &self.soa;
        self.record_count() == 0 && old == new
    }

    /// Number of records, those of the SOA left out.
    pub const fn record_count(&self) -> usize {
        self.removed.len() + self.added.len()
    }

    /// Bytes it takes, which are about as many as it has on the wire without compression.
    pub fn memory(&self) -> usize {
        let [old, new] = &self.soa;
        size_of::<Self>()
            + [old, new, &self.removed, &self.added].map(RecordList::memory).iter().sum::<usize>()
    }

    /// Differences that follow one another made into one: what one of them adds and a later one removes is in neither list, and
    /// the other way round. None where there are none.
    pub fn condense<'d>(steps: impl IntoIterator<Item = &'d Self>) -> Option<Self> {
        let mut steps = steps.into_iter();
        let first = steps.next()?;
        let Some(second) = steps.next() else { return Some(first.clone()) };
        let mut changes: HashMap<RecordKey<'_>, Balance<'_>> = HashMap::new();
        let mut last = first;
        for step in [first, second].into_iter().chain(steps) {
            for record in step.removed.iter() {
                Balance::of(&mut changes, record).remove();
            }
            for record in step.added.iter() {
                Balance::of(&mut changes, record).add();
            }
            last = step;
        }
        let mut left: Vec<_> =
            changes.into_values().filter(|balance| balance.removed != balance.added).collect();
        left.sort_by(|a, b| a.record.order(&b.record));
        let (mut removed, mut added) = (RecordList::default(), RecordList::default());
        for balance in left {
            if balance.removed { removed.push(balance.record) } else { added.push(balance.record) }
        }
        let soa = [first.soa[0].clone(), last.soa[1].clone()];
        Some(Self { from: first.from, to: last.to, soa, removed, added })
    }
}

/// The serial of the one SOA that a list holds.
fn serial_of(list: &RecordList) -> Option<u32> {
    let mut records = list.iter();
    let soa = records.next().filter(|record| record.rtype == Type::SOA)?;
    serial::of_soa(soa.rdata).filter(|_| records.next().is_none())
}

/// What makes a record the same as another; names are folded, as they are by comparison (RFC 4343).
type RecordKey<'d> = (Box<[u8]>, Type, u32, &'d [u8]);

/// What becomes of one record over several differences.
struct Balance<'d> {
    record: DifferenceRecord<'d>,
    /// Whether the first that has it removes it, and the last that has it adds it: then it is where it was.
    removed: bool,
    added: bool,
}

impl<'d> Balance<'d> {
    fn of<'m>(changes: &'m mut HashMap<RecordKey<'d>, Self>, record: DifferenceRecord<'d>) -> &'m mut Self {
        let key =
            (record.owner.to_lowercase().as_ref().as_bytes().into(), record.rtype, record.ttl, record.rdata);
        let entry = changes.entry(key).or_insert(Self { record, removed: false, added: false });
        entry.record = record;
        entry
    }

    /// Removing what was added before leaves nothing.
    const fn remove(&mut self) {
        if self.added { self.added = false } else { self.removed = true }
    }

    const fn add(&mut self) {
        if self.removed { self.removed = false } else { self.added = true }
    }
}
