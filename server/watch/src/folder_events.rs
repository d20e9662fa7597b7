//! The inotify events of the watched folders: which paths were touched, and which files are being written.
//!
//! Whoever wants to know reads the queue first: once it is empty, every change made before is known.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, Inotify, InotifyEvent, WatchDescriptor};

use super::link_chain::{ChainStep, FileIdentity, LinkChain};
use super::needed_folders::NameInterest;
use super::touched_paths::TouchedPaths;

/// Files being written that are remembered of one folder, beside those that are followed: one of them may be renamed to a
/// followed name.
const MAX_OTHER_WRITERS: usize = 1024;
/// For so long after lost events no file of the folders is known to be closed.
const UNCERTAIN: Duration = Duration::from_secs(10);

/// A folder that inotify watches.
#[derive(Debug)]
pub(super) struct WatchedFolder {
    pub(super) path: PathBuf,
    pub(super) identity: FileIdentity,
    pub(super) interest: NameInterest,
    /// Whether no file in it changes without an event.
    pub(super) local: bool,
    /// When watching it began: of the writers of files that changed before, nothing is known.
    since: SystemTime,
    /// Files that were modified and not closed since.
    written: HashSet<OsString>,
    /// Files that a writer has closed lately: one of them may be given another time before it is renamed to a followed name, which is
    /// an event as that of a writer is.
    finished: HashSet<OsString>,
}

impl WatchedFolder {
    pub(super) fn new(path: PathBuf, identity: FileIdentity, interest: NameInterest, local: bool) -> Self {
        let (written, finished) = (HashSet::new(), HashSet::new());
        Self { path, identity, interest, local, since: SystemTime::now(), written, finished }
    }

    /// All paths under which it is known.
    fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.interest.aliases.iter().chain([&self.path])
    }

    /// Notes what an event says of the writer of a file. `renamed` is the last file whose writer is known and that lost its name.
    fn note_writer(&mut self, event: &InotifyEvent, name: &OsStr, renamed: &mut Option<RenamedFile>) {
        let mask = event.mask;
        if mask.intersects(AddWatchFlags::IN_MODIFY) {
            // Whoever sets the time alone has it modified, and need not have it open.
            if !(self.local && self.interest.covers(name) && is_dated(&self.path.join(name))) {
                self.add_writer(name);
            }
        } else if mask.contains(AddWatchFlags::IN_CREATE) {
            self.finished.remove(name);
            // An empty file is open for writing, or nothing is lost by waiting for its content.
            if self.interest.covers(name) && is_empty_file(&self.path.join(name)) {
                self.add_writer(name);
            }
        } else if mask.contains(AddWatchFlags::IN_MOVED_TO) {
            self.written.remove(name);
            self.finished.remove(name);
            match renamed.take_if(|file| file.cookie == event.cookie) {
                Some(RenamedFile { is_written: true, .. }) => self.add_writer(name),
                Some(_) => self.add_finished(name),
                None => {}
            }
        } else if mask.contains(AddWatchFlags::IN_CLOSE_WRITE) {
            self.written.remove(name);
            self.add_finished(name);
        } else if mask.contains(AddWatchFlags::IN_DELETE) {
            self.written.remove(name);
            self.finished.remove(name);
        } else if mask.contains(AddWatchFlags::IN_MOVED_FROM) {
            let (is_written, is_finished) = (self.written.remove(name), self.finished.remove(name));
            if is_written || is_finished {
                *renamed = Some(RenamedFile { cookie: event.cookie, is_written: !is_finished });
            }
        }
    }

    fn has_writer(&self) -> bool {
        self.written.iter().any(|name| self.interest.covers(name))
    }

    fn add_writer(&mut self, name: &OsStr) {
        if self.interest.covers(name) || self.written.len() < MAX_OTHER_WRITERS {
            self.written.insert(name.to_owned());
        }
    }

    fn add_finished(&mut self, name: &OsStr) {
        if self.finished.len() >= MAX_OTHER_WRITERS {
            self.finished.clear();
        }
        self.finished.insert(name.to_owned());
    }
}

/// A file that has lost its name, and may be given another.
#[derive(Clone, Copy, Debug)]
struct RenamedFile {
    /// The cookie of both events (inotify(7)).
    cookie: u32,
    /// Whether it is being written; else its writer has closed it.
    is_written: bool,
}

/// Whether the last that happened to a file was no writing, which gives it one time for both.
fn is_dated(path: &Path) -> bool {
    fs::symlink_metadata(path)
        .is_ok_and(|found| (found.mtime(), found.mtime_nsec()) != (found.ctime(), found.ctime_nsec()))
}

fn is_empty_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_file() && found.len() == 0 && found.nlink() == 1)
}

/// What inotify says of the writers of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriterState {
    /// None has modified it without closing it.
    Closed,
    /// One has.
    Open,
    /// The file changed before it was watched: its writer may have it open still.
    Early,
    /// inotify does not see this file.
    Unknown,
}

