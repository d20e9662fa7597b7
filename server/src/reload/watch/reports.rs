//! Events on their way to the receiver: never lost, never waited for.

use std::collections::{HashMap, HashSet, VecDeque};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

use super::Event;

/// Events not yet accepted by the receiver. Bounded by what is followed: a path told twice waits once.
pub(super) struct Reports {
    events: Sender<Event>,
    changed: VecDeque<PathBuf>,
    queued: HashSet<PathBuf>,
    directories: HashMap<PathBuf, Names>,
    stale: Vec<(PathBuf, String)>,
}

/// Names of one folder to be told.
#[derive(Default)]
struct Names {
    names: HashSet<OsString>,
    /// The folder itself came or went, so that names would not say it all.
    whole: bool,
}

impl Reports {
    /// Nothing yet.
    pub(super) fn new(events: Sender<Event>) -> Self {
        Self {
            events,
            changed: VecDeque::new(),
            queued: HashSet::new(),
            directories: HashMap::new(),
            stale: Vec::new(),
        }
    }

    /// A file differs.
    pub(super) fn changed(&mut self, path: &Path) {
        if self.queued.insert(path.to_owned()) {
            self.changed.push_back(path.to_owned());
        }
    }

    /// Files of a folder differ; none named: the folder itself.
    pub(super) fn directory(&mut self, path: &Path, names: HashSet<OsString>) {
        let waiting = self.directories.entry(path.to_owned()).or_default();
        waiting.whole |= names.is_empty();
        waiting.names.extend(names);
    }

    /// A file can change no more.
    pub(super) fn stale(&mut self, path: &Path, why: &str) {
        self.stale.push((path.to_owned(), why.to_owned()));
    }

    /// Whether something still waits.
    pub(super) fn waiting(&self) -> bool {
        !(self.changed.is_empty() && self.directories.is_empty() && self.stale.is_empty())
    }

    /// Hands over what the receiver takes. `false`: there is no receiver any more.
    pub(super) fn flush(&mut self) -> bool {
        while self.waiting() {
            let place = match self.events.try_reserve() {
                Ok(place) => place,
                Err(TrySendError::Full(())) => return true,
                Err(TrySendError::Closed(())) => return false,
            };
            if let Some((path, why)) = self.stale.pop() {
                place.send(Event::Stale { path, why });
            } else if let Some(path) = self.changed.pop_front() {
                self.queued.remove(&path);
                place.send(Event::Changed(path));
            } else if let Some(path) = self.directories.keys().next().cloned() {
                let told = self.directories.remove(&path).unwrap_or_default();
                let mut names: Vec<_> =
                    if told.whole { Vec::new() } else { told.names.into_iter().collect() };
                names.sort_unstable();
                place.send(Event::Directory { path, names });
            }
        }
        !self.events.is_closed()
    }
}
