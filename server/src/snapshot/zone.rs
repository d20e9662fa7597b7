//! A zone as it is served: its contents, and how their last load went.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwapOption;
use rhumb_config::FilePlace;
use rhumb_wire::DomainName;
use rhumb_zones::journal::ChangeCause;
use rhumb_zones::{
    HistoryLimits, HistoryStart, VersionOrigin, ZoneContents, ZoneDifference, ZoneHistory, ZoneVersion,
};

use super::files::{FileMark, FileRead};
use super::origin::ZoneOrigin;

/// Why the last load of a zone failed, in words that name the place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneTrouble(pub Arc<str>);

/// By how many seconds a clock may be set: one that jumps further says nothing of the age of a zone.
pub const CLOCK_JUMP: u64 = 60;

impl SecondaryTimes {
    /// Whether the zone may be served no more at `now`.
    pub const fn is_over(self, now: u64) -> bool {
        self.expires != 0 && self.expires <= now && !self.is_ahead(now)
    }

    /// Whether it was checked by a clock that was ahead of one that says `now`.
    pub const fn is_ahead(self, now: u64) -> bool {
        self.checked > now.saturating_add(CLOCK_JUMP)
    }
}

/// A zone that outlives snapshots.
#[derive(Debug)]
pub struct ServedZone {
    name: DomainName,
    contents: ArcSwapOption<ZoneContents>,
    state: Mutex<State>,
}

/// Why contents were not taken over: others have been published since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("other contents have been published since version {0}")]
pub struct StaleVersion(pub u32);

/// Small, for there may be a hundred thousand zones.
#[derive(Debug, Default)]
struct State {
    /// Counts the contents published. A serial does not tell one version of a file from the next: editors forget it.
    version: u32,
    /// Seconds since 1970 of the last good load; 0: none.
    loaded: u64,
    /// Its file when it was read last, well or not.
    file: FileMark,
    /// What few zones have.
    more: Option<Box<ZoneAttributes>>,
}

/// What few zones have: trouble, included files, signatures. The place for what a primary, a journal and a signer know.
#[derive(Debug, Default)]
struct ZoneAttributes {
    trouble: Option<ZoneTrouble>,
    /// The files that the last load included, or would have: the mistake may be in one of them, or one may be missing.
    included: Vec<FileRead>,
    /// When the first signature of what is served expires, in seconds since 1970.
    expires: Option<u64>,
    /// Records of its files that were left out.
    left_out: u64,
    /// The versions that lead to what is served.
    history: ZoneHistory,
    /// How what is served came about, where that is not a file that was loaded.
    origin: Option<VersionOrigin>,
    /// Of a zone of other servers.
    times: Option<SecondaryTimes>,
    /// Whether that may be served no more.
    is_expired: bool,
}

/// When a zone of other servers was last found to be theirs, and until when it may be served; in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecondaryTimes {
    /// When it was last transferred, or found to be that of a primary.
    pub checked: u64,
    /// Until when it may be served.
    pub expires: u64,
}

/// Contents to be served, and where they come from.
#[derive(Debug)]
pub struct NewContents {
    /// What is to be served.
    pub contents: Arc<ZoneContents>,
    /// The zone's file as it was read.
    pub file: FileMark,
    /// The files that it included.
    pub included: Vec<FileRead>,
    /// When their first signature expires, in seconds since 1970.
    pub expires: Option<u64>,
    /// The versions that lead to them from those that they replace; none where they are not known, and nobody can be told.
    pub versions: Option<Vec<ZoneVersion>>,
    /// How they came about, where no version says so.
    pub origin: Option<VersionOrigin>,
    /// What is kept of earlier versions.
    pub limits: HistoryLimits,
    /// How many records of its files were left out.
    pub left_out: u64,
    /// Of a zone of other servers.
    pub times: Option<SecondaryTimes>,
}

impl NewContents {
    /// A version that was kept, without its file.
    pub fn kept(
        contents: Arc<ZoneContents>,
        versions: Vec<ZoneVersion>,
        origin: VersionOrigin,
        limits: HistoryLimits,
    ) -> Self {
        Self {
            contents,
            file: FileMark::default(),
            included: Vec::new(),
            expires: None,
            versions: Some(versions),
            origin: Some(origin),
            limits,
            left_out: 0,
            times: None,
        }
    }
}

/// A zone, and what asked for it.
#[derive(Debug, Clone)]
pub struct ZoneEntry {
    /// The zone.
    pub zone: Arc<ServedZone>,
    /// What asked for it.
    pub origin: Arc<ZoneOrigin>,
}

impl ZoneEntry {
    /// Its file; none for the zone of the built-in default.
    pub fn file(&self) -> Option<PathBuf> {
        self.origin.file(&self.zone.name)
    }

