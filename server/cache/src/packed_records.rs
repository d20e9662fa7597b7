//! What was learnt of a name in one piece of memory: a third of what it takes ready for use.
//!
//! ```text
//! content, credibility, security (1) · type (2) · TTL (4) · stored (4) · owner · sets
//! set:  type (2) · TTL (4) · name · number of records (1) · records · number of signatures (1) · signatures
//! name: bytes of the labels that the owner does not end in (1) · these · where in the owner the others begin (1)
//! ```
//! Each record has its length before it (1 or 2). Of a signature, the name of its signer is such a name.

use rhumb_wire::{DomainName, NameRef, Type};

use crate::record_list::{CachedRecords, RecordListBuilder};
use crate::record_set::{CredibilityRank, LearntRecords, RecordContent, RecordSet, SecurityStatus};

/// Bytes before the owner.
const HEAD: usize = 11;
/// Bytes of a signature before the name of its signer (RFC 4034 section 3.1).
const BEFORE_SIGNER: usize = 18;
/// The longest name (RFC 1035 section 2.3.4).
const LONGEST_NAME: usize = 255;
/// Room for nearly every entry.
const USUAL_SIZE: usize = 512;

/// Records, or that there are none, with what came beside them.
#[derive(Debug)]
pub(crate) struct PackedRecords(Box<[u8]>);

impl PackedRecords {
    /// None for what does not fit the form: signatures that are none, very long or very many records.
    pub(crate) fn pack(learnt: &LearntRecords) -> Option<Self> {
        let LearntRecords { owner, rtype, content, attached, credibility, security, ttl, stored } = learnt;
        let mut into = Vec::with_capacity(USUAL_SIZE);
        let kind = match content {
            RecordContent::Records(_) => 0,
            RecordContent::NoData => 1,
            RecordContent::NameError => 2,
        };
        into.push(kind | (*credibility as u8) << 2 | (*security as u8) << 4);
        into.extend_from_slice(&rtype.0.to_ne_bytes());
        into.extend_from_slice(&ttl.to_ne_bytes());
        into.extend_from_slice(&stored.to_ne_bytes());
        into.extend_from_slice(owner.as_ref().as_bytes());
        let mut writer = RecordPacker { owner: owner.as_ref(), into };
        learnt.records().into_iter().chain(attached).try_for_each(|set| writer.set(set))?;
        Some(Self(writer.into.as_slice().into()))
    }

    /// The same as it was before.
    pub(crate) fn unpack(&self) -> Option<LearntRecords> {
        let owner = self.owner().to_name();
        let rest = self.0.get(HEAD + owner.as_ref().len()..)?;
        let mut reader = RecordUnpacker { owner: &owner, rest };
        let kind = self.kind();
        let content = match kind & 3 {
            0 => RecordContent::Records(reader.set()?),
            1 => RecordContent::NoData,
            _ => RecordContent::NameError,
        };
        let mut attached = Vec::new();
        while !reader.rest.is_empty() {
            attached.push(reader.set()?);
        }
        let (rtype, credibility) = (self.rtype(), self.credibility());
        let security = match kind >> 4 {
            0 => SecurityStatus::Unchecked,
            1 => SecurityStatus::Insecure,
            2 => SecurityStatus::Secure,
            _ => SecurityStatus::Bogus,
        };
        let (ttl, stored, attached) = (self.long(3), self.long(7), attached.into());
        Some(LearntRecords { owner, rtype, content, attached, credibility, security, ttl, stored })
    }

    pub(crate) fn owner(&self) -> NameRef<'_> {
        self.0.get(HEAD..).and_then(|bytes| NameRef::parse(bytes).ok()).unwrap_or(NameRef::ROOT)
    }

    pub(crate) fn rtype(&self) -> Type {
        let bytes = self.0.get(1..).and_then(<[u8]>::first_chunk).copied();
        Type(bytes.map_or(0, u16::from_ne_bytes))
    }

    pub(crate) fn credibility(&self) -> CredibilityRank {
        match self.kind() >> 2 & 3 {
            0 => CredibilityRank::Referral,
            1 => CredibilityRank::Answer,
            _ => CredibilityRank::Authoritative,
        }
    }

    /// Seconds left at `now`.
    pub(crate) fn left(&self, now: u32) -> u32 {
        self.long(7).saturating_add(self.long(3)).saturating_sub(now)
    }

    /// Bytes of the one piece.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    fn kind(&self) -> u8 {
        self.0.first().copied().unwrap_or(0)
    }

    fn long(&self, at: usize) -> u32 {
        let bytes = self.0.get(at..).and_then(<[u8]>::first_chunk).copied();
        bytes.map_or(0, u32::from_ne_bytes)
    }
}

struct RecordPacker<'o> {
    owner: NameRef<'o>,
    into: Vec<u8>,
}

