//! Logs of versions: what was written is what comes out, and of a log that was cut or damaged it is known what is missing.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proptest::prelude::*;
use rhumb_wire::DomainName;
use rhumb_zones::file::read_zone_bytes;
use rhumb_zones::journal::{
    ChangeCause, JournalRecord, RecordKind, ReplayError, SEGMENT_START, SegmentItem, SegmentReader,
    ZonePayload, ZoneReplay,
};
use rhumb_zones::{ZoneContents, ZoneDifference};

fn version(zone: &DomainName, serial: u32) -> ZoneContents {
    let hosts = (serial..serial + 20).map(|host| format!("h{host} 60 A 192.0.2.{}\n", host % 200));
    let text =
        format!("@ 60 SOA ns admin {serial} 2 2 60 60\n@ 60 NS ns.other.\n") + &hosts.collect::<String>();
    read_zone_bytes(zone.as_ref(), Path::new("zone"), text.as_bytes()).unwrap().contents
}

/// Writes records of several zones.
struct Log {
    bytes: Vec<u8>,
    sequence: u64,
    /// The last sequence and version of each zone.
    zones: BTreeMap<DomainName, (u64, u32)>,
}

impl Log {
    fn new() -> Self {
        Self { bytes: SEGMENT_START.to_vec(), sequence: 0, zones: BTreeMap::new() }
    }

    fn record<'r>(&self, kind: RecordKind, zone: &'r DomainName, from: u32, to: u32) -> JournalRecord<'r> {
        let base = self.zones.get(zone).map_or(0, |(sequence, _)| *sequence);
        JournalRecord {
            kind,
            cause: ChangeCause::Transfer,
            sequence: self.sequence,
            base,
            time: 1000 + self.sequence,
            expires: 5000 + self.sequence,
            from,
            to,
            zone: zone.as_ref(),
            who: "192.0.2.1",
            payload: &[],
        }
    }

    fn whole(&mut self, zone: &DomainName, serial: u32) {
        self.sequence += 1;
        let contents = version(zone, serial);
        let (mut payload, mut part) = (ZonePayload::new(&contents), Vec::new());
        let mut parts = 0;
        while payload.next_part(&mut part) {
            let record = self.record(RecordKind::Part, zone, parts, serial);
            JournalRecord { payload: &part, ..record }.write(&mut self.bytes);
            parts += 1;
        }
        let record = self.record(RecordKind::Whole, zone, parts, serial);
        JournalRecord { base: self.sequence, ..record }.write(&mut self.bytes);
        self.zones.insert(zone.clone(), (self.sequence, serial));
    }

    fn change(&mut self, zone: &DomainName, to: u32) {
        self.sequence += 1;
        let from = self.zones[zone].1;
        let mut payload = Vec::new();
        ZoneDifference::between(&version(zone, from), &version(zone, to))
            .unwrap()
            .write_payload(&mut payload);
        let record = self.record(RecordKind::Change, zone, from, to);
        JournalRecord { payload: &payload, ..record }.write(&mut self.bytes);
        self.zones.insert(zone.clone(), (self.sequence, to));
    }

    fn checked(&mut self, zone: &DomainName) {
        self.sequence += 1;
        let serial = self.zones[zone].1;
        self.record(RecordKind::Checked, zone, serial, serial).write(&mut self.bytes);
    }
}

/// What comes out of a log: serials of the zones that can be had, those that cannot, and whether the log ends early.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    serials: BTreeMap<DomainName, u32>,
    refused: BTreeSet<DomainName>,
    torn: Option<usize>,
    unknown: bool,
}

