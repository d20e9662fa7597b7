//! The store on a real folder: what was acknowledged is there after a start, whatever else happened.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rhumb_wire::DomainName;
use rhumb_zones::file::read_zone_bytes;
use rhumb_zones::journal::{ChangeCause, JournalSignature, SEGMENT_START};
use rhumb_zones::{VersionOrigin, ZoneContents, ZoneDifference};

use super::super::encode::{StateChange, StateVersion};
use super::super::folder::{StateFolder, StateFolderError};
use super::super::{compaction, scan};
use super::{StateStore, read_zone};
use crate::metrics::ServerMetrics;
use crate::zone_events::wall_clock::unix_time;

struct TestFolder(PathBuf);

impl TestFolder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("rhumb-state-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        StateFolder::prepare(&path, None).unwrap();
        Self(path)
    }

    fn store(&self) -> StateStore {
        StateStore::start(StateFolder::open(&self.0).unwrap(), &ServerMetrics::new("test")).unwrap()
    }

    /// What a start would find, from a copy: the folder itself is in use.
    fn found(&self, name: &DomainName) -> Result<Option<u32>, String> {
        let copy = self.0.with_extension("copy");
        let _ = fs::remove_dir_all(&copy);
        for part in ["log", "zones"] {
            fs::create_dir_all(copy.join(part)).unwrap();
            for entry in fs::read_dir(self.0.join(part)).unwrap() {
                let path = entry.unwrap().path();
                fs::copy(&path, copy.join(part).join(path.file_name().unwrap())).unwrap();
            }
        }
        let folder = StateFolder::open(&copy).unwrap();
        let found = scan::scan(&folder).unwrap();
        let zone = found.index.zones.get(name).map(|places| read_zone(&folder, name, places));
        let serial = zone.transpose().map_err(|fault| fault.to_string());
        fs::remove_dir_all(&copy).unwrap();
        serial.map(|zone| zone.flatten().map(|zone| zone.contents.serial()))
    }

    fn files(&self, part: &str) -> Vec<PathBuf> {
        let mut files: Vec<_> =
            fs::read_dir(self.0.join(part)).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }
}

impl Drop for TestFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn name(text: &str) -> DomainName {
    text.parse().unwrap()
}

fn version(zone: &DomainName, serial: u32, hosts: u32) -> Arc<ZoneContents> {
    let rows = (serial..serial + hosts).map(|host| format!("h{host} 60 TXT {host:0>200}\n"));
    let text =
        format!("@ 60 SOA ns admin {serial} 2 2 60 60\n@ 60 NS ns.other.\n") + &rows.collect::<String>();
    Arc::new(read_zone_bytes(zone.as_ref(), Path::new("zone"), text.as_bytes()).unwrap().contents)
}

fn change(zone: &DomainName, version: StateVersion) -> StateChange {
    StateChange {
        zone: zone.clone(),
        origin: VersionOrigin { cause: ChangeCause::Transfer, who: "192.0.2.1:53".into(), time: 1000 },
        expires: 2000,
        version,
    }
}

fn keep(store: &StateStore, zone: &DomainName, version: StateVersion) {
    store.submit(&change(zone, version)).blocking_recv().unwrap().unwrap();
}

fn step(zone: &DomainName, from: u32, to: u32, hosts: u32) -> StateVersion {
    let step = ZoneDifference::between(&version(zone, from, hosts), &version(zone, to, hosts));
    StateVersion::Difference(Arc::new(step.unwrap()))
}

