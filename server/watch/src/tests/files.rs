//! Following files.

use std::fs::{self, File};
use std::time::{Duration, Instant};

use super::cases::{CASES, ChangeCase, nested, plain};
use super::{
    FollowedPath, Mechanism, TestFolder, WatchEvent, file, next, replace, wait_until_quiet, within, write,
};

/// What came of a case.
#[derive(Default)]
struct PlayedCase {
    failures: Vec<String>,
    /// From each change until it was reported.
    delays: Vec<Duration>,
}

fn play(case: &ChangeCase, way: Mechanism) -> PlayedCase {
    let PlayedCase { mut failures, mut delays } = PlayedCase::default();
    let folder = TestFolder::new();
    let path = (case.before)(&folder.0);
    let (watch, mut events) = way.start();
    assert!(watch.follow(&file(&path)));
    if let Some(event) = within(&mut events, Duration::from_millis(80)) {
        failures.push(format!("{way:?}: {}: {event:?} before any change", case.name));
    }
    for number in 1..=3 {
        (case.change)(&folder.0, number);
        let changed = Instant::now();
        if next(&mut events) != Some(WatchEvent::FileChanged(path.clone())) {
            failures.push(format!("{way:?}: {}: change {number} was not reported", case.name));
        }
        delays.push(changed.elapsed());
        if !case.atomic {
            wait_until_quiet(&mut events);
        } else if let Some(event) = within(&mut events, Duration::from_millis(250)) {
            failures.push(format!("{way:?}: {}: change {number} reported again: {event:?}", case.name));
        }
    }
    PlayedCase { failures, delays }
}

#[test]
fn every_change_is_reported_three_times_in_a_row() {
    for way in Mechanism::BOTH {
        let played: Vec<_> = std::thread::scope(|scope| {
            let running: Vec<_> = CASES.iter().map(|case| scope.spawn(move || play(case, way))).collect();
            running.into_iter().map(|case| case.join().unwrap()).collect()
        });
        let failures: Vec<_> = played.iter().flat_map(|case| case.failures.clone()).collect();
        assert!(failures.is_empty(), "{}", failures.join("\n"));
        // Half of them: on a busy machine some wait for the processor.
        let mut delays: Vec<_> = played.into_iter().flat_map(|case| case.delays).collect();
        delays.sort();
        let median = delays[delays.len() / 2];
        assert!(median <= Duration::from_secs(1), "{way:?}: half of the changes took more than {median:?}");
    }
}

#[test]
fn relative_paths_and_dots_are_walked() {
    let folder = TestFolder::new();
    nested(&folder.0);
    let path = folder.0.join("a/b/../b/./c/../c/list");
    let (watch, mut events) = Mechanism::Inotify.start();
    watch.follow(&file(&path));
    replace(&folder.0.join("a/b/c/list"), "1");
    assert_eq!(next(&mut events), Some(WatchEvent::FileChanged(path)));
}

#[test]
fn a_write_in_pieces_is_reported_when_it_is_done() {
    use std::io::Write;
    let folder = TestFolder::new();
    let path = plain(&folder.0);
    let (watch, mut events) = Mechanism::Inotify.start();
    watch.follow(&file(&path));
    let mut file = File::create(&path).unwrap();
    for _ in 0..5 {
        std::thread::sleep(Duration::from_millis(20));
        file.write_all(b"nameserver 192.0.2.1\n").unwrap();
        assert_eq!(events.try_recv(), None, "reported while it was being written");
    }
    drop(file);
    assert_eq!(next(&mut events), Some(WatchEvent::FileChanged(path)));
    assert_eq!(within(&mut events, Duration::from_millis(300)), None);
}

#[test]
fn a_file_that_never_rests_is_reported_all_the_same() {
    let folder = TestFolder::new();
    let path = plain(&folder.0);
    let (watch, mut events) = Mechanism::Inotify.start();
    watch.follow(&file(&path));
    let reported = (0..100).find(|number| {
        write(&path, &number.to_string());
        within(&mut events, Duration::from_millis(10)).is_some()
    });
    assert!(reported.is_some(), "a second of writing, and nothing reported");
}

#[test]
fn reading_the_files_reports_nothing_and_neighbours_do_not_matter() {
    for way in Mechanism::BOTH {
        let folder = TestFolder::new();
        let path = plain(&folder.0);
        let (watch, mut events) = way.start();
        watch.follow(&file(&path));
        for number in 0..50 {
            fs::read(&path).unwrap();
            write(&folder.0.join(format!("neighbour{number}")), "");
        }
        assert_eq!(within(&mut events, Duration::from_millis(300)), None, "{way:?}");
    }
}

#[test]
fn the_followed_set_is_replaced() {
    let folder = TestFolder::new();
    let (one, two) = (folder.0.join("one"), folder.0.join("two"));
    write(&one, "0");
    let (watch, mut events) = Mechanism::Inotify.start();
    watch.follow(&[file(&one), file(&two)].concat());
    write(&two, "1");
    assert_eq!(next(&mut events), Some(WatchEvent::FileChanged(two.clone())));
    watch.follow(&file(&one));
    write(&two, "2");
    write(&one, "2");
    assert_eq!(next(&mut events), Some(WatchEvent::FileChanged(one.clone())));
    assert_eq!(within(&mut events, Duration::from_millis(200)), None);
    watch.follow(&[]);
    write(&one, "3");
    assert_eq!(within(&mut events, Duration::from_millis(200)), None);
}

#[test]
fn setting_the_same_again_loses_no_change() {
    let folder = TestFolder::new();
    let path = plain(&folder.0);
    let (watch, mut events) = Mechanism::Inotify.start();
    watch.follow(&file(&path));
    write(&path, "1");
    watch.follow(&file(&path));
    assert_eq!(next(&mut events), Some(WatchEvent::FileChanged(path)));
}

#[test]
fn a_hundred_and_fifty_changes_wait_for_a_slow_receiver() {
    let folder = TestFolder::new();
    let paths: Vec<_> = (0..150).map(|number| folder.0.join(number.to_string())).collect();
    let followed: Vec<_> = paths.iter().cloned().map(FollowedPath::File).collect();
    let (watch, mut events) = Mechanism::Inotify.start();
    watch.follow(&followed);
    for path in &paths {
        write(path, "1");
    }
    std::thread::sleep(Duration::from_millis(700));
    let mut reported = std::collections::BTreeSet::new();
    while let Some(event) = within(&mut events, Duration::from_millis(500)) {
        reported.insert(format!("{event:?}"));
    }
    assert_eq!(reported.len(), paths.len());
}

#[test]
fn the_thread_ends_with_its_handle() {
    for way in Mechanism::BOTH {
        let (watch, events) = way.start();
        drop(watch);
        std::thread::sleep(Duration::from_millis(200));
        assert!(events.queue.is_last(), "{way:?}");
    }
}
