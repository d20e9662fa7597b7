//! A followed folder: by name, number and time, never by content, as there may be 100,000.

mod compare;

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::certain::is_local;
use super::chain::{Chain, walk};
use super::entries::Entries;
use super::file::LONGEST;
use super::folders::{Folders, Touched};
use super::interest::Needed;
use super::listing::Listing;
use super::pattern::NamePattern;
use super::signature::Stamp;
use super::targets::Targets;

/// Comparing takes at most one part in so many of one CPU.
pub(super) const SHARE: u32 = 100;
/// The longest time between two comparisons.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_mins(5);
/// Files compared in one go of the regular comparison, some milliseconds, so that it holds nobody up.
const PORTION: usize = 1000;
/// A folder of fewer files is looked at in full when somebody asks what changed: it costs little, and is never wrong.
const MANY: usize = 5000;

/// The pause after a comparison that took this long.
pub(super) fn pause(interval: Duration, took: Duration) -> Duration {
    interval.max(took.saturating_mul(SHARE)).min(LONGEST_PAUSE.max(interval))
}

/// What events say of the folder.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Hit {
    /// Nothing.
    None,
    /// These files may differ.
    Names(Vec<OsString>),
    /// Any may.
    All,
}

/// Differences found and not told yet.
#[derive(Default)]
struct News {
    names: HashSet<OsString>,
    /// The folder itself came or went.
    whole: bool,
    /// When the first was found.
    since: Option<Instant>,
}

/// A followed folder and what was last seen in it.
pub(super) struct Directory {
    path: PathBuf,
    pattern: NamePattern,
    absolute: PathBuf,
    chain: Chain,
    entries: Entries,
    /// The files whose changes events may not tell.
    loose: HashSet<OsString>,
    /// The ways that symlinks among the entries lead.
    targets: Targets,
    /// Other folders have to be watched than before.
    moved: bool,
    /// Compare all whatever the events say: a folder was not watched until now.
    recheck: bool,
    /// The folder's own stamp before it was last listed; `None`: it cannot be listed.
    listed: Option<Stamp>,
    /// The regular comparison under way.
    listing: Option<Listing>,
    news: News,
    /// When all files, and when only names, are compared next.
    full: Instant,
    quick: Instant,
}

impl Directory {
    /// Follows a folder; [`Directory::baseline`] has to come next.
    pub(super) fn new(path: &Path, pattern: NamePattern) -> Self {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let (chain, now) = (walk(&absolute), Instant::now());
        Self {
            path: path.to_owned(),
            pattern,
            absolute,
            chain,
            entries: Entries::default(),
            loose: HashSet::new(),
            targets: Targets::default(),
            moved: false,
            recheck: false,
            listed: None,
            listing: None,
            news: News::default(),
            full: now,
            quick: now,
        }
    }

    /// The path as followed.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Which names in it matter.
    pub(super) const fn pattern(&self) -> &NamePattern {
        &self.pattern
    }

    /// Takes what is there now as known.
    pub(super) fn baseline(&mut self, interval: Duration) {
        self.scan(interval);
        self.news = News::default();
    }

    /// Walks the path anew. Says whether other folders have to be watched now.
    pub(super) fn walk(&mut self) -> bool {
        let chain = walk(&self.absolute);
        let moved = std::mem::take(&mut self.moved) || chain != self.chain;
        self.chain = chain;
        moved
    }

    /// Asks for a comparison of everything.
    pub(super) fn recheck(&mut self) {
        self.recheck = true;
    }

    /// Adds the folders to watch: those of the path for its names, the folder itself and those that links lead
    /// through for every name.
    pub(super) fn need(&self, needed: &mut Needed) {
        needed.chain(&self.chain);
        if let Some((end, identity)) = &self.chain.end {
            needed.whole(end, *identity);
        }
        self.targets.need(needed);
    }

    /// What events say of this folder.
    pub(super) fn hit(&self, touched: &Touched) -> Hit {
        if self.recheck || touched.hits(&self.chain) || self.targets.hit(touched) {
            return Hit::All;
        }
        let Some((end, _)) = &self.chain.end else { return Hit::None };
        let mut names = Vec::new();
        for place in touched.places() {
            let folder = place.parent().unwrap_or(place);
            let member = place.file_name().filter(|name| folder == end && self.pattern.covers(name));
            if let Some(name) = member {
                names.push(name.to_owned());
            } else if place == end || self.targets.concern(end, folder) {
                // What links pass: `..data` of a ConfigMap, the files they lead to.
                return Hit::All;
            }
        }
        if names.is_empty() { Hit::None } else { Hit::Names(names) }
    }

    /// Whether differences wait to be told.
    pub(super) fn unsettled(&self) -> bool {
        self.news.since.is_some()
    }

    /// Compares what events name, or once more what waits. Gives the names to tell (none: the folder itself) once no
    /// further difference shows.
    pub(super) fn settle(&mut self, hit: Hit, interval: Duration) -> Option<HashSet<OsString>> {
        let confirming = hit == Hit::None;
        let found = if confirming {
            let waiting: Vec<_> = self.news.names.iter().cloned().collect();
            self.recheck = false;
            self.compare(&waiting)
        } else {
            self.compare_hit(hit, interval)
        };
        let since = self.news.since?;
        if confirming && found && since.elapsed() < LONGEST {
            return None;
        }
        self.tell()
    }

    /// Compares what events name and what they may not speak of, and gives at once all names to tell.
    pub(super) fn look(&mut self, hit: Hit, interval: Duration) -> Option<HashSet<OsString>> {
        self.compare_hit(hit, interval);
        let loose: Vec<_> = self.loose.iter().cloned().collect();
        self.compare(&loose);
        self.tell()
    }

    /// Whether a look found everything that changed. Else all files have to be looked at.
    pub(super) fn is_certain(&self, folders: &Folders) -> bool {
        let known = self.listed.is_some() && !self.recheck && self.entries.len() >= MANY;
        let end = self.chain.end.as_ref();
        known && folders.cover(&self.chain) && end.is_some_and(|(path, _)| is_local(path))
    }

    /// The regular comparison, if it is time for it, a portion at a time. Says whether it found something, and whether it
    /// goes on.
    pub(super) fn poll(&mut self, now: Instant, interval: Duration) -> (bool, bool) {
        if self.listing.is_none() {
            let every = now >= self.full;
            // A folder's time changes with its names: comparing those is all it takes, and ten times cheaper.
            let due = every
                || now >= self.quick
                    && fs::metadata(&self.absolute).ok().as_ref().map(Stamp::of) != self.listed;
            if !due {
                return (false, false);
            }
            self.begin(every);
        }
        self.proceed(PORTION, interval)
    }

    fn tell(&mut self) -> Option<HashSet<OsString>> {
        self.news.since?;
        let news = std::mem::take(&mut self.news);
        Some(if news.whole { HashSet::new() } else { news.names })
    }
}