fn replay(bytes: &[u8]) -> Outcome {
    let mut outcome = Outcome::default();
    let mut zones: BTreeMap<DomainName, ZoneReplay> = BTreeMap::new();
    for item in SegmentReader::new(bytes) {
        match item {
            SegmentItem::Record(record, offset, length) => {
                assert!(offset + length <= bytes.len());
                let name = record.zone.to_name();
                let zone = zones.entry(name.clone()).or_insert_with(|| ZoneReplay::new(name.as_ref()));
                if zone.take(&record).is_err() {
                    outcome.refused.insert(name);
                }
            }
            SegmentItem::Damaged { zones, is_whole, .. } => {
                outcome.refused.extend(zones);
                outcome.unknown |= !is_whole;
            }
            SegmentItem::Torn(offset) => outcome.torn = Some(offset),
        }
    }
    for (name, zone) in zones {
        let Some(zone) = zone.finish().filter(|_| !outcome.refused.contains(&name)) else { continue };
        let expected = version(&name, zone.contents.serial());
        assert!(ZoneDifference::between(&expected, &zone.contents).unwrap().is_empty(), "{name}");
        outcome.serials.insert(name, zone.contents.serial());
    }
    outcome
}

fn names() -> Vec<DomainName> {
    ["a.test.", "b.test.", "a.long-name.of.a.zone.test."].map(|name| name.parse().unwrap()).to_vec()
}

/// A log of three zones, and where each record ends with what comes out by then.
fn sample() -> (Log, Vec<(usize, Outcome)>) {
    let (mut log, names) = (Log::new(), names());
    let mut ends = vec![(log.bytes.len(), Outcome::default())];
    let note = |log: &Log, ends: &mut Vec<(usize, Outcome)>| {
        let serials = log.zones.iter().map(|(name, (_, serial))| (name.clone(), *serial)).collect();
        ends.push((log.bytes.len(), Outcome { serials, ..Outcome::default() }));
    };
    for (index, name) in names.iter().enumerate() {
        log.whole(name, index as u32 * 100 + 1);
        note(&log, &mut ends);
    }
    for step in 0..30_u32 {
        let name = &names[(step as usize * 7) % 3];
        let serial = log.zones[name].1 + 1 + step % 3;
        match step % 10 {
            9 => log.whole(name, serial),
            4 => log.checked(name),
            _ => log.change(name, serial),
        }
        note(&log, &mut ends);
    }
    (log, ends)
}

#[test]
fn what_was_written_comes_out() {
    let (log, ends) = sample();
    let outcome = replay(&log.bytes);
    assert_eq!(outcome, ends.last().unwrap().1);
    assert_eq!(outcome.serials.len(), 3);
    let name = names()[0].clone();
    let mut zone = ZoneReplay::new(name.as_ref());
    for item in SegmentReader::new(&log.bytes) {
        let SegmentItem::Record(record, ..) = item else { panic!("{item:?}") };
        assert_eq!((record.who, record.time), ("192.0.2.1", 1000 + record.sequence));
        if record.zone == name.as_ref() {
            zone.take(&record).unwrap();
        }
    }
    let zone = zone.finish().unwrap();
    assert_eq!((zone.sequence, zone.contents.serial()), log.zones[&name]);
    assert!(zone.expires > zone.checked && !zone.versions.is_empty());
    let steps: Vec<_> = zone.versions.iter().map(|version| &version.difference).collect();
    assert!(steps.windows(2).all(|pair| pair[0].to == pair[1].from), "{steps:?}");
}

/// A thousand places to be cut at, and those around the end of each record. What was written before is there; the rest is known
/// to be torn.
#[test]
fn a_log_that_was_cut_gives_what_was_whole() {
    let (log, ends) = sample();
    let spread = (0..1000).map(|round| round * 7919 % log.bytes.len());
    let around = ends.iter().flat_map(|(end, _)| end - 3..end + 3);
    for cut in spread.chain(around).chain(0..20).filter(|cut| *cut <= log.bytes.len()) {
        let outcome = replay(&log.bytes[..cut]);
        let before = ends.iter().rev().find(|(end, _)| *end <= cut);
        let serials = before.map(|(_, outcome)| outcome.serials.clone()).unwrap_or_default();
        assert_eq!(outcome.serials, serials, "cut at {cut}");
        assert!(outcome.refused.is_empty() && !outcome.unknown, "cut at {cut}: {outcome:?}");
    }
}

