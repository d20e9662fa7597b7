//! What was last seen in a followed folder: names, numbers and times, never content, as there may be 100,000 files.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, DirEntry, FileType, Metadata};
use std::os::unix::fs::{DirEntryExt, MetadataExt};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::file_signature::FileStamp;
use super::folder_entries::FolderEntries;
use super::folder_listing::FolderListing;
use super::link_targets::LinkTargets;
use super::name_pattern::NamePattern;
use super::unreported_changes::UnreportedChanges;

/// Comparing takes at most one part in so many of one CPU.
const SHARE: u32 = 100;
/// The longest time between two comparisons.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);
/// Files compared in one go of the regular comparison, some milliseconds, so that orders and events need not wait for it.
const PORTION: usize = 1000;

/// The pause after a comparison that took this long.
pub(super) fn pause(interval: Duration, took: Duration) -> Duration {
    interval.max(took.saturating_mul(SHARE)).min(LONGEST_PAUSE.max(interval))
}

/// Whether changes of a file can go past the folder that names it: it is a symlink, has other names, or is a mount.
fn can_change_elsewhere(kind: FileType, target: Option<&Metadata>, device: u64) -> bool {
    kind.is_symlink() || target.is_some_and(|target| target.nlink() > 1 || target.dev() != device)
}

fn mark(target: Option<&Metadata>) -> u64 {
    target.map_or(0, |target| FileStamp::of(target).mark())
}

pub(super) struct FolderContents {
    folder: PathBuf,
    pattern: NamePattern,
    entries: FolderEntries,
    /// The files whose changes may bring no event of this folder.
    uncovered: HashSet<OsString>,
    /// The ways that symlinks among the entries lead.
    targets: LinkTargets,
    /// Symlinks lead other ways than before.
    targets_moved: bool,
    /// The folder's own stamp before it was last listed; `None`: it cannot be listed.
    listed: Option<FileStamp>,
    /// The regular comparison under way.
    listing: Option<FolderListing>,
    pub(super) unreported: UnreportedChanges,
    /// When all files, and when only names, are compared next.
    full: Instant,
    quick: Instant,
}

impl FolderContents {
    /// Nothing was seen yet. `folder` is absolute.
    pub(super) fn new(folder: PathBuf, pattern: NamePattern) -> Self {
        let now = Instant::now();
        Self {
            folder,
            pattern,
            entries: FolderEntries::default(),
            uncovered: HashSet::new(),
            targets: LinkTargets::default(),
            targets_moved: false,
            listed: None,
            listing: None,
            unreported: UnreportedChanges::default(),
            full: now,
            quick: now,
        }
    }

    pub(super) const fn pattern(&self) -> &NamePattern {
        &self.pattern
    }

    pub(super) const fn targets(&self) -> &LinkTargets {
        &self.targets
    }

    /// Whether symlinks lead other ways than when this was last asked.
    pub(super) fn take_targets_moved(&mut self) -> bool {
        std::mem::take(&mut self.targets_moved)
    }

    pub(super) const fn is_listed(&self) -> bool {
        self.listed.is_some()
    }

    /// Number of files.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether changes of this file may bring no event of this folder.
    pub(super) fn is_uncovered(&self, name: &OsStr) -> bool {
        self.uncovered.contains(name)
    }

    /// Compares some files; those that differ may be reported from `ready` on.
    pub(super) fn compare(&mut self, names: &[OsString], ready: Instant) {
        for name in names {
            if self.differs(name) {
                self.unreported.note(name.clone(), ready);
            }
        }
    }

    /// The same with files that events named. They count as different if they are there: a second change within a tick of
    /// the file system's clock leaves their stamps as they were.
    pub(super) fn compare_touched(&mut self, names: &[OsString], ready: Instant) {
        for name in names {
            if self.differs(name) || self.entries.contains(name) {
                self.unreported.note(name.clone(), ready);
            }
        }
    }

