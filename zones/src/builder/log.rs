//! The records as they come, those of one name chained.

use rhumb_wire::Type;

use super::names::{Entry, NONE};

/// A record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Logged {
    next: u32,
    at: u32,
    pub(super) ttl: u32,
    pub(super) line: u32,
    pub(super) rtype: Type,
    length: u16,
}

/// All records in the order they came.
#[derive(Debug, Default)]
pub(super) struct Log {
    records: Vec<Logged>,
    rdata: Vec<u8>,
}

impl Log {
    /// Adds a record to those of `entry`. None once four gigabytes are full.
    pub(super) fn push(
        &mut self,
        entry: &mut Entry,
        rtype: Type,
        ttl: u32,
        rdata: &[u8],
        line: u32,
    ) -> Option<()> {
        let id = u32::try_from(self.records.len()).ok().filter(|&id| id != NONE)?;
        let at = u32::try_from(self.rdata.len()).ok()?;
        let length = u16::try_from(rdata.len()).ok()?;
        self.rdata.extend_from_slice(rdata);
        self.records.push(Logged { next: NONE, at, ttl, line, rtype, length });
        match self.records.get_mut(entry.last as usize) {
            Some(last) => last.next = id,
            None => entry.first = id,
        }
        entry.last = id;
        Some(())
    }

    /// The records of `entry` in the order they came.
    pub(super) fn of(&self, entry: &Entry) -> impl Iterator<Item = &Logged> {
        let mut next = entry.first;
        std::iter::from_fn(move || {
            let record = self.records.get(next as usize)?;
            next = record.next;
            Some(record)
        })
    }

    /// The RDATA of a record.
    pub(super) fn rdata(&self, record: &Logged) -> &[u8] {
        let start = record.at as usize;
        self.rdata.get(start..start + usize::from(record.length)).unwrap_or(&[])
    }
}
