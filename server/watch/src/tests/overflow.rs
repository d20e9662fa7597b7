//! More events than the kernel keeps (`fs.inotify.max_queued_events`).

use std::fs::{self, File};
use std::io::Write;
use std::time::Duration;

use super::super::followed_folder::FollowedFolder;
use super::super::needed_folders::NeededFolders;
use super::super::watched_folders::WatchedFolders;
use super::{NamePattern, TestFolder, write};

/// How many events are kept, or nothing where that is too many to fill.
fn most_events() -> Option<usize> {
    let text = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").ok()?;
    text.trim().parse().ok().filter(|most| *most <= 100_000)
}

/// The kernel says once that events were lost, and may go on to lose some until that is read. A file whose opening was
/// reported behind it, and whose closing was not, is not held for ever.
#[test]
fn a_file_closed_unseen_is_not_held() {
    let Some(most) = most_events() else { return };
    let folder = TestFolder::new();
    let mut watched = WatchedFolders::new(true);
    let mut needed = NeededFolders::default();
    let mut followed = FollowedFolder::new(&folder.0, NamePattern::ending_in(".zone"));
    followed.baseline(Duration::from_hours(1), &watched);
    followed.need(&mut needed);
    assert!(watched.arm(needed));

    let mut events = watched.events();
    let inotify = events.inotify.clone().unwrap();
    // Each file is created, written and closed: three events.
    for number in 0..most / 3 + 100 {
        write(&folder.0.join(format!("{number}.zone")), "1");
    }
    assert!(!inotify.read_events().unwrap().is_empty());
    let mut file = File::options().append(true).open(folder.0.join("7.zone")).unwrap();
    file.write_all(b"2").unwrap();
    for number in 0..200 {
        write(&folder.0.join(format!("more-{number}.zone")), "1");
    }
    drop(file);
    events.drain();
    assert!(!events.any_writer(), "its closing was lost");
    assert!(!events.take().is_complete());
    // What is seen from now on counts.
    let mut file = File::create(folder.0.join("new.zone")).unwrap();
    file.write_all(b"1").unwrap();
    events.drain();
    assert!(events.any_writer());
    drop(file);
    events.drain();
    assert!(!events.any_writer());
}
