//! How a version differs from an earlier one as a sequence of messages (IXFR, RFC 1995).

use std::sync::Arc;

use rhumb_wire::{BufferFull, Class, MessageSection, MessageWriter, rdata};

use super::outbound_message::{MESSAGE, TransferError};
use crate::difference::{DifferenceRecord, RecordList, ZoneDifference};

/// Lists of one step: the SOA before, what is removed, the SOA after, what is added.
const STEP_LISTS: usize = 4;

/// Differences that follow one another, on their way to one client (RFC 1995 section 4).
#[derive(Debug)]
pub struct OutboundDifference {
    /// Never empty.
    steps: Vec<Arc<ZoneDifference>>,
    /// Which list is being written, and from which byte on.
    section: usize,
    offset: usize,
}

impl OutboundDifference {
    /// One difference. It begins with the new SOA.
    pub fn new(difference: Arc<ZoneDifference>) -> Self {
        Self { steps: vec![difference], section: 0, offset: 0 }
    }

    /// Differences one by one, the oldest first. None where there are none.
    pub fn of_steps(steps: Vec<Arc<ZoneDifference>>) -> Option<Self> {
        (!steps.is_empty()).then_some(Self { steps, section: 0, offset: 0 })
    }

    /// The serial that it leads from.
    pub fn from_serial(&self) -> u32 {
        self.steps.first().map_or(0, |step| step.from)
    }

    /// Whether every record is written.
    pub const fn is_done(&self) -> bool {
        self.section >= STEP_LISTS * self.steps.len() + 2
    }

    /// The list with this number: the last SOA, the lists of each step, and the last SOA again.
    fn list(steps: &[Arc<ZoneDifference>], section: usize) -> Option<&RecordList> {
        let (step, list) = match section.checked_sub(1) {
            Some(inner) if inner < STEP_LISTS * steps.len() => {
                (steps.get(inner / STEP_LISTS)?, inner % STEP_LISTS)
            }
            Some(inner) if inner > STEP_LISTS * steps.len() => return None,
            _ => (steps.last()?, 2),
        };
        let [old, new, removed, added] = step.lists();
        [old, removed, new, added].get(list).copied()
    }

    /// Writes the next records into the answer section of `w`, as many as make one message. The limit of `w` is the most that a
    /// message may have.
    ///
    /// Errors: `RecordSize`, and nothing more can be written.
    pub fn write(&mut self, w: &mut MessageWriter<'_, '_>) -> Result<(), TransferError> {
        let longest = w.limit();
        w.set_limit(longest.min(MESSAGE));
        while let Some(list) = Self::list(&self.steps, self.section) {
            let Some((record, next)) = list.at(self.offset) else {
                (self.section, self.offset) = (self.section + 1, 0);
                continue;
            };
            match write_record(w, &record) {
                Ok(()) => self.offset = next,
                Err(BufferFull) if w.counted(MessageSection::Answer) > 0 => return Ok(()),
                // A single record that is too long for the usual size.
                Err(BufferFull) if w.limit() < longest => w.set_limit(longest),
                Err(BufferFull) => return Err(TransferError::RecordSize),
            }
        }
        Ok(())
    }
}

fn write_record(w: &mut MessageWriter<'_, '_>, record: &DifferenceRecord<'_>) -> Result<(), BufferFull> {
    let DifferenceRecord { owner, rtype, ttl, rdata: data } = *record;
    w.record(MessageSection::Answer, owner, rtype, Class::IN, ttl, |w| rdata::write(w, rtype, data))
}
