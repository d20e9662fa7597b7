//! The differences between the last versions of a zone, for those who have an earlier one (RFC 1995).

use std::collections::VecDeque;
use std::sync::Arc;

use rhumb_wire::serial;

use crate::difference::ZoneDifference;

/// Versions kept at most.
const MOST_VERSIONS: usize = 10_000;
/// Condensed differences kept: secondaries mostly ask from one of the last serials.
const MOST_CONDENSED: usize = 4;

/// Bytes of differences kept: so many times those of the zone, which counts as this large at least.
const SIZE_FACTOR: usize = 2;
const LEAST_SIZE: usize = 512 << 10;

/// Differences that follow one another, the oldest first.
#[derive(Debug, Default)]
pub struct ZoneHistory {
    steps: VecDeque<Arc<ZoneDifference>>,
    bytes: usize,
    /// Some of them made into one, all to the last serial.
    condensed: VecDeque<Arc<ZoneDifference>>,
}

impl ZoneHistory {
    /// Bytes of differences that are kept of a zone with so many bytes.
    pub const fn most_bytes(zone: usize) -> usize {
        SIZE_FACTOR * if zone > LEAST_SIZE { zone } else { LEAST_SIZE }
    }

    /// The differences, the oldest first.
    pub fn steps(&self) -> impl Iterator<Item = &Arc<ZoneDifference>> {
        self.steps.iter()
    }

    /// Adds the difference to a new version, and drops the oldest ones beyond so many bytes. One that does not lead from the last
    /// serial to a newer one leaves nothing of those before: what stood under their serials cannot be told any more.
    pub fn push(&mut self, step: Arc<ZoneDifference>, most_bytes: usize) {
        self.condensed.clear();
        let follows = self.steps.back().is_none_or(|last| last.to == step.from);
        let is_newer = serial::is_newer(step.to, step.from);
        if !follows || !is_newer {
            self.clear();
        }
        if !is_newer {
            return;
        }
        self.bytes += step.memory();
        self.steps.push_back(step);
        while self.bytes > most_bytes || self.steps.len() > MOST_VERSIONS {
            let Some(oldest) = self.steps.pop_front() else { break };
            self.bytes -= oldest.memory();
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
        let first = self.steps.iter().rposition(|step| step.from == serial)?;
        Some(self.steps.iter().skip(first).cloned().collect())
    }

    /// Keeps what was made of several differences, if it leads to the last version.
    pub fn keep(&mut self, condensed: Arc<ZoneDifference>) {
        if self.steps.back().is_some_and(|last| last.to == condensed.to) {
            self.condensed.push_back(condensed);
            if self.condensed.len() > MOST_CONDENSED {
                self.condensed.pop_front();
            }
        }
    }

    /// Number of versions that can be started from.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
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

    fn version(serial: u32) -> ZoneContents {
        let origin: DomainName = "zone.test.".parse().unwrap();
        let text = format!(
            "@ 60 SOA ns admin {serial} 2 2 60 60\n@ 60 NS ns\nns 60 A 192.0.2.1\nn{serial} 60 TXT x\n"
        );
        read_zone_bytes(origin.as_ref(), Path::new("zone"), text.as_bytes()).unwrap().contents
    }

    fn step(from: u32, to: u32) -> Arc<ZoneDifference> {
        Arc::new(ZoneDifference::between(&version(from), &version(to)).unwrap())
    }

    fn way(history: &ZoneHistory, serial: u32) -> Option<Vec<u32>> {
        history.since(serial).map(|steps| steps.iter().map(|step| step.to).collect())
    }

    #[test]
    fn steps_are_found_from_their_serial_on() {
        let mut history = ZoneHistory::default();
        for (from, to) in [(u32::MAX, 3), (3, 4), (4, 9)] {
            history.push(step(from, to), 1 << 20);
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
        history.push(step(9, 10), 1 << 20);
        assert_eq!(way(&history, 3), Some(vec![4, 9, 10]), "what was condensed goes with the next version");
    }

    #[test]
    fn a_gap_or_a_serial_that_is_not_newer_leaves_nothing() {
        for (from, to, left) in [(7, 8, 1), (4, 4, 0), (4, 3, 0), (4, 4 + (1 << 31), 0)] {
            let mut history = ZoneHistory::default();
            history.push(step(3, 4), 1 << 20);
            history.push(step(from, to), 1 << 20);
            assert_eq!(history.len(), left, "{from} {to}");
            assert_eq!(way(&history, 3), None);
        }
    }

    #[test]
    fn the_oldest_goes_first() {
        let mut history = ZoneHistory::default();
        let most = 3 * step(1, 2).memory();
        for serial in 1..20 {
            history.push(step(serial, serial + 1), most);
            assert!(history.memory() <= most);
        }
        assert!((2..=3).contains(&history.len()), "{}", history.len());
        assert_eq!(way(&history, 19), Some(vec![20]));
        history.push(step(20, 21), 10);
        assert!(history.is_empty() && history.memory() == 0);
    }
}
