//! The difference between two versions as a sequence of messages (IXFR, RFC 1995).

use std::sync::Arc;

use rhumb_wire::{BufferFull, Class, MessageSection, MessageWriter, rdata};

use super::outbound_message::{MESSAGE, TransferError};
use crate::difference::{DifferenceRecord, ZoneDifference};

/// A difference on its way to one client (RFC 1995 section 4).
#[derive(Debug)]
pub struct OutboundDifference {
    difference: Arc<ZoneDifference>,
    /// Which list is being written, and from which byte on.
    section: usize,
    offset: usize,
}

impl OutboundDifference {
    /// Begins with the new SOA.
    pub const fn new(difference: Arc<ZoneDifference>) -> Self {
        Self { difference, section: 0, offset: 0 }
    }

    /// What it transfers.
    pub fn difference(&self) -> &ZoneDifference {
        &self.difference
    }

    /// Whether every record is written.
    pub fn is_done(&self) -> bool {
        self.section >= self.difference.sections().len()
    }

    /// Writes the next records into the answer section of `w`, as many as make one message. The limit of `w` is the most that a
    /// message may have.
    ///
    /// Errors: `RecordSize`, and nothing more can be written.
    pub fn write(&mut self, w: &mut MessageWriter<'_, '_>) -> Result<(), TransferError> {
        let longest = w.limit();
        w.set_limit(longest.min(MESSAGE));
        while let Some(list) = self.difference.sections().get(self.section) {
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
