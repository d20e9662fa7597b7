//! Files whose writers have them open: nothing is reported before they are closed.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

use super::super::{OpenWriters, WriterState};
use super::{FileWatch, Mechanism, TestFolder, WatchEvent, file, folder_of_zones, next, within, write};

/// The clock by which files are dated is behind by less.
const TICK: Duration = Duration::from_millis(20);

/// A way to write a file in pieces. The function it is given is called while half of it is written.
struct WritingCase {
    name: &'static str,
    write: fn(&Path, &mut dyn FnMut()),
}

fn append(file: &mut File) {
    file.write_all(b"nameserver 192.0.2.1\n").unwrap();
}

const CASES: &[WritingCase] = &[
    WritingCase {
        name: "truncated and written in three pieces",
        write: |path, half| {
            let mut file = File::create(path).unwrap();
            half();
            append(&mut file);
            half();
            append(&mut file);
        },
    },
    WritingCase {
        name: "appended to in two pieces",
        write: |path, half| {
            let mut file = OpenOptions::new().append(true).open(path).unwrap();
            append(&mut file);
            half();
            append(&mut file);
        },
    },
    WritingCase {
        name: "written over without being truncated",
        write: |path, half| {
            let mut file = OpenOptions::new().write(true).open(path).unwrap();
            append(&mut file);
            half();
            append(&mut file);
            file.set_len(30).unwrap();
        },
    },
    WritingCase {
        name: "made larger first and filled then",
        write: |path, half| {
            let mut file = OpenOptions::new().write(true).open(path).unwrap();
            file.set_len(42).unwrap();
            half();
            append(&mut file);
            append(&mut file);
        },
    },
    WritingCase {
        name: "removed, made anew and written",
        write: |path, half| {
            fs::remove_file(path).unwrap();
            let mut file = File::create_new(path).unwrap();
            append(&mut file);
            half();
            append(&mut file);
        },
    },
    WritingCase {
        name: "renamed over while it is written",
        write: |path, half| {
            let new = path.with_extension("new");
            let mut file = File::create(&new).unwrap();
            append(&mut file);
            fs::rename(&new, path).unwrap();
            half();
            append(&mut file);
        },
    },
    WritingCase {
        name: "nothing written at the end",
        write: |path, half| {
            let mut file = File::create(path).unwrap();
            append(&mut file);
            half();
        },
    },
];

/// Writes in one way. Gives what went wrong.
fn play(case: &WritingCase, mechanism: Mechanism, in_folder: bool, linked: bool) -> Vec<String> {
    let folder = TestFolder::new();
    let followed = folder.0.join("followed");
    fs::create_dir(&followed).unwrap();
    let path = followed.join("a.zone");
    let written = if linked { folder.0.join("elsewhere") } else { path.clone() };
    write(&written, "before");
    if linked {
        symlink(&written, &path).unwrap();
    }
    let (watch, mut events) = mechanism.start();
    assert!(watch.follow(&if in_folder { folder_of_zones(&followed) } else { file(&path) }));
    let mut failures = Vec::new();
    let name = format!("{mechanism:?}, folder {in_folder}, linked {linked}: {}", case.name);
    // Comparing sees no writer, only that the file rests for half a second.
    let pause = match mechanism {
        Mechanism::Inotify => Duration::from_millis(900),
        Mechanism::Comparing => Duration::from_millis(250),
    };
    (case.write)(&written, &mut || {
        if let Some(event) = within(&mut events, pause) {
            failures.push(format!("{name}: {event:?} while it is open"));
        }
        let open = watch.writers().state(&path);
        if open == WriterState::Closed {
            failures.push(format!("{name}: {open:?} while it is open"));
        }
    });
    // Each comparison of a busy machine takes long, and the next one waits a hundred times as long.
    let limit = match mechanism {
        Mechanism::Inotify => Duration::from_secs(5),
        Mechanism::Comparing => Duration::from_secs(20),
    };
    if within(&mut events, limit).is_none() {
        failures.push(format!("{name}: not reported once it is closed"));
    }
    if mechanism == Mechanism::Inotify && watch.writers().state(&path) != WriterState::Closed {
        failures.push(format!("{name}: open after it was closed"));
    }
    failures
}

