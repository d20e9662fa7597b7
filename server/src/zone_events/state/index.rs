//! Where the records of each zone are.

use std::collections::{HashMap, HashSet};

use rhumb_wire::DomainName;
use rhumb_zones::journal::{ChangeCause, JournalRecord, RecordKind};

use super::files::StateFile;
use super::signatures::SignedLogs;

/// Records one behind the other in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RecordPlace {
    pub(super) file: StateFile,
    pub(super) offset: u64,
    pub(super) length: u64,
    /// The sequence of its records.
    sequence: u64,
    kind: PlaceKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PlaceKind {
    /// A whole zone with its earlier differences: whether its first part is there and its end was read, and the sequence up to which it
    /// holds all.
    Whole {
        has_start: bool,
        is_complete: bool,
        covers: u64,
    },
    Change,
    Checked,
}

/// The records of one zone.
#[derive(Debug, Default, Clone)]
pub(super) struct ZonePlaces {
    /// In the order they are to be read.
    pub(super) places: Vec<RecordPlace>,
    /// The sequence of its last version; 0: none.
    pub(super) sequence: u64,
    /// The serial of its last version.
    pub(super) serial: u32,
    /// What caused that.
    pub(super) cause: Option<ChangeCause>,
    /// Why it cannot be had, if so.
    pub(super) damage: Option<String>,
}

impl ZonePlaces {
    /// Bytes of its records, and how many of them are differences since the last whole zone.
    pub(super) fn bytes(&self) -> (u64, u64) {
        let total = self.places.iter().map(|place| place.length).sum();
        let is_change = |place: &&RecordPlace| matches!(place.kind, PlaceKind::Change);
        (total, self.places.iter().filter(is_change).map(|place| place.length).sum())
    }

    fn take(&mut self, record: &JournalRecord<'_>, place: (StateFile, u64, u64)) {
        let (file, offset, length) = place;
        let sequence = record.sequence;
        let new = |kind| RecordPlace { file, offset, length, sequence, kind };
        match record.kind {
            RecordKind::Part | RecordKind::Earlier | RecordKind::Whole => {
                let is_complete = record.kind == RecordKind::Whole;
                let covers = record.base;
                match self.places.last_mut() {
                    Some(last) if last.goes_on(file, sequence, offset) => {
                        last.length += length;
                        if let PlaceKind::Whole { is_complete: last, .. } = &mut last.kind {
                            *last = is_complete;
                        }
                    }
                    _ => {
                        let is_file = matches!(file, StateFile::Zone(_));
                        let has_start = is_file || record.kind == RecordKind::Part && record.from == 0;
                        self.add(new(PlaceKind::Whole { has_start, is_complete, covers }));
                    }
                }
                if is_complete {
                    self.complete(record);
                }
            }
            // The whole zone has it.
            RecordKind::Change if sequence <= self.covered() => {}
            RecordKind::Change => {
                // What follows the same record was not acknowledged: writing it has failed.
                self.places.retain(|place| place.kind != PlaceKind::Change || place.sequence <= record.base);
                self.add(new(PlaceKind::Change));
                (self.sequence, self.serial, self.cause) = (sequence, record.to, Some(record.cause));
            }
            RecordKind::Checked if sequence > self.sequence => {
                self.places.retain(|place| place.kind != PlaceKind::Checked);
                self.add(new(PlaceKind::Checked));
            }
            RecordKind::Checked | RecordKind::Removed | RecordKind::Signatures => {}
        }
    }

    fn add(&mut self, place: RecordPlace) {
        // Most zones have one or two, and there may be a hundred thousand of them.
        if self.places.len() < 4 {
            self.places.reserve_exact(1);
        }
        self.places.push(place);
    }

    /// The last place is a whole zone, which takes the place of what it covers; one that covers less than another goes.
    fn complete(&mut self, record: &JournalRecord<'_>) {
        let covers = record.base;
        let Some(whole) = self.places.pop() else { return };
        if !matches!(whole.kind, PlaceKind::Whole { has_start: true, .. }) {
            // What was before it in the log is damaged.
            self.damage.get_or_insert_with(|| "a part of the zone is missing".to_owned());
            return;
        }
        if covers < self.covered() {
            return;
        }
        self.places.retain(|place| match place.kind {
            PlaceKind::Whole { .. } => false,
            PlaceKind::Change => place.sequence > covers,
            PlaceKind::Checked => true,
        });
        self.places.insert(0, whole);
        if covers >= self.sequence {
            (self.sequence, self.serial, self.cause) = (covers, record.to, Some(record.cause));
        }
        self.damage = None;
    }

