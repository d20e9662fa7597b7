//! The records of a reply, in sets.

use std::hash::{BuildHasher, Hash, Hasher};

use foldhash::quality::RandomState;
use hashbrown::HashTable;
use rhumb_cache::{RecordListBuilder, RecordSet};
use rhumb_wire::{
    Class, DomainName, MessageRecord, MessageSection, MessageView, NameBuf, NameRef, Type, rdata,
};

use super::limits;
use crate::exchange::UnusableReply;

/// Says whether records of an owner and a type are those of other servers than the one that was asked.
pub(super) type ElsewhereCheck<'c> = dyn Fn(NameRef<'_>, Type) -> bool + Send + Sync + 'c;

/// A record set of a reply before it is complete.
#[derive(Debug)]
struct OpenSet {
    section: MessageSection,
    /// Whether its owner lies outside of the zone.
    outside: bool,
    owner: DomainName,
    rtype: Type,
    ttl: u32,
    records: RecordListBuilder,
    /// A hash of each record in its canonical form.
    hashes: Vec<u64>,
    signatures: RecordListBuilder,
}

/// The sets that were begun, and where each stands.
#[derive(Debug, Default)]
struct OpenSets {
    sets: Vec<OpenSet>,
    places: HashTable<usize>,
    hasher: RandomState,
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
    /// Reads the sets of class IN with owners at or below `zone` that are not those of other servers. With `signatures_asked` RRSIG records are sets of their own too.
    ///
    /// Errors: `Malformed`, `TooMany`.
    pub(super) fn read(
        message: &MessageView<'_>,
        zone: NameRef<'_>,
        elsewhere: &ElsewhereCheck<'_>,
        signatures_asked: bool,
    ) -> Result<Self, UnusableReply> {
        let mut open = OpenSets::default();
        let (mut owner, mut data) = (NameBuf::new(), Vec::new());
        let mut upward = false;
        for (index, record) in message.records().enumerate() {
            let record = record.map_err(|_| UnusableReply::Malformed)?;
            if index == limits::RECORDS {
                return Err(UnusableReply::TooMany);
            }
            record.owner(&mut owner).map_err(|_| UnusableReply::Malformed)?;
            let outside = !owner.as_ref().is_at_or_below(zone) || elsewhere(owner.as_ref(), record.rtype);
            let above = outside && zone.is_at_or_below(owner.as_ref());
            upward |= above && record.section == MessageSection::Authority && record.rtype == Type::NS;
            if !counts(&record, outside) {
                continue;
            }
            data.clear();
            match rdata::expand(&record, &mut data) {
                Ok(()) => {}
                Err(_) if record.section == MessageSection::Additional => continue,
                Err(_) => return Err(UnusableReply::Malformed),
            }
            let section = record.section;
            if record.rtype == Type::RRSIG {
                let covered = data.first_chunk().map_or(Type(0), |bytes| Type(u16::from_be_bytes(*bytes)));
                if let Some(set) = open.set(section, outside, owner.as_ref(), covered) {
                    set.sign(&data);
                }
                if !(signatures_asked && section == MessageSection::Answer) {
                    continue;
                }
            }
            let hasher = open.hasher.clone();
            if let Some(set) = open.set(section, outside, owner.as_ref(), record.rtype) {
                set.add(record.ttl, &data, &hasher)?;
            }
        }
        let complete = open.sets.into_iter().filter(|set| !set.hashes.is_empty());
        let (outside, inside): (Vec<_>, Vec<_>) = complete.partition(|set| set.outside);
        let sets = inside.into_iter().map(|set| (set.section, set.complete())).collect();
        let outside = outside.into_iter().map(OpenSet::complete).collect();
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

impl OpenSets {
    /// The set of this owner and type in a section; none never.
    fn set(
        &mut self,
        section: MessageSection,
        outside: bool,
        owner: NameRef<'_>,
        rtype: Type,
    ) -> Option<&mut OpenSet> {
        let Self { sets, places, hasher } = self;
        let hash = |section: MessageSection, owner: NameRef<'_>, rtype: Type| {
            let mut state = hasher.build_hasher();
            owner.hash(&mut state);
            state.write_u32(u32::from(rtype.0) << 8 | section as u32);
            state.finish()
        };
        let same =
            |set: &OpenSet| set.rtype == rtype && set.section == section && set.owner.as_ref() == owner;
        let known = places.find(hash(section, owner, rtype), |&place| sets.get(place).is_some_and(same));
        let place = if let Some(&place) = known {
            place
        } else {
            let place = sets.len();
            sets.push(OpenSet { outside, ..OpenSet::new(section, owner, rtype) });
            places.insert_unique(hash(section, owner, rtype), place, |&place| {
                sets.get(place).map_or(0, |set| hash(set.section, set.owner.as_ref(), set.rtype))
            });
            place
        };
        sets.get_mut(place)
    }
}

impl OpenSet {
    fn new(section: MessageSection, owner: NameRef<'_>, rtype: Type) -> Self {
        Self {
            section,
            outside: false,
            owner: owner.to_name(),
            rtype,
            ttl: limits::TTL,
            records: RecordListBuilder::default(),
            hashes: Vec::new(),
            signatures: RecordListBuilder::default(),
        }
    }

    fn complete(self) -> RecordSet {
        RecordSet {
            owner: self.owner,
            rtype: self.rtype,
            ttl: self.ttl,
            records: self.records.finish(),
            signatures: self.signatures.finish(),
        }
    }

    fn sign(&mut self, data: &[u8]) {
        let mut held = 0;
        let known = self.signatures.iter().inspect(|_| held += 1).any(|signature| signature == data);
        if !known && held < limits::SIGNATURES {
            self.signatures.push(data);
        }
    }

    /// Errors: `TooMany`.
    fn add(&mut self, ttl: u32, data: &[u8], hasher: &RandomState) -> Result<(), UnusableReply> {
        // RFC 2181 section 8: a TTL with its top bit set is 0. Of several the least counts (section 5.2).
        let ttl = if ttl > i32::MAX as u32 { 0 } else { ttl };
        self.ttl = self.ttl.min(ttl);
        let mut canonical = data.to_vec();
        rdata::make_canonical(self.rtype, &mut canonical);
        let hash = hasher.hash_one(&canonical);
        if self.hashes.contains(&hash) && self.holds(&canonical) {
            return Ok(());
        }
        if self.hashes.len() == limits::RECORDS_OF_SET {
            return Err(UnusableReply::TooMany);
        }
        self.hashes.push(hash);
        self.records.push(data);
        Ok(())
    }

    /// Whether one of its records has this canonical form.
    fn holds(&self, canonical: &[u8]) -> bool {
        self.records.iter().any(|held| {
            let mut held = held.to_vec();
            rdata::make_canonical(self.rtype, &mut held);
            held == canonical
        })
    }
}