#[test]
fn a_file_is_reported_when_its_writer_closes_it() {
    let failures: Vec<String> = std::thread::scope(|scope| {
        let mut running = Vec::new();
        for case in CASES {
            for mechanism in Mechanism::BOTH {
                for (in_folder, linked) in [(false, false), (true, false), (false, true), (true, true)] {
                    running.push(scope.spawn(move || play(case, mechanism, in_folder, linked)));
                }
            }
        }
        running.into_iter().flat_map(|case| case.join().unwrap()).collect()
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_writer_that_never_closes_holds_up_no_other_file() {
    for in_folder in [false, true] {
        let folder = TestFolder::new();
        let followed = folder.0.join("followed");
        fs::create_dir(&followed).unwrap();
        // What others write in a folder on the way is none of ours.
        let mut stranger = File::create(folder.0.join("stranger")).unwrap();
        append(&mut stranger);
        let [open, other] = ["open.zone", "other.zone"].map(|name| followed.join(name));
        write(&open, "1");
        write(&other, "1");
        let (watch, mut events) = Mechanism::Inotify.start();
        watch.follow(&if in_folder {
            folder_of_zones(&followed).to_vec()
        } else {
            [file(&open), file(&other)].concat()
        });
        let mut writer = File::create(&open).unwrap();
        append(&mut writer);
        for number in 0..3 {
            write(&other, &number.to_string());
            let event = next(&mut events);
            let seen = match &event {
                Some(WatchEvent::FileChanged(path)) => *path == other,
                Some(WatchEvent::FolderChanged { names, .. }) => names.as_slice() == ["other.zone"],
                _ => false,
            };
            assert!(seen, "{event:?}");
        }
        assert_eq!(within(&mut events, Duration::from_millis(300)), None);
        assert!(watch.writers().any());
        append(&mut stranger);
        drop(writer);
        assert!(next(&mut events).is_some());
        // The other file may have been closed a moment ago.
        let deadline = Instant::now() + Duration::from_secs(2);
        while watch.writers().any() {
            assert!(Instant::now() < deadline, "a writer is still there");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// A look names what is being written, so that whoever asked for it can wait, and once it is closed it is reported again.
#[test]
fn a_look_names_open_files_and_their_close_is_reported() {
    let folder = TestFolder::new();
    let path = folder.0.join("a.zone");
    write(&path, "1");
    let (watch, mut events) = Mechanism::Inotify.start();
    watch.follow(&folder_of_zones(&folder.0));
    let mut writer = File::create(&path).unwrap();
    append(&mut writer);
    let changed = Some(WatchEvent::FolderChanged { path: folder.0.clone(), names: vec!["a.zone".into()] });
    for _ in 0..2 {
        watch.look();
        assert_eq!(next(&mut events), changed);
        assert_eq!(watch.writers().state(&path), WriterState::Open);
    }
    assert_eq!(within(&mut events, Duration::from_millis(300)), None);
    drop(writer);
    assert_eq!(next(&mut events), changed);
}

/// A file that is written from before it is followed until after: its content may be the same when it is closed.
#[test]
fn a_file_that_was_open_when_first_seen_is_reported() {
    for in_folder in [false, true] {
        let folder = TestFolder::new();
        let (path, first) = (folder.0.join("a.zone"), folder.0.join("first.zone"));
        write(&first, "");
        let (watch, mut events) = Mechanism::Inotify.start();
        watch.follow(&file(&first));
        let mut writer = File::create(&path).unwrap();
        append(&mut writer);
        watch.follow(&if in_folder { folder_of_zones(&folder.0) } else { file(&path) });
        assert_eq!(within(&mut events, Duration::from_millis(300)), None);
        drop(writer);
        assert!(next(&mut events).is_some());
    }
}

#[test]
fn what_inotify_cannot_know_is_not_called_closed() {
    let folder = TestFolder::new();
    let (path, second) = (folder.0.join("a.zone"), folder.0.join("second"));
    write(&path, "1");
    let (watch, _events) = Mechanism::Inotify.start();
    let writers: OpenWriters = watch.writers();
    assert_eq!(writers.state(&path), WriterState::Unknown, "its folder is not watched");
    watch.follow(&file(&path));
    assert_eq!(writers.state(&path), WriterState::Early, "its writer may have come before");
    std::thread::sleep(TICK);
    write(&path, "2");
    assert_eq!(writers.state(&path), WriterState::Closed);
    assert_eq!(writers.state(&folder.0.join("missing")), WriterState::Closed);
    fs::hard_link(&path, &second).unwrap();
    assert_eq!(writers.state(&path), WriterState::Unknown, "it may be written under its other name");
    fs::remove_file(&second).unwrap();
    assert_eq!(writers.state(&path), WriterState::Closed);
    let (watch, _events) = Mechanism::Comparing.start();
    watch.follow(&file(&path));
    assert_eq!(watch.writers().state(&path), WriterState::Unknown);
}

/// A file that is given another time is modified, as inotify has it, and nobody closes it: rsync and `touch -m -d` do so, before or after
/// the file has its name.
#[test]
fn nobody_has_a_file_open_whose_time_was_set() {
    let past = std::time::SystemTime::UNIX_EPOCH + Duration::from_hours(480_000);
    let set_time = |path: &Path| File::open(path).unwrap().set_modified(past).unwrap();
    for in_folder in [false, true] {
        let folder = TestFolder::new();
        let (path, new) = (folder.0.join("a.zone"), folder.0.join(".a.zone.1"));
        write(&path, "1");
        let (watch, mut events) = Mechanism::Inotify.start();
        watch.follow(&if in_folder { folder_of_zones(&folder.0) } else { file(&path) });
        let reported = |events: &mut _, what: &str| {
            assert!(
                within(events, Duration::from_secs(5)).is_some(),
                "folder {in_folder}: {what}: not reported"
            );
            assert_eq!(watch.writers().state(&path), WriterState::Closed, "folder {in_folder}: {what}");
        };
        std::thread::sleep(TICK);
        for number in 2..5 {
            write(&new, &number.to_string());
            set_time(&new);
            fs::rename(&new, &path).unwrap();
            reported(&mut events, "renamed");
            write(&path, &number.to_string().repeat(2));
            set_time(&path);
            reported(&mut events, "in place");
        }
        // A writer that sets the time goes on being one.
        let mut writer = OpenOptions::new().append(true).open(&path).unwrap();
        append(&mut writer);
        writer.set_modified(past).unwrap();
        append(&mut writer);
        assert_eq!(watch.writers().state(&path), WriterState::Open, "folder {in_folder}");
    }
}

/// Asking costs little where nothing is written, however many files there are.
#[test]
fn asking_for_writers_is_cheap() {
    let folder = TestFolder::new();
    let (watch, _events) = Mechanism::Inotify.start();
    watch.follow(&folder_of_zones(&folder.0));
    let writers = watch.writers();
    let start = Instant::now();
    for _ in 0..100_000 {
        assert!(!writers.any());
    }
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

/// The closing of other files is reported by the same queue: a flood of them must not hide it.
#[test]
fn many_writers_are_kept_apart() {
    let folder = TestFolder::new();
    let (watch, mut events): (FileWatch, _) = Mechanism::Inotify.start();
    watch.follow(&folder_of_zones(&folder.0));
    let open: Vec<File> = (0..200)
        .map(|number| {
            let mut file = File::create(folder.0.join(format!("{number}.zone"))).unwrap();
            append(&mut file);
            file
        })
        .collect();
    assert_eq!(within(&mut events, Duration::from_millis(700)), None);
    drop(open);
    let mut names = std::collections::HashSet::new();
    while let Some(WatchEvent::FolderChanged { names: more, .. }) =
        within(&mut events, Duration::from_millis(600))
    {
        names.extend(more);
    }
    assert_eq!(names.len(), 200);
}
