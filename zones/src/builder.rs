//! From records to contents.

mod check;
pub(crate) mod denial;
mod finish;
pub(crate) mod image;
mod log;
mod names;
mod place;
pub(crate) mod targets;

use rhumb_wire::{Name, NameRef, Type};

use crate::contents::{Contents, below_apex};
use crate::fault::{AddError, Fault};
use crate::hash::NameHash;
use log::Log;
use names::{Kinds, Names};

/// Takes the records of one zone in any order and makes its [`Contents`].
#[derive(Debug)]
pub struct Builder {
    apex: Name,
    start: NameHash,
    names: Names,
    /// Owners of NSEC3 records, which are no names of the zone (RFC 5155 section 7.2.8).
    hashed: Names,
    log: Log,
    /// RDATA of the SOA.
    soa: Vec<u8>,
    /// The owner of the last record and its number: files give the records of a name one after the other.
    last: (Vec<u8>, u32),
}

impl Builder {
    /// A builder for the zone at `apex`.
    pub fn new(apex: NameRef<'_>) -> Self {
        let start = NameHash::random();
        Self {
            apex: apex.to_name(),
            start,
            names: Names::new(start),
            hashed: Names::new(start),
            log: Log::default(),
            soa: Vec::new(),
            last: (Vec::new(), 0),
        }
    }

    /// Adds a record of class IN. `rdata` is in uncompressed wire form and was found well-formed by
    /// [`rhumb_wire::rdata::check`]; `ttl` in seconds; `line` comes back in a [`Fault`].
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
        let covered = covered_type(rtype, rdata);
        if covered == Type::NSEC3 {
            let below = self.below_apex(owner)?;
            crate::nsec3::prefix_of_label(below).ok_or(AddError::BadNsec3Owner)?;
            let id = self.hashed.intern(below).ok_or(AddError::TooLarge)?;
            return Self::push(&mut self.hashed, &mut self.log, id, rtype, ttl, rdata, line);
        }
        if self.last.0 != owner.as_bytes() {
            let below = self.below_apex(owner)?;
            self.last.1 = self.names.intern(below).ok_or(AddError::TooLarge)?;
            self.last.0.clear();
            self.last.0.extend_from_slice(owner.as_bytes());
        }
        let id = self.last.1;
        if rtype == Type::SOA && !self.first_soa(id, rdata)? {
            return Ok(());
        }
        Self::push(&mut self.names, &mut self.log, id, rtype, ttl, rdata, line)
    }

    /// The contents and what is doubtful about them, or what keeps them from being served.
    ///
    /// Errors: the faults, at least one of them of severity `Error`. At most a thousand of each severity are kept.
    pub fn finish(self) -> Result<(Contents, Vec<Fault>), Vec<Fault>> {
        finish::finish(self)
    }

    fn below_apex<'n>(&self, owner: NameRef<'n>) -> Result<&'n [u8], AddError> {
        below_apex(owner, self.apex.as_ref()).ok_or(AddError::OutOfZone)
    }

    /// Whether this SOA is to be kept: a transfer written to a file ends in the SOA it began with.
    fn first_soa(&mut self, id: u32, rdata: &[u8]) -> Result<bool, AddError> {
        if id != 0 {
            return Err(AddError::MisplacedSoa);
        }
        if rdata.len() < 20 {
            return Err(AddError::BadRdata);
        }
        if self.soa.is_empty() {
            self.soa.extend_from_slice(rdata);
            return Ok(true);
        }
        if self.soa == rdata { Ok(false) } else { Err(AddError::SecondSoa) }
    }

    fn push(
        names: &mut Names,
        log: &mut Log,
        id: u32,
        rtype: Type,
        ttl: u32,
        rdata: &[u8],
        line: u32,
    ) -> Result<(), AddError> {
        let entry = names.entry_mut(id).ok_or(AddError::TooLarge)?;
        entry.kinds.0 |= match rtype {
            Type::NS => Kinds::NS,
            Type::DNAME => Kinds::DNAME,
            Type::CNAME => Kinds::CNAME,
            Type::A | Type::AAAA => Kinds::ADDRESS,
            Type::NSEC => Kinds::NSEC,
            _ => 0,
        };
        log.push(entry, rtype, ttl, rdata, line).ok_or(AddError::TooLarge)
    }
}

/// The type itself, or for a signature the type it covers (RFC 4034 section 3.1.1).
pub(crate) fn covered_type(rtype: Type, rdata: &[u8]) -> Type {
    match rdata.first_chunk::<2>() {
        Some(covered) if rtype == Type::RRSIG => Type(u16::from_be_bytes(*covered)),
        _ => rtype,
    }
}
