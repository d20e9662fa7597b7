//! What is written of a version.

use std::io;
use std::sync::Arc;

use rhumb_wire::DomainName;
use rhumb_zones::journal::{JournalRecord, JournalSignature, RecordKind, ZonePayload};
use rhumb_zones::{VersionOrigin, ZoneContents, ZoneDifference, ZoneVersion};

/// A version of a zone that is to be kept, or what else is to be known of it.
#[derive(Debug, Clone)]
pub struct StateChange {
    /// The zone.
    pub zone: DomainName,
    /// How it came about.
    pub origin: VersionOrigin,
    /// Until when the version may be served, in seconds since 1970; 0: for ever.
    pub expires: u64,
    /// What is kept.
    pub version: StateVersion,
}

/// What is kept.
#[derive(Debug, Clone)]
pub enum StateVersion {
    /// The whole zone, in place of all before.
    Whole(Arc<ZoneContents>),
    /// What the last version kept differs by from this one.
    Difference(Arc<ZoneDifference>),
    /// Messages that were carried out: what the last version kept differs by from what they made of it, if they changed something, and
    /// the signatures that they had.
    Updates(Option<Arc<ZoneDifference>>, Vec<JournalSignature>),
    /// The last version, of this serial, is still that of the primary.
    Checked(u32),
    /// Nothing any more.
    Removed,
}

impl StateChange {
    /// The numbers of its records; `base` is the sequence that it follows.
    fn record(&self, kind: RecordKind, sequence: u64, base: u64) -> JournalRecord<'_> {
        let (from, to) = match &self.version {
            StateVersion::Whole(contents) => (0, contents.serial()),
            StateVersion::Difference(step) | StateVersion::Updates(Some(step), _) => (step.from, step.to),
            StateVersion::Checked(serial) => (*serial, *serial),
            StateVersion::Updates(None, _) | StateVersion::Removed => (0, 0),
        };
        JournalRecord {
            kind,
            cause: self.origin.cause,
            sequence,
            base,
            time: self.origin.time,
            expires: self.expires,
            from,
            to,
            zone: self.zone.as_ref(),
            who: &self.origin.who,
            payload: &[],
        }
    }

    /// The record of a difference, whose payload is put in place of what is in `payload`.
    fn change<'r>(
        &'r self,
        step: &ZoneDifference,
        sequence: u64,
        base: u64,
        payload: &'r mut Vec<u8>,
    ) -> JournalRecord<'r> {
        payload.clear();
        step.write_payload(payload);
        JournalRecord { payload, ..self.record(RecordKind::Change, sequence, base) }
    }

    /// Gives its records to `write`, one after the other; `earlier` are versions before a whole zone.
    ///
    /// Errors: those of `write`.
    pub(super) fn encode(
        &self,
        sequence: u64,
        base: u64,
        earlier: &[ZoneVersion],
        write: &mut impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let (mut bytes, mut payload) = (Vec::new(), Vec::new());
        let mut put = |record: &JournalRecord<'_>| {
            bytes.clear();
            record.write(&mut bytes);
            write(&bytes)
        };
        match &self.version {
            StateVersion::Whole(contents) => {
                let mut parts = ZonePayload::new(contents);
                let mut count = 0;
                while parts.next_part(&mut payload) {
                    let record = self.record(RecordKind::Part, sequence, base);
                    put(&JournalRecord { from: count, payload: &payload, ..record })?;
                    count += 1;
                }
                for ZoneVersion { difference, origin } in earlier {
                    payload.clear();
                    difference.write_payload(&mut payload);
                    let (from, to) = (difference.from, difference.to);
                    let record = self.record(RecordKind::Earlier, sequence, base);
                    let VersionOrigin { cause, time, ref who } = *origin;
                    put(&JournalRecord { from, to, cause, time, who, payload: &payload, ..record })?;
                }
                put(&JournalRecord { from: count, ..self.record(RecordKind::Whole, sequence, base) })
            }
            StateVersion::Difference(step) => put(&self.change(step, sequence, base, &mut payload)),
            StateVersion::Updates(step, signatures) => {
                if let Some(until) = signatures.iter().map(|signature| signature.until).max() {
                    for signature in signatures {
                        signature.write(&mut payload);
                    }
                    let of_change = if step.is_some() { sequence } else { 0 };
                    let record = self.record(RecordKind::Signatures, sequence, of_change);
                    let from = signatures.len() as u32;
                    put(&JournalRecord { from, expires: until, payload: &payload, ..record })?;
                }
                step.as_ref().map_or(Ok(()), |step| put(&self.change(step, sequence, base, &mut payload)))
            }
            StateVersion::Checked(_) => put(&self.record(RecordKind::Checked, sequence, base)),
            StateVersion::Removed => put(&self.record(RecordKind::Removed, sequence, base)),
        }
    }
}
