//! What the update section of a message asks for.

use std::fmt;

use rhumb_wire::{Class, DomainName, MessageRecord, NameRef, Type, rdata};

use super::refusal::UpdateRefusal;

/// One record of the update section (RFC 2136 section 2.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpdateOperation {
    /// Add to an RRset (section 2.5.1).
    Add {
        /// The owner.
        owner: DomainName,
        /// The type.
        rtype: Type,
        /// TTL in seconds.
        ttl: u32,
        /// RDATA in uncompressed wire form.
        rdata: Box<[u8]>,
    },
    /// Delete an RRset (section 2.5.2).
    RemoveSet {
        /// The owner.
        owner: DomainName,
        /// The type.
        rtype: Type,
    },
    /// Delete all RRsets from a name (section 2.5.3).
    RemoveName {
        /// The owner.
        owner: DomainName,
    },
    /// Delete a record from an RRset (section 2.5.4).
    RemoveRecord {
        /// The owner.
        owner: DomainName,
        /// The type.
        rtype: Type,
        /// RDATA in uncompressed wire form.
        rdata: Box<[u8]>,
    },
}

impl UpdateOperation {
    /// Reads a record of the update section, whose owner was read, as RFC 2136 section 3.4.1.3 has it.
    ///
    /// Errors: `Malformed`.
    pub(super) fn read(owner: DomainName, record: &MessageRecord<'_>) -> Result<Self, UpdateRefusal> {
        let rtype = record.rtype;
        let whole_name = rtype == Type::ANY && record.class == Class::ANY;
        if (rtype.is_meta() || rtype.0 == 0) && !whole_name {
            return Err(UpdateRefusal::Malformed("a type that no zone holds in the update section"));
        }
        if record.class != Class::IN && record.ttl != 0 {
            return Err(UpdateRefusal::Malformed("a TTL in a record that deletes"));
        }
        match record.class {
            Class::IN => {
                // RFC 2181 section 8.
                let ttl = if record.ttl > i32::MAX.cast_unsigned() { 0 } else { record.ttl };
                let rdata = expanded(record)?;
                if !rdata::digest_fits(rtype, &rdata) {
                    return Err(UpdateRefusal::Malformed("a digest of another length than its type says"));
                }
                Ok(Self::Add { owner, rtype, ttl, rdata })
            }
            Class::NONE => Ok(Self::RemoveRecord { owner, rtype, rdata: expanded(record)? }),
            Class::ANY if !record.rdata.is_empty() => {
                Err(UpdateRefusal::Malformed("RDATA in a record that deletes a set"))
            }
            Class::ANY if whole_name => Ok(Self::RemoveName { owner }),
            Class::ANY => Ok(Self::RemoveSet { owner, rtype }),
            _ => Err(UpdateRefusal::Malformed("a class that means nothing in the update section")),
        }
    }

    /// The owner.
    pub fn owner(&self) -> NameRef<'_> {
        match self {
            Self::Add { owner, .. }
            | Self::RemoveSet { owner, .. }
            | Self::RemoveName { owner }
            | Self::RemoveRecord { owner, .. } => owner.as_ref(),
        }
    }

    /// The type; ANY for all of a name.
    pub const fn rtype(&self) -> Type {
        match self {
            Self::Add { rtype, .. } | Self::RemoveSet { rtype, .. } | Self::RemoveRecord { rtype, .. } => {
                *rtype
            }
            Self::RemoveName { .. } => Type::ANY,
        }
    }

    /// Whether it adds; else it deletes.
    pub const fn is_addition(&self) -> bool {
        matches!(self, Self::Add { .. })
    }
}

/// `add A of www.example.com.`, for logs and answers.
impl fmt::Display for UpdateOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rtype, owner) = (self.rtype(), self.owner());
        match self {
            Self::Add { .. } => write!(f, "add {rtype} of {owner}"),
            Self::RemoveSet { .. } => write!(f, "delete all {rtype} of {owner}"),
            Self::RemoveName { .. } => write!(f, "delete all records of {owner}"),
            Self::RemoveRecord { .. } => write!(f, "delete one {rtype} of {owner}"),
        }
    }
}

/// RDATA with names in full. Errors: `Malformed`.
pub(super) fn expanded(record: &MessageRecord<'_>) -> Result<Box<[u8]>, UpdateRefusal> {
    let mut data = Vec::new();
    rdata::expand(record, &mut data).map_err(|_| UpdateRefusal::Malformed("RDATA does not fit its type"))?;
    Ok(data.into_boxed_slice())
}
