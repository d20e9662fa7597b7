//! What has to hold before a message is carried out.

use std::fmt;

use rhumb_wire::{Class, DomainName, MessageRecord, NameRef, Type};

use super::operation::expanded;
use super::refusal::UpdateRefusal;
use crate::builder::denial::canonical;
use crate::change::ZoneChange;
use crate::file::rdata_text;

/// A condition of a message (RFC 2136 section 2.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpdatePrerequisite {
    /// The RRset exists, whatever its records (section 2.4.1).
    SetExists(DomainName, Type),
    /// The RRset has exactly these records, TTLs left out (section 2.4.2): their RDATA in canonical form, sorted, each once.
    SetEquals(DomainName, Type, Vec<Vec<u8>>),
    /// The RRset does not exist (section 2.4.3).
    SetAbsent(DomainName, Type),
    /// The name owns a record (section 2.4.4).
    NameInUse(DomainName),
    /// The name owns none (section 2.4.5).
    NameNotInUse(DomainName),
}

impl UpdatePrerequisite {
    /// Reads a record of the prerequisite section, whose owner was read, as RFC 2136 section 3.2 has it. A record of class IN gives
    /// a `SetEquals` of its own, to be joined with others by [`Self::join`].
    ///
    /// Errors: `Malformed`.
    pub(super) fn read(owner: DomainName, record: &MessageRecord<'_>) -> Result<Self, UpdateRefusal> {
        let rtype = record.rtype;
        if record.ttl != 0 {
            return Err(UpdateRefusal::Malformed("a TTL in a prerequisite"));
        }
        let of_name = rtype == Type::ANY && record.class != Class::IN;
        if (rtype.is_meta() || rtype.0 == 0) && !of_name {
            return Err(UpdateRefusal::Malformed("a type that no zone holds in a prerequisite"));
        }
        if record.class != Class::IN && !record.rdata.is_empty() {
            return Err(UpdateRefusal::Malformed("RDATA in a prerequisite that has none"));
        }
        match record.class {
            Class::IN => Ok(Self::SetEquals(owner, rtype, vec![canonical(rtype, &expanded(record)?)])),
            Class::ANY if of_name => Ok(Self::NameInUse(owner)),
            Class::ANY => Ok(Self::SetExists(owner, rtype)),
            Class::NONE if of_name => Ok(Self::NameNotInUse(owner)),
            Class::NONE => Ok(Self::SetAbsent(owner, rtype)),
            _ => Err(UpdateRefusal::Malformed("a class that means nothing in a prerequisite")),
        }
    }

    /// Makes one condition of all that ask for records of the same RRset (section 3.2.3); they come behind the others.
    pub(super) fn join(all: Vec<Self>) -> Vec<Self> {
        let is_record = |one: &Self| matches!(one, Self::SetEquals(..));
        let (mut records, mut joined): (Vec<_>, Vec<_>) = all.into_iter().partition(is_record);
        records.sort_by(|a, b| a.owner().canonical_cmp(b.owner()).then_with(|| a.rtype().cmp(&b.rtype())));
        for record in records {
            match (record, joined.last_mut()) {
                (Self::SetEquals(owner, rtype, rdata), Some(Self::SetEquals(last, kind, list)))
                    if *last == owner && *kind == rtype =>
                {
                    list.extend(rdata);
                }
                (record, _) => joined.push(record),
            }
        }
        for prerequisite in &mut joined {
            if let Self::SetEquals(_, _, list) = prerequisite {
                list.sort_unstable();
                list.dedup();
            }
        }
        joined
    }

    /// The owner.
    pub fn owner(&self) -> NameRef<'_> {
        match self {
            Self::SetExists(owner, _)
            | Self::SetEquals(owner, _, _)
            | Self::SetAbsent(owner, _)
            | Self::NameInUse(owner)
            | Self::NameNotInUse(owner) => owner.as_ref(),
        }
    }

    /// The type; ANY for the name as such.
    pub const fn rtype(&self) -> Type {
        match self {
            Self::SetExists(_, rtype) | Self::SetEquals(_, rtype, _) | Self::SetAbsent(_, rtype) => *rtype,
            Self::NameInUse(_) | Self::NameNotInUse(_) => Type::ANY,
        }
    }

    /// Whether it holds of a zone as a change has it so far.
    ///
    /// Errors: the one of RFC 2136 section 3.2 that says that it does not.
    pub(super) fn check(&self, zone: &ZoneChange<'_>) -> Result<(), UpdateRefusal> {
        let owner = self.owner();
        let named = || owner.to_name();
        match self {
            Self::SetExists(_, rtype) if zone.count(owner, *rtype) == 0 => {
                Err(UpdateRefusal::SetMissing(named(), *rtype))
            }
            Self::SetEquals(_, rtype, wanted) if zone.canonical_rdata(owner, *rtype) != *wanted => {
                Err(UpdateRefusal::SetDiffers(named(), *rtype))
            }
            Self::SetAbsent(_, rtype) if zone.count(owner, *rtype) > 0 => {
                Err(UpdateRefusal::SetPresent(named(), *rtype))
            }
            Self::NameInUse(_) if zone.types(owner).is_empty() => Err(UpdateRefusal::NameUnused(named())),
            Self::NameNotInUse(_) if !zone.types(owner).is_empty() => Err(UpdateRefusal::NameUsed(named())),
            _ => Ok(()),
        }
    }
}

/// `www.example.com. has an A record`, for logs and answers.
impl fmt::Display for UpdatePrerequisite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SetExists(owner, rtype) => write!(f, "{owner} has a record of type {rtype}"),
            Self::SetEquals(owner, rtype, records) => {
                write!(f, "{owner} has these records of type {rtype} and no other: ")?;
                for (number, rdata) in records.iter().enumerate() {
                    let between = if number == 0 { "" } else { ", " };
                    write!(f, "{between}{}", rdata_text(*rtype, rdata))?;
                }
                Ok(())
            }
            Self::SetAbsent(owner, rtype) => write!(f, "{owner} has no record of type {rtype}"),
            Self::NameInUse(owner) => write!(f, "{owner} owns a record"),
            Self::NameNotInUse(owner) => write!(f, "{owner} owns no record"),
        }
    }
}
