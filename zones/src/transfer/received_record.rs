//! Records of messages, with names and RDATA in full.

use rhumb_wire::{MessageRecord, NameBuf, NameRef, Type, rdata};

use super::inbound_error::InboundError;
use crate::difference::DifferenceRecord;

/// A record as a zone holds it.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReceivedRecord<'r> {
    pub(super) owner: NameRef<'r>,
    pub(super) rtype: Type,
    pub(super) ttl: u32,
    pub(super) rdata: &'r [u8],
}

impl<'r> ReceivedRecord<'r> {
    /// Reads a record into `owner` and `data`. Errors: its name or RDATA is malformed.
    pub(super) fn read(
        record: &MessageRecord<'_>,
        owner: &'r mut NameBuf,
        data: &'r mut Vec<u8>,
    ) -> Result<Self, InboundError> {
        data.clear();
        record.owner(owner).map_err(|_| InboundError::Malformed)?;
        rdata::expand(record, data).map_err(|_| InboundError::Malformed)?;
        // RFC 2181 section 8.
        let ttl = if record.ttl > i32::MAX.cast_unsigned() { 0 } else { record.ttl };
        Ok(Self { owner: owner.as_ref(), rtype: record.rtype, ttl, rdata: data })
    }

    pub(super) const fn for_list(&self) -> DifferenceRecord<'r> {
        DifferenceRecord { owner: self.owner, rtype: self.rtype, ttl: self.ttl, rdata: self.rdata }
    }
}
