//! File edits, updates, restarts and freezes in any order: the zone is what a model of sets says.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;

use proptest::prelude::*;
use rhumb_wire::serial;
use rhumb_zones::journal::{
    ChangeCause, JournalRecord, RecordKind, SEGMENT_START, SegmentItem, SegmentReader, ZonePayload,
    ZoneReplay,
};
use rhumb_zones::{
    FileMerge, HistoryLimits, MergedSerial, VersionOrigin, ZoneContents, ZoneDifference, ZoneHistory,
    ZoneVersion,
};

use super::kit;
use super::message::{apply, lines};

/// The last number of each address, by owner.
type Model = BTreeMap<&'static str, BTreeSet<u8>>;

const OWNERS: [&str; 3] = ["a", "b", "c.b"];

/// What happens next.
#[derive(Debug, Clone)]
enum Step {
    /// The file has these addresses from now on.
    Edit(Vec<(usize, u8)>),
    Add(usize, u8),
    Delete(usize, u8),
    DeleteSet(usize),
    /// What is kept is read again; while nothing ran, the file may have changed.
    Restart(Option<Vec<(usize, u8)>>),
    Freeze(bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let address = || (0..OWNERS.len(), 1..5_u8);
    let file = move || prop::collection::vec(address(), 0..6);
    let step = prop_oneof![
        3 => file().prop_map(Step::Edit),
        4 => address().prop_map(|(owner, number)| Step::Add(owner, number)),
        3 => address().prop_map(|(owner, number)| Step::Delete(owner, number)),
        1 => (0..OWNERS.len()).prop_map(Step::DeleteSet),
        1 => prop::option::of(file()).prop_map(Step::Restart),
        1 => any::<bool>().prop_map(Step::Freeze),
    ];
    prop::collection::vec(step, 1..20)
}

fn model_of(file: &[(usize, u8)]) -> Model {
    let mut model = Model::new();
    for (owner, number) in file {
        model.entry(OWNERS[*owner]).or_default().insert(*number);
    }
    model
}

/// A zone file with these addresses; its serial is of no meaning.
fn contents(file: &Model, serial: u32) -> ZoneContents {
    let mut text = format!(
        "example. 300 IN SOA ns.example. admin.example. {serial} 1 1 1 60\nexample. 300 IN NS ns.other.\n"
    );
    for (owner, numbers) in file {
        for number in numbers {
            writeln!(text, "{owner}.example. 60 IN A 192.0.2.{number}").unwrap();
        }
    }
    kit::zone(&text)
}

/// What a file does to a zone: what it removes and adds goes and comes. Where it has put another address in the place of one that an
/// update had taken away, what updates have added there goes too.
fn edit(served: &mut Model, old: &Model, new: &Model) {
    let none = BTreeSet::new();
    for owner in OWNERS {
        let (was, is) = (old.get(owner).unwrap_or(&none), new.get(owner).unwrap_or(&none));
        let set = served.entry(owner).or_default();
        let (mut gone, mut come) = (was.difference(is), is.difference(was).peekable());
        let brings = come.peek().is_some() && is.difference(was).any(|number| !set.contains(number));
        if brings && gone.any(|number| !set.contains(number)) {
            set.retain(|number| was.contains(number) || is.contains(number));
        }
        set.retain(|number| !was.contains(number) || is.contains(number));
        set.extend(is.difference(was));
    }
}

/// The zone as a server has it: served, kept, and the file that was brought in last.
struct Server {
    served: ZoneContents,
    history: ZoneHistory,
    file: ZoneContents,
    log: Vec<u8>,
    sequence: u64,
    frozen: bool,
}

impl Server {
    fn start(file: ZoneContents) -> Self {
        let served = file.apply([]).unwrap();
        let log = SEGMENT_START.to_vec();
        let mut server =
            Self { served, history: ZoneHistory::default(), file, log, sequence: 1, frozen: false };
        let (mut parts, mut part, mut count) = (Vec::new(), Vec::new(), 0);
        let mut payload = ZonePayload::new(&server.served);
        while payload.next_part(&mut part) {
            parts.push(part.clone());
        }
        drop(payload);
        for part in parts {
            server.write(RecordKind::Part, 1, (count, server.served.serial()), &part);
            count += 1;
        }
        server.write(RecordKind::Whole, 1, (count, server.served.serial()), &[]);
        server
    }

