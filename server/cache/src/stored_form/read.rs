//! Bytes from a disk back to what was learnt; they are believed as little as those from the network.

use std::sync::Arc;

use rhumb_wire::{DomainName, NameError, NameRef, Type, rdata};

use super::numbers::{CREDIBILITIES, NAME_ERROR, NO_DATA, PROOF, RECORDS, SECURITIES, SET};
use crate::proof_cache::KeptProof;
use crate::record_list::{CachedRecords, RecordListBuilder};
use crate::record_set::{ANY_TYPE, CredibilityRank, LearntRecords, RecordContent, RecordSet};

/// An entry as it goes back into the caches.
#[derive(Clone, Debug)]
pub enum StoredEntry {
    /// What was learnt of a name and type.
    Records(LearntRecords),
    /// A proof of a secure zone.
    Proof(DomainName, KeptProof),
}

/// The time at which entries are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestoreTime {
    /// Now, in seconds of the clock of the caches.
    pub now: u32,
    /// Seconds since the entries were written.
    pub elapsed: u32,
    /// Seconds that answers are of use beyond their TTL (RFC 8767).
    pub stale: u32,
}

/// Why bytes are no entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoredEntryError {
    /// They end too early.
    #[error("an entry is cut off")]
    Short,
    /// Bytes are left behind it.
    #[error("an entry has bytes behind its end")]
    Long,
    /// A number has no meaning, or two parts contradict each other.
    #[error("an entry contradicts itself")]
    Form,
    /// A name in it.
    #[error("a name of an entry: {0}")]
    Name(NameError),
    /// A record does not fit its type.
    #[error("an entry has RDATA that does not fit its type")]
    Rdata,
}

/// Reads an entry that takes all of `bytes`; none where it is too old to be of use.
///
/// Errors: see [`StoredEntryError`].
pub fn read_stored(bytes: &[u8], time: RestoreTime) -> Result<Option<StoredEntry>, StoredEntryError> {
    let mut bytes = EntryBytes(bytes);
    let entry = match bytes.byte()? {
        RECORDS => bytes.learnt(time)?.map(StoredEntry::Records),
        PROOF => bytes.proof(time)?.map(|(zone, proof)| StoredEntry::Proof(zone, proof)),
        _ => return Err(StoredEntryError::Form),
    };
    if bytes.0.is_empty() { Ok(entry) } else { Err(StoredEntryError::Long) }
}

/// What is left of an entry.
struct EntryBytes<'b>(&'b [u8]);

impl EntryBytes<'_> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], StoredEntryError> {
        let (found, rest) = self.0.split_first_chunk::<N>().ok_or(StoredEntryError::Short)?;
        self.0 = rest;
        Ok(*found)
    }

    fn byte(&mut self) -> Result<u8, StoredEntryError> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn short(&mut self) -> Result<u16, StoredEntryError> {
        self.array().map(u16::from_be_bytes)
    }

    fn long(&mut self) -> Result<u32, StoredEntryError> {
        self.array().map(u32::from_be_bytes)
    }

    fn name(&mut self) -> Result<DomainName, StoredEntryError> {
        let name = NameRef::parse(self.0).map_err(StoredEntryError::Name)?;
        self.0 = self.0.get(name.len()..).ok_or(StoredEntryError::Short)?;
        Ok(name.to_name())
    }

    fn name_in_lower_case(&mut self) -> Result<DomainName, StoredEntryError> {
        let name = self.name()?;
        let is_lower = name.as_ref().as_bytes().iter().all(|byte| !byte.is_ascii_uppercase());
        if is_lower { Ok(name) } else { Err(StoredEntryError::Form) }
    }

    /// Records, each of which fits `rtype`.
    fn list(&mut self, rtype: Type) -> Result<CachedRecords, StoredEntryError> {
        let mut list = RecordListBuilder::default();
        for _ in 0..self.short()? {
            let length = usize::from(self.short()?);
            let (found, rest) = self.0.split_at_checked(length).ok_or(StoredEntryError::Short)?;
            self.0 = rest;
            rdata::check(rtype, found).map_err(|_| StoredEntryError::Rdata)?;
            list.push(found);
        }
        Ok(list.finish())
    }

    fn set(&mut self) -> Result<RecordSet, StoredEntryError> {
        let (rtype, ttl) = (Type(self.short()?), self.long()?);
        let owner = self.name()?;
        let (records, signatures) = (self.list(rtype)?, self.list(Type::RRSIG)?);
        if records.is_empty() {
            return Err(StoredEntryError::Form);
        }
        Ok(RecordSet { owner, rtype, ttl, records, signatures })
    }

    fn learnt(&mut self, time: RestoreTime) -> Result<Option<LearntRecords>, StoredEntryError> {
        let [content, credibility, security] = self.array()?;
        let (rtype, age, ttl) = (Type(self.short()?), self.long()?, self.long()?);
        let owner = self.name_in_lower_case()?;
        let sets: Result<Vec<RecordSet>, _> = (0..self.short()?).map(|_| self.set()).collect();
        let mut sets = sets?.into_iter();
        let credibility = *CREDIBILITIES.get(usize::from(credibility)).ok_or(StoredEntryError::Form)?;
        let security = *SECURITIES.get(usize::from(security)).ok_or(StoredEntryError::Form)?;
        let content = match content {
            SET => RecordContent::Records(sets.next().ok_or(StoredEntryError::Form)?),
            NO_DATA => RecordContent::NoData,
            NAME_ERROR if rtype == ANY_TYPE => RecordContent::NameError,
            _ => return Err(StoredEntryError::Form),
        };
        if let RecordContent::Records(set) = &content {
            // What a parent says is kept under types of its own.
            let fits = set.rtype == rtype || credibility == CredibilityRank::Referral;
            if !fits || set.owner.as_ref() != owner.as_ref() {
                return Err(StoredEntryError::Form);
            }
        }
        let attached = sets.collect();
        // What is good to go on by, and no answer, is of no use once it has run out.
        let stale = if credibility == CredibilityRank::Referral { 0 } else { time.stale };
        let age = age.saturating_add(time.elapsed);
        let of_use = age < ttl.saturating_add(stale);
        let stored = time.now.checked_sub(age).filter(|_| of_use);
        Ok(stored.map(|stored| LearntRecords {
            owner,
            rtype,
            content,
            attached,
            credibility,
            security,
            ttl,
            stored,
        }))
    }

    fn proof(&mut self, time: RestoreTime) -> Result<Option<(DomainName, KeptProof)>, StoredEntryError> {
        let left = self.long()?;
        let zone = self.name_in_lower_case()?;
        let set = self.set()?;
        let is_proof = matches!(set.rtype, Type::NSEC | Type::NSEC3 | Type::SOA);
        if !is_proof || !set.owner.as_ref().is_at_or_below(zone.as_ref()) {
            return Err(StoredEntryError::Form);
        }
        let left = left.checked_sub(time.elapsed).filter(|left| *left > 0);
        let until = left.map(|left| time.now.saturating_add(left));
        Ok(until.map(|until| (zone, KeptProof { set: Arc::new(set), until })))
    }
}
