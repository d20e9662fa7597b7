//! What a look reports at once, and how sure it is of it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::Duration;

use super::{
    FileWatch, FollowedPath, Mechanism, NamePattern, TestFolder, WatchEvent, folder_of_zones, replace, start,
    write,
};

/// So many that a look need not list them.
const FILES: usize = 6000;

fn many(folder: &TestFolder) -> PathBuf {
    let path = folder.0.join("zones");
    fs::create_dir(&path).unwrap();
    for number in 0..FILES {
        write(&path.join(format!("{number}.zone")), "");
    }
    path
}

fn names(watch: &FileWatch) -> Vec<String> {
    let names = watch.take().into_iter().flat_map(|event| match event {
        WatchEvent::FolderChanged { names, .. } => names,
        other => panic!("{other:?}"),
    });
    names.map(|name| name.into_string().unwrap()).collect()
}

#[test]
fn every_change_before_it_is_reported_by_it() {
    let folder = TestFolder::new();
    let path = many(&folder);
    let elsewhere = folder.0.join("elsewhere");
    write(&elsewhere, "");
    let (watch, _events) = Mechanism::Inotify.start();
    assert!(watch.follow(&folder_of_zones(&path)));
    assert!(watch.look(), "a local folder");
    assert_eq!(names(&watch), [""; 0]);
    for round in 0..20 {
        let number = format!("{round}.zone");
        match round % 5 {
            0 => write(&path.join(&number), "in place"),
            1 => replace(&path.join(&number), "renamed"),
            2 => fs::remove_file(path.join(&number)).unwrap(),
            3 => drop((fs::remove_file(path.join(&number)), symlink(&elsewhere, path.join(&number)))),
            _ => fs::write(path.join("new.zone"), round.to_string()).unwrap(),
        }
        assert!(watch.look(), "round {round}");
        let wanted = if round % 5 == 4 { "new.zone".to_owned() } else { number };
        assert_eq!(names(&watch), [wanted], "round {round}");
        assert!(watch.look());
        assert_eq!(names(&watch), [""; 0], "round {round}: reported twice");
    }
}

#[test]
fn what_events_do_not_report_is_looked_at() {
    let folder = TestFolder::new();
    let path = many(&folder);
    let (other, second) = (folder.0.join("other"), folder.0.join("second"));
    write(&other, "");
    symlink(&second, path.join("linked.zone")).unwrap();
    write(&second, "");
    fs::hard_link(&other, path.join("hard.zone")).unwrap();
    let (watch, _events) = Mechanism::Inotify.start();
    watch.follow(&folder_of_zones(&path));
    for round in ["1", "22"] {
        write(&other, round);
        assert!(watch.look());
        assert_eq!(names(&watch), ["hard.zone"]);
        write(&second, round);
        assert!(watch.look());
        assert_eq!(names(&watch), ["linked.zone"]);
    }
}

#[test]
fn without_events_or_many_files_nothing_is_certain() {
    let folder = TestFolder::new();
    let path = many(&folder);
    let (watch, _events) = start(Duration::from_hours(1), false);
    watch.follow(&folder_of_zones(&path));
    assert!(!watch.look(), "no inotify");
    let few = folder.0.join("few");
    fs::create_dir(&few).unwrap();
    write(&few.join("a.zone"), "");
    let (watch, _events) = Mechanism::Inotify.start();
    watch.follow(&folder_of_zones(&few));
    assert!(!watch.look(), "so few are listed at once");
    let both = [folder_of_zones(&path), folder_of_zones(&few)].concat();
    watch.follow(&both);
    assert!(!watch.look(), "one of two");
    watch.follow(&[FollowedPath::Folder(path.clone(), NamePattern::ending_in(".zone"))]);
    assert!(watch.look());
    fs::rename(&path, folder.0.join("away")).unwrap();
    assert!(!watch.look(), "the folder is gone");
}

#[test]
fn more_events_than_the_kernel_keeps_are_no_loss() {
    let folder = TestFolder::new();
    let path = many(&folder);
    let (watch, _events) = Mechanism::Inotify.start();
    watch.follow(&folder_of_zones(&path));
    let numbers: Vec<usize> = (0..FILES).step_by(2).collect();
    for round in ["1", "22", "333"] {
        for number in &numbers {
            write(&path.join(format!("{number}.zone")), round);
        }
    }
    let mut reported = std::collections::HashSet::new();
    for _ in 0..3 {
        assert!(watch.look());
        reported.extend(names(&watch));
    }
    assert_eq!(reported.len(), numbers.len());
}
