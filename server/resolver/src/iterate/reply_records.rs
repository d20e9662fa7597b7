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
use crate::question::OutboundQuestion;

/// Nearly all RDATA fits into so many bytes.
const USUAL_RDATA: usize = 256;
/// So few sets are looked through one by one.
const FEW: usize = 8;

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
    /// A hash of each record in its canonical form, once there are two.
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
    /// Reads the sets of class IN with owners at or below `zone` that are not those of other servers. Sets of the name of `question` have
    /// it as it was asked for, and not in the case that the query had. Where RRSIG records are asked for they are sets of their own too.
    /// Beside an answer the servers of its zone are read only if they are wanted, `with_servers`.
    ///
    /// Errors: `Malformed`, also where a set of the answer has no well-formed record; `TooMany`.
    pub(super) fn read(
        message: &MessageView<'_>,
        question: &OutboundQuestion,
        zone: NameRef<'_>,
        elsewhere: &ElsewhereCheck<'_>,
        with_servers: bool,
    ) -> Result<Self, UnusableReply> {
        let (asked, qtype) = (&question.name, question.qtype);
        let signatures_asked = matches!(qtype, Type::RRSIG | Type::ANY);
        let mut open = OpenSets::default();
        let (mut owner, mut data, mut canonical) =
            (NameBuf::new(), Vec::with_capacity(USUAL_RDATA), Vec::new());
        let (mut upward, mut answered) = (false, false);
        let mut ill_formed: Vec<(DomainName, Type)> = Vec::new();
        for (index, record) in message.records().enumerate() {
            let record = record.map_err(|_| UnusableReply::Malformed)?;
            if index == limits::RECORDS {
                return Err(UnusableReply::TooMany);
            }
            if answered && names_servers(&record) {
                continue;
            }
            record.owner(&mut owner).map_err(|_| UnusableReply::Malformed)?;
            let outside = !owner.as_ref().is_at_or_below(zone) || elsewhere(owner.as_ref(), record.rtype);
            let above = outside && zone.is_at_or_below(owner.as_ref());
            upward |= above && record.section == MessageSection::Authority && record.rtype == Type::NS;
            if !counts(&record, outside) {
                continue;
            }
            data.clear();
            if rdata::expand(&record, &mut data).is_err() {
                // One such record does not spoil the others. Signatures still tell whether one is missing.
                if record.section == MessageSection::Answer && record.rtype != Type::RRSIG {
                    ill_formed.push((owner.as_ref().to_name(), record.rtype));
                }
                continue;
            }
            let section = record.section;
            if record.rtype == Type::RRSIG {
                let covered = data.first_chunk().map_or(Type(0), |bytes| Type(u16::from_be_bytes(*bytes)));
                if let Some(set) = open.set(section, outside, (owner.as_ref(), asked), covered) {
                    set.sign(&data);
                }
                if !(signatures_asked && section == MessageSection::Answer) {
                    continue;
                }
            }
            let hasher = open.hasher.clone();
            if let Some(set) = open.set(section, outside, (owner.as_ref(), asked), record.rtype) {
                set.add(record.ttl, &data, &mut canonical, &hasher)?;
                answered |= !with_servers
                    && section == MessageSection::Answer
                    && record.rtype == qtype
                    && qtype != Type::NS
                    && set.owner == *asked;
            }
        }
        let complete = open.sets.into_iter().filter(|set| !set.records.is_empty());
        let (outside, inside): (Vec<_>, Vec<_>) = complete.partition(|set| set.outside);
        let sets = inside.into_iter().map(|set| (set.section, set.complete())).collect();
        let outside = outside.into_iter().map(OpenSet::complete).collect();
        let read = Self { sets, outside, upward };
        // A set of which nothing is left is not one that is not there.
        let is_lost = |(owner, rtype): &(DomainName, Type)| {
            read.set(MessageSection::Answer, owner.as_ref(), *rtype).is_none()
        };
        if ill_formed.iter().any(is_lost) { Err(UnusableReply::Malformed) } else { Ok(read) }
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

/// Whether a record beside an answer says only which servers its zone has.
fn names_servers(record: &MessageRecord<'_>) -> bool {
    match record.section {
        MessageSection::Question | MessageSection::Answer => false,
        MessageSection::Authority => record.rtype == Type::NS,
        MessageSection::Additional => true,
    }
}

/// Whether a record is read: those of the zone, and addresses that come beside them.
fn counts(record: &MessageRecord<'_>, outside: bool) -> bool {
    let address =
        record.section == MessageSection::Additional && matches!(record.rtype, Type::A | Type::AAAA);
    record.class == Class::IN && !record.rtype.is_meta() && (!outside || address)
}

impl OpenSets {
    /// The set of this owner and type in a section, begun where there is none; always one.
    fn set(
        &mut self,
        section: MessageSection,
        outside: bool,
        (owner, asked): (NameRef<'_>, &DomainName),
        rtype: Type,
    ) -> Option<&mut OpenSet> {
        let Self { sets, places, hasher } = self;
        let same =
            |set: &OpenSet| set.rtype == rtype && set.section == section && set.owner.as_ref() == owner;
        // Records of a set stand together.
        if sets.last().is_some_and(same) {
            return sets.last_mut();
        }
        let hash = |section: MessageSection, owner: NameRef<'_>, rtype: Type| {
            let mut state = hasher.build_hasher();
            owner.hash(&mut state);
            state.write_u32(u32::from(rtype.0) << 8 | section as u32);
            state.finish()
        };
        let known = if sets.len() < FEW {
            sets.iter().position(same)
        } else {
            let is_it = |&place: &usize| sets.get(place).is_some_and(same);
            places.find(hash(section, owner, rtype), is_it).copied()
        };
        if let Some(place) = known {
            return sets.get_mut(place);
        }
        let owner = if asked.as_ref() == owner { asked.clone() } else { owner.to_name() };
        sets.push(OpenSet { outside, ..OpenSet::new(section, owner, rtype) });
        // The table begins once there are many.
        let begin = if sets.len() == FEW { 0 } else { sets.len() - 1 };
        let hash_at =
            |place: usize| sets.get(place).map_or(0, |set| hash(set.section, set.owner.as_ref(), set.rtype));
        for place in (begin..sets.len()).filter(|_| sets.len() >= FEW) {
            places.insert_unique(hash_at(place), place, |&place| hash_at(place));
        }
        sets.last_mut()
    }
}

impl OpenSet {
    fn new(section: MessageSection, owner: DomainName, rtype: Type) -> Self {
        Self {
            section,
            outside: false,
            owner,
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

    /// `canonical` is room for the canonical form. Errors: `TooMany`.
    fn add(
        &mut self,
        ttl: u32,
        data: &[u8],
        canonical: &mut Vec<u8>,
        hasher: &RandomState,
    ) -> Result<(), UnusableReply> {
        // RFC 2181 section 8: a TTL with its top bit set is 0. Of several the least counts (section 5.2).
        let ttl = if ttl > i32::MAX as u32 { 0 } else { ttl };
        self.ttl = self.ttl.min(ttl);
        // Most sets have one record, which is compared with none.
        if self.records.is_empty() {
            self.records.push(data);
            return Ok(());
        }
        if self.hashes.is_empty() {
            let first = self.records.iter().next().unwrap_or_default();
            self.hashes.push(self.canonical_hash(first, canonical, hasher));
        }
        let hash = self.canonical_hash(data, canonical, hasher);
        if self.holds(hash, canonical) {
            return Ok(());
        }
        if self.hashes.len() == limits::RECORDS_OF_SET {
            return Err(UnusableReply::TooMany);
        }
        self.hashes.push(hash);
        self.records.push(data);
        Ok(())
    }

    /// The hash of a record in its canonical form, which `canonical` has then.
    fn canonical_hash(&self, data: &[u8], canonical: &mut Vec<u8>, hasher: &RandomState) -> u64 {
        canonical.clear();
        canonical.extend_from_slice(data);
        rdata::make_canonical(self.rtype, canonical);
        hasher.hash_one(&*canonical)
    }

    /// Whether one of its records has this canonical form, of this hash. No other is put into that form: a reply may repeat its last
    /// record many times.
    fn holds(&self, hash: u64, canonical: &[u8]) -> bool {
        let mut alike = self.records.iter().zip(&self.hashes).filter(|(_, held)| **held == hash);
        alike.any(|(held, _)| {
            let mut held = held.to_vec();
            rdata::make_canonical(self.rtype, &mut held);
            held == canonical
        })
    }
}

#[cfg(test)]
mod tests {
    use rhumb_wire::header::{self, MessageHeader};

    use super::*;

    /// A reply with these records of the root, each with its type and RDATA, in the answer section.
    fn reply(records: &[(Type, Vec<u8>)]) -> Vec<u8> {
        let head = MessageHeader {
            flags: header::QR,
            questions: 1,
            answers: records.len() as u16,
            ..MessageHeader::default()
        };
        let mut bytes = head.to_bytes().to_vec();
        bytes.extend([0, 0, 1, 0, 1]);
        for (rtype, rdata) in records {
            bytes.push(0);
            bytes.extend(rtype.0.to_be_bytes());
            bytes.extend([0, 1, 0, 0, 0, 60]);
            bytes.extend((rdata.len() as u16).to_be_bytes());
            bytes.extend(rdata);
        }
        bytes
    }

    fn sets(records: &[(Type, Vec<u8>)]) -> Result<Vec<(Type, usize)>, UnusableReply> {
        let bytes = reply(records);
        let message = MessageView::parse(&bytes).unwrap();
        let read = read_of_root(&message)?;
        Ok(read.section(MessageSection::Answer).map(|set| (set.rtype, set.records.len())).collect())
    }

    fn read_of_root(message: &MessageView<'_>) -> Result<ReplyRecords, UnusableReply> {
        let question = OutboundQuestion::new(NameRef::ROOT, Type::TXT);
        ReplyRecords::read(message, &question, NameRef::ROOT, &|_, _| false, false)
    }

    fn address(n: u16) -> (Type, Vec<u8>) {
        let [high, low] = n.to_be_bytes();
        (Type::A, vec![192, 0, high, low])
    }

    #[test]
    fn records_that_are_the_same_are_one() {
        let mail = |name: &[u8; 4]| (Type::MX, [&[0, 1, 4][..], name, &[0]].concat());
        assert_eq!(sets(&[mail(b"mail"), mail(b"MaiL"), mail(b"main")]), Ok(vec![(Type::MX, 2)]));
        let distinct = (0..limits::RECORDS_OF_SET as u16).map(address);
        let repeated = std::iter::repeat_n(address(limits::RECORDS_OF_SET as u16 - 1), 700);
        let full: Vec<_> = distinct.chain(repeated).collect();
        assert_eq!(sets(&full), Ok(vec![(Type::A, limits::RECORDS_OF_SET)]));
        let over = [full, vec![address(1000)]].concat();
        assert_eq!(sets(&over), Err(UnusableReply::TooMany));
    }

    #[test]
    fn what_is_ill_formed_is_left_out_where_its_set_has_more() {
        let long = || (Type::A, vec![192, 0, 2, 1, 0]);
        let mail = || (Type::MX, vec![0, 1, 4, b'm', 0]);
        assert_eq!(sets(&[address(1), long(), address(2)]), Ok(vec![(Type::A, 2)]));
        assert_eq!(sets(&[long(), long()]), Err(UnusableReply::Malformed));
        assert_eq!(sets(&[address(1), mail()]), Err(UnusableReply::Malformed));
        assert_eq!(sets(&[address(1), (Type::RRSIG, vec![0, 1])]), Ok(vec![(Type::A, 1)]));
    }

    #[test]
    fn signatures_are_kept_with_their_set_wherever_they_stand() {
        let signature = |of: Type, n: u8| {
            (
                Type::RRSIG,
                [&of.0.to_be_bytes()[..], &[13, 0, 0, 0, 0, 60, 0, 0, 0, 9, 0, 0, 0, 1, 0, 7, 0, n]].concat(),
            )
        };
        let bytes = reply(&[
            signature(Type::A, 1),
            address(1),
            signature(Type::A, 1),
            signature(Type::A, 2),
            signature(Type::MX, 3),
        ]);
        let message = MessageView::parse(&bytes).unwrap();
        let read = read_of_root(&message).unwrap();
        let found: Vec<_> =
            read.section(MessageSection::Answer).map(|set| (set.rtype, set.signatures.len())).collect();
        assert_eq!(found, [(Type::A, 2)]);
    }

    /// What a server adds of its own zone is read where somebody wants it, or where it may be what was asked for.
    #[test]
    fn servers_beside_an_answer_are_left_out() {
        let server = (Type::NS, vec![2, b'n', b's', 0]);
        for (qtype, with_servers, answer, read) in [
            (Type::A, false, address(1), 1),
            (Type::A, true, address(1), 3),
            (Type::NS, false, server.clone(), 3),
            (Type::A, false, (Type::TXT, vec![1, b'x']), 3),
        ] {
            let mut bytes = reply(&[answer, server.clone(), address(2)]);
            // One record a section.
            bytes[6..12].copy_from_slice(&[0, 1, 0, 1, 0, 1]);
            let message = MessageView::parse(&bytes).unwrap();
            let question = OutboundQuestion::new(NameRef::ROOT, qtype);
            let elsewhere = &|_: NameRef<'_>, _| false;
            let found = ReplyRecords::read(&message, &question, NameRef::ROOT, elsewhere, with_servers);
            assert_eq!(found.unwrap().sets.len(), read, "{qtype} {with_servers}");
        }
    }

    /// RFC 2181 section 5.2 and 8: of several TTLs the least counts, and one with its top bit set is nothing.
    #[test]
    fn the_least_ttl_counts() {
        for (ttls, kept) in [
            (&[300][..], 300),
            (&[300, 60, 600], 60),
            (&[0x7fff_ffff], limits::TTL),
            (&[0x8000_0000], 0),
            (&[u32::MAX, 300], 0),
            (&[0, 300], 0),
        ] {
            let records: Vec<_> = (0..ttls.len() as u16).map(address).collect();
            let mut bytes = reply(&records);
            // Each record has fifteen bytes: owner, type, class, TTL, length, address.
            let first = bytes.len() - 15 * ttls.len();
            for (at, ttl) in ttls.iter().enumerate() {
                bytes[first + 15 * at + 5..][..4].copy_from_slice(&ttl.to_be_bytes());
            }
            let message = MessageView::parse(&bytes).unwrap();
            let read = read_of_root(&message).unwrap();
            let found: Vec<_> = read.section(MessageSection::Answer).map(|set| set.ttl).collect();
            assert_eq!(found, [kept], "{ttls:x?}");
        }
    }
}
