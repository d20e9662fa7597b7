//! A zone file that has changed, and a zone that updates have changed since the file was read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use rhumb_wire::{DomainName, NameRef, Type, serial};

use super::batch::{UpdatedZone, finish_change};
use super::refusal::UpdateRefusal;
use crate::builder::denial::canonical;
use crate::change::ZoneChange;
use crate::contents::ZoneContents;
use crate::difference::{DifferenceRecord, ZoneDifference};
use crate::fault::stands_beside_cname;
use crate::file::rdata_text;

/// What comes of both.
#[derive(Debug)]
pub struct FileMerge {
    /// The version that follows the one that was served; none where the file changes nothing of it.
    pub updated: Option<UpdatedZone>,
    /// What the file has taken from the updates, in canonical order of owners.
    pub conflicts: Vec<MergeConflict>,
}

/// Records of updates that the file has taken the place of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeConflict {
    /// The owner.
    pub owner: DomainName,
    /// The type of the records that go.
    pub rtype: Type,
    /// Their RDATA in canonical form.
    pub dropped: Vec<Vec<u8>>,
    /// What the file has there instead: type and RDATA in canonical form.
    pub file: Vec<(Type, Vec<u8>)>,
}

/// `www.example. A: the file says 192.0.2.7, an update had set 192.0.2.9`, for logs. The type stands beside RDATA of another one.
impl fmt::Display for MergeConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { owner, rtype, dropped, file } = self;
        let dropped: Vec<String> = dropped.iter().map(|rdata| rdata_text(*rtype, rdata)).collect();
        let text = |(of, rdata): &(Type, Vec<u8>)| match rdata_text(*of, rdata) {
            text if of == rtype => text,
            text => format!("{of} {text}"),
        };
        let file: Vec<String> = file.iter().map(text).collect();
        write!(
            f,
            "{owner} {rtype}: the file says {}, an update had set {}",
            file.join(", "),
            dropped.join(", ")
        )
    }
}

/// Whose serial a merged zone has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergedSerial {
    /// That of the file, where the file has changed it and it is newer; else the next.
    File,
    /// The next; the one in the file means nothing.
    Next,
}

/// What the file changes of one set: RDATA in canonical form, and the records as they are added.
#[derive(Default)]
struct SetChange<'d> {
    removed: BTreeSet<Vec<u8>>,
    added: BTreeMap<Vec<u8>, DifferenceRecord<'d>>,
}

impl FileMerge {
    /// Makes of `served` what it becomes by a file that held `old` when it was read last, and now holds what `difference` makes of that. It is
    /// applied; records of updates stay. Where file and updates have both put something else in the place of the same record, the
    /// file's set holds; where a CNAME or DNAME does not go with what the other has, the file's holds too. To apply the same
    /// difference once more changes nothing. `next_serial` gives the serial that follows one.
    ///
    /// Errors: `Zone`, `Record` and `NoSoa`.
    pub fn merge(
        old: &ZoneContents,
        difference: &ZoneDifference,
        served: &ZoneContents,
        serial: MergedSerial,
        next_serial: impl FnOnce(u32) -> u32,
    ) -> Result<Self, UpdateRefusal> {
        let sets = sets_of(difference);
        let mut merge = MergeRun { old, change: served.change(), conflicts: Vec::new() };
        // All that goes, before what comes is held against what is left.
        let mut added = Vec::new();
        for ((owner, rtype), set) in &sets {
            added.extend(merge.remove(owner.as_ref(), *rtype, set));
        }
        for record in added {
            merge.add(record)?;
        }
        merge.soa(difference, served, serial)?;
        let MergeRun { change, mut conflicts, .. } = merge;
        conflicts.sort_by(|a, b| a.owner.cmp(&b.owner).then(a.rtype.cmp(&b.rtype)));
        Ok(Self { updated: finish_change(change, served.apex(), next_serial)?, conflicts })
    }
}

/// The difference by sets.
fn sets_of(difference: &ZoneDifference) -> BTreeMap<(DomainName, Type), SetChange<'_>> {
    let mut sets: BTreeMap<(DomainName, Type), SetChange<'_>> = BTreeMap::new();
    for record in difference.removed() {
        let set = sets.entry((record.owner.to_name(), record.rtype)).or_default();
        set.removed.insert(canonical(record.rtype, record.rdata));
    }
    for record in difference.added() {
        let set = sets.entry((record.owner.to_name(), record.rtype)).or_default();
        set.added.insert(canonical(record.rtype, record.rdata), record);
    }
    sets
}

/// A merge under way.
struct MergeRun<'c> {
    old: &'c ZoneContents,
    change: ZoneChange<'c>,
    conflicts: Vec<MergeConflict>,
}

