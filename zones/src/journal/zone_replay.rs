//! A zone out of its records.

use std::sync::Arc;

use rhumb_wire::{DomainName, NameRef};

use super::payload::RecordPayload;
use super::record::{JournalRecord, RecordKind};
use crate::builder::ZoneBuilder;
use crate::contents::ZoneContents;
use crate::difference::DifferenceMisfit;
use crate::fault::AddError;
use crate::version::{VersionOrigin, ZoneVersion};

/// Why a zone does not come out of its records.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// The checksum is right and the content is not: another program wrote it.
    #[error("a record cannot be read")]
    Content,
    /// A record of a zone that is not to be had.
    #[error("a record of {0}: {1}")]
    Record(DomainName, AddError),
    /// The records of a whole zone make no zone that can be served.
    #[error("the whole zone is faulty")]
    Whole,
    /// A record that this one follows is missing.
    #[error("the record {0}, which comes before, is missing")]
    Gap(u64),
    /// The difference does not fit.
    #[error("a difference: {0}")]
    Misfit(#[from] DifferenceMisfit),
}

/// A zone as its records have it.
#[derive(Debug)]
pub struct ReplayedZone {
    /// The last version.
    pub contents: ZoneContents,
    /// The versions that lead there, the oldest first.
    pub versions: Vec<ZoneVersion>,
    /// The sequence of its last version.
    pub sequence: u64,
    /// How that came about.
    pub origin: VersionOrigin,
    /// When it was last found to be that of the primary, or made.
    pub checked: u64,
    /// Until when it may be served, in seconds since 1970; 0: for ever.
    pub expires: u64,
}

/// Takes the records of one zone in the order of their sequence, those of a whole zone in the order they were written.
#[derive(Debug)]
pub struct ZoneReplay {
    apex: DomainName,
    /// A whole zone under way: its sequence, and how many parts have come.
    builder: Option<(u64, u32, Box<ZoneBuilder>)>,
    zone: Option<ReplayedZone>,
    /// Versions that come before the next whole zone.
    earlier: Vec<ZoneVersion>,
}

impl ZoneReplay {
    /// For the zone `apex`.
    pub fn new(apex: NameRef<'_>) -> Self {
        Self { apex: apex.to_name(), builder: None, zone: None, earlier: Vec::new() }
    }

    /// Takes the next record.
    ///
    /// Errors: see [`ReplayError`]; the zone cannot be had then.
    pub fn take(&mut self, record: &JournalRecord<'_>) -> Result<(), ReplayError> {
        match record.kind {
            RecordKind::Part => self.part(record),
            RecordKind::Whole => self.whole(record),
            RecordKind::Change => self.change(record),
            RecordKind::Earlier => {
                let step = RecordPayload(record.payload).difference().ok_or(ReplayError::Content)?;
                self.earlier.push(ZoneVersion { difference: Arc::new(step), origin: origin_of(record) });
                Ok(())
            }
            RecordKind::Checked => {
                if let Some(zone) = self.zone.as_mut().filter(|zone| zone.contents.serial() == record.to) {
                    (zone.checked, zone.expires) = (record.time, record.expires);
                }
                Ok(())
            }
            RecordKind::Removed => {
                *self = Self::new(self.apex.as_ref());
                Ok(())
            }
            RecordKind::Signatures => Ok(()),
        }
    }

    /// The zone; none where nothing is kept of it.
    pub fn finish(self) -> Option<ReplayedZone> {
        self.zone
    }

    fn part(&mut self, record: &JournalRecord<'_>) -> Result<(), ReplayError> {
        if record.from == 0 {
            let builder = Box::new(ZoneBuilder::new(self.apex.as_ref()));
            self.builder = Some((record.sequence, 0, builder));
        }
        let is_next = |(sequence, count, _): &&mut (u64, u32, Box<ZoneBuilder>)| {
            (*sequence, *count) == (record.sequence, record.from)
        };
        let under_way = self.builder.as_mut().filter(is_next).ok_or(ReplayError::Gap(record.sequence))?;
        let (_, count, builder) = under_way;
        *count += 1;
        for row in RecordPayload(record.payload).records() {
            let row = row.ok_or(ReplayError::Content)?;
            let added = builder.add(row.owner, row.rtype, row.ttl, row.rdata, 0);
            added.map_err(|error| ReplayError::Record(row.owner.to_name(), error))?;
        }
        Ok(())
    }

    fn whole(&mut self, record: &JournalRecord<'_>) -> Result<(), ReplayError> {
        let is_all = |(sequence, count, _): &(u64, u32, Box<ZoneBuilder>)| {
            (*sequence, *count) == (record.sequence, record.from)
        };
        let (.., builder) = self.builder.take().filter(is_all).ok_or(ReplayError::Gap(record.sequence))?;
        let contents = builder.finish_unwarned().map_err(|_| ReplayError::Whole)?;
        if contents.serial() != record.to {
            return Err(ReplayError::Content);
        }
        self.zone = Some(ReplayedZone {
            contents,
            versions: std::mem::take(&mut self.earlier),
            sequence: record.base,
            origin: origin_of(record),
            checked: record.time,
            expires: record.expires,
        });
        Ok(())
    }

    fn change(&mut self, record: &JournalRecord<'_>) -> Result<(), ReplayError> {
        let zone = self.zone.as_mut().ok_or(ReplayError::Gap(record.base))?;
        if record.sequence <= zone.sequence {
            // The whole zone has it.
            return Ok(());
        }
        if record.base != zone.sequence {
            return Err(ReplayError::Gap(record.base));
        }
        let step = RecordPayload(record.payload).difference().ok_or(ReplayError::Content)?;
        if step.from != zone.contents.serial() {
            return Err(ReplayError::Content);
        }
        zone.contents = zone.contents.apply([&step])?;
        zone.versions.push(ZoneVersion { difference: Arc::new(step), origin: origin_of(record) });
        (zone.sequence, zone.origin) = (record.sequence, origin_of(record));
        (zone.checked, zone.expires) = (record.time, record.expires);
        Ok(())
    }
}

fn origin_of(record: &JournalRecord<'_>) -> VersionOrigin {
    VersionOrigin { cause: record.cause, time: record.time, who: record.who.into() }
}
