//! The last versions of a zone, for those who have an earlier one (RFC 1995) and for those who ask where a record comes from.

use std::collections::VecDeque;
use std::sync::Arc;

use rhumb_wire::serial;

use crate::difference::ZoneDifference;
use crate::version::{VersionOrigin, ZoneVersion};

/// Condensed differences kept: secondaries mostly ask from one of the last serials.
const MOST_CONDENSED: usize = 4;

/// A zone counts as this large at least, where its history is measured by it.
const LEAST_ZONE: u64 = 512 << 10;

/// How many bytes of differences are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HistorySize {
    /// So many times the bytes of the zone, which counts as 512 KiB at least.
    Times(u32),
    /// Bytes, whatever the size of the zone.
    Bytes(u64),
}

/// How much is kept of earlier versions. What is over goes, the oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryLimits {
    /// Bytes of their differences.
    pub size: HistorySize,
    /// The most versions, the last one left out.
    pub versions: usize,
    /// Seconds between a version and the last one.
    pub age: u64,
}

impl Default for HistoryLimits {
    /// Twice the zone, 10,000 versions, 30 days.
    fn default() -> Self {
        Self { size: HistorySize::Times(2), versions: 10_000, age: 30 * 86_400 }
    }
}

impl HistoryLimits {
    /// Bytes of differences that are kept of a zone with so many bytes.
    fn most_bytes(self, zone: usize) -> u64 {
        match self.size {
            HistorySize::Times(times) => (zone as u64).max(LEAST_ZONE).saturating_mul(times.into()),
            HistorySize::Bytes(bytes) => bytes,
        }
    }
}

/// How the version came about that a history begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryStart {
    /// What brought that version in.
    pub origin: VersionOrigin,
    /// Whether all of it came in at once; else some of it may have come with versions before.
    pub is_whole: bool,
}

/// Versions that follow one another, the oldest first.
#[derive(Debug, Default)]
pub struct ZoneHistory {
    versions: VecDeque<ZoneVersion>,
    start: Option<HistoryStart>,
    bytes: usize,
    /// Some of their differences made into one, all to the last serial.
    condensed: VecDeque<Arc<ZoneDifference>>,
}

impl ZoneHistory {
    /// The versions, the oldest first.
    pub fn versions(&self) -> impl DoubleEndedIterator<Item = &ZoneVersion> {
        self.versions.iter()
    }

    /// How the version came about that the first difference leads from, where that is known.
    pub const fn start(&self) -> Option<&HistoryStart> {
        self.start.as_ref()
    }

    /// What is added next leads from a version that came in at once; nothing where it is known already what that is.
    pub fn begin(&mut self, origin: VersionOrigin) {
        if self.versions.is_empty() && self.start.is_none() {
            self.start = Some(HistoryStart { origin, is_whole: true });
        }
    }

