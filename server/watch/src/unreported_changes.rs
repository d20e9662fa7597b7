//! Differences in a followed folder that were found and not reported yet.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::path::Path;
use std::time::Instant;

use super::writer_hold::WriterHold;

#[derive(Default)]
pub(super) struct UnreportedChanges {
    /// From when on a file may be reported, unless it differs again.
    ready: HashMap<OsString, Instant>,
    /// Files whose writers have them open.
    held: HashMap<OsString, WriterHold>,
    /// Names do not say it all: the folder itself came or went, or some of its files did.
    whole: bool,
}

impl UnreportedChanges {
    pub(super) fn note(&mut self, name: OsString, ready: Instant) {
        self.ready.insert(name, ready);
    }

    pub(super) fn note_whole(&mut self) {
        self.whole = true;
    }

    /// A file that is being written as it is seen for the first time: it is reported once it is closed.
    pub(super) fn hold(&mut self, name: OsString, now: Instant) {
        self.held.entry(name).or_insert_with(|| WriterHold::new(now));
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The files that may be reported by now.
    pub(super) fn due(&self, now: Instant) -> Vec<OsString> {
        self.ready.iter().filter(|(_, ready)| **ready <= now).map(|(name, _)| name.clone()).collect()
    }

    /// The files whose writers have to be asked for before [`Self::take`].
    pub(super) fn candidates(&self, now: Instant) -> Vec<OsString> {
        self.due(now).into_iter().chain(self.held.keys().cloned()).collect()
    }

    /// When the next file may be reported.
    pub(super) fn next(&self) -> Option<Instant> {
        self.ready.values().min().copied()
    }

    /// Takes the names to report, none in a set: the whole folder. Those being `written` are kept, to be reported later.
    pub(super) fn take(&mut self, now: Instant, written: &HashSet<OsString>) -> Option<HashSet<OsString>> {
        let mut names = HashSet::new();
        for name in self.due(now) {
            self.ready.remove(&name);
            if written.contains(&name) {
                self.hold(name, now);
            } else {
                names.insert(name);
            }
        }
        let held = self.held.extract_if(|name, _| !written.contains(name));
        names.extend(held.map(|(name, _)| name));
        if std::mem::take(&mut self.whole) {
            return Some(HashSet::new());
        }
        (!names.is_empty()).then_some(names)
    }

    /// Takes all names, whether they are due or not. Those being `written` are reported once more when they are closed.
    pub(super) fn take_all(&mut self, now: Instant, written: HashSet<OsString>) -> Option<HashSet<OsString>> {
        let mut names: HashSet<OsString> = std::mem::take(&mut self.ready).into_keys().collect();
        names.extend(self.held.keys().cloned());
        self.held.retain(|name, _| written.contains(name));
        for name in written {
            self.hold(name, now);
        }
        if std::mem::take(&mut self.whole) {
            return Some(HashSet::new());
        }
        (!names.is_empty()).then_some(names)
    }

    /// Warns of writers that have had files of `folder` open for long.
    pub(super) fn warn_of_writers(&mut self, folder: &Path, now: Instant) {
        for (name, hold) in &mut self.held {
            hold.warn_if_long(&folder.join(name), now);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn set(names: &[&str]) -> HashSet<OsString> {
        names.iter().map(Into::into).collect()
    }

    #[test]
    fn files_are_reported_when_they_are_due_and_closed() {
        let now = Instant::now();
        let later = now + Duration::from_millis(500);
        let mut changes = UnreportedChanges::default();
        changes.note("a".into(), now);
        changes.note("b".into(), later);
        changes.note("c".into(), now);
        assert_eq!(changes.next(), Some(now));
        assert_eq!(changes.take(now, &set(&["c"])), Some(set(&["a"])));
        assert_eq!(changes.next(), Some(later), "a held file is waited for without a time");
        assert_eq!(changes.take(now, &set(&["c"])), None);
        assert_eq!(changes.candidates(now), ["c"]);
        assert_eq!(changes.take(later, &set(&[])), Some(set(&["b", "c"])));
        assert_eq!(changes.take(later, &set(&[])), None);
    }

    #[test]
    fn all_are_taken_and_open_ones_once_more() {
        let now = Instant::now();
        let mut changes = UnreportedChanges::default();
        changes.note("a".into(), now);
        changes.note("b".into(), now + Duration::from_secs(1));
        assert_eq!(changes.take_all(now, set(&["b"])), Some(set(&["a", "b"])));
        assert_eq!(changes.take(now, &set(&["b"])), None);
        assert_eq!(changes.take(now, &set(&[])), Some(set(&["b"])));
        changes.note_whole();
        changes.note("d".into(), now);
        assert_eq!(changes.take(now, &set(&[])), Some(set(&[])), "the whole folder");
        changes.hold("e".into(), now);
        changes.clear();
        assert_eq!(changes.take(now, &set(&[])), None);
    }
}
