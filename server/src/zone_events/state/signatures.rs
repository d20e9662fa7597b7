//! Signatures of messages that were carried out: those that are still good at a start, and the logs that are kept for them.

use std::collections::{HashMap, HashSet, VecDeque};

use rhumb_wire::DomainName;
use rhumb_zones::journal::{JournalRecord, JournalSignature, RecordKind, RecordPayload};

use super::files::StateFile;

/// How many signatures are remembered; the oldest go first. Five minutes, the usual fudge, of 333 in a second.
pub(in crate::zone_events) const MOST_SIGNATURES: usize = 100_000;

/// Signatures that the logs hold, in the order of their records.
#[derive(Debug, Default)]
pub(super) struct FoundSignatures {
    /// Those of changes, by zone, with the sequence of each change.
    of_changes: HashMap<DomainName, Vec<(u64, Vec<JournalSignature>)>>,
    /// Those of messages that changed nothing.
    others: Vec<JournalSignature>,
    /// Those of the change that should follow.
    next: Option<(u64, Vec<JournalSignature>)>,
}

impl FoundSignatures {
    /// Takes the next record. `now` is in seconds since 1970.
    pub(super) fn take(&mut self, record: &JournalRecord<'_>, now: u64) {
        let before = self.next.take();
        match record.kind {
            RecordKind::Signatures => {
                let signatures = RecordPayload(record.payload).signatures();
                let good: Vec<_> = signatures.filter(|signature| signature.until >= now).collect();
                if record.base == 0 {
                    self.others.extend(good);
                } else if !good.is_empty() {
                    self.next = Some((record.sequence, good));
                }
            }
            RecordKind::Change => {
                self.forget_failed(record);
                if let Some(made) = before.filter(|(sequence, _)| *sequence == record.sequence) {
                    self.of_changes.entry(record.zone.to_lowercase()).or_default().push(made);
                }
            }
            _ => {}
        }
    }

    /// Changes that come after the one that `change` follows were not acknowledged: writing them has failed.
    fn forget_failed(&mut self, change: &JournalRecord<'_>) {
        if self.of_changes.is_empty() {
            return;
        }
        let Some(made) = self.of_changes.get_mut(&change.zone.to_lowercase()) else { return };
        while made.last().is_some_and(|(sequence, _)| *sequence > change.base) {
            made.pop();
        }
    }

    /// All of them; those that are good for the shortest time come first.
    pub(super) fn into_sorted(self) -> Vec<JournalSignature> {
        let of_changes = self.of_changes.into_values().flatten().flat_map(|(_, signatures)| signatures);
        let mut all: Vec<_> = self.others.into_iter().chain(of_changes).collect();
        all.sort_unstable_by_key(|signature| signature.until);
        all
    }
}

/// The logs with signatures, the oldest first: how many each holds, and until when the last of them is good.
#[derive(Debug, Default)]
pub(super) struct SignedLogs(VecDeque<(StateFile, usize, u64)>);

impl SignedLogs {
    /// A log holds some more.
    pub(super) fn note(&mut self, file: StateFile, count: usize, until: u64) {
        match self.0.back_mut().filter(|(last, ..)| *last == file) {
            Some((_, counted, latest)) => (*counted, *latest) = (*counted + count, until.max(*latest)),
            None => self.0.push_back((file, count, until)),
        }
    }

    /// The logs that hold one that is to be remembered; all others are forgotten. `now` is in seconds since 1970.
    pub(super) fn retain_good(&mut self, now: u64) -> HashSet<StateFile> {
        let mut total: usize = self.0.iter().map(|(_, count, _)| count).sum();
        self.0.retain(|(_, count, until)| {
            // How many there are in later logs.
            total -= count;
            total < MOST_SIGNATURES && *until >= now
        });
        self.0.iter().map(|(file, ..)| *file).collect()
    }
}

#[cfg(test)]
mod tests {
    use rhumb_zones::journal::ChangeCause;

    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn signature(mac: u8) -> JournalSignature {
        JournalSignature { mac: [mac; 10], until: NOW + u64::from(mac) }
    }

    /// Signatures, and the change that they made where `base` is not 0.
    fn take(found: &mut FoundSignatures, zone: &DomainName, (sequence, base): (u64, u64), macs: &[u8]) {
        let mut payload = Vec::new();
        for mac in macs {
            signature(*mac).write(&mut payload);
        }
        let record = JournalRecord {
            kind: RecordKind::Signatures,
            cause: ChangeCause::Update,
            sequence,
            base: if base == 0 { 0 } else { sequence },
            time: NOW,
            expires: 0,
            from: 0,
            to: 0,
            zone: zone.as_ref(),
            who: "",
            payload: &payload,
        };
        found.take(&record, NOW + 1);
        if base > 0 {
            found.take(&JournalRecord { kind: RecordKind::Change, base, payload: &[], ..record }, NOW);
        }
    }

    fn macs(found: FoundSignatures) -> Vec<u8> {
        found.into_sorted().iter().map(|signature| signature.mac[0]).collect()
    }

    #[test]
    fn those_of_changes_that_hold_are_found() {
        let (one, other): (DomainName, DomainName) =
            ("one.test.".parse().unwrap(), "o.test.".parse().unwrap());
        let mut found = FoundSignatures::default();
        take(&mut found, &one, (2, 1), &[9, 0]);
        take(&mut found, &other, (4, 3), &[8]);
        // Written by a disk that failed, and followed by what was written once it was well.
        take(&mut found, &one, (5, 2), &[7]);
        take(&mut found, &one, (6, 5), &[6]);
        take(&mut found, &one, (7, 0), &[5]);
        take(&mut found, &one, (8, 2), &[4]);
        assert_eq!(macs(found), [4, 5, 8, 9]);
    }

    #[test]
    fn those_whose_change_is_missing_are_not() {
        let zone: DomainName = "zone.test.".parse().unwrap();
        let mut found = FoundSignatures::default();
        take(&mut found, &zone, (2, 1), &[1]);
        found.next = Some((3, vec![signature(2)]));
        take(&mut found, &zone, (4, 2), &[3]);
        found.next = Some((5, vec![signature(4)]));
        assert_eq!(macs(found), [1, 3]);
    }

    #[test]
    fn a_log_is_kept_while_one_is_to_be_remembered() {
        let mut logs = SignedLogs::default();
        let files = [0, 1, 2, 3].map(StateFile::Log);
        for (file, count, until) in
            [(0, 50_000, 500), (1, 10, 100), (1, 20, 200), (2, 50_000, 300), (3, 50_000, 400)]
        {
            logs.note(files[file], count, until);
        }
        assert_eq!(logs.retain_good(200), HashSet::from([files[2], files[3]]), "later ones are enough");
        logs.note(files[3], 1, 900);
        assert_eq!(logs.retain_good(301), HashSet::from([files[3]]));
        assert!(logs.retain_good(901).is_empty());
    }
}
