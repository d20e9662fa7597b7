//! From records to contents.

mod check;
pub(crate) mod denial;
mod emitter;
mod final_dot;
mod finish;
mod finish_depth;
pub(crate) mod image;
mod key;
pub(crate) mod log;
mod place;
pub(crate) mod targets;
mod tree;

use std::collections::HashSet;

use rhumb_wire::{DomainName, NameRef, Type};

use crate::contents::{ZoneContents, below_apex};
use crate::fault::{AddError, ZoneFault};
use crate::hash::NameHash;
use finish_depth::FinishDepth;
use log::{RecordLog, RecordRun};

pub(crate) use log::LoggedRecord;

/// Names of a small zone: room for them is there from the start.
const SMALL: usize = 16;

/// Takes the records of one zone in any order and makes its [`ZoneContents`].
#[derive(Debug)]
pub struct ZoneBuilder {
    apex: DomainName,
    start: NameHash,
    log: RecordLog,
    names: Vec<RecordRun>,
    /// Runs of the owners of NSEC3 records, which are no names of the zone (RFC 5155 section 7.2.8).
    hashed: Vec<RecordRun>,
    /// Whether the last run is one of those.
    in_hashed: bool,
    /// RDATA of the SOA, and its TTL.
    soa: Vec<u8>,
    soa_ttl: u32,
    /// Hashes of the owners that are sought, if there will be no contents but lines; the other records are passed over.
    sought: Option<HashSet<u32>>,
}

impl ZoneBuilder {
    /// A builder for the zone at `apex`.
    pub fn new(apex: NameRef<'_>) -> Self {
        let mut log = RecordLog::new();
        let mut names = Vec::with_capacity(SMALL);
        // The apex exists whether it owns something or not.
        names.extend(log.begin(&[], 0));
        Self {
            apex: apex.to_name(),
            start: NameHash::random(),
            log,
            names,
            hashed: Vec::new(),
            in_hashed: false,
            soa: Vec::new(),
            soa_ttl: 0,
            sought: None,
        }
    }

    /// Adds a record of class IN. `rdata` is in uncompressed wire form and was found well-formed by
    /// [`rhumb_wire::rdata::check`]; `ttl` in seconds; `line` comes back in a [`ZoneFault`].
    ///
    /// Errors: see [`AddError`]; the record is then left out, and more may be added.
    pub fn add(
        &mut self,
        owner: NameRef<'_>,
        rtype: Type,
        ttl: u32,
        rdata: &[u8],
        line: u32,
    ) -> Result<(), AddError> {
        if rtype.is_meta() || rtype.0 == 0 {
            return Err(AddError::MetaType);
        }
        let below = self.below_apex(owner)?;
        let record = LoggedRecord { rtype, ttl, line, rdata };
        if self.sought.is_some() && !self.is_sought(below) {
            return Ok(());
        }
        if covered_type(rtype, rdata) == Type::NSEC3 {
            crate::nsec3::prefix_of_label(below).ok_or(AddError::BadNsec3Owner)?;
            let continued = std::mem::replace(&mut self.in_hashed, true);
            return push(&mut self.log, &mut self.hashed, continued, below, &record);
        }
        if rtype == Type::SOA && !self.first_soa(below, ttl, rdata)? {
            return Ok(());
        }
        self.add_below(below, &record)
    }

    /// Adds a record of an ordinary type to the name called `below` in this zone.
    #[inline]
    pub(crate) fn add_below(&mut self, below: &[u8], record: &LoggedRecord<'_>) -> Result<(), AddError> {
        if self.sought.is_some() && !self.is_sought(below) {
            return Ok(());
        }
        let continued = !std::mem::take(&mut self.in_hashed);
        push(&mut self.log, &mut self.names, continued, below, record)
    }

    /// The contents and what is doubtful about them, or what keeps them from being served.
    ///
    /// Errors: the faults, at least one of them of severity `Error`. At most a thousand of each severity are kept.
    pub fn finish(self) -> Result<(ZoneContents, Vec<ZoneFault>), Vec<ZoneFault>> {
        finish::finish(self, FinishDepth::Warnings)
    }

    /// The same where nobody wants to know what is doubtful. It takes less memory: what has come to the contents is given back.
    ///
    /// Errors: as [`Self::finish`].
    pub fn finish_unwarned(self) -> Result<ZoneContents, Vec<ZoneFault>> {
        finish::finish(self, FinishDepth::Errors).map(|(contents, _)| contents)
    }

    /// Where the zone is.
    pub(crate) fn apex(&self) -> NameRef<'_> {
        self.apex.as_ref()
    }

    fn below_apex<'n>(&self, owner: NameRef<'n>) -> Result<&'n [u8], AddError> {
        below_apex(owner, self.apex.as_ref()).ok_or(AddError::OutOfZone)
    }

    /// Whether this SOA is to be kept: a transfer written to a file ends in the SOA it began with.
    fn first_soa(&mut self, below: &[u8], ttl: u32, rdata: &[u8]) -> Result<bool, AddError> {
        if !below.is_empty() {
            return Err(AddError::MisplacedSoa);
        }
        if rdata.len() < 20 {
            return Err(AddError::BadRdata);
        }
        if self.soa.is_empty() {
            self.soa.extend_from_slice(rdata);
            self.soa_ttl = ttl;
            return Ok(true);
        }
        if self.soa == rdata { Ok(false) } else { Err(AddError::SecondSoa) }
    }
}

/// Adds a record to the last of `runs`, if that one may be continued and is of the same name, or else to a new one.
#[inline]
fn push(
    log: &mut RecordLog,
    runs: &mut Vec<RecordRun>,
    continued: bool,
    below: &[u8],
    record: &LoggedRecord<'_>,
) -> Result<(), AddError> {
    match runs.last_mut().filter(|run| continued && log.continues(run, below, record.rdata.len())) {
        Some(run) => log.push(run, record),
        None => log.begin_with(below, record).map(|run| runs.push(run)),
    }
    .ok_or(AddError::TooLarge)
}

/// The type itself, or for a signature the type it covers (RFC 4034 section 3.1.1).
pub(crate) fn covered_type(rtype: Type, rdata: &[u8]) -> Type {
    match rdata.first_chunk::<2>() {
        Some(covered) if rtype == Type::RRSIG => Type(u16::from_be_bytes(*covered)),
        _ => rtype,
    }
}
