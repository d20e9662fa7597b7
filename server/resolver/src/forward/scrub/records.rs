//! The records of a reply, read once, and the sets they form.

use std::collections::HashSet;

use rhumb_wire::{MessageSection, MessageView, NameBuf, NameRef, Type, rdata};

use super::super::limits;
use crate::exchange::UnusableReply;
use crate::question::OutboundQuestion;

/// A stretch of [`ScrubbedRecords`]'s bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ByteRange {
    start: usize,
    end: usize,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct ScrubbedRecord {
    pub(super) section: MessageSection,
    pub(super) rtype: Type,
    pub(super) ttl: u32,
    pub(super) owner: ByteRange,
    /// None where it is not well-formed.
    pub(super) rdata: Option<ByteRange>,
}

/// Records of one owner and type: their RDATA without duplicates, and the signatures over them.
#[derive(Clone, Debug)]
pub(super) struct ScrubbedSet {
    pub(super) section: MessageSection,
    pub(super) rtype: Type,
    /// The least of them all (RFC 2181 section 5.2).
    pub(super) ttl: u32,
    pub(super) owner: ByteRange,
    pub(super) members: Vec<ByteRange>,
    pub(super) signatures: Vec<ByteRange>,
}

/// Answer and authority section of a reply, in the class of the question, names written out.
#[derive(Debug)]
pub(super) struct ScrubbedRecords {
    arena: Vec<u8>,
    items: Vec<ScrubbedRecord>,
    /// Records of the answer section, also of those that were left out.
    pub(super) answers: usize,
    signed: bool,
}

impl ScrubbedRecords {
    /// Errors: `Malformed`, `TooMany`.
    pub(super) fn read(
        message: &MessageView<'_>,
        question: &OutboundQuestion,
    ) -> Result<Self, UnusableReply> {
        // The types ANY and RRSIG have signatures as records of their own.
        let asked_themselves = matches!(question.qtype, Type::RRSIG | Type::ANY);
        let signed = question.dnssec_ok && !asked_themselves;
        let signatures = question.dnssec_ok || asked_themselves;
        let mut records = Self {
            arena: Vec::with_capacity(2 * message.bytes().len()),
            items: Vec::new(),
            answers: usize::from(message.header().answers),
            signed,
        };
        let mut name = NameBuf::new();
        for record in message.records() {
            let record = record.map_err(|_| UnusableReply::Malformed)?;
            let wanted = match (record.section, record.rtype) {
                (MessageSection::Answer, Type::RRSIG) => signatures,
                (MessageSection::Answer, _) => true,
                (MessageSection::Authority, Type::NS | Type::SOA) => true,
                (MessageSection::Authority, Type::NSEC | Type::NSEC3 | Type::RRSIG) => question.dnssec_ok,
                _ => false,
            };
            if !wanted || record.class != question.class || record.rtype.is_meta() {
                continue;
            }
            if records.items.len() == limits::RECORDS {
                return Err(UnusableReply::TooMany);
            }
            record.owner(&mut name).map_err(|_| UnusableReply::Malformed)?;
            let owner = records.push(name.as_ref().as_bytes());
            let start = records.arena.len();
            let sound = rdata::expand(&record, &mut records.arena).is_ok();
            let rdata = sound.then_some(ByteRange { start, end: records.arena.len() });
            // RFC 2181 section 8: a TTL with its top bit set is 0.
            let ttl = if record.ttl > i32::MAX as u32 { 0 } else { record.ttl.min(limits::TTL) };
            records.items.push(ScrubbedRecord {
                section: record.section,
                rtype: record.rtype,
                ttl,
                owner,
                rdata,
            });
        }
        Ok(records)
    }

    /// Adds bytes that no record brought.
    pub(super) fn push(&mut self, bytes: &[u8]) -> ByteRange {
        let start = self.arena.len();
        self.arena.extend_from_slice(bytes);
        ByteRange { start, end: self.arena.len() }
    }

    pub(super) fn bytes(&self, span: ByteRange) -> &[u8] {
        self.arena.get(span.start..span.end).unwrap_or(&[])
    }

    /// The name that stands at `span`; the root where none does.
    pub(super) fn name(&self, span: ByteRange) -> NameRef<'_> {
        NameRef::parse(self.bytes(span)).unwrap_or(NameRef::ROOT)
    }

    pub(super) fn same_name(&self, one: ByteRange, other: ByteRange) -> bool {
        self.bytes(one).eq_ignore_ascii_case(self.bytes(other))
    }

    pub(super) fn items(&self, section: MessageSection) -> impl Iterator<Item = &ScrubbedRecord> {
        self.items.iter().filter(move |item| item.section == section)
    }

    /// The records of `owner` and `rtype`, with their signatures if DO was asked; none if there is none.
    ///
    /// Errors: `Malformed` where one of the records is, `TooMany`.
    pub(super) fn set(
        &self,
        section: MessageSection,
        owner: ByteRange,
        rtype: Type,
    ) -> Result<Option<ScrubbedSet>, UnusableReply> {
        let mut set = ScrubbedSet {
            section,
            rtype,
            ttl: limits::TTL,
            owner,
            members: Vec::new(),
            signatures: Vec::new(),
        };
        let mut seen = HashSet::new();
        for item in self.items(section).filter(|item| self.same_name(item.owner, owner)) {
            if item.rtype == rtype {
                let rdata = item.rdata.ok_or(UnusableReply::Malformed)?;
                set.ttl = set.ttl.min(item.ttl);
                if !seen.insert(self.canonical(rtype, rdata)) {
                    continue;
                }
                if set.members.len() == limits::RECORDS_OF_SET {
                    return Err(UnusableReply::TooMany);
                }
                set.members.push(rdata);
            } else if self.signed && item.rtype == Type::RRSIG {
                let Some(rdata) = item.rdata.filter(|&rdata| self.covers(rdata, rtype)) else { continue };
                let known = set.signatures.iter().any(|&known| self.bytes(known) == self.bytes(rdata));
                if !known && set.signatures.len() < limits::SIGNATURES {
                    set.ttl = set.ttl.min(item.ttl);
                    set.signatures.push(rdata);
                }
            }
        }
        Ok((!set.members.is_empty()).then_some(set))
    }

    /// The types of the answer section at `owner`, in order. Errors: `TooMany`.
    pub(super) fn types(&self, owner: ByteRange) -> Result<Vec<Type>, UnusableReply> {
        let mut types = Vec::new();
        for item in self.items(MessageSection::Answer).filter(|item| self.same_name(item.owner, owner)) {
            if types.contains(&item.rtype) {
                continue;
            }
            if types.len() == limits::TYPES {
                return Err(UnusableReply::TooMany);
            }
            types.push(item.rtype);
        }
        Ok(types)
    }

    /// Whether the RRSIG at `rdata` is over records of `rtype` (RFC 4034 section 3.1.1).
    fn covers(&self, rdata: ByteRange, rtype: Type) -> bool {
        self.bytes(rdata).first_chunk::<2>() == Some(&rtype.0.to_be_bytes())
    }

    fn canonical(&self, rtype: Type, rdata: ByteRange) -> Vec<u8> {
        let mut bytes = self.bytes(rdata).to_vec();
        rdata::make_canonical(rtype, &mut bytes);
        bytes
    }
}
