//! From records to contents.

use rhumb_wire::{Name, NameRef, Type};

use crate::contents::Contents;
use crate::fault::{AddError, Fault, FaultKind};

/// Takes the records of one zone in any order and makes its [`Contents`].
#[derive(Debug)]
pub struct Builder {
    apex: Name,
    serial: Option<u32>,
}

impl Builder {
    /// A builder for the zone at `apex`.
    pub fn new(apex: NameRef<'_>) -> Self {
        Self { apex: apex.to_name(), serial: None }
    }

    /// Adds a record of class IN. `rdata` is in uncompressed wire form and was found well-formed by
    /// [`rhumb_wire::rdata::check`]; `ttl` in seconds; `line` comes back in a [`Fault`].
    ///
    /// Errors: see [`AddError`]; the record is then left out, and more may be added.
    pub fn add(
        &mut self,
        owner: NameRef<'_>,
        rtype: Type,
        _ttl: u32,
        rdata: &[u8],
        _line: u32,
    ) -> Result<(), AddError> {
        if !owner.is_at_or_below(self.apex.as_ref()) {
            return Err(AddError::OutOfZone);
        }
        if rtype == Type::SOA {
            let numbers = rdata.last_chunk::<20>().ok_or(AddError::BadRdata)?;
            self.serial = numbers.first_chunk::<4>().map(|b| u32::from_be_bytes(*b));
        }
        Ok(())
    }

    /// The contents and what is doubtful about them, or what keeps them from being served.
    ///
    /// Errors: the faults, at least one of them of severity `Error`.
    pub fn finish(self) -> Result<(Contents, Vec<Fault>), Vec<Fault>> {
        let kind = FaultKind::NoSoa;
        let severity = kind.severity();
        match self.serial {
            Some(serial) => Ok((Contents::new(self.apex, serial), Vec::new())),
            None => Err(vec![Fault { severity, owner: self.apex, line: 0, kind }]),
        }
    }
}
