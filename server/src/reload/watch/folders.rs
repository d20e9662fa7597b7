//! inotify on the folders that followed paths pass.
//!
//! Folders and not files: a watch on a file dies with the file, one on its folder sees the next file too. A folder
//! dies as well when it is replaced, so the watches are armed anew whenever the walked chains differ.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{EventHandler, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use super::Order;
use super::chain::{Chain, Identity};

/// Folders watched at most; paths beyond them are compared only.
const MAX_FOLDERS: usize = 2048;
/// Touched places kept one by one; beyond, everything counts as touched.
const MAX_TOUCHED: usize = 4096;
/// Time between two tries to get inotify.
const RETRY: Duration = Duration::from_secs(30);

/// What matters in a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Interest {
    /// Any name at all.
    any: bool,
    names: HashSet<OsString>,
    /// Other paths of the same folder: inotify has one watch for it and tells it under one path.
    aliases: Vec<PathBuf>,
}

impl Interest {
    fn covers(&self, name: &OsStr) -> bool {
        self.any || self.names.contains(name)
    }
}

/// The folders that followed paths need.
#[derive(Debug, Default)]
pub(super) struct Needed(BTreeMap<PathBuf, (Option<Identity>, Interest)>);

impl Needed {
    /// Adds the folders of a chain, each for the name looked up in it.
    pub(super) fn chain(&mut self, chain: &Chain) {
        for step in &chain.steps {
            let (identity, interest) = self.0.entry(step.folder.clone()).or_default();
            *identity = Some(step.identity);
            interest.names.insert(step.name().to_owned());
        }
    }

    /// Adds a folder for every name in it.
    pub(super) fn whole(&mut self, folder: &Path, folder_identity: Identity) {
        let (identity, interest) = self.0.entry(folder.to_owned()).or_default();
        *identity = Some(folder_identity);
        interest.any = true;
    }

    /// The folders by one path each, the first in order, with all the interest in them.
    fn distinct(self) -> BTreeMap<PathBuf, (Identity, Interest)> {
        let mut first: HashMap<Identity, PathBuf> = HashMap::new();
        let mut folders: BTreeMap<PathBuf, (Identity, Interest)> = BTreeMap::new();
        for (path, (identity, interest)) in self.0 {
            let Some(identity) = identity else { continue };
            let known = first.entry(identity).or_insert_with(|| path.clone());
            if let Some((_, merged)) = folders.get_mut(known) {
                merged.any |= interest.any;
                merged.names.extend(interest.names);
                merged.aliases.push(path);
            } else if folders.len() < MAX_FOLDERS {
                folders.insert(path, (identity, interest));
            }
        }
        folders
    }
}

/// What inotify saw since it was last asked.
#[derive(Debug, Default)]
pub(super) struct Touched {
    places: HashSet<PathBuf>,
    /// Events were lost: anything may have changed.
    all: bool,
    /// Watched folders that went away or moved, so that their watch is dead.
    lost: HashSet<PathBuf>,
    /// When the last event came.
    last: Option<Instant>,
}

impl Touched {
    /// Whether a chain passes a touched place.
    pub(super) fn hits(&self, chain: &Chain) -> bool {
        self.all || (!self.places.is_empty() && chain.steps.iter().any(|step| self.place(step)))
    }

    fn place(&self, step: &super::chain::Step) -> bool {
        self.places.contains(&step.place) || self.places.contains(&step.folder)
    }

    /// Whether watches have to be set anew.
    pub(super) fn lost(&self) -> bool {
        self.all || !self.lost.is_empty()
    }

    /// The touched places.
    pub(super) fn places(&self) -> impl Iterator<Item = &Path> {
        self.places.iter().map(PathBuf::as_path)
    }
}

/// What the thread of inotify and ours share.
#[derive(Debug)]
struct Shared {
    interest: Mutex<HashMap<PathBuf, Interest>>,
    touched: Mutex<Touched>,
    orders: Sender<Order>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// Notes an event, and wakes the following thread for the first one since it looked.
    fn note(&self, event: &notify::Event) {
        let gone = matches!(event.kind, EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)));
        let interest = locked(&self.interest);
        let mut places = Vec::new();
        let mut lost = Vec::new();
        for path in &event.paths {
            if interest.contains_key(path) {
                places.push(path.clone());
                if gone {
                    lost.push(path.clone());
                }
            }
            let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { continue };
            let Some(wanted) = interest.get(folder).filter(|wanted| wanted.covers(name)) else { continue };
            places.extend(wanted.aliases.iter().map(|alias| alias.join(name)));
            places.push(path.clone());
        }
        drop(interest);
        let overflow = event.need_rescan();
        if places.is_empty() && !overflow {
            return;
        }
        let mut touched = locked(&self.touched);
        touched.all |= overflow || touched.places.len() + places.len() > MAX_TOUCHED;
        if touched.all {
            touched.places.clear();
        } else {
            touched.places.extend(places);
        }
        touched.lost.extend(lost);
        self.wake(touched);
    }

    fn wake(&self, mut touched: MutexGuard<'_, Touched>) {
        if touched.last.replace(Instant::now()).is_none() {
            // Without a following thread there is nobody to tell.
            let _ = self.orders.send(Order::Touched);
        }
    }
}