/// A bit that flips costs at most one zone, and that is known.
#[test]
fn a_damaged_record_refuses_its_zone_alone() {
    let (log, ends) = sample();
    let whole = &ends.last().unwrap().1;
    let mut refused = BTreeSet::new();
    for round in 0..1000_usize {
        let (at, bit) = (round * 7919 % log.bytes.len(), round % 8);
        let mut bytes = log.bytes.clone();
        bytes[at] ^= 1 << bit;
        let outcome = replay(&bytes);
        assert!(outcome.torn.is_none() && !outcome.unknown, "bit {bit} of {at}: {outcome:?}");
        assert!(outcome.refused.len() <= 1, "bit {bit} of {at}: {outcome:?}");
        for (name, serial) in &whole.serials {
            let found = outcome.serials.get(name);
            assert!(
                found == Some(serial) || outcome.refused.contains(name),
                "bit {bit} of {at}: {name} has {found:?}"
            );
        }
        refused.extend(outcome.refused);
    }
    assert_eq!(refused.len(), 3, "each zone was hit");
}

/// One record is gone without a trace, as if a block of the disk were older than its neighbours.
#[test]
fn a_record_that_is_missing_is_missed_by_the_next() {
    let (mut log, name) = (Log::new(), names()[0].clone());
    log.whole(&name, 1);
    let start = log.bytes.len();
    log.change(&name, 2);
    let end = log.bytes.len();
    log.change(&name, 3);
    log.bytes.drain(start..end);
    let mut zone = ZoneReplay::new(name.as_ref());
    let results: Vec<_> = SegmentReader::new(&log.bytes)
        .map(|item| match item {
            SegmentItem::Record(record, ..) => zone.take(&record),
            item => panic!("{item:?}"),
        })
        .collect();
    assert_eq!(results.last().unwrap(), &Err(ReplayError::Gap(2)));
}

/// Of a whole zone in several parts one is gone.
#[test]
fn a_part_that_is_missing_is_missed() {
    let name = names()[0].clone();
    let hosts = (0..30_000).map(|host| format!("h{host} 60 A 192.0.2.1\n")).collect::<Vec<_>>().concat();
    let text = format!("@ 60 SOA ns admin 1 2 2 60 60\n@ 60 NS ns.other.\n{hosts}");
    let contents = read_zone_bytes(name.as_ref(), Path::new("zone"), text.as_bytes()).unwrap().contents;
    let (mut payload, mut part, mut parts) = (ZonePayload::new(&contents), Vec::new(), Vec::new());
    while payload.next_part(&mut part) {
        parts.push(part.clone());
    }
    assert!(parts.len() > 2, "{}", parts.len());
    let log = Log::new();
    for gone in 0..=parts.len() {
        let mut zone = ZoneReplay::new(name.as_ref());
        let mut results = Vec::new();
        for (index, part) in parts.iter().enumerate().filter(|(index, _)| *index != gone) {
            let record = log.record(RecordKind::Part, &name, index as u32, 1);
            results.push(zone.take(&JournalRecord { payload: part, ..record }));
        }
        results.push(zone.take(&log.record(RecordKind::Whole, &name, parts.len() as u32, 1)));
        assert_eq!(results.iter().all(Result::is_ok), gone == parts.len(), "{gone}: {results:?}");
        assert_eq!(zone.finish().is_some(), gone == parts.len(), "{gone}");
    }
}

proptest! {
    /// Several places are damaged, cut out or repeated: nothing panics, and no zone has what it never had.
    #[test]
    fn no_damage_invents_a_version(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0..4_u8, any::<u8>()), 1..12)
    ) {
        let (log, ends) = sample();
        let mut known: BTreeMap<&DomainName, BTreeSet<u32>> = BTreeMap::new();
        for (name, serial) in ends.iter().flat_map(|(_, outcome)| &outcome.serials) {
            known.entry(name).or_default().insert(*serial);
        }
        let mut bytes = log.bytes.clone();
        for (at, kind, byte) in edits {
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.truncate(at.max(1)),
                2 => drop(bytes.drain(at..(at + usize::from(byte)).min(bytes.len()))),
                _ => {
                    let again = bytes[at..(at + 4 * usize::from(byte)).min(bytes.len())].to_vec();
                    bytes.splice(at..at, again);
                }
            }
            if bytes.is_empty() {
                bytes.push(0);
            }
        }
        for (name, serial) in replay(&bytes).serials {
            prop_assert!(known[&name].contains(&serial), "{name} {serial}");
        }
    }
}