    /// Whether it is the copy of the root that is there for the resolver alone (RFC 8806).
    #[inline]
    pub fn is_local_root(&self) -> bool {
        self.origin.secondary.as_ref().is_some_and(|secondary| secondary.terms.for_resolver)
    }

    /// Where the configuration asks for it.
    pub fn place(&self) -> &FilePlace {
        &self.origin.place
    }

    /// Whether the files that the last load read, well or not, are what they were.
    pub fn is_current(&self) -> bool {
        let state = self.zone.lock();
        let file = self.file();
        file.is_none_or(|file| state.file.is_current(&file))
            && state.more.iter().all(|more| more.included.iter().all(FileRead::is_current))
    }
}

impl ServedZone {
    /// A zone that has not been loaded: it is answered SERVFAIL.
    pub fn new(name: DomainName) -> Self {
        Self { name, contents: ArcSwapOption::empty(), state: Mutex::default() }
    }

    /// The apex.
    pub const fn name(&self) -> &DomainName {
        &self.name
    }

    /// What is served now; none before the first good load.
    pub fn contents(&self) -> Option<Arc<ZoneContents>> {
        self.contents.load_full()
    }

    /// What is served now, for the length of one answer.
    #[inline]
    pub fn load(&self) -> arc_swap::Guard<Option<Arc<ZoneContents>>> {
        self.contents.load()
    }

    /// Whether the last load, good or not, read these files as they were when `files` was noted: its own first, then those it included.
    pub fn was_read_from(&self, files: &[FileRead]) -> bool {
        let state = self.lock();
        let included = state.more.as_ref().map_or(&[][..], |more| &more.included);
        files.split_first().is_some_and(|(own, others)| {
            own.mark() == state.file && own.mark() != FileMark::default() && others == included
        })
    }

    /// Counts the contents published; 0 before the first.
    pub fn version(&self) -> u32 {
        self.lock().version
    }

