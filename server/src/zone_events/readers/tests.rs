//! Reading threads whose files do not respond.

use std::io::Write as _;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rhumb_config::FilePlace;
use rhumb_watch::{FileWatch, FollowedPath};
use rhumb_zones::file::ZoneReadOptions;

use super::{ReaderSettings, ZoneReaders};
use crate::metrics::ServerMetrics;
use crate::snapshot::{FileRead, ZoneFile, ZoneOrigin, ZoneVersioning};
use crate::zone_events::configured::ConfiguredZone;
use crate::zone_events::load::ZoneRefusal;
use crate::zone_events::read_job::{ReadJob, ReadReason, ZoneReadOutcome};

const SOON: Duration = Duration::from_secs(10);
const BOUND: Duration = Duration::from_millis(50);

/// Readers of a file system on which `dead` files do not respond until `revive` is dropped.
struct Rig {
    readers: ZoneReaders,
    done: Receiver<(String, ZoneReadOutcome)>,
    /// Dropped, all dead files respond.
    revive: Option<Sender<()>>,
    watch: FileWatch,
}

impl Rig {
    /// Files called `open…` hang as they are opened, files called `read…` as they are read.
    fn start(most_replacements: usize) -> Self {
        let (revive, dead) = channel::<()>();
        let dead = Arc::new(Mutex::new(dead));
        let hang = move || {
            // Ends when the sender is dropped; one after the other is enough.
            let _ = dead.lock().unwrap().recv();
        };
        let hang = Arc::new(hang);
        let (open, load) = (Arc::clone(&hang), hang);
        let is = |zone: &ConfiguredZone, what: &str| zone.name.to_string().starts_with(what);
        let settings = ReaderSettings {
            threads: 2,
            open_bound: BOUND,
            read_bound: BOUND * 4,
            most_replacements,
            open: Box::new(move |zone| {
                if is(zone, "open") {
                    open();
                }
            }),
            load: Box::new(move |zone, _| {
                if is(zone, "read") {
                    load();
                }
                Some(Err(ZoneRefusal { problems: vec!["read".to_owned()], files: Vec::new() }))
            }),
        };
        let (watch, mut follower) = FileWatch::new(SOON, || {}).unwrap();
        std::thread::spawn(move || follower.run(|_| {}));
        let (sender, done) = channel();
        let metrics = Arc::new(ServerMetrics::new("test"));
        let readers = ZoneReaders::start(&metrics, watch.writers(), settings, move |job, outcome| {
            sender.send((job.zone.name.to_string(), outcome)).unwrap_or(());
        });
        Self { readers: readers.unwrap(), done, revive: Some(revive), watch }
    }

    fn read(&self, name: &str) {
        self.read_again(name, Vec::new());
    }

    /// With files that were found incomplete before.
    fn read_again(&self, name: &str, seen: Vec<FileRead>) {
        let place = FilePlace { file: Path::new("rhumb.yaml").into(), line: 1, column: 1 };
        let origin = Arc::new(ZoneOrigin {
            place,
            source: ZoneFile::File("zone".into()),
            transfer_to: Vec::new(),
            notify: Vec::new(),
            parent_notify: false,
            update: Vec::new(),
            versioning: ZoneVersioning::default(),
            reading: ZoneReadOptions::default(),
            secondary: None,
        });
        let zone = ConfiguredZone { name: name.parse().unwrap(), origin };
        self.readers.read(ReadJob {
            reason: ReadReason::Changed { version: 0 },
            zone,
            kept: None,
            base: None,
            seen,
        });
    }

    /// The next zone that was read.
    fn next(&self) -> (String, ZoneReadOutcome) {
        self.done.recv_timeout(SOON).unwrap()
    }

    /// Waits until so many jobs are found stuck; their zones.
    fn stuck(&mut self, count: usize) -> Vec<String> {
        let (mut stuck, begun) = (Vec::new(), Instant::now());
        while stuck.len() < count && begun.elapsed() < SOON {
            for (job, refusal) in self.readers.replace_stuck(Instant::now()) {
                assert!(refusal.problems[0].contains("zone: reading it"), "{refusal:?}");
                stuck.push(job.zone.name.to_string());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        stuck.sort();
        stuck
    }
}

#[test]
fn zones_are_read_while_others_do_not_respond() {
    let mut rig = Rig::start(4);
    for name in ["open1.test", "read1.test", "a.test", "b.test"] {
        rig.read(name);
    }
    assert!(rig.readers.is_busy());
    assert!(rig.done.recv_timeout(BOUND).is_err(), "both threads are taken");
    assert_eq!(rig.stuck(2), ["open1.test.", "read1.test."]);
    let mut read = [rig.next().0, rig.next().0];
    read.sort();
    assert_eq!(read, ["a.test.", "b.test."]);
    assert_eq!(rig.stuck(0), [""; 0], "each is found once");
    rig.revive = None;
    for _ in 0..2 {
        let (name, outcome) = rig.next();
        assert!(matches!(outcome, ZoneReadOutcome::Late), "{name}: {outcome:?}");
    }
    rig.read("c.test");
    assert!(matches!(rig.next(), (name, ZoneReadOutcome::Read(_)) if name == "c.test."));
}

#[test]
fn threads_in_place_of_stuck_ones_are_bounded() {
    let mut rig = Rig::start(3);
    let names: Vec<String> = (0..10).map(|number| format!("open{number}.test.")).collect();
    for name in &names {
        rig.read(name);
    }
    assert_eq!(rig.stuck(5).len(), 5);
    rig.read("a.test");
    assert!(rig.done.recv_timeout(BOUND * 4).is_err(), "no thread is left");
    assert_eq!(rig.readers.threads, 5);
    rig.revive = None;
    let outcomes: Vec<_> = (0..11).map(|_| rig.next().1).collect();
    let late = outcomes.iter().filter(|outcome| matches!(outcome, ZoneReadOutcome::Late)).count();
    assert_eq!(late, 5, "{outcomes:?}");
}

/// A large zone is not given up as fast as a file that cannot be opened.
#[test]
fn reading_may_take_longer_than_opening() {
    let mut rig = Rig::start(4);
    rig.read("read.test");
    let begun = Instant::now();
    assert_eq!(rig.stuck(1), ["read.test."]);
    assert!(begun.elapsed() >= BOUND * 3);
}

/// Whether a file is still open is asked by the threads that read, before they read it.
#[test]
fn what_was_open_is_read_once_it_is_closed() {
    let rig = Rig::start(4);
    let folder = std::env::temp_dir().join(format!("rhumb-readers-open-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("a.zone");
    assert!(rig.watch.follow(&[FollowedPath::File(file.clone())]));
    let mut writer = std::fs::File::create(&file).unwrap();
    writer.write_all(b"half").unwrap();
    let seen = vec![FileRead::now(file.clone())];
    rig.read_again("a.test", seen.clone());
    let (_, outcome) = rig.next();
    let ZoneReadOutcome::Incomplete(incomplete) = outcome else { panic!("{outcome:?}") };
    assert!(incomplete.is_open && incomplete.file == file && incomplete.files == seen);
    drop(writer);
    rig.read_again("a.test", incomplete.files);
    let (_, outcome) = rig.next();
    assert!(matches!(outcome, ZoneReadOutcome::Read(_)), "{outcome:?}");
    std::fs::remove_dir_all(&folder).unwrap();
}
