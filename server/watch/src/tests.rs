//! Real files in a folder of their own, changed in each way that files are changed, twice in a row.

mod cases;
mod files;
mod folders;
mod looking;
mod mounts;
mod overflow;
mod panics;
mod writing;

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::{Duration, Instant};

use super::event_queue::EventQueue;
use super::{FileWatch, FollowedPath, NamePattern, WatchEvent};

/// A folder of its own, removed at the end.
struct TestFolder(PathBuf);

impl TestFolder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("rhumb-watch-{}-{count}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path.canonicalize().unwrap())
    }
}

impl Drop for TestFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The two ways to notice, each alone.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mechanism {
    Inotify,
    Comparing,
}

impl Mechanism {
    const BOTH: [Self; 2] = [Self::Inotify, Self::Comparing];

    fn start(self) -> (FileWatch, Events) {
        match self {
            // Comparing comes too late to help.
            Self::Inotify => start(Duration::from_hours(1), true),
            Self::Comparing => start(Duration::from_millis(50), false),
        }
    }
}

fn start(interval: Duration, inotify: bool) -> (FileWatch, Events) {
    let (sender, notified) = channel();
    let (watch, mut follower) =
        FileWatch::with(interval, inotify, move || sender.send(()).unwrap_or(())).unwrap();
    std::thread::spawn(move || follower.run(|_| {}));
    let events = Events { notified, queue: watch.queue.clone(), taken: VecDeque::new() };
    (watch, events)
}

/// What is reported, one by one.
struct Events {
    notified: Receiver<()>,
    queue: EventQueue,
    taken: VecDeque<WatchEvent>,
}

impl Events {
    fn try_recv(&mut self) -> Option<WatchEvent> {
        if self.taken.is_empty() {
            match self.notified.try_recv() {
                Ok(()) => self.taken.extend(self.queue.take()),
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => panic!("the following thread is dead"),
            }
        }
        self.taken.pop_front()
    }
}

/// The next event, waited for much longer than it should take: other programs may have the processor.
fn next(events: &mut Events) -> Option<WatchEvent> {
    within(events, Duration::from_secs(20))
}

fn within(events: &mut Events, limit: Duration) -> Option<WatchEvent> {
    let end = Instant::now() + limit;
    loop {
        match events.try_recv() {
            Some(event) => return Some(event),
            None if Instant::now() > end => return None,
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    }
}

/// Waits until nothing more is reported.
fn wait_until_quiet(events: &mut Events) {
    while within(events, Duration::from_millis(250)).is_some() {}
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
}

/// Replaces a file by a rename.
fn replace(path: &Path, text: &str) {
    let new = path.with_extension("new");
    write(&new, text);
    fs::rename(&new, path).unwrap();
}

/// Points a symlink elsewhere by a rename, as `ln -sfn` of today does.
fn point(link: &Path, target: impl AsRef<Path>) {
    let new = link.with_file_name("new link");
    std::os::unix::fs::symlink(target, &new).unwrap();
    fs::rename(&new, link).unwrap();
}

fn file(path: &Path) -> [FollowedPath; 1] {
    [FollowedPath::File(path.to_owned())]
}

fn folder_of_zones(path: &Path) -> [FollowedPath; 1] {
    [FollowedPath::Folder(path.to_owned(), NamePattern::ending_in(".zone"))]
}