/// The receiving end of inotify.
struct Listener(Arc<Shared>);

impl EventHandler for Listener {
    fn handle_event(&mut self, event: notify::Result<notify::Event>) {
        match event {
            // Files being read, by ourselves among others, changes nothing.
            Ok(event) => match event.kind {
                EventKind::Access(kind) if kind != AccessKind::Close(AccessMode::Write) => {}
                _ => self.0.note(&event),
            },
            Err(error) => {
                tracing::debug!(%error, "watching files: inotify");
                let mut touched = locked(&self.0.touched);
                touched.all = true;
                self.0.wake(touched);
            }
        }
    }
}

/// The watched folders.
pub(super) struct Folders {
    shared: Option<Arc<Shared>>,
    watcher: Option<RecommendedWatcher>,
    /// When inotify was last asked for in vain.
    refused: Option<Instant>,
    /// Whether the limit of the system has been told of.
    told: bool,
    armed: BTreeMap<PathBuf, Identity>,
}

impl Folders {
    /// No folder yet. Without a way to wake the following thread, never any.
    pub(super) fn new(orders: Option<Sender<Order>>) -> Self {
        let shared = orders
            .map(|orders| Arc::new(Shared { interest: Mutex::default(), touched: Mutex::default(), orders }));
        Self { shared, watcher: None, refused: None, told: false, armed: BTreeMap::new() }
    }

    /// When the last event came that was not yet taken.
    pub(super) fn last(&self) -> Option<Instant> {
        self.shared.as_ref().and_then(|shared| locked(&shared.touched).last)
    }

    /// Takes what inotify saw, and gives up the watches it says are dead.
    pub(super) fn take(&mut self) -> Touched {
        let Some(shared) = &self.shared else { return Touched::default() };
        let touched = std::mem::take(&mut *locked(&shared.touched));
        if touched.all {
            self.forget(|_| true);
        } else if !touched.lost.is_empty() {
            // The crate drops the watches of everything beneath a folder that went away, and so must we.
            self.forget(|path| path.ancestors().any(|above| touched.lost.contains(above)));
        }
        touched
    }

    fn forget(&mut self, dead: impl Fn(&Path) -> bool) {
        let Some(watcher) = &mut self.watcher else { return };
        self.armed.retain(|path, _| {
            let dead = dead(path);
            if dead {
                // An error says that it was gone already.
                let _ = watcher.unwatch(path);
            }
            !dead
        });
    }

    /// Watches these folders and no others. Says whether a watch was set that was not there before: what happened in
    /// its folder until now went unseen.
    pub(super) fn arm(&mut self, needed: Needed) -> bool {
        let Some(shared) = self.shared.clone() else { return false };
        let Some(mut watcher) = self.watcher.take().or_else(|| self.create(&shared)) else { return false };
        let wanted = needed.distinct();
        // First all that go: a watch belongs to the folder, not to the path, and might go with the wrong one.
        self.armed.retain(|path, identity| {
            let keep = wanted.get(path).is_some_and(|(now, _)| now == identity);
            if !keep {
                let _ = watcher.unwatch(path);
            }
            keep
        });
        let interest = wanted.iter().map(|(path, (_, interest))| (path.clone(), interest.clone())).collect();
        *locked(&shared.interest) = interest;
        let mut new = false;
        for (path, (identity, _)) in wanted {
            if self.armed.contains_key(&path) {
                continue;
            }
            match watcher.watch(&path, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.armed.insert(path, identity);
                    new = true;
                }
                Err(error) => self.refuse(&path, &error),
            }
        }
        self.watcher = Some(watcher);
        new
    }

    fn create(&mut self, shared: &Arc<Shared>) -> Option<RecommendedWatcher> {
        if self.refused.is_some_and(|when| when.elapsed() < RETRY) {
            return None;
        }
        match notify::recommended_watcher(Listener(Arc::clone(shared))) {
            Ok(watcher) => Some(watcher),
            Err(error) => {
                if self.refused.replace(Instant::now()).is_none() {
                    tracing::warn!(%error, "inotify cannot be had; files are compared every few seconds instead");
                }
                None
            }
        }
    }

    fn refuse(&mut self, path: &Path, error: &notify::Error) {
        let limit = matches!(error.kind, notify::ErrorKind::MaxFilesWatch);
        if limit && !std::mem::replace(&mut self.told, true) {
            tracing::warn!(path = %path.display(), "no more inotify watches (fs.inotify.max_user_watches); the rest is compared every few seconds");
        } else {
            tracing::debug!(path = %path.display(), %error, "folder cannot be watched; what is in it is compared");
        }
    }
}
