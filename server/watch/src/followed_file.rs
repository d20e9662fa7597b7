//! One followed file.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::file_signature::{FileSignature, look};
use super::link_chain::{LinkChain, walk_chain};
use super::needed_folders::NeededFolders;
use super::touched_paths::TouchedPaths;
use super::watched_folders::WatchedFolders;
use super::writer_hold::WriterHold;

/// The time between two looks that have to find the same, where no event says that a file was closed.
pub(super) const CONFIRM: Duration = Duration::from_millis(500);

/// What a comparison showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileComparison {
    /// As before.
    Same,
    /// Different, and perhaps being written: to be compared again then.
    Unconfirmed(Instant),
    /// Different, and its writer has it open.
    Open,
    /// Different.
    Changed,
}

/// A followed file and what was last seen of it.
pub(super) struct FollowedFile {
    path: PathBuf,
    absolute: PathBuf,
    chain: LinkChain,
    known: FileSignature,
    /// A differing look, to be confirmed, and when it was first seen so.
    unconfirmed: Option<(FileSignature, Instant)>,
    /// It is reported once its writer closes it.
    hold: Option<WriterHold>,
    /// Look again whatever the events say: a folder of the chain was not watched until now.
    recheck: bool,
    stale: bool,
}

impl FollowedFile {
    /// Follows a path; [`FollowedFile::baseline`] has to come next.
    pub(super) fn new(path: &Path) -> Self {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let chain = walk_chain(&absolute);
        Self {
            path: path.to_owned(),
            absolute,
            chain,
            known: FileSignature::Missing,
            unconfirmed: None,
            hold: None,
            recheck: false,
            stale: false,
        }
    }

    /// The path as followed.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes what is there now as known.
    pub(super) fn baseline(&mut self, watched: &WatchedFolders) {
        self.known = look(&self.absolute).signature;
        self.unconfirmed = None;
        self.hold = self.is_written(watched).then(|| WriterHold::new(Instant::now()));
    }

    /// Whether it has to be looked at.
    pub(super) fn needs_look(&self, touched: &TouchedPaths) -> bool {
        self.recheck || self.unconfirmed.is_some() || touched.hits(&self.chain)
    }

    /// Whether events speak for it, and none of them was lost.
    pub(super) fn is_touched(&self, touched: &TouchedPaths) -> bool {
        touched.is_complete() && touched.hits(&self.chain)
    }

    /// Walks the path anew. Says whether it goes another way now.
    pub(super) fn walk(&mut self) -> bool {
        let chain = walk_chain(&self.absolute);
        let moved = chain.steps != self.chain.steps;
        self.chain = chain;
        moved
    }

    /// Asks for another look.
    pub(super) fn recheck(&mut self) {
        self.recheck = true;
    }

    /// Adds the folders to watch.
    pub(super) fn need(&self, needed: &mut NeededFolders) {
        needed.chain(&self.chain);
    }

    /// Compares. `touched`: events spoke for it and ceased, so a difference needs no second look. The flag says that the
    /// file has just become stale.
    pub(super) fn compare(
        &mut self,
        touched: bool,
        watched: &WatchedFolders,
        now: Instant,
    ) -> (FileComparison, bool) {
        self.recheck = false;
        let look = look(&self.absolute);
        let stale = look.orphan && !self.stale;
        self.stale = look.orphan;
        let written = self.is_written(watched);
        (self.judge(look.signature, touched, written, now), stale)
    }

    fn is_written(&self, watched: &WatchedFolders) -> bool {
        let mut events = watched.events();
        // A writer that came after the look counts too.
        events.drain();
        events.is_written(&self.chain)
    }

    fn judge(&mut self, seen: FileSignature, touched: bool, written: bool, now: Instant) -> FileComparison {
        let before = self.unconfirmed.take();
        if seen == self.known && self.hold.is_none() {
            return FileComparison::Same;
        }
        if written {
            let hold = self.hold.get_or_insert_with(|| WriterHold::new(now));
            hold.warn_if_long(&self.path, now);
            return FileComparison::Open;
        }
        let since = before.filter(|(candidate, _)| *candidate == seen).map_or(now, |(_, since)| since);
        if touched || now.saturating_duration_since(since) >= CONFIRM {
            self.known = seen;
            self.hold = None;
            return FileComparison::Changed;
        }
        self.unconfirmed = Some((seen, since));
        FileComparison::Unconfirmed(since + CONFIRM)
    }
}
