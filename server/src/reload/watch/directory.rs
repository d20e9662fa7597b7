//! A followed folder of zone files: by name, number and time, never by content, as there may be 100,000.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirEntryExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::chain::{Chain, walk};
use super::file::LONGEST;
use super::folders::{Needed, Touched};
use super::signature::Stamp;
use super::targets::Targets;

/// Comparing takes at most one part in so many of one CPU.
pub(super) const SHARE: u32 = 100;
/// The longest time between two comparisons.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// Whether a name in a folder of zones is a zone file: `NAME.zone`, not hidden (editors hide their lock files).
fn is_zone_file(name: &OsStr) -> bool {
    let name = name.as_bytes();
    name.ends_with(b".zone") && !name.starts_with(b".")
}

/// The pause after a comparison that took this long.
pub(super) fn pause(interval: Duration, took: Duration) -> Duration {
    interval.max(took.saturating_mul(SHARE)).min(LONGEST_PAUSE.max(interval))
}

/// A zone file: the inode of its name, which may be a symlink, and the stamp of what it leads to (0: nothing).
#[derive(Clone, Copy)]
struct Entry {
    inode: u64,
    mark: u64,
    round: u32,
}

fn mark(place: &Path) -> u64 {
    fs::metadata(place).map_or(0, |metadata| Stamp::of(&metadata).mark())
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
    absolute: PathBuf,
    chain: Chain,
    entries: HashMap<Box<OsStr>, Entry>,
    round: u32,
    /// The ways that symlinks among the entries lead.
    targets: Targets,
    /// Other folders have to be watched than before.
    moved: bool,
    /// Compare all whatever the events say: a folder was not watched until now.
    recheck: bool,
    /// The folder's own stamp before it was last listed; `None`: it cannot be listed.
    listed: Option<Stamp>,
    news: News,
    /// When all files, and when only names, are compared next.
    full: Instant,
    quick: Instant,
}

impl Directory {
    /// Follows a folder; [`Directory::baseline`] has to come next.
    pub(super) fn new(path: &Path) -> Self {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let (chain, now) = (walk(&absolute), Instant::now());
        Self {
            path: path.to_owned(),
            absolute,
            chain,
            entries: HashMap::new(),
            round: 0,
            targets: Targets::default(),
            moved: false,
            recheck: false,
            listed: None,
            news: News::default(),
            full: now,
            quick: now,
        }
    }

    /// The path as followed.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes what is there now as known.
    pub(super) fn baseline(&mut self, interval: Duration) {
        self.scan(true, interval);
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
            let zone = place.file_name().filter(|name| folder == end && is_zone_file(name));
            if let Some(name) = zone {
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
        self.recheck = false;
        let confirming = hit == Hit::None;
        let found = match hit {
            Hit::None => {
                let waiting: Vec<_> = self.news.names.iter().cloned().collect();
                self.compare(&waiting)
            }
            Hit::Names(names) => self.compare(&names),
            Hit::All => self.scan(true, interval),
        };
        let since = self.news.since?;
        if confirming && found && since.elapsed() < LONGEST {
            return None;
        }
        let news = std::mem::take(&mut self.news);
        Some(if news.whole { HashSet::new() } else { news.names })
    }

    /// The regular comparison, if it is time for it. Says whether it found something.
    pub(super) fn poll(&mut self, now: Instant, interval: Duration) -> bool {
        if now >= self.full {
            return self.scan(true, interval);
        }
        // A folder's time changes with its names: comparing those is all it takes, and ten times cheaper.
        now >= self.quick
            && fs::metadata(&self.absolute).ok().as_ref().map(Stamp::of) != self.listed
            && self.scan(false, interval)
    }

    /// Compares some files. Says whether any differs.
    fn compare(&mut self, names: &[OsString]) -> bool {
        let mut found = false;
        for name in names {
            let place = self.absolute.join(name);
            let now = fs::symlink_metadata(&place).ok().map(|metadata| {
                self.targets.note(&metadata);
                Entry { inode: metadata.ino(), mark: mark(&place), round: self.round }
            });
            let before = match now {
                Some(entry) => self.entries.insert(name.as_os_str().into(), entry),
                None => self.entries.remove(name.as_os_str()),
            };
            let same = now.map(|entry| entry.mark) == before.map(|entry| entry.mark);
            found |= !same && self.note(name.clone());
        }
        found
    }

    /// Notes a difference.
    fn note(&mut self, name: OsString) -> bool {
        self.news.names.insert(name);
        self.news.since.get_or_insert_with(Instant::now);
        true
    }

    /// Lists the folder and compares: every file, or only those with another inode than before. Says whether
    /// anything differs.
    fn scan(&mut self, every: bool, interval: Duration) -> bool {
        let start = Instant::now();
        let stamp = fs::metadata(&self.absolute).ok().as_ref().map(Stamp::of);
        let listing = stamp.and_then(|_| self.list(every));
        let turned = listing.is_some() != self.listed.is_some() && self.turned();
        self.listed = stamp.filter(|_| listing.is_some());
        let end = Instant::now();
        self.quick = end + pause(interval, end.saturating_duration_since(start));
        if every {
            self.full = self.quick;
        }
        turned || listing == Some(true)
    }

    /// Notes that the folder came or went.
    fn turned(&mut self) -> bool {
        self.news.whole = true;
        self.news.since.get_or_insert_with(Instant::now);
        true
    }

    /// `None`: it cannot be listed, or not to its end.
    fn list(&mut self, every: bool) -> Option<bool> {
        self.round = self.round.wrapping_add(1);
        let mut targets = Targets::default();
        let mut found = false;
        for entry in fs::read_dir(&self.absolute).ok()? {
            let entry = entry.ok()?;
            let name = entry.file_name();
            if !is_zone_file(&name) {
                continue;
            }
            let before = self.entries.get(name.as_os_str()).copied();
            let known = before.filter(|before| !every && before.inode == entry.ino());
            let mark = known.map_or_else(|| mark(&entry.path()), |known| known.mark);
            if entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
                targets.add(&entry.path());
            }
            let now = Entry { inode: entry.ino(), mark, round: self.round };
            self.entries.insert(name.as_os_str().into(), now);
            if before.map(|before| before.mark) != Some(mark) {
                found |= self.note(name);
            }
        }
        let round = self.round;
        let gone = self.entries.extract_if(|_, entry| entry.round != round).map(|(name, _)| name);
        for name in gone.collect::<Vec<_>>() {
            found |= self.note(name.into_os_string());
        }
        self.moved |= targets != self.targets;
        self.targets = targets;
        Some(found)
    }
}
