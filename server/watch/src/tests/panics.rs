//! A thread that follows and panics: run again, it has missed nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use super::super::event_queue::EventQueue;
use super::{Events, FileWatch, TestFolder, WatchEvent, file, folder_of_zones, next, write};

/// A watch whose thread panics once where `armed` is set when it begins to look. Counts what it says of being busy.
fn start(armed: &Arc<AtomicBool>, looks: &Arc<AtomicU32>) -> (FileWatch, Events) {
    let (sender, notified) = channel();
    let notify = move || sender.send(()).unwrap_or(());
    let (watch, mut follower) = FileWatch::with(Duration::from_hours(1), true, notify).unwrap();
    let queue: EventQueue = watch.queue.clone();
    let (armed, looks) = (Arc::clone(armed), Arc::clone(looks));
    std::thread::spawn(move || {
        let busy = |busy| {
            looks.fetch_add(u32::from(busy), Ordering::Relaxed);
            assert!(!(busy && armed.swap(false, Ordering::Relaxed)), "as ordered by the test");
        };
        while catch_unwind(AssertUnwindSafe(|| follower.run(busy))).is_err() {}
    });
    (watch, Events { notified, queue, taken: std::collections::VecDeque::new() })
}

#[test]
fn what_changes_around_a_panic_is_reported() {
    for in_folder in [false, true] {
        let folder = TestFolder::new();
        let path = folder.0.join("a.zone");
        write(&path, "1");
        let (armed, looks) = (Arc::default(), Arc::default());
        let (watch, mut events) = start(&armed, &looks);
        assert!(watch.follow(&if in_folder { folder_of_zones(&folder.0) } else { file(&path) }));
        for number in 2..5 {
            armed.store(true, Ordering::Relaxed);
            write(&path, &number.to_string());
            let event = next(&mut events);
            let expected = if in_folder {
                WatchEvent::FolderChanged { path: folder.0.clone(), names: vec!["a.zone".into()] }
            } else {
                WatchEvent::FileChanged(path.clone())
            };
            assert_eq!(event, Some(expected), "change {number}");
            assert!(!armed.load(Ordering::Relaxed), "it did not panic");
        }
        assert!(looks.load(Ordering::Relaxed) >= 6, "it says when it looks");
    }
}
