//! One followed file.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::chain::{Chain, walk};
use super::folders::Touched;
use super::interest::Needed;
use super::signature::{Signature, look};

/// A file that keeps changing is told after this long at the latest.
pub(super) const LONGEST: Duration = Duration::from_millis(400);

/// What a comparison showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// As before.
    Same,
    /// Different, and perhaps being written: compare again in a moment.
    Settling,
    /// Different.
    Changed,
}

/// A followed file and what was last seen of it.
pub(super) struct File {
    path: PathBuf,
    absolute: PathBuf,
    chain: Chain,
    known: Signature,
    /// A differing look, to be confirmed, and when the first such came.
    unsettled: Option<(Signature, Instant)>,
    /// Look again whatever the events say: a folder of the chain was not watched until now.
    recheck: bool,
    stale: bool,
}

impl File {
    /// Follows a path; [`File::baseline`] has to come next.
    pub(super) fn new(path: &Path) -> Self {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let chain = walk(&absolute);
        Self {
            path: path.to_owned(),
            absolute,
            chain,
            known: Signature::Missing,
            unsettled: None,
            recheck: false,
            stale: false,
        }
    }

    /// The path as followed.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes what is there now as known.
    pub(super) fn baseline(&mut self) {
        self.known = look(&self.absolute).signature;
        self.unsettled = None;
    }

    /// Whether it has to be looked at, and whether events speak for it.
    pub(super) fn wants(&self, touched: &Touched) -> (bool, bool) {
        let hit = touched.hits(&self.chain);
        (hit || self.recheck || self.unsettled.is_some(), hit)
    }

    /// Walks the path anew. Says whether it goes another way now.
    pub(super) fn walk(&mut self) -> bool {
        let chain = walk(&self.absolute);
        let moved = chain.steps != self.chain.steps;
        self.chain = chain;
        moved
    }

    /// Asks for another look.
    pub(super) fn recheck(&mut self) {
        self.recheck = true;
    }

    /// Adds the folders to watch.
    pub(super) fn need(&self, needed: &mut Needed) {
        needed.chain(&self.chain);
    }

    /// Compares. `quiet`: events were told and ceased, so a difference needs no second look. The flag says that the
    /// file has just become stale.
    pub(super) fn compare(&mut self, quiet: bool, now: Instant) -> (Verdict, bool) {
        self.recheck = false;
        let look = look(&self.absolute);
        let stale = look.orphan && !self.stale;
        self.stale = look.orphan;
        (self.judge(look.signature, quiet, now), stale)
    }

    fn judge(&mut self, seen: Signature, quiet: bool, now: Instant) -> Verdict {
        let before = self.unsettled.take();
        if seen == self.known {
            return Verdict::Same;
        }
        let since = before.as_ref().map_or(now, |(_, since)| *since);
        let confirmed = before.is_some_and(|(candidate, _)| candidate == seen);
        if quiet || confirmed || now.saturating_duration_since(since) >= LONGEST {
            self.known = seen;
            Verdict::Changed
        } else {
            self.unsettled = Some((seen, since));
            Verdict::Settling
        }
    }
}