    /// Serves `new` from now on instead of the contents of version `expected`. Gives what was served until now: whoever drops the
    /// last reference to that does the work of taking it apart, and no query should.
    ///
    /// Errors: the present version is another one; nothing is changed.
    pub fn publish(
        &self,
        expected: u32,
        new: NewContents,
    ) -> Result<Option<Arc<ZoneContents>>, StaleVersion> {
        let mut state = self.lock();
        if state.version != expected {
            return Err(StaleVersion(expected));
        }
        let NewContents { contents, file, included, expires, versions, origin, limits, left_out, times } =
            new;
        let (mut history, mut last) =
            state.more.take().map(|more| (more.history, more.origin)).unwrap_or_default();
        if let Some(versions) = versions {
            for version in versions.into_iter().filter(|version| !version.difference.is_empty()) {
                if let Some(last) = last.take() {
                    history.begin(last);
                }
                last = Some(version.origin.clone());
                history.push(version, limits, contents.memory());
            }
        } else {
            history.clear();
            last = None;
        }
        let origin = origin.or(last);
        let old = self.contents.swap(Some(contents));
        let loaded = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs());
        let some_files = !included.is_empty() || left_out > 0;
        let has_past = !history.is_empty() || origin.is_some();
        let any = some_files || expires.is_some() || has_past || times.is_some();
        let (trouble, is_expired) = (None, false);
        let attributes =
            ZoneAttributes { trouble, included, expires, left_out, history, origin, times, is_expired };
        let more = any.then(|| Box::new(attributes));
        *state = State { version: expected.wrapping_add(1), loaded, file, more };
        Ok(old)
    }

    /// Serves what one difference makes of what is served; all else stays as it was. Gives what was served until now.
    pub fn change(
        &self,
        contents: Arc<ZoneContents>,
        version: ZoneVersion,
        limits: HistoryLimits,
    ) -> Option<Arc<ZoneContents>> {
        let mut state = self.lock();
        state.version = state.version.wrapping_add(1);
        let more = state.more.get_or_insert_default();
        if let Some(last) = more.origin.replace(version.origin.clone()) {
            more.history.begin(last);
        }
        more.history.push(version, limits, contents.memory());
        self.contents.swap(Some(contents))
    }

    /// The versions that lead to what is served, the oldest first.
    pub fn versions(&self) -> Vec<ZoneVersion> {
        self.lock().more.iter().flat_map(|more| more.history.versions().cloned()).collect()
    }

    /// How the version came about that the versions known lead from, where that is known.
    pub fn history_start(&self) -> Option<HistoryStart> {
        self.lock().more.as_ref().and_then(|more| more.history.start().cloned())
    }

    /// How many versions can be started from, and how many bytes their differences take.
    pub fn history_size(&self) -> (usize, usize) {
        self.lock().more.as_ref().map_or((0, 0), |more| (more.history.len(), more.history.memory()))
    }

    /// How what is served came about; none where nothing is.
    pub fn origin(&self) -> Option<VersionOrigin> {
        let state = self.lock();
        self.contents.load().as_ref()?;
        let loaded = || VersionOrigin { cause: ChangeCause::File, time: state.loaded, who: "".into() };
        Some(state.more.as_ref().and_then(|more| more.origin.clone()).unwrap_or_else(loaded))
    }

    /// What is served, the versions that lead to it, and how it came about.
    pub fn past(&self) -> Option<(Arc<ZoneContents>, Vec<ZoneVersion>, VersionOrigin)> {
        let origin = self.origin()?;
        let state = self.lock();
        let versions = state.more.iter().flat_map(|more| more.history.versions().cloned()).collect();
        Some((self.contents()?, versions, origin))
    }

    /// What is served now, and the differences that lead to it from `serial`; none where they are not known.
    pub fn changes_since(&self, serial: u32) -> Option<(Arc<ZoneContents>, Vec<Arc<ZoneDifference>>)> {
        let state = self.lock();
        let steps = state.more.as_ref()?.history.since(serial)?;
        Some((self.contents()?, steps))
    }

    /// The same, each difference as it was made.
    pub fn steps_since(&self, serial: u32) -> Option<(Arc<ZoneContents>, Vec<Arc<ZoneDifference>>)> {
        let state = self.lock();
        let steps = state.more.as_ref()?.history.steps_since(serial)?;
        Some((self.contents()?, steps))
    }

    /// Keeps a difference that was made of several, for the next who asks from its serial.
    pub fn keep_condensed(&self, difference: Arc<ZoneDifference>) {
        if let Some(more) = &mut self.lock().more {
            more.history.keep(difference);
        }
    }

    /// Notes that a load of the zone's file as `file` marks it failed, and of the files that it includes, as far as they are known;
    /// what was served before goes on.
    pub fn fail(&self, trouble: ZoneTrouble, file: FileMark, included: Vec<FileRead>) {
        let mut state = self.lock();
        state.file = file;
        let more = state.more.get_or_insert_default();
        more.trouble = Some(trouble);
        // A load that came to none may have failed for one of those before.
        if !included.is_empty() {
            more.included = included;
        }
    }

    /// Why the last load failed, if it did.
    pub fn trouble(&self) -> Option<ZoneTrouble> {
        self.lock().more.as_ref()?.trouble.clone()
    }

    /// Serves nothing until the next version: what there was is too old. Gives what was served until now.
    pub fn expire(&self) -> Option<Arc<ZoneContents>> {
        let mut state = self.lock();
        state.version = state.version.wrapping_add(1);
        let more = state.more.get_or_insert_default();
        more.is_expired = true;
        more.history.clear();
        self.contents.swap(None)
    }

    /// Whether there is nothing to serve because it is too old.
    pub fn is_expired(&self) -> bool {
        self.lock().more.as_ref().is_some_and(|more| more.is_expired)
    }

    /// What is served was found to be that of a primary.
    pub fn note_checked(&self, times: SecondaryTimes) {
        self.lock().more.get_or_insert_default().times = Some(times);
    }

    /// When a zone of other servers was last found to be theirs.
    pub fn times(&self) -> Option<SecondaryTimes> {
        self.lock().more.as_ref()?.times
    }

    /// When it was last loaded well, to the second.
    pub fn loaded(&self) -> Option<SystemTime> {
        let loaded = self.lock().loaded;
        (loaded > 0).then(|| UNIX_EPOCH + Duration::from_secs(loaded))
    }

    /// When the first signature of what is served expires, in seconds since 1970; none without signatures.
    pub fn expires(&self) -> Option<u64> {
        self.lock().more.as_ref()?.expires
    }

    /// How many records of its files were left out of what is served.
    pub fn left_out(&self) -> u64 {
        self.lock().more.as_ref().map_or(0, |more| more.left_out)
    }

    /// The files that the last load included, or would have.
    pub fn included(&self) -> Vec<PathBuf> {
        let state = self.lock();
        state.more.iter().flat_map(|more| &more.included).map(|file| file.path().to_owned()).collect()
    }

    /// Whether it includes the file at `path`.
    pub fn includes(&self, path: &Path) -> bool {
        self.lock().more.iter().any(|more| more.included.iter().any(|file| file.path() == path))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_among_a_hundred_thousand_is_small() {
        assert!(size_of::<ServedZone>() <= 64, "{}", size_of::<ServedZone>());
        assert!(size_of::<ZoneEntry>() <= 16, "{}", size_of::<ZoneEntry>());
    }
}
