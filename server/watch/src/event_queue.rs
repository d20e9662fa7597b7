//! Events on their way to the receiver: never lost, never waited for.

use std::collections::{HashMap, HashSet, VecDeque};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::watch_event::WatchEvent;

/// Events that were not taken yet. Bounded by what is followed: a path reported twice waits once.
#[derive(Clone, Debug, Default)]
pub(super) struct EventQueue(Arc<Mutex<QueuedEvents>>);

#[derive(Debug, Default)]
struct QueuedEvents {
    files: VecDeque<PathBuf>,
    /// The same paths.
    queued: HashSet<PathBuf>,
    folders: HashMap<PathBuf, QueuedNames>,
    stale: Vec<(PathBuf, String)>,
    /// Something was added since the receiver was notified.
    unnotified: bool,
}

/// Names in one folder.
#[derive(Debug, Default)]
struct QueuedNames {
    names: HashSet<OsString>,
    /// Names would not say it all.
    whole: bool,
}

impl EventQueue {
    fn lock(&self) -> MutexGuard<'_, QueuedEvents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A file differs.
    pub(super) fn add_file(&self, path: &Path) {
        let mut events = self.lock();
        if events.queued.insert(path.to_owned()) {
            events.files.push_back(path.to_owned());
            events.unnotified = true;
        }
    }

    /// Files of a folder differ; none named: it has to be listed anew.
    pub(super) fn add_folder(&self, path: &Path, names: HashSet<OsString>) {
        let mut events = self.lock();
        events.unnotified = true;
        let queued = events.folders.entry(path.to_owned()).or_default();
        queued.whole |= names.is_empty();
        queued.names.extend(names);
    }

    /// A file can change no more.
    pub(super) fn add_stale(&self, path: &Path, reason: &str) {
        let mut events = self.lock();
        events.stale.push((path.to_owned(), reason.to_owned()));
        events.unnotified = true;
    }

    /// Whether something was added since this was last asked.
    pub(super) fn take_unnotified(&self) -> bool {
        std::mem::take(&mut self.lock().unnotified)
    }

    /// Hands over everything.
    pub(super) fn take(&self) -> Vec<WatchEvent> {
        let events = std::mem::take(&mut *self.lock());
        let stale = events.stale.into_iter().map(|(path, reason)| WatchEvent::Stale { path, reason });
        let files = events.files.into_iter().map(WatchEvent::FileChanged);
        let folders = events.folders.into_iter().map(|(path, queued)| {
            let mut names: Vec<_> =
                if queued.whole { Vec::new() } else { queued.names.into_iter().collect() };
            names.sort_unstable();
            WatchEvent::FolderChanged { path, names }
        });
        stale.chain(files).chain(folders).collect()
    }

    /// Whether the following thread has ended.
    #[cfg(test)]
    pub(super) fn is_last(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }
}
