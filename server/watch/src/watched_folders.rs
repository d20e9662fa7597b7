//! inotify on the folders that followed paths pass.
//!
//! Folders and not files: a watch on a file dies with the file, one on its folder sees the next file too. A folder
//! dies as well when it is replaced, so the watches are armed anew whenever the walked chains differ.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};

use super::folder_events::{FolderEvents, WatchedFolder};
use super::link_chain::{FileIdentity, LinkChain};
use super::local_folder::is_local;
use super::needed_folders::NeededFolders;

/// Time between two tries to get inotify.
const RETRY: Duration = Duration::from_secs(30);

/// What is asked of inotify(7): that names come, go, lead elsewhere or change, and that the folder itself does. Reading,
/// our own among others, changes nothing.
const CHANGES: AddWatchFlags = AddWatchFlags::IN_ATTRIB
    .union(AddWatchFlags::IN_MODIFY)
    .union(AddWatchFlags::IN_CLOSE_WRITE)
    .union(AddWatchFlags::IN_CREATE)
    .union(AddWatchFlags::IN_DELETE)
    .union(AddWatchFlags::IN_MOVED_FROM)
    .union(AddWatchFlags::IN_MOVED_TO)
    .union(AddWatchFlags::IN_DELETE_SELF)
    .union(AddWatchFlags::IN_MOVE_SELF)
    .union(AddWatchFlags::IN_ONLYDIR)
    .union(AddWatchFlags::IN_DONT_FOLLOW);

/// The watched folders. One thread sets watches; any may read events.
#[derive(Debug)]
pub(super) struct WatchedFolders {
    enabled: bool,
    /// When inotify was last asked for in vain.
    refused: Option<Instant>,
    /// Whether the limit of the system has been reported.
    limit_reported: bool,
    armed: BTreeMap<PathBuf, (FileIdentity, WatchDescriptor)>,
    events: Arc<Mutex<FolderEvents>>,
}

impl WatchedFolders {
    /// No folder yet; with `inotify` false, never any.
    pub(super) fn new(inotify: bool) -> Self {
        Self {
            enabled: inotify,
            refused: None,
            limit_reported: false,
            armed: BTreeMap::new(),
            events: Arc::default(),
        }
    }

    /// The events, for other threads.
    pub(super) fn shared_events(&self) -> Arc<Mutex<FolderEvents>> {
        Arc::clone(&self.events)
    }

    pub(super) fn events(&self) -> MutexGuard<'_, FolderEvents> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What becomes readable when there are events.
    pub(super) fn descriptor(&self) -> Option<Arc<Inotify>> {
        self.events().inotify.clone()
    }

    /// Whether every folder of the chain is watched, as the chain knows it.
    pub(super) fn cover(&self, chain: &LinkChain) -> bool {
        let events = self.events();
        chain.end.as_ref().is_some_and(|(_, identity)| events.watches(*identity))
            && chain.steps.iter().all(|step| events.watches(step.identity))
    }

    /// Watches these folders and no others. Says whether a watch was set that was not there before: what happened in
    /// its folder until now went unseen.
    pub(super) fn arm(&mut self, needed: NeededFolders) -> bool {
        let Some(inotify) = self.descriptor().or_else(|| self.create()) else { return false };
        let mut wanted = needed.distinct();
        // First all that go: a watch belongs to the folder, not to the path, and might go with the wrong one.
        self.disarm_others(&inotify, &wanted);
        let mut events = self.events();
        for (path, (_, watch)) in &self.armed {
            if let (Some((_, interest)), Some(folder)) = (wanted.remove(path), events.folders.get_mut(watch))
            {
                folder.interest = interest;
            }
        }
        events.arming = true;
        drop(events);
        let mut new = false;
        for (path, (identity, interest)) in wanted {
            // Without the lock, for on a dead mount this does not return.
            match inotify.add_watch(&path, CHANGES) {
                Ok(watch) => {
                    let folder = WatchedFolder::new(path.clone(), identity, interest, is_local(&path));
                    self.events().folders.insert(watch, folder);
                    self.armed.insert(path, (identity, watch));
                    new = true;
                }
                Err(error) => self.refuse(&path, error),
            }
        }
        self.events().arming = false;
        new
    }

    /// Takes away the watches that are not wanted any more.
    fn disarm_others<T>(&mut self, inotify: &Inotify, wanted: &BTreeMap<PathBuf, (FileIdentity, T)>) {
        let events = Arc::clone(&self.events);
        let mut events = events.lock().unwrap_or_else(PoisonError::into_inner);
        self.armed.retain(|path, (identity, watch)| {
            let alive = events.folders.contains_key(watch);
            let keep = alive && wanted.get(path).is_some_and(|(now, _)| now == identity);
            if alive && !keep {
                events.folders.remove(watch);
                // An error says that it was gone already.
                let _ = inotify.rm_watch(*watch);
            }
            keep
        });
    }

    fn create(&mut self) -> Option<Arc<Inotify>> {
        if !self.enabled || self.refused.is_some_and(|when| when.elapsed() < RETRY) {
            return None;
        }
        match Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC) {
            Ok(inotify) => {
                let inotify = Arc::new(inotify);
                self.events().inotify = Some(Arc::clone(&inotify));
                Some(inotify)
            }
            Err(error) => {
                if self.refused.replace(Instant::now()).is_none() {
                    tracing::warn!(%error, "inotify cannot be had; files are compared every few seconds instead");
                }
                None
            }
        }
    }

    fn refuse(&mut self, path: &Path, error: Errno) {
        if error == Errno::ENOSPC && !std::mem::replace(&mut self.limit_reported, true) {
            tracing::warn!(path = %path.display(), "no more inotify watches (fs.inotify.max_user_watches); the rest is compared every few seconds");
        } else {
            tracing::debug!(path = %path.display(), %error, "folder cannot be watched; what is in it is compared");
        }
    }
}