    /// Adds a version of a zone with `zone` bytes, and drops the oldest ones beyond the limits. One that does not lead from the last
    /// serial to a newer one leaves nothing of those before: what stood under their serials cannot be told any more.
    pub fn push(&mut self, version: ZoneVersion, limits: HistoryLimits, zone: usize) {
        self.condensed.clear();
        let step = &version.difference;
        let follows = self.versions.back().is_none_or(|last| last.difference.to == step.from);
        let is_newer = serial::is_newer(step.to, step.from);
        if !follows || !is_newer {
            self.clear();
        }
        if !is_newer {
            return;
        }
        let oldest = version.origin.time.saturating_sub(limits.age);
        self.bytes += step.memory();
        self.versions.push_back(version);
        let most_bytes = limits.most_bytes(zone);
        while self.bytes as u64 > most_bytes
            || self.versions.len() > limits.versions
            || self.versions.front().is_some_and(|first| first.origin.time < oldest)
        {
            let Some(first) = self.versions.pop_front() else { break };
            self.bytes -= first.difference.memory();
            self.start = Some(HistoryStart { origin: first.origin, is_whole: false });
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The differences that lead from `serial` to the last version, one after the other, or condensed already; none where the
    /// history does not go back so far.
    pub fn since(&self, serial: u32) -> Option<Vec<Arc<ZoneDifference>>> {
        if let Some(known) = self.condensed.iter().find(|known| known.from == serial) {
            return Some(vec![Arc::clone(known)]);
        }
        self.steps_since(serial)
    }

    /// The same, never condensed.
    pub fn steps_since(&self, serial: u32) -> Option<Vec<Arc<ZoneDifference>>> {
        let first = self.versions.iter().rposition(|version| version.difference.from == serial)?;
        Some(self.versions.iter().skip(first).map(|version| Arc::clone(&version.difference)).collect())
    }

    /// Keeps what was made of several differences, if it leads to the last version.
    pub fn keep(&mut self, condensed: Arc<ZoneDifference>) {
        if self.versions.back().is_some_and(|last| last.difference.to == condensed.to) {
            self.condensed.push_back(condensed);
            if self.condensed.len() > MOST_CONDENSED {
                self.condensed.pop_front();
            }
        }
    }

    /// Number of versions that can be started from.
    pub fn len(&self) -> usize {
        self.versions.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.versions.is_empty()
    }

    /// Bytes that the differences take.
    pub const fn memory(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rhumb_wire::DomainName;

    use super::*;
    use crate::contents::ZoneContents;
    use crate::file::read_zone_bytes;
    use crate::journal::ChangeCause;

    fn version(serial: u32) -> ZoneContents {
        let origin: DomainName = "zone.test.".parse().unwrap();
        let text = format!(
            "@ 60 SOA ns admin {serial} 2 2 60 60\n@ 60 NS ns\nns 60 A 192.0.2.1\nn{serial} 60 TXT x\n"
        );
        read_zone_bytes(origin.as_ref(), Path::new("zone"), text.as_bytes()).unwrap().contents
    }

    fn step(from: u32, to: u32, time: u64) -> ZoneVersion {
        let difference = ZoneDifference::between(&version(from), &version(to)).unwrap();
        let origin = VersionOrigin { cause: ChangeCause::Update, time, who: "".into() };
        ZoneVersion { difference: Arc::new(difference), origin }
    }

    fn limits(bytes: u64) -> HistoryLimits {
        HistoryLimits { size: HistorySize::Bytes(bytes), ..HistoryLimits::default() }
    }

    fn way(history: &ZoneHistory, serial: u32) -> Option<Vec<u32>> {
        history.since(serial).map(|steps| steps.iter().map(|step| step.to).collect())
    }

    #[test]
    fn steps_are_found_from_their_serial_on() {
        let mut history = ZoneHistory::default();
        for (from, to) in [(u32::MAX, 3), (3, 4), (4, 9)] {
            history.push(step(from, to, 0), limits(1 << 20), 0);
        }
        for (serial, expected) in
            [(u32::MAX, Some(vec![3, 4, 9])), (3, Some(vec![4, 9])), (4, Some(vec![9])), (9, None), (5, None)]
        {
            assert_eq!(way(&history, serial), expected, "{serial}");
        }
        let whole =
            Arc::new(ZoneDifference::condense(history.since(3).unwrap().iter().map(AsRef::as_ref)).unwrap());
        history.keep(whole);
        assert_eq!(way(&history, 3), Some(vec![9]));
        history.push(step(9, 10, 0), limits(1 << 20), 0);
        assert_eq!(way(&history, 3), Some(vec![4, 9, 10]), "what was condensed goes with the next version");
    }

    #[test]
    fn a_gap_or_a_serial_that_is_not_newer_leaves_nothing() {
        for (from, to, left) in [(7, 8, 1), (4, 4, 0), (4, 3, 0), (4, 4 + (1 << 31), 0)] {
            let mut history = ZoneHistory::default();
            history.push(step(3, 4, 0), limits(1 << 20), 0);
            history.push(step(from, to, 0), limits(1 << 20), 0);
            assert_eq!(history.len(), left, "{from} {to}");
            assert_eq!(way(&history, 3), None);
        }
    }

    #[test]
    fn the_oldest_goes_first() {
        let mut history = ZoneHistory::default();
        let most = 3 * step(1, 2, 0).difference.memory() as u64;
        for serial in 1..20 {
            history.push(step(serial, serial + 1, 0), limits(most), 0);
            assert!(history.memory() as u64 <= most);
        }
        assert!((2..=3).contains(&history.len()), "{}", history.len());
        assert_eq!(way(&history, 19), Some(vec![20]));
        history.push(step(20, 21, 0), limits(10), 0);
        assert!(history.is_empty() && history.memory() == 0);
    }

    #[test]
    fn versions_go_by_number_age_and_the_size_of_the_zone() {
        let pushed = |limits: HistoryLimits, zone: usize| {
            let mut history = ZoneHistory::default();
            for serial in 1..10 {
                history.push(step(serial, serial + 1, 100 * u64::from(serial)), limits, zone);
            }
            history.versions().map(|version| version.difference.from).collect::<Vec<_>>()
        };
        let all = HistoryLimits::default();
        assert_eq!(pushed(all, 0), (1..10).collect::<Vec<_>>());
        assert_eq!(pushed(HistoryLimits { versions: 2, ..all }, 0), [8, 9]);
        assert_eq!(pushed(HistoryLimits { versions: 0, ..all }, 0), []);
        assert_eq!(pushed(HistoryLimits { age: 250, ..all }, 0), [7, 8, 9]);
        assert_eq!(pushed(HistoryLimits { age: 0, ..all }, 0), [9]);
        assert_eq!(pushed(HistoryLimits { size: HistorySize::Times(0), ..all }, 1 << 20), []);
        let one = HistoryLimits { size: HistorySize::Times(1), ..all };
        assert_eq!((one.most_bytes(0), one.most_bytes(1 << 20)), (512 << 10, 1 << 20));
    }
}