#[test]
fn what_was_kept_is_found() {
    let folder = TestFolder::new("found");
    let store = folder.store();
    let (small, large, gone) = (name("small.test."), name("large.test."), name("gone.test."));
    for zone in [&small, &gone] {
        keep(&store, zone, StateVersion::Whole(version(zone, 1, 5)));
    }
    keep(&store, &large, StateVersion::Whole(version(&large, 1, 20_000)));
    assert_eq!(folder.files("zones").len(), 1, "the large one has a file of its own");
    for serial in 2..9 {
        keep(&store, &small, step(&small, serial - 1, serial, 5));
    }
    keep(&store, &large, step(&large, 1, 2, 20_000));
    keep(&store, &small, StateVersion::Checked(8));
    keep(&store, &gone, StateVersion::Removed);
    assert_eq!((store.serial(&small), store.serial(&large), store.serial(&gone)), (Some(8), Some(2), None));
    let zone = store.zone(&small).unwrap().unwrap();
    assert_eq!((zone.contents.serial(), zone.versions.len(), zone.expires), (8, 7, 2000));
    assert_eq!((folder.found(&small), folder.found(&large)), (Ok(Some(8)), Ok(Some(2))));
    assert_eq!(folder.found(&gone), Ok(None));
    keep(&store, &large, StateVersion::Whole(version(&large, 9, 20_000)));
    assert_eq!(folder.files("zones").len(), 1, "the file before is gone");
    assert_eq!(folder.found(&large), Ok(Some(9)));
    assert!(matches!(StateFolder::open(&folder.0), Err(StateFolderError::Used { .. })));
}

#[test]
fn those_who_wait_write_for_each_other() {
    let folder = TestFolder::new("together");
    let store = folder.store();
    let zones: Vec<_> = (0..6).map(|number| name(&format!("zone{number}.test."))).collect();
    std::thread::scope(|scope| {
        for (number, zone) in zones.iter().enumerate() {
            let store = &store;
            scope.spawn(move || {
                keep(store, zone, StateVersion::Whole(version(zone, 1, 1)));
                for serial in 2..60 {
                    let change = change(zone, step(zone, serial - 1, serial, 1));
                    // Some have the thread of the log write, some write themselves, and some do so for what they have begun before.
                    match number % 3 {
                        0 => store.submit(&change).blocking_recv().unwrap().unwrap(),
                        1 => store.keep(&change).unwrap(),
                        _ => {
                            let first = store.begin(&change);
                            let checked = store.begin(&self::change(zone, StateVersion::Checked(serial)));
                            checked.wait().and(first.wait()).unwrap();
                        }
                    }
                    assert_eq!(store.serial(zone), Some(serial));
                }
            });
        }
    });
    for zone in &zones {
        assert_eq!(folder.found(zone), Ok(Some(59)));
    }
}

#[test]
fn a_torn_end_is_cut_and_damage_refuses_its_zone_alone() {
    let folder = TestFolder::new("damage");
    let store = folder.store();
    let (one, other) = (name("one.test."), name("other.test."));
    for zone in [&one, &other] {
        keep(&store, zone, StateVersion::Whole(version(zone, 1, 5)));
    }
    let log = folder.files("log").pop().unwrap();
    let before = fs::metadata(&log).unwrap().len();
    keep(&store, &one, step(&one, 1, 2, 5));
    let whole = fs::read(&log).unwrap();
    for cut in [1, 17, 100] {
        fs::write(&log, &whole[..whole.len() - cut]).unwrap();
        assert_eq!((folder.found(&one), folder.found(&other)), (Ok(Some(1)), Ok(Some(1))), "{cut}");
    }
    let mut damaged = whole.clone();
    damaged[before as usize / 4] ^= 1;
    fs::write(&log, &damaged).unwrap();
    let refused = folder.found(&one).unwrap_err();
    assert!(refused.contains("are damaged") && refused.contains(".log"), "{refused}");
    assert_eq!(folder.found(&other), Ok(Some(1)));
    fs::write(&log, &whole).unwrap();
    assert_eq!(folder.found(&one), Ok(Some(2)));
}

