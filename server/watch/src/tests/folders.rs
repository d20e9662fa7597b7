//! Following folders of zone files.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

use super::super::folder_contents::FolderContents;
use super::{
    Mechanism, NamePattern, TestFolder, WatchEvent, folder_of_zones, next, point, replace, wait_until_quiet,
    within, write,
};

fn changed(path: &Path, names: &[&str]) -> WatchEvent {
    WatchEvent::FolderChanged { path: path.to_owned(), names: names.iter().map(Into::into).collect() }
}

/// By comparing, that files went is known, but not which.
fn gone(path: &Path, way: Mechanism, names: &[&str]) -> WatchEvent {
    changed(path, if way == Mechanism::Inotify { names } else { &[] })
}

#[test]
fn files_come_change_and_go() {
    for way in Mechanism::BOTH {
        let folder = TestFolder::new();
        let path = folder.0.join("zones");
        fs::create_dir(&path).unwrap();
        write(&path.join("a.zone"), "1");
        let (watch, mut events) = way.start();
        watch.follow(&folder_of_zones(&path));
        assert_eq!(within(&mut events, Duration::from_millis(100)), None, "{way:?}");

        write(&path.join("b.zone"), "1");
        assert_eq!(next(&mut events), Some(changed(&path, &["b.zone"])), "{way:?}");
        write(&path.join("a.zone"), "22");
        assert_eq!(next(&mut events), Some(changed(&path, &["a.zone"])), "{way:?}");
        replace(&path.join("a.zone"), "3");
        assert_eq!(next(&mut events), Some(changed(&path, &["a.zone"])), "{way:?}");
        fs::remove_file(path.join("b.zone")).unwrap();
        assert_eq!(next(&mut events), Some(gone(&path, way, &["b.zone"])), "{way:?}");
        fs::rename(path.join("a.zone"), path.join("c.zone")).unwrap();
        assert_eq!(next(&mut events), Some(gone(&path, way, &["a.zone", "c.zone"])), "{way:?}");

        for other in ["a.zone~", ".a.zone", "readme", "zone"] {
            write(&path.join(other), "1");
        }
        fs::read_dir(&path).unwrap().count();
        fs::read(path.join("c.zone")).unwrap();
        assert_eq!(within(&mut events, Duration::from_millis(250)), None, "{way:?}");
    }
}

#[test]
fn the_folder_is_replaced_removed_and_made_anew() {
    for way in Mechanism::BOTH {
        let folder = TestFolder::new();
        let path = folder.0.join("zones");
        for release in ["1", "2"] {
            fs::create_dir(folder.0.join(release)).unwrap();
            write(&folder.0.join(release).join("a.zone"), release);
        }
        point(&path, "1");
        let (watch, mut events) = way.start();
        watch.follow(&folder_of_zones(&path));
        point(&path, "2");
        assert_eq!(next(&mut events), Some(changed(&path, &["a.zone"])), "{way:?}");
        write(&path.join("b.zone"), "");
        assert_eq!(next(&mut events), Some(changed(&path, &["b.zone"])), "{way:?}");
        fs::remove_file(&path).unwrap();
        assert_eq!(next(&mut events), Some(changed(&path, &[])), "{way:?}: the folder went");
        point(&path, "1");
        assert_eq!(next(&mut events), Some(changed(&path, &[])), "{way:?}: the folder came back");
        wait_until_quiet(&mut events);
        replace(&path.join("a.zone"), "after");
        assert_eq!(next(&mut events), Some(changed(&path, &["a.zone"])), "{way:?}");
    }
}