impl RecordPacker<'_> {
    fn set(&mut self, set: &RecordSet) -> Option<()> {
        self.into.extend_from_slice(&set.rtype.0.to_ne_bytes());
        self.into.extend_from_slice(&set.ttl.to_ne_bytes());
        self.name(set.owner.as_ref());
        self.into.push(u8::try_from(set.records.len()).ok()?);
        for rdata in set.records.iter() {
            self.length(rdata.len())?;
            self.into.extend_from_slice(rdata);
        }
        self.into.push(u8::try_from(set.signatures.len()).ok()?);
        set.signatures.iter().try_for_each(|rdata| self.signature(rdata))
    }

    fn signature(&mut self, rdata: &[u8]) -> Option<()> {
        let (fixed, rest) = rdata.split_at_checked(BEFORE_SIGNER)?;
        let signer = NameRef::parse(rest).ok()?;
        let signature = rest.get(signer.len()..)?;
        self.into.extend_from_slice(fixed);
        self.name(signer);
        self.length(signature.len())?;
        self.into.extend_from_slice(signature);
        Some(())
    }

    fn name(&mut self, name: NameRef<'_>) {
        // Both end in the root.
        let ends = std::iter::successors(Some(name), |end| end.parent());
        let mut shared = ends.filter_map(|end| Some((end.len(), self.place_in_owner(end)?)));
        let Some((length, place)) = shared.next() else { return };
        let own = name.as_bytes().get(..name.len() - length).unwrap_or_default();
        self.into.push(own.len() as u8);
        self.into.extend_from_slice(own);
        self.into.push(place as u8);
    }

    /// Where the owner ends in just this name, byte for byte, for its case is to come back too.
    fn place_in_owner(&self, end: NameRef<'_>) -> Option<usize> {
        let owner = self.owner.as_bytes();
        let at = owner.len().checked_sub(end.len())?;
        let is_end = owner.get(at..) == Some(end.as_bytes()) && self.owner.is_at_or_below(end);
        is_end.then_some(at)
    }

    fn length(&mut self, length: usize) -> Option<()> {
        match u16::try_from(length).ok()? {
            short @ ..0x80 => self.into.push(short as u8),
            long @ ..0x8000 => self.into.extend_from_slice(&(long | 0x8000).to_be_bytes()),
            _ => return None,
        }
        Some(())
    }
}

struct RecordUnpacker<'p> {
    owner: &'p DomainName,
    rest: &'p [u8],
}

impl<'p> RecordUnpacker<'p> {
    fn set(&mut self) -> Option<RecordSet> {
        let (rtype, ttl) = (Type(u16::from_ne_bytes(self.array()?)), u32::from_ne_bytes(self.array()?));
        let mut room = [0; LONGEST_NAME];
        let length = self.name(&mut room)?;
        let owner = NameRef::parse(room.get(..length)?).ok()?;
        let owner = if owner.as_bytes() == self.owner.as_ref().as_bytes() {
            self.owner.clone()
        } else {
            owner.to_name()
        };
        let mut records = RecordListBuilder::default();
        for _ in 0..self.byte()? {
            let length = self.length()?;
            records.push(self.bytes(length)?);
        }
        let (records, signatures) = (records.finish(), self.signatures()?);
        Some(RecordSet { owner, rtype, ttl, records, signatures })
    }

    fn signatures(&mut self) -> Option<CachedRecords> {
        let mut signatures = RecordListBuilder::default();
        let mut rdata = Vec::new();
        for _ in 0..self.byte()? {
            rdata.clear();
            rdata.extend_from_slice(self.bytes(BEFORE_SIGNER)?);
            let mut room = [0; LONGEST_NAME];
            let length = self.name(&mut room)?;
            rdata.extend_from_slice(room.get(..length)?);
            let length = self.length()?;
            rdata.extend_from_slice(self.bytes(length)?);
            signatures.push(&rdata);
        }
        Some(signatures.finish())
    }

    /// Puts a name into `room`; its length.
    fn name(&mut self, room: &mut [u8; LONGEST_NAME]) -> Option<usize> {
        let own = usize::from(self.byte()?);
        let own = self.bytes(own)?;
        let end = self.owner.as_ref().as_bytes().get(usize::from(self.byte()?)..)?;
        let (first, rest) = room.split_at_mut_checked(own.len())?;
        first.copy_from_slice(own);
        rest.get_mut(..end.len())?.copy_from_slice(end);
        Some(own.len() + end.len())
    }

    fn length(&mut self) -> Option<usize> {
        let high = self.byte()?;
        if high < 0x80 {
            return Some(usize::from(high));
        }
        let low = self.byte()?;
        Some(usize::from(u16::from_be_bytes([high & 0x7f, low])))
    }

    fn bytes(&mut self, length: usize) -> Option<&'p [u8]> {
        let (found, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(found)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (found, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*found)
    }

    fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }
}

#[cfg(test)]
mod tests;
