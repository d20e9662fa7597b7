//! A zone as it is served: its contents, and how their last load went.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use arc_swap::ArcSwapOption;
use rhumb_config::Place;
use rhumb_wire::Name;
use rhumb_zones::Contents;

use super::files::FileRead;

/// Why the last load of a zone failed, in words that name the place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble(pub Arc<str>);

/// A zone that outlives snapshots.
#[derive(Debug)]
pub struct Zone {
    name: Name,
    contents: ArcSwapOption<Contents>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    trouble: Option<Trouble>,
    loaded: Option<SystemTime>,
    files: Arc<[FileRead]>,
    /// When the first signature of what is served expires, in seconds since 1970.
    expires: Option<u64>,
}

/// A zone, and what asked for it.
#[derive(Debug, Clone)]
pub struct ZoneEntry {
    /// The zone.
    pub zone: Arc<Zone>,
    /// Its file; none for the zone of the built-in default.
    pub file: Option<PathBuf>,
    /// Where the configuration asks for it.
    pub place: Place,
}

impl Zone {
    /// A zone that has not been loaded: it is answered SERVFAIL.
    pub fn new(name: Name) -> Self {
        Self { name, contents: ArcSwapOption::empty(), state: Mutex::default() }
    }

    /// The apex.
    pub const fn name(&self) -> &Name {
        &self.name
    }

    /// What is served now; none before the first good load.
    pub fn contents(&self) -> Option<Arc<Contents>> {
        self.contents.load_full()
    }

    /// What is served now, for the length of one answer.
    #[inline]
    pub fn load(&self) -> arc_swap::Guard<Option<Arc<Contents>>> {
        self.contents.load()
    }

    /// Serves `contents` from now on, read from `files`; `expires` is when their first signature does, in seconds since 1970.
    pub fn publish(&self, contents: Arc<Contents>, files: Arc<[FileRead]>, expires: Option<u64>) {
        self.contents.store(Some(contents));
        let mut state = self.lock();
        *state = State { trouble: None, loaded: Some(SystemTime::now()), files, expires };
    }

    /// Notes that a load from `files` failed; what was served before goes on.
    pub fn fail(&self, trouble: Trouble, files: Arc<[FileRead]>) {
        let mut state = self.lock();
        state.trouble = Some(trouble);
        state.files = files;
    }

    /// Why the last load failed, if it did.
    pub fn trouble(&self) -> Option<Trouble> {
        self.lock().trouble.clone()
    }

    /// When it was last loaded well.
    pub fn loaded(&self) -> Option<SystemTime> {
        self.lock().loaded
    }

    /// When the first signature of what is served expires, in seconds since 1970; none without signatures.
    pub fn expires(&self) -> Option<u64> {
        self.lock().expires
    }

    /// The files that the last load read, `$INCLUDE`d ones too.
    pub fn files(&self) -> Arc<[FileRead]> {
        Arc::clone(&self.lock().files)
    }

    /// Whether the files that the last load read, good or bad, are what they were.
    pub fn is_current(&self) -> bool {
        let files = self.files();
        let built_in = files.is_empty() && self.contents.load().is_some();
        built_in || !files.is_empty() && files.iter().all(FileRead::is_current)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