/// The state of inotify.
#[derive(Debug, Default)]
pub(super) struct FolderEvents {
    pub(super) inotify: Option<Arc<Inotify>>,
    pub(super) folders: HashMap<WatchDescriptor, WatchedFolder>,
    /// Watches are being set: events may come of folders that are not in the list yet.
    pub(super) arming: bool,
    touched: TouchedPaths,
    /// When the last event came that was not yet taken.
    last: Option<Instant>,
    /// The last file whose writer is known and that lost its name.
    renamed: Option<RenamedFile>,
    /// When events were lost.
    lost: Option<Instant>,
}

impl FolderEvents {
    /// Reads all events that are there.
    pub(super) fn drain(&mut self) {
        let mut lost = false;
        while let Some(inotify) = self.inotify.clone() {
            match inotify.read_events() {
                Ok(events) => {
                    for event in &events {
                        lost |= event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW);
                        if self.note(event) {
                            self.last = Some(Instant::now());
                        }
                    }
                }
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => break,
                Err(error) => {
                    tracing::debug!(%error, "watching files: inotify");
                    self.give_up();
                }
            }
        }
        // Until the queue was read to its end more may have been lost, which the same event stands for.
        if lost {
            self.forget_writers();
        }
    }

    /// Whether the event matters.
    fn note(&mut self, event: &InotifyEvent) -> bool {
        if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
            self.note_lost_events();
            return true;
        }
        // Of a watch that was taken away the last events may still come.
        let Some(folder) = self.folders.get_mut(&event.wd) else { return false };
        let Some(name) = &event.name else {
            folder.paths().for_each(|path| self.touched.add(path.clone()));
            if event.mask.contains(AddWatchFlags::IN_IGNORED) {
                self.folders.remove(&event.wd);
                self.touched.note_dead_watch();
            }
            return true;
        };
        let covered = folder.interest.covers(name);
        if covered {
            folder.paths().for_each(|path| self.touched.add(path.join(name)));
        }
        folder.note_writer(event, name, &mut self.renamed);
        covered
    }

    fn note_lost_events(&mut self) {
        self.touched.note_lost_events();
        self.lost = Some(Instant::now());
        self.forget_writers();
    }

    /// Whether files are closed is not known any more.
    fn forget_writers(&mut self) {
        self.folders.values_mut().for_each(|folder| folder.written.clear());
    }

    /// A queue that cannot be read is of no use: the next arming makes another.
    fn give_up(&mut self) {
        self.inotify = None;
        self.folders.clear();
        self.note_lost_events();
        self.last = Some(Instant::now());
    }

    pub(super) fn has_touched(&self) -> bool {
        !self.touched.is_empty()
    }

    /// When the last event came that was not yet taken.
    pub(super) const fn last(&self) -> Option<Instant> {
        self.last
    }

    pub(super) fn take(&mut self) -> TouchedPaths {
        self.last = None;
        std::mem::take(&mut self.touched)
    }

    /// Whether any file that is followed is being written. What else is written in the same folders does not count.
    pub(super) fn any_writer(&self) -> bool {
        self.folders.values().any(WatchedFolder::has_writer)
    }

    fn folder(&self, identity: FileIdentity) -> Option<&WatchedFolder> {
        self.folders.values().find(|folder| folder.identity == identity)
    }

    /// Whether this folder is watched.
    pub(super) fn watches(&self, identity: FileIdentity) -> bool {
        self.folder(identity).is_some()
    }

    /// The files of this folder that are being written.
    pub(super) fn written_in(&self, identity: FileIdentity) -> impl Iterator<Item = &OsString> {
        self.folder(identity).into_iter().flat_map(|folder| &folder.written)
    }

    /// Whether the file that a path leads to is being written.
    pub(super) fn is_written(&self, chain: &LinkChain) -> bool {
        chain.steps.last().is_some_and(|step| self.writer(step) == WriterState::Open)
    }

    /// Whether the writer of this file cannot be from before it was watched: it was written at `changed` last, or was seen to be closed.
    pub(super) fn saw_writer(&self, step: &ChainStep, changed: SystemTime) -> bool {
        let saw = |folder: &WatchedFolder| folder.since <= changed || folder.finished.contains(step.name());
        self.folder(step.identity).is_some_and(saw)
    }

    /// The writer of the file that a name leads to, which is no symlink.
    pub(super) fn writer(&self, step: &ChainStep) -> WriterState {
        let Some(folder) = self.folder(step.identity) else { return WriterState::Unknown };
        if folder.written.contains(step.name()) {
            return WriterState::Open;
        }
        let certain = folder.local && !self.arming && self.lost.is_none_or(|when| when.elapsed() > UNCERTAIN);
        if certain { WriterState::Closed } else { WriterState::Unknown }
    }
}