impl MergeRun<'_> {
    /// Takes away what the file has removed of a set, and what updates have there where that does not stay. Gives what is to be added.
    fn remove<'d>(
        &mut self,
        owner: NameRef<'_>,
        rtype: Type,
        set: &SetChange<'d>,
    ) -> Vec<DifferenceRecord<'d>> {
        let served: BTreeSet<_> = self.change.canonical_rdata(owner, rtype).into_iter().collect();
        // A record whose TTL alone differs is removed and added; where an update has deleted it, it has no TTL to be changed.
        let gone: BTreeSet<_> = set.removed.iter().filter(|rdata| !set.added.contains_key(*rdata)).collect();
        let is_new = |rdata: &Vec<u8>| !set.removed.contains(rdata) || served.contains(rdata);
        let added: Vec<_> = set.added.iter().filter(|(rdata, _)| is_new(rdata)).collect();
        let is_merged = added.iter().all(|(rdata, _)| served.contains(*rdata));
        let both_replaced = !is_merged && gone.iter().any(|rdata| !served.contains(*rdata));
        if both_replaced || is_single(rtype) && !added.is_empty() {
            let file: BTreeSet<_> = self.old.change().canonical_rdata(owner, rtype).into_iter().collect();
            let theirs = |rdata: &&Vec<u8>| !file.contains(*rdata) && !set.added.contains_key(*rdata);
            let dropped = served.iter().filter(theirs).cloned().collect();
            let stays = file.iter().filter(|rdata| !set.removed.contains(*rdata));
            let says = stays.chain(set.added.keys()).map(|rdata| (rtype, rdata.clone())).collect();
            self.drop_records(owner, rtype, dropped, says);
        }
        for rdata in gone {
            self.change.remove_record(owner, rtype, rdata);
        }
        added.into_iter().map(|(_, record)| *record).collect()
    }

    /// Adds a record of the file. A CNAME goes with nothing else: what of the updates does not go with the record is taken away.
    fn add(&mut self, record: DifferenceRecord<'_>) -> Result<(), UpdateRefusal> {
        let DifferenceRecord { owner, rtype, ttl, rdata } = record;
        let others = if stands_beside_cname(rtype) { Vec::new() } else { self.change.types(owner) };
        for other in others {
            let clashes = other != rtype && (rtype == Type::CNAME || other == Type::CNAME);
            if clashes && !stands_beside_cname(other) {
                let all = self.change.canonical_rdata(owner, other);
                self.drop_records(owner, other, all, vec![(rtype, canonical(rtype, rdata))]);
            }
        }
        let added = self.change.add(owner, rtype, ttl, rdata);
        added.map(|_| ()).map_err(|error| UpdateRefusal::Record(owner.to_name(), error))
    }

    fn drop_records(
        &mut self,
        owner: NameRef<'_>,
        rtype: Type,
        dropped: Vec<Vec<u8>>,
        file: Vec<(Type, Vec<u8>)>,
    ) {
        for rdata in &dropped {
            self.change.remove_record(owner, rtype, rdata);
        }
        if !dropped.is_empty() {
            self.conflicts.push(MergeConflict { owner: owner.to_name(), rtype, dropped, file });
        }
    }

    /// The names, times and TTL of the SOA come from the file where it has changed them; the serial is the one that is served, or that of
    /// the file.
    fn soa(
        &mut self,
        difference: &ZoneDifference,
        served: &ZoneContents,
        serial: MergedSerial,
    ) -> Result<(), UpdateRefusal> {
        let [before, after] = difference.soas().ok_or(UpdateRefusal::NoSoa)?;
        let numbered = |record: &DifferenceRecord<'_>, serial: u32| {
            let mut rdata = record.rdata.to_vec();
            let numbers = rdata.last_chunk_mut::<20>()?.first_chunk_mut()?;
            *numbers = serial.to_be_bytes();
            Some((record.ttl, rdata))
        };
        let is_taken = serial == MergedSerial::File
            && difference.from != difference.to
            && serial::is_newer(difference.to, served.serial());
        let after_serial = if is_taken { difference.to } else { served.serial() };
        let (before, after) = (numbered(&before, served.serial()), numbered(&after, after_serial));
        let Some((ttl, rdata)) = after.filter(|after| before.as_ref() != Some(after)) else { return Ok(()) };
        let apex = served.apex();
        let added = self.change.add(apex, Type::SOA, ttl, &rdata);
        added.map(|_| ()).map_err(|error| UpdateRefusal::Record(apex.to_name(), error))
    }
}

/// Types of which a name has one record.
const fn is_single(rtype: Type) -> bool {
    matches!(rtype, Type::CNAME | Type::DNAME)
}