    /// The sequence up to which the whole zone holds all.
    fn covered(&self) -> u64 {
        let whole = self.places.iter().map(|place| match place.kind {
            PlaceKind::Whole { is_complete: true, covers, .. } => covers,
            _ => 0,
        });
        whole.max().unwrap_or(0)
    }
}

impl RecordPlace {
    /// Whether a record at this place belongs to the whole zone that this one begins.
    fn goes_on(&self, file: StateFile, sequence: u64, offset: u64) -> bool {
        matches!(self.kind, PlaceKind::Whole { is_complete: false, .. })
            && (self.file, self.sequence, self.offset + self.length) == (file, sequence, offset)
    }
}

/// The records of all zones.
#[derive(Debug, Default)]
pub(super) struct StateIndex {
    pub(super) zones: HashMap<DomainName, ZonePlaces>,
    /// The highest sequence there is.
    pub(super) sequence: u64,
    /// The logs with signatures.
    pub(super) signed: SignedLogs,
}

impl StateIndex {
    /// Takes in a record that is on the disk.
    pub(super) fn note(&mut self, record: &JournalRecord<'_>, file: StateFile, offset: u64, length: u64) {
        self.sequence = self.sequence.max(record.sequence);
        if record.kind == RecordKind::Signatures {
            return self.signed.note(file, record.from as usize, record.expires);
        }
        let name = record.zone.to_lowercase();
        if record.kind == RecordKind::Removed {
            if self.zones.get(&name).is_some_and(|zone| zone.sequence < record.sequence) {
                self.zones.remove(&name);
            }
            return;
        }
        self.zones.entry(name).or_default().take(record, (file, offset, length));
    }

    /// A record of this zone is damaged.
    pub(super) fn note_damage(&mut self, zone: &DomainName, why: String) {
        self.zones.entry(zone.as_ref().to_lowercase()).or_default().damage = Some(why);
    }

    /// The files that hold something of a zone.
    pub(super) fn files(&self) -> HashSet<StateFile> {
        self.zones.values().flat_map(|zone| &zone.places).map(|place| place.file).collect()
    }

    /// The zones that have something in this file.
    pub(super) fn zones_in(&self, file: StateFile) -> Vec<DomainName> {
        let inside =
            |(_, zone): &(&DomainName, &ZonePlaces)| zone.places.iter().any(|place| place.file == file);
        self.zones.iter().filter(inside).map(|(name, _)| name.clone()).collect()
    }

    /// Bytes of the logs that are of use.
    pub(super) fn log_bytes(&self) -> u64 {
        let places = self.zones.values().flat_map(|zone| &zone.places);
        places.filter(|place| matches!(place.file, StateFile::Log(_))).map(|place| place.length).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_that_rarely_changes_takes_little() {
        let zone: DomainName = "z.test.".parse().unwrap();
        let record = |kind, sequence| JournalRecord {
            kind,
            cause: ChangeCause::Transfer,
            sequence,
            base: sequence,
            time: 0,
            expires: 0,
            from: 0,
            to: 1,
            zone: zone.as_ref(),
            who: "",
            payload: &[],
        };
        let mut index = StateIndex::default();
        let file = StateFile::Log(0);
        index.note(&record(RecordKind::Part, 1), file, 8, 100);
        index.note(&record(RecordKind::Whole, 1), file, 108, 40);
        let room = |index: &StateIndex| index.zones[&zone].places.capacity();
        assert_eq!(room(&index), 1);
        index.note(&record(RecordKind::Checked, 2), file, 148, 40);
        index.note(&record(RecordKind::Checked, 3), file, 188, 40);
        assert_eq!(room(&index), 2);
        assert!(size_of::<RecordPlace>() <= 64);
    }
}
