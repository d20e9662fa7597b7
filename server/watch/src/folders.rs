//! inotify on the folders that followed paths pass.
//!
//! Folders and not files: a watch on a file dies with the file, one on its folder sees the next file too. A folder
//! dies as well when it is replaced, so the watches are armed anew whenever the walked chains differ. The queue of
//! events is read by the following thread itself: once it is empty, every change made before is known.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent, WatchDescriptor};

use super::chain::{Chain, Identity, Step};
use super::interest::{Interest, Needed};

/// Touched places kept one by one; beyond, everything counts as touched.
const MAX_TOUCHED: usize = 4096;
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

/// What inotify saw since it was last asked.
#[derive(Debug, Default)]
pub(super) struct Touched {
    places: HashSet<PathBuf>,
    /// Events were lost: anything may have changed.
    all: bool,
    /// A watch has died with its folder.
    lost: bool,
    /// When the last event came.
    last: Option<Instant>,
}

impl Touched {
    /// Whether a chain passes a touched place.
    pub(super) fn hits(&self, chain: &Chain) -> bool {
        self.all || (!self.places.is_empty() && chain.steps.iter().any(|step| self.place(step)))
    }

    fn place(&self, step: &Step) -> bool {
        self.places.contains(&step.place) || self.places.contains(&step.folder)
    }

    /// Whether watches have to be set anew.
    pub(super) const fn lost(&self) -> bool {
        self.all || self.lost
    }

    /// The touched places.
    pub(super) fn places(&self) -> impl Iterator<Item = &Path> {
        self.places.iter().map(PathBuf::as_path)
    }

    fn add(&mut self, place: PathBuf) {
        self.all |= self.places.len() >= MAX_TOUCHED;
        if !self.all {
            self.places.insert(place);
        }
    }
}

/// A watched folder.
#[derive(Debug)]
struct Watched {
    path: PathBuf,
    interest: Interest,
}

/// The watched folders.
#[derive(Debug)]
pub(super) struct Folders {
    wanted: bool,
    inotify: Option<Inotify>,
    /// When inotify was last asked for in vain.
    refused: Option<Instant>,
    /// Whether the limit of the system has been told of.
    told: bool,
    armed: BTreeMap<PathBuf, (Identity, WatchDescriptor)>,
    watched: HashMap<WatchDescriptor, Watched>,
    touched: Touched,
}

impl Folders {
    /// No folder yet; with `inotify` false, never any.
    pub(super) fn new(inotify: bool) -> Self {
        Self {
            wanted: inotify,
            inotify: None,
            refused: None,
            told: false,
            armed: BTreeMap::new(),
            watched: HashMap::new(),
            touched: Touched::default(),
        }
    }

    /// What becomes readable when there are events.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.inotify.as_ref().map(AsFd::as_fd)
    }

    /// When the last event came that was not yet taken.
    pub(super) const fn last(&self) -> Option<Instant> {
        self.touched.last
    }

    /// Reads all events that are there. Says whether one of them matters.
    pub(super) fn drain(&mut self) -> bool {
        let mut matters = false;
        while let Some(inotify) = &self.inotify {
            match inotify.read_events() {
                Ok(events) => events.iter().for_each(|event| matters |= self.note(event)),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => break,
                Err(error) => {
                    tracing::debug!(%error, "watching files: inotify");
                    self.give_up();
                    matters = true;
                }
            }
        }
        if matters {
            self.touched.last = Some(Instant::now());
        }
        matters
    }

    fn note(&mut self, event: &InotifyEvent) -> bool {
        if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
            self.touched.all = true;
            return true;
        }
        // Of a watch that was taken away the last events may still come.
        let Some(watched) = self.watched.get(&event.wd) else { return false };
        let Some(name) = &event.name else {
            for path in watched.interest.aliases.iter().chain([&watched.path]) {
                self.touched.add(path.clone());
            }
            if event.mask.contains(AddWatchFlags::IN_IGNORED) {
                self.armed.remove(&watched.path);
                self.watched.remove(&event.wd);
                self.touched.lost = true;
            }
            return true;
        };
        if !watched.interest.covers(name) {
            return false;
        }
        for path in watched.interest.aliases.iter().chain([&watched.path]) {
            self.touched.add(path.join(name));
        }
        true
    }

    /// A queue that cannot be read is of no use: the next arming makes another.
    fn give_up(&mut self) {
        self.inotify = None;
        self.armed.clear();
        self.watched.clear();
        self.touched.all = true;
    }

    /// Takes what was read of events.
    pub(super) fn take(&mut self) -> Touched {
        std::mem::take(&mut self.touched)
    }

    /// Whether every folder of the chain is watched, as the chain knows it.
    pub(super) fn cover(&self, chain: &Chain) -> bool {
        let is_armed = |path: &Path, identity: Identity| {
            // A folder under a second path is watched under its first.
            self.armed.get(path).is_some_and(|(known, _)| *known == identity)
                || self.armed.values().any(|(known, _)| *known == identity)
        };
        let end = chain.end.as_ref().is_some_and(|(path, identity)| is_armed(path, *identity));
        end && chain.steps.iter().all(|step| is_armed(&step.folder, step.identity))
    }

    /// Watches these folders and no others. Says whether a watch was set that was not there before: what happened in
    /// its folder until now went unseen.
    pub(super) fn arm(&mut self, needed: Needed) -> bool {
        let Some(inotify) = self.inotify.take().or_else(|| self.create()) else { return false };
        let wanted = needed.distinct();
        // First all that go: a watch belongs to the folder, not to the path, and might go with the wrong one.
        self.armed.retain(|path, (identity, watch)| {
            let keep = wanted.get(path).is_some_and(|(now, _)| now == identity);
            if !keep {
                self.watched.remove(watch);
                // An error says that it was gone already.
                let _ = inotify.rm_watch(*watch);
            }
            keep
        });
        let mut new = false;
        for (path, (identity, interest)) in wanted {
            if let Some((_, watch)) = self.armed.get(&path) {
                self.watched.insert(*watch, Watched { path, interest });
                continue;
            }
            match inotify.add_watch(&path, CHANGES) {
                Ok(watch) => {
                    self.armed.insert(path.clone(), (identity, watch));
                    self.watched.insert(watch, Watched { path, interest });
                    new = true;
                }
                Err(error) => self.refuse(&path, error),
            }
        }
        self.inotify = Some(inotify);
        new
    }

    fn create(&mut self) -> Option<Inotify> {
        if !self.wanted || self.refused.is_some_and(|when| when.elapsed() < RETRY) {
            return None;
        }
        match Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC) {
            Ok(inotify) => Some(inotify),
            Err(error) => {
                if self.refused.replace(Instant::now()).is_none() {
                    tracing::warn!(%error, "inotify cannot be had; files are compared every few seconds instead");
                }
                None
            }
        }
    }

    fn refuse(&mut self, path: &Path, error: Errno) {
        if error == Errno::ENOSPC && !std::mem::replace(&mut self.told, true) {
            tracing::warn!(path = %path.display(), "no more inotify watches (fs.inotify.max_user_watches); the rest is compared every few seconds");
        } else {
            tracing::debug!(path = %path.display(), %error, "folder cannot be watched; what is in it is compared");
        }
    }
}