#[test]
fn a_config_map_of_zones_is_flipped() {
    for way in Mechanism::BOTH {
        let folder = TestFolder::new();
        let path = &folder.0;
        for number in ["..1", "..2", "..3"] {
            fs::create_dir(path.join(number)).unwrap();
            write(&path.join(number).join("a.zone"), number);
            write(&path.join(number).join("b.zone"), number);
        }
        symlink("..1", path.join("..data")).unwrap();
        symlink("..data/a.zone", path.join("a.zone")).unwrap();
        symlink("..data/b.zone", path.join("b.zone")).unwrap();
        let (watch, mut events) = way.start();
        watch.follow(&folder_of_zones(path));
        for number in ["..2", "..3"] {
            point(&path.join("..data"), number);
            // A look may come in the middle of the flip, and the next one then tells the rest.
            let mut names = BTreeSet::new();
            while names.len() < 2 {
                let Some(WatchEvent::FolderChanged { names: more, .. }) = next(&mut events) else {
                    panic!("{way:?}: {number}: {names:?} alone")
                };
                names.extend(more);
            }
            assert!(names.iter().eq(["a.zone", "b.zone"]), "{way:?}: {number}: {names:?}");
            wait_until_quiet(&mut events);
        }
        write(&path.join("..3/b.zone"), "in place");
        assert_eq!(next(&mut events), Some(changed(path, &["b.zone"])), "{way:?}");
    }
}

#[test]
fn links_into_another_folder_are_followed() {
    for way in Mechanism::BOTH {
        let folder = TestFolder::new();
        let (path, enabled) = (folder.0.join("available"), folder.0.join("enabled"));
        fs::create_dir(&path).unwrap();
        fs::create_dir(&enabled).unwrap();
        write(&path.join("a"), "1");
        symlink("../available/a", enabled.join("a.zone")).unwrap();
        let (watch, mut events) = way.start();
        watch.follow(&folder_of_zones(&enabled));
        for number in 0..2 {
            replace(&path.join("a"), &format!("renamed {number}"));
            assert_eq!(next(&mut events), Some(changed(&enabled, &["a.zone"])), "{way:?}: {number}");
        }
        fs::remove_file(path.join("a")).unwrap();
        assert_eq!(next(&mut events), Some(changed(&enabled, &["a.zone"])), "{way:?}: dangling");
        write(&path.join("a"), "back");
        assert_eq!(next(&mut events), Some(changed(&enabled, &["a.zone"])), "{way:?}: back");
    }
}

/// The bars: a change among many files is reported in time, and the regular comparison keeps to its share of a CPU.
#[test]
fn twenty_thousand_files_are_cheap() {
    const FILES: usize = 20_000;
    let folder = TestFolder::new();
    let path = folder.0.join("zones");
    fs::create_dir(&path).unwrap();
    for number in 0..FILES {
        write(&path.join(format!("{number}.zone")), "");
    }
    let (watch, mut events) = Mechanism::Inotify.start();
    let start = Instant::now();
    assert!(watch.follow(&folder_of_zones(&path)));
    assert!(start.elapsed() < Duration::from_secs(2), "first look: {:?}", start.elapsed());
    write(&path.join("777.zone"), "x");
    assert_eq!(next(&mut events), Some(changed(&path, &["777.zone"])));
    for number in 0..FILES {
        write(&path.join(format!("{number}.zone")), "new");
    }
    let mut names = std::collections::HashSet::new();
    while names.len() < FILES
        && let Some(WatchEvent::FolderChanged { names: more, .. }) =
            within(&mut events, Duration::from_secs(10))
    {
        names.extend(more);
    }
    assert_eq!(names.len(), FILES);

    let interval = Duration::from_millis(100);
    let mut contents = FolderContents::new(path, NamePattern::ending_in(".zone"));
    contents.compare_all(interval, Instant::now());
    contents.unreported.clear();
    let (start, mut compared) = (Instant::now(), Duration::ZERO);
    while start.elapsed() < Duration::from_secs(1) {
        let before = Instant::now();
        let more = contents.compare_regularly(before, interval, before);
        assert_eq!(contents.unreported.next(), None, "nothing changed");
        compared += before.elapsed();
        if !more {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    assert!(compared < Duration::from_millis(300), "of one second, {compared:?} went into comparing");
}
