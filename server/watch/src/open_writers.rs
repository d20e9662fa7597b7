//! Asking, from any thread, whether a file is being written.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::sys::eventfd::EventFd;

use super::folder_events::FolderEvents;
pub use super::folder_events::WriterState;
use super::link_chain::walk_chain;

/// The files that are being written in the folders that are followed, as far as inotify reports.
#[derive(Clone, Debug)]
pub struct OpenWriters {
    events: Arc<Mutex<FolderEvents>>,
    /// Read by the following thread.
    signal: Arc<EventFd>,
}

impl OpenWriters {
    pub(super) fn new(events: Arc<Mutex<FolderEvents>>, signal: Arc<EventFd>) -> Self {
        Self { events, signal }
    }

    /// Whether any file that is followed is being written. Costs one system call.
    pub fn any(&self) -> bool {
        self.read_events().any_writer()
    }

    /// Whether the file that `path` leads to is being written at this moment. A file that is not there is not. Costs a few
    /// system calls for each part of the path, and blocks where they do.
    pub fn state(&self, path: &Path) -> WriterState {
        let chain = std::path::absolute(path).map(|path| walk_chain(&path)).unwrap_or_default();
        let Some(step) = chain.steps.last().filter(|_| chain.end.is_some()) else {
            return WriterState::Closed;
        };
        let found = fs::metadata(&step.place).ok();
        // Events of a file with a second name go to the folder of that one.
        let shared = found.as_ref().is_some_and(|found| found.nlink() > 1);
        let changed = found.map_or(UNIX_EPOCH, |found| time_of_change(&found));
        let events = self.read_events();
        match events.writer(step) {
            WriterState::Closed if shared => WriterState::Unknown,
            WriterState::Closed if !events.saw_writer(step, changed) => WriterState::Early,
            state => state,
        }
    }

    fn read_events(&self) -> MutexGuard<'_, FolderEvents> {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        if !events.arming {
            events.drain();
            if events.has_touched() {
                // It fails when it was written 2^64 times unread.
                let _ = self.signal.write(1);
            }
        }
        events
    }
}

/// The earlier of when the content of a file and its inode were changed last: a rename changes the latter alone, and a program may set the
/// former to any time.
fn time_of_change(found: &Metadata) -> SystemTime {
    let moment = |(seconds, nanoseconds): (i64, i64)| {
        let seconds = u64::try_from(seconds).unwrap_or(0);
        UNIX_EPOCH + Duration::new(seconds, u32::try_from(nanoseconds).unwrap_or(0))
    };
    moment((found.mtime(), found.mtime_nsec())).min(moment((found.ctime(), found.ctime_nsec())))
}
