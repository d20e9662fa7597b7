//! A followed folder: the way to it, what events say of it, and what is reported of it.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::folder_contents::FolderContents;
use super::followed_file::CONFIRM;
use super::link_chain::{LinkChain, walk_chain};
use super::local_folder::is_local;
use super::name_pattern::NamePattern;
use super::needed_folders::NeededFolders;
use super::touched_paths::TouchedPaths;
use super::watched_folders::WatchedFolders;

/// A folder of fewer files is looked at in full when changes are asked for: it costs little, and is never wrong.
const MANY: usize = 5000;

/// What events say of the folder.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FolderChanges {
    None,
    /// These files may differ.
    Names(Vec<OsString>),
    /// Any may.
    All,
}

pub(super) struct FollowedFolder {
    path: PathBuf,
    absolute: PathBuf,
    chain: LinkChain,
    contents: FolderContents,
    /// Compare all whatever the events say: a folder was not watched until now.
    recheck: bool,
}

impl FollowedFolder {
    /// Follows a folder; [`FollowedFolder::baseline`] has to come next.
    pub(super) fn new(path: &Path, pattern: NamePattern) -> Self {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let chain = walk_chain(&absolute);
        let contents = FolderContents::new(absolute.clone(), pattern);
        Self { path: path.to_owned(), absolute, chain, contents, recheck: false }
    }

    /// The path as followed.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Which names in it matter.
    pub(super) const fn pattern(&self) -> &NamePattern {
        self.contents.pattern()
    }

    /// Takes what is there now as known.
    pub(super) fn baseline(&mut self, interval: Duration, watched: &WatchedFolders) {
        let now = Instant::now();
        self.contents.compare_all(interval, now);
        self.contents.unreported.clear();
        let Some((_, identity)) = &self.chain.end else { return };
        let mut events = watched.events();
        events.drain();
        for name in events.written_in(*identity) {
            if self.contents.pattern().covers(name) {
                self.contents.unreported.hold(name.clone(), now);
            }
        }
    }

    /// Walks the path anew. Says whether other folders have to be watched now.
    pub(super) fn walk(&mut self) -> bool {
        let chain = walk_chain(&self.absolute);
        let moved = self.contents.take_targets_moved() || chain != self.chain;
        self.chain = chain;
        moved
    }

    /// Asks for a comparison of everything.
    pub(super) fn recheck(&mut self) {
        self.recheck = true;
    }

    /// Adds the folders to watch: those of the path for its names, the folder itself and those that links lead
    /// through for every name.
    pub(super) fn need(&self, needed: &mut NeededFolders) {
        needed.chain(&self.chain);
        if let Some((end, identity)) = &self.chain.end {
            needed.whole(end, *identity);
        }
        self.contents.targets().need(needed);
    }

    /// What events say of this folder.
    pub(super) fn changes(&self, touched: &TouchedPaths) -> FolderChanges {
        if self.recheck || touched.hits(&self.chain) || self.contents.targets().hit(touched) {
            return FolderChanges::All;
        }
        let Some((end, _)) = &self.chain.end else { return FolderChanges::None };
        let mut names = Vec::new();
        for path in touched.paths() {
            let folder = path.parent().unwrap_or(path);
            let member = path.file_name().filter(|name| folder == end && self.pattern().covers(name));
            if let Some(name) = member {
                names.push(name.to_owned());
            } else if path == end || self.contents.targets().concern(end, folder) {
                // What links pass: `..data` of a ConfigMap, the files they lead to.
                return FolderChanges::All;
            }
        }
        if names.is_empty() { FolderChanges::None } else { FolderChanges::Names(names) }
    }

    /// Compares what events name, and once more what has to be confirmed by now. With `complete` events a file is known to
    /// be closed, and its difference needs no second look.
    pub(super) fn compare(
        &mut self,
        changes: FolderChanges,
        complete: bool,
        interval: Duration,
        now: Instant,
    ) {
        let ready = if complete && !self.recheck { now } else { now + CONFIRM };
        self.recheck = false;
        self.confirm(now);
        match changes {
            FolderChanges::None => {}
            FolderChanges::Names(names) => self.contents.compare_touched(&names, ready),
            FolderChanges::All => self.contents.compare_all(interval, ready),
        }
    }

    /// Compares once more what is due: what differs again has to wait again.
    pub(super) fn confirm(&mut self, now: Instant) {
        let due = self.contents.unreported.due(now);
        self.contents.compare(&due, now + CONFIRM);
    }

    /// The names to report, none in a set: the folder itself.
    pub(super) fn take_report(
        &mut self,
        watched: &WatchedFolders,
        now: Instant,
    ) -> Option<HashSet<OsString>> {
        let written = self.written(self.contents.unreported.candidates(now), watched);
        let names = self.contents.unreported.take(now, &written);
        self.contents.unreported.warn_of_writers(&self.path, now);
        names
    }

    /// The same with everything found, confirmed or not, after a comparison of what events may not speak of.
    pub(super) fn take_all(&mut self, watched: &WatchedFolders, now: Instant) -> Option<HashSet<OsString>> {
        self.contents.compare_uncovered(now);
        let far = now + CONFIRM;
        let written = self.written(self.contents.unreported.candidates(far), watched);
        self.contents.unreported.take_all(now, written)
    }

    /// When something has to be compared again.
    pub(super) fn next_look(&self) -> Option<Instant> {
        self.contents.unreported.next()
    }

    /// Which of these files are being written.
    fn written(&self, names: Vec<OsString>, watched: &WatchedFolders) -> HashSet<OsString> {
        let Some((_, identity)) = &self.chain.end else { return HashSet::new() };
        let mut events = watched.events();
        events.drain();
        if names.is_empty() || !events.any_writer() {
            return HashSet::new();
        }
        let here: HashSet<OsString> = events.written_in(*identity).cloned().collect();
        drop(events);
        // Not under the lock: this looks at the disk.
        let links: Vec<(OsString, LinkChain)> = names
            .iter()
            .filter(|name| self.contents.is_uncovered(name))
            .map(|name| (name.clone(), walk_chain(&self.absolute.join(name))))
            .collect();
        let mut written: HashSet<OsString> = names.into_iter().filter(|name| here.contains(name)).collect();
        let events = watched.events();
        written.extend(links.into_iter().filter(|(_, chain)| events.is_written(chain)).map(|(name, _)| name));
        written
    }

    /// Whether a look found everything that changed. Else all files have to be looked at.
    pub(super) fn is_certain(&self, watched: &WatchedFolders) -> bool {
        let known = self.contents.is_listed() && !self.recheck && self.contents.len() >= MANY;
        let end = self.chain.end.as_ref();
        known && watched.cover(&self.chain) && end.is_some_and(|(path, _)| is_local(path))
    }

    /// The regular comparison, if it is time for it, a portion at a time. Says whether it goes on.
    pub(super) fn compare_regularly(&mut self, now: Instant, interval: Duration) -> bool {
        self.contents.compare_regularly(now, interval, now + CONFIRM)
    }
}
