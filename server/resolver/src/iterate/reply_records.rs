//! The records of a reply, in sets.

use std::collections::{HashMap, HashSet};

use rhumb_cache::RecordSet;
use rhumb_wire::{
    Class, DomainName, MessageRecord, MessageSection, MessageView, NameBuf, NameRef, Type, rdata,
};

use super::limits;
use crate::exchange::UnusableReply;

/// A record set of a reply before it is complete.
#[derive(Debug)]
struct OpenSet {
    section: MessageSection,
    /// Whether its owner lies outside of the zone.
    outside: bool,
    owner: DomainName,
    rtype: Type,
    ttl: u32,
    records: Vec<Vec<u8>>,
    seen: HashSet<Vec<u8>>,
}

/// The sets of a reply that belong to the zone it was asked of. Whatever lies outside of that is not there, but for
/// [`outside_addresses`](Self::outside_addresses).
#[derive(Debug)]
pub(super) struct ReplyRecords {
    sets: Vec<(MessageSection, RecordSet)>,
    outside: Vec<RecordSet>,
    upward: bool,
}

impl ReplyRecords {
    /// Reads the sets of class IN with owners at or below `zone`. With `signatures_asked` RRSIG records are sets of their own too.
    ///
    /// Errors: `Malformed`, `TooMany`.
    pub(super) fn read(
        message: &MessageView<'_>,
        zone: NameRef<'_>,
        signatures_asked: bool,
    ) -> Result<Self, UnusableReply> {
        let mut open: Vec<OpenSet> = Vec::new();
        let mut places: HashMap<(u8, DomainName, Type), usize> = HashMap::new();
        let mut signatures: HashMap<(u8, DomainName, Type), Vec<Vec<u8>>> = HashMap::new();
        let mut owner = NameBuf::new();
        let mut upward = false;
        for (index, record) in message.records().enumerate() {
            let record = record.map_err(|_| UnusableReply::Malformed)?;
            if index == limits::RECORDS {
                return Err(UnusableReply::TooMany);
            }
            record.owner(&mut owner).map_err(|_| UnusableReply::Malformed)?;
            let outside = !owner.as_ref().is_at_or_below(zone);
            let above = outside && zone.is_at_or_below(owner.as_ref());
            upward |= above && record.section == MessageSection::Authority && record.rtype == Type::NS;
            if !counts(&record, outside) {
                continue;
            }
            let mut data = Vec::new();
            match rdata::expand(&record, &mut data) {
                Ok(()) => {}
                Err(_) if record.section == MessageSection::Additional => continue,
                Err(_) => return Err(UnusableReply::Malformed),
            }
            let name = owner.as_ref().to_lowercase();
            let section = record.section as u8;
            if record.rtype == Type::RRSIG {
                let covered =
                    data.first_chunk::<2>().map_or(Type(0), |bytes| Type(u16::from_be_bytes(*bytes)));
                let list = signatures.entry((section, name.clone(), covered)).or_default();
                if list.len() < limits::SIGNATURES && !list.contains(&data) {
                    list.push(data.clone());
                }
                if !(signatures_asked && record.section == MessageSection::Answer) {
                    continue;
                }
            }
            let place = *places.entry((section, name, record.rtype)).or_insert_with(|| {
                open.push(OpenSet { outside, ..OpenSet::new(record.section, owner.as_ref(), record.rtype) });
                open.len() - 1
            });
            if let Some(set) = open.get_mut(place) {
                set.add(record.ttl, data)?;
            }
        }
        let (outside, inside): (Vec<_>, Vec<_>) = open.into_iter().partition(|set| set.outside);
        let mut complete = |set: OpenSet| {
            let key = (set.section as u8, set.owner.as_ref().to_lowercase(), set.rtype);
            let signatures = signatures.remove(&key).unwrap_or_default();
            let section = set.section;
            (section, set.complete(&signatures))
        };
        let sets = inside.into_iter().map(&mut complete).collect();
        let outside = outside.into_iter().map(|set| complete(set).1).collect();
        Ok(Self { sets, outside, upward })
    }

    /// The sets of a section.
    pub(super) fn section(&self, section: MessageSection) -> impl Iterator<Item = &RecordSet> {
        self.sets.iter().filter(move |(place, _)| *place == section).map(|(_, set)| set)
    }

    /// The set of this owner and type in a section.
    pub(super) fn set(&self, section: MessageSection, owner: NameRef<'_>, rtype: Type) -> Option<&RecordSet> {
        self.section(section).find(|set| set.rtype == rtype && set.owner.as_ref() == owner)
    }

    /// Addresses in the additional section whose owners lie outside of the zone.
    pub(super) fn outside_addresses(&self) -> &[RecordSet] {
        &self.outside
    }

    /// Whether the authority section names servers of a zone above the one that was asked.
    pub(super) const fn leads_upwards(&self) -> bool {
        self.upward
    }

    /// NSEC and NSEC3 of the authority section.
    pub(super) fn proofs(&self) -> Vec<RecordSet> {
        let proofs = self.section(MessageSection::Authority);
        let proofs = proofs.filter(|set| matches!(set.rtype, Type::NSEC | Type::NSEC3));
        proofs.take(limits::DENIALS).cloned().collect()
    }
}

/// Whether a record is read: those of the zone, and addresses that come beside them.
fn counts(record: &MessageRecord<'_>, outside: bool) -> bool {
    let address =
        record.section == MessageSection::Additional && matches!(record.rtype, Type::A | Type::AAAA);
    record.class == Class::IN && !record.rtype.is_meta() && (!outside || address)
}

impl OpenSet {
    fn new(section: MessageSection, owner: NameRef<'_>, rtype: Type) -> Self {
        let (records, seen) = (Vec::new(), HashSet::new());
        Self { section, outside: false, owner: owner.to_name(), rtype, ttl: limits::TTL, records, seen }
    }

    fn complete(self, signatures: &[Vec<u8>]) -> RecordSet {
        RecordSet {
            owner: self.owner,
            rtype: self.rtype,
            ttl: self.ttl,
            records: self.records.iter().map(Vec::as_slice).collect(),
            signatures: signatures.iter().map(Vec::as_slice).collect(),
        }
    }

    /// Errors: `TooMany`.
    fn add(&mut self, ttl: u32, data: Vec<u8>) -> Result<(), UnusableReply> {
        // RFC 2181 section 8: a TTL with its top bit set is 0. Of several the least counts (section 5.2).
        let ttl = if ttl > i32::MAX as u32 { 0 } else { ttl };
        self.ttl = self.ttl.min(ttl);
        let mut canonical = data.clone();
        rdata::make_canonical(self.rtype, &mut canonical);
        if !self.seen.insert(canonical) {
            return Ok(());
        }
        if self.records.len() == limits::RECORDS_OF_SET {
            return Err(UnusableReply::TooMany);
        }
        self.records.push(data);
        Ok(())
    }
}