#[test]
fn a_change_that_could_not_be_written_leaves_no_gap() {
    let folder = TestFolder::new("unwritable");
    let store = folder.store();
    let zone = name("zone.test.");
    keep(&store, &zone, StateVersion::Whole(version(&zone, 1, 5)));
    keep(&store, &zone, step(&zone, 1, 2, 5));
    // As if the first of two that follow the same version were on the disk, and its sync had failed.
    let log = folder.files("log").pop().unwrap();
    let change = StateChange {
        zone: zone.clone(),
        origin: VersionOrigin { cause: ChangeCause::Transfer, who: "".into(), time: 1 },
        expires: 0,
        version: step(&zone, 2, 3, 5),
    };
    let mut file = OpenOptions::new().append(true).open(&log).unwrap();
    let base = store.shared.index().zones[&zone].sequence;
    let write = &mut |bytes: &[u8]| std::io::Write::write_all(&mut file, bytes);
    change.encode(1000, base, &[], write).unwrap();
    assert_eq!(folder.found(&zone), Ok(Some(3)));
    let again = StateChange { version: step(&zone, 2, 7, 5), ..change };
    again.encode(1001, base, &[], write).unwrap();
    assert_eq!(folder.found(&zone), Ok(Some(7)));
}

#[test]
fn long_chains_are_written_anew_and_old_logs_go() {
    let folder = TestFolder::new("compaction");
    let store = folder.store();
    let zone = name("zone.test.");
    keep(&store, &zone, StateVersion::Whole(version(&zone, 1, 100)));
    for serial in 2..60 {
        keep(&store, &zone, step(&zone, serial - 1, serial, 100));
    }
    let places = |store: &StateStore| store.shared.index().zones[&zone].places.len();
    assert_eq!(places(&store), 59);
    // Each of these replaces all of the zone.
    for serial in 60..120 {
        let from = if serial == 60 { 59 } else { (serial - 1) * 1000 };
        let to = serial * 1000;
        keep(&store, &zone, step(&zone, from, to, 100));
    }
    compaction::look(&store.shared).unwrap();
    assert_eq!(places(&store), 1);
    let kept = store.zone(&zone).unwrap().unwrap();
    assert_eq!(
        (kept.contents.serial(), kept.origin.time, &*kept.origin.who),
        (119_000, 1000, "192.0.2.1:53")
    );
    assert!(
        kept.versions.len() > 10 && kept.versions.last().unwrap().difference.to == 119_000,
        "{}",
        kept.versions.len()
    );
    keep(&store, &zone, step(&zone, 119_000, 119_001, 100));
    assert_eq!(folder.found(&zone), Ok(Some(119_001)));
}

/// A folder with a log that holds signatures and nothing of a zone any more, and one that follows it.
fn signed_folder(name_of_folder: &str, until: u64) -> TestFolder {
    let (written, folder) =
        (TestFolder::new(&format!("{name_of_folder}-before")), TestFolder::new(name_of_folder));
    let store = written.store();
    let zone = name("zone.test.");
    keep(&store, &zone, StateVersion::Whole(version(&zone, 1, 5)));
    let StateVersion::Difference(difference) = step(&zone, 1, 2, 5) else { unreachable!() };
    let signature = |mac| JournalSignature { mac: [mac; 10], until };
    keep(&store, &zone, StateVersion::Updates(Some(difference), vec![signature(1), signature(2)]));
    keep(&store, &zone, StateVersion::Updates(None, vec![signature(3)]));
    assert_eq!(written.found(&zone), Ok(Some(2)));
    keep(&store, &zone, StateVersion::Removed);
    fs::create_dir_all(folder.0.join("log")).unwrap();
    let [log] = &written.files("log")[..] else { panic!("one log") };
    let first = folder.0.join("log").join(log.file_name().unwrap());
    fs::copy(log, &first).unwrap();
    fs::write(first.with_file_name("0000000000000001.log"), SEGMENT_START).unwrap();
    folder
}

#[test]
fn a_log_stays_while_its_signatures_are_good() {
    let now = unix_time();
    for (until, macs, logs) in [(now + 300, vec![1, 2, 3], 2), (now - 1, vec![], 1)] {
        let folder = signed_folder(&format!("signed-{logs}"), until);
        let store = folder.store();
        compaction::look(&store.shared).unwrap();
        assert_eq!(folder.files("log").len(), logs);
        let mut found: Vec<u8> = store.take_signatures().iter().map(|signature| signature.mac[0]).collect();
        found.sort_unstable();
        assert_eq!(found, macs);
        assert!(store.take_signatures().is_empty(), "they are given once");
    }
}
