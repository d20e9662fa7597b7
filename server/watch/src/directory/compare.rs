//! Comparing the files of a followed folder with what was last seen of them.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirEntry, FileType, Metadata};
use std::os::unix::fs::{DirEntryExt, MetadataExt};
use std::time::{Duration, Instant};

use super::super::listing::Listing;
use super::super::signature::Stamp;
use super::{Directory, Hit, pause};

/// Whether changes of a file can go past the folder that names it: it is a symlink, has other names, or is a mount.
fn is_loose(kind: FileType, target: Option<&Metadata>, device: u64) -> bool {
    kind.is_symlink() || target.is_some_and(|target| target.nlink() > 1 || target.dev() != device)
}

fn mark(target: Option<&Metadata>) -> u64 {
    target.map_or(0, |target| Stamp::of(target).mark())
}

impl Directory {
    /// Compares what events name.
    pub(super) fn compare_hit(&mut self, hit: Hit, interval: Duration) -> bool {
        self.recheck = false;
        match hit {
            Hit::None => false,
            Hit::Names(names) => self.compare(&names),
            Hit::All => self.scan(interval),
        }
    }

    /// Compares some files. Says whether any differs.
    pub(super) fn compare(&mut self, names: &[OsString]) -> bool {
        let mut found = false;
        let device = self.listed.map_or(0, |stamp| stamp.device());
        for name in names {
            let place = self.absolute.join(name);
            let differs = if let Ok(metadata) = fs::symlink_metadata(&place) {
                self.targets.note(&metadata);
                let target = fs::metadata(&place).ok();
                self.sort(name, is_loose(metadata.file_type(), target.as_ref(), device));
                self.entries.see(name, metadata.ino(), mark(target.as_ref()))
            } else {
                self.sort(name, false);
                self.entries.miss(name)
            };
            found |= differs && self.note(name.clone());
        }
        found
    }

    fn sort(&mut self, name: &OsStr, loose: bool) {
        if loose {
            self.loose.insert(name.to_owned());
        } else {
            self.loose.remove(name);
        }
    }

    /// Notes a difference.
    fn note(&mut self, name: OsString) -> bool {
        self.news.names.insert(name);
        self.news.since.get_or_insert_with(Instant::now);
        true
    }

    /// Notes that names do not say it all.
    fn turned(&mut self) -> bool {
        self.news.whole = true;
        self.news.since.get_or_insert_with(Instant::now);
        true
    }

    /// Lists the folder and compares every file. Says whether anything differs.
    pub(super) fn scan(&mut self, interval: Duration) -> bool {
        let (before, _) = self.proceed(usize::MAX, interval);
        self.begin(true);
        let (found, _) = self.proceed(usize::MAX, interval);
        before || found
    }

    /// Begins to list the folder: to compare every file, or only those with another inode than before.
    pub(super) fn begin(&mut self, every: bool) {
        self.entries.begin();
        self.listing = Some(Listing::begin(&self.absolute, every));
    }

    /// Compares so many files of the listing under way. Says whether anything differs, and whether there is more.
    pub(super) fn proceed(&mut self, portion: usize, interval: Duration) -> (bool, bool) {
        let Some(mut listing) = self.listing.take() else { return (false, false) };
        let begun = Instant::now();
        for _ in 0..portion {
            let Some(entry) = listing.next() else {
                listing.spent += begun.elapsed();
                return (self.end(listing, interval), false);
            };
            self.compare_entry(&entry, &mut listing);
        }
        listing.spent += begun.elapsed();
        self.listing = Some(listing);
        (false, true)
    }

    fn compare_entry(&mut self, entry: &DirEntry, listing: &mut Listing) {
        let name = entry.file_name();
        if !self.pattern.covers(&name) {
            return;
        }
        let Ok(kind) = entry.file_type() else { return };
        let known = self.entries.mark_of(&name, entry.ino()).filter(|_| !listing.every);
        let seen = known.unwrap_or_else(|| {
            let target = fs::metadata(entry.path()).ok();
            self.sort(&name, is_loose(kind, target.as_ref(), listing.device()));
            mark(target.as_ref())
        });
        if kind.is_symlink() {
            listing.targets.add(&entry.path());
        }
        if self.entries.see(&name, entry.ino(), seen) {
            listing.found = true;
            self.note(name);
        }
    }

    fn end(&mut self, listing: Listing, interval: Duration) -> bool {
        let whole = listing.whole();
        let mut found = listing.found;
        // What is gone has left its hash alone.
        found |= self.entries.end(whole) && self.turned();
        found |= whole != self.listed.is_some() && self.turned();
        if whole {
            self.moved |= listing.targets != self.targets;
            self.targets = listing.targets;
        }
        self.listed = listing.stamp.filter(|_| whole);
        self.quick = Instant::now() + pause(interval, listing.spent);
        if listing.every {
            self.full = self.quick;
        }
        found
    }
}