    fn write(&mut self, kind: RecordKind, base: u64, (from, to): (u32, u32), payload: &[u8]) {
        let (zone, cause) = ("example.".parse::<rhumb_wire::DomainName>().unwrap(), ChangeCause::File);
        let record = JournalRecord {
            kind,
            cause,
            sequence: self.sequence,
            base,
            time: self.sequence,
            expires: 0,
            from,
            to,
            zone: zone.as_ref(),
            who: "",
            payload,
        };
        record.write(&mut self.log);
    }

    fn take(&mut self, updated: rhumb_zones::UpdatedZone) {
        let (mut payload, base) = (Vec::new(), self.sequence);
        updated.difference.write_payload(&mut payload);
        self.sequence += 1;
        self.write(RecordKind::Change, base, (updated.difference.from, updated.difference.to), &payload);
        let origin = VersionOrigin { cause: ChangeCause::File, time: self.sequence, who: "".into() };
        let version = ZoneVersion { difference: Arc::new(updated.difference), origin };
        self.history.push(version, HistoryLimits::default(), 0);
        self.served = updated.contents;
    }

    fn edit(&mut self, file: ZoneContents) {
        let difference = ZoneDifference::between(&self.file, &file).unwrap();
        let merged =
            FileMerge::merge(&self.file, &difference, &self.served, MergedSerial::Next, serial::next)
                .unwrap();
        if let Some(updated) = merged.updated {
            self.take(updated);
        }
        self.file = file;
    }

    fn update(&mut self, line: &str) {
        if let Some(updated) = apply(&self.served, &[line]).unwrap().1.filter(|_| !self.frozen) {
            self.take(updated);
        }
    }

    fn restart(&mut self) {
        let mut replay = ZoneReplay::new("example.".parse::<rhumb_wire::DomainName>().unwrap().as_ref());
        for item in SegmentReader::new(&self.log) {
            let SegmentItem::Record(record, ..) = item else { panic!("{item:?}") };
            replay.take(&record).unwrap();
        }
        let zone = replay.finish().unwrap();
        assert_eq!(zone.versions.len(), self.history.len());
        self.served = zone.contents;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_zone_is_what_the_model_says(first in prop::collection::vec((0..OWNERS.len(), 1..5_u8), 0..6), steps in steps()) {
        let mut file = model_of(&first);
        let mut model = file.clone();
        let mut server = Server::start(contents(&file, 7));
        let first = server.served.apply([]).unwrap();
        let mut serial = 7;
        for (round, step) in steps.iter().enumerate() {
            let mut bring_in = |server: &mut Server, model: &mut Model, new: &[(usize, u8)]| {
                let new = model_of(new);
                edit(model, &file, &new);
                server.edit(contents(&new, round as u32));
                file = new;
            };
            match step {
                Step::Edit(new) => bring_in(&mut server, &mut model, new),
                Step::Restart(new) => {
                    server.restart();
                    if let Some(new) = new {
                        bring_in(&mut server, &mut model, new);
                    }
                }
                Step::Freeze(frozen) => server.frozen = *frozen,
                Step::Add(owner, number) => {
                    server.update(&format!("add {}.example. 60 A 192.0.2.{number}", OWNERS[*owner]));
                    if !server.frozen {
                        model.entry(OWNERS[*owner]).or_default().insert(*number);
                    }
                }
                Step::Delete(owner, number) => {
                    server.update(&format!("delete {}.example. A 192.0.2.{number}", OWNERS[*owner]));
                    if !server.frozen {
                        model.entry(OWNERS[*owner]).or_default().remove(number);
                    }
                }
                Step::DeleteSet(owner) => {
                    server.update(&format!("delete {}.example. A", OWNERS[*owner]));
                    if !server.frozen {
                        model.remove(OWNERS[*owner]);
                    }
                }
            }
            let now = server.served.serial();
            prop_assert!(now == serial || serial::is_newer(now, serial), "{} after {}", now, serial);
            serial = now;
            prop_assert_eq!(lines(&server.served), lines(&contents(&model, serial)), "after {:?}", step);
        }
        // Whoever has the first version is led to the last.
        if serial != 7 {
            let steps = server.history.since(7).unwrap();
            let last = first.apply(steps.iter().map(AsRef::as_ref)).unwrap();
            prop_assert_eq!(lines(&last), lines(&server.served));
        }
    }
}
