//! Events on their way to the receiver: never lost, never waited for.

use std::collections::{HashMap, HashSet, VecDeque};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Event;

/// Events that were not taken yet. Bounded by what is followed: a path told twice waits once.
#[derive(Clone, Default)]
pub(super) struct Reports(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    changed: VecDeque<PathBuf>,
    queued: HashSet<PathBuf>,
    directories: HashMap<PathBuf, Names>,
    stale: Vec<(PathBuf, String)>,
    /// Something waits that the receiver was not woken for.
    new: bool,
}

/// Names of one folder to be told.
#[derive(Default)]
struct Names {
    names: HashSet<OsString>,
    /// Names would not say it all.
    whole: bool,
}

impl Reports {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A file differs.
    pub(super) fn changed(&self, path: &Path) {
        let mut waiting = self.lock();
        if waiting.queued.insert(path.to_owned()) {
            waiting.changed.push_back(path.to_owned());
            waiting.new = true;
        }
    }

    /// Files of a folder differ; none named: it has to be listed anew.
    pub(super) fn directory(&self, path: &Path, names: HashSet<OsString>) {
        let mut waiting = self.lock();
        waiting.new = true;
        let told = waiting.directories.entry(path.to_owned()).or_default();
        told.whole |= names.is_empty();
        told.names.extend(names);
    }

    /// A file can change no more.
    pub(super) fn stale(&self, path: &Path, why: &str) {
        let mut waiting = self.lock();
        waiting.stale.push((path.to_owned(), why.to_owned()));
        waiting.new = true;
    }

    /// Whether something waits that the receiver has not been woken for. It counts as woken from now on.
    pub(super) fn wakes(&self) -> bool {
        std::mem::take(&mut self.lock().new)
    }

    /// Hands over everything.
    pub(super) fn take(&self) -> Vec<Event> {
        let waiting = std::mem::take(&mut *self.lock());
        let stale = waiting.stale.into_iter().map(|(path, why)| Event::Stale { path, why });
        let changed = waiting.changed.into_iter().map(Event::Changed);
        let directories = waiting.directories.into_iter().map(|(path, told)| {
            let mut names: Vec<_> = if told.whole { Vec::new() } else { told.names.into_iter().collect() };
            names.sort_unstable();
            Event::Directory { path, names }
        });
        stale.chain(changed).chain(directories).collect()
    }

    /// Whether the following thread has ended.
    #[cfg(test)]
    pub(super) fn is_last(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }
}