    /// Compares the files that may change without an event.
    pub(super) fn compare_uncovered(&mut self, ready: Instant) {
        let names: Vec<_> = self.uncovered.iter().cloned().collect();
        self.compare(&names, ready);
    }

    fn differs(&mut self, name: &OsStr) -> bool {
        let device = self.listed.map_or(0, |stamp| stamp.device());
        let place = self.folder.join(name);
        if let Ok(metadata) = fs::symlink_metadata(&place) {
            self.targets.note(&metadata);
            let target = fs::metadata(&place).ok();
            self.set_uncovered(name, can_change_elsewhere(metadata.file_type(), target.as_ref(), device));
            self.entries.see(name, metadata.ino(), mark(target.as_ref()))
        } else {
            self.set_uncovered(name, false);
            self.entries.miss(name)
        }
    }

    fn set_uncovered(&mut self, name: &OsStr, uncovered: bool) {
        if uncovered {
            self.uncovered.insert(name.to_owned());
        } else {
            self.uncovered.remove(name);
        }
    }

    /// Lists the folder and compares every file; those that differ may be reported from `ready` on.
    pub(super) fn compare_all(&mut self, interval: Duration, ready: Instant) {
        self.proceed(usize::MAX, interval, ready);
        self.begin(true);
        self.proceed(usize::MAX, interval, ready);
    }

    /// The regular comparison, if it is time for it, a portion at a time. Says whether it goes on.
    pub(super) fn compare_regularly(&mut self, now: Instant, interval: Duration, ready: Instant) -> bool {
        if self.listing.is_none() {
            let every = now >= self.full;
            // A folder's time changes with its names: comparing those is all it takes, and ten times cheaper.
            let due = every
                || now >= self.quick
                    && fs::metadata(&self.folder).ok().as_ref().map(FileStamp::of) != self.listed;
            if !due {
                return false;
            }
            self.begin(every);
        }
        self.proceed(PORTION, interval, ready)
    }

    /// Begins to list the folder: to compare every file, or only those with another inode than before.
    fn begin(&mut self, every: bool) {
        self.entries.begin();
        self.listing = Some(FolderListing::begin(&self.folder, every));
    }

    /// Compares so many files of the listing under way. Says whether there is more.
    fn proceed(&mut self, portion: usize, interval: Duration, ready: Instant) -> bool {
        let Some(mut listing) = self.listing.take() else { return false };
        let begun = Instant::now();
        for _ in 0..portion {
            let Some(entry) = listing.next() else {
                listing.spent += begun.elapsed();
                self.end(listing, interval);
                return false;
            };
            self.compare_entry(&entry, &mut listing, ready);
        }
        listing.spent += begun.elapsed();
        self.listing = Some(listing);
        true
    }

    fn compare_entry(&mut self, entry: &DirEntry, listing: &mut FolderListing, ready: Instant) {
        let name = entry.file_name();
        if !self.pattern.covers(&name) {
            return;
        }
        let Ok(kind) = entry.file_type() else { return };
        let known = self.entries.mark_of(&name, entry.ino()).filter(|_| !listing.every);
        let seen = known.unwrap_or_else(|| {
            let target = fs::metadata(entry.path()).ok();
            self.set_uncovered(&name, can_change_elsewhere(kind, target.as_ref(), listing.device()));
            mark(target.as_ref())
        });
        if kind.is_symlink() {
            listing.targets.add(&entry.path());
        }
        if self.entries.see(&name, entry.ino(), seen) {
            self.unreported.note(name, ready);
        }
    }

    fn end(&mut self, listing: FolderListing, interval: Duration) {
        let whole = listing.whole();
        // What is gone has left its hash alone.
        let gone = self.entries.end(whole);
        if gone || whole != self.listed.is_some() {
            self.unreported.note_whole();
        }
        if whole {
            self.targets_moved |= listing.targets != self.targets;
            self.targets = listing.targets;
        }
        self.listed = listing.stamp.filter(|_| whole);
        self.quick = Instant::now() + pause(interval, listing.spent);
        if listing.every {
            self.full = self.quick;
        }
    }
}
