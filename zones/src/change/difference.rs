//! What a change does, found in the names that it touches.

use rhumb_wire::Type;

use super::ZoneChange;
use super::name_change::{NameChange, RrsetChange};
use crate::contents::full_name;
use crate::difference::{
    DifferenceRecord, RecordList, RecordRows, ZoneDifference, push_missing, records_of, soa_of,
};

impl ZoneChange<'_> {
    /// What differs between the contents and what the change makes of them, at a cost of what it touches. None where one of
    /// the two has no SOA.
    pub fn difference(&self) -> Option<ZoneDifference> {
        let (mut removed, mut added) = (RecordList::default(), RecordList::default());
        let mut soa = [soa_of(self.base)?, soa_of(self.base)?];
        for change in self.names.changes.values().chain(self.hashed.changes.values()) {
            let owner = full_name(&change.below, self.base.apex());
            let owner = owner.as_ref();
            for (&rtype, taken) in &change.sets {
                if rtype == Type::SOA && change.below.is_empty() {
                    let rdata = taken.records.iter().next()?;
                    let mut after = RecordList::default();
                    after.push(DifferenceRecord { owner, rtype, ttl: taken.ttl, rdata });
                    soa[1] = after;
                }
                let (before, after) = (self.rows_before(change, rtype), rows_after(rtype, taken));
                push_missing(&before, &after, owner, &mut removed);
                push_missing(&after, &before, owner, &mut added);
            }
        }
        let [old, new] = soa;
        ZoneDifference::of_lists([old, new, removed, added])
    }

    fn rows_before(&self, change: &NameChange, rtype: Type) -> RecordRows {
        change.rrset(self.base, rtype).as_ref().map(records_of).unwrap_or_default()
    }
}

/// As [`records_of`].
fn rows_after(rtype: Type, taken: &RrsetChange) -> RecordRows {
    let row = |rtype: Type| move |rdata: &[u8]| (rtype.0, taken.ttl, rdata.to_vec());
    let records = taken.records.iter().filter(|_| rtype != Type::SOA).map(row(rtype));
    records.chain(taken.signatures.iter().map(row(Type::RRSIG))).collect()
}
