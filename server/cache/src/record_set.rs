//! What is known of one name and type: records with their signatures, or that there are none.

use std::sync::Arc;

use rhumb_wire::{DomainName, NameRef, Type};

use crate::record_list::CachedRecords;

/// Records of one owner and type in class IN, with the signatures over them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordSet {
    /// The owner, in the case it was learnt in.
    pub owner: DomainName,
    /// The type.
    pub rtype: Type,
    /// Seconds, counted from when it was learnt.
    pub ttl: u32,
    /// RDATA, without duplicates.
    pub records: CachedRecords,
    /// RDATA of the RRSIG records over them.
    pub signatures: CachedRecords,
}

/// What stands under a name and type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordContent {
    /// Records.
    Records(RecordSet),
    /// The name has none of this type (RFC 2308 section 2.2).
    NoData,
    /// The name does not exist (RFC 2308 section 2.1).
    NameError,
}

/// How far data can be relied on by where it stood (RFC 2181 section 5.4.1), least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CredibilityRank {
    /// The parent's word on a delegation: good to go on by, never an answer.
    Referral,
    /// The answer of a server that does not say that it is authoritative.
    Answer,
    /// The answer of an authoritative server.
    Authoritative,
}

/// What validation found (RFC 4033 section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecurityStatus {
    /// It has not been validated.
    Unchecked,
    /// It is proven that no signature can be expected.
    Insecure,
    /// A chain of signatures leads to it.
    Secure,
    /// Signatures should be there, and are not or are wrong.
    Bogus,
}

/// What was learnt of one name and type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LearntRecords {
    /// The name, in lower case.
    pub owner: DomainName,
    /// The type; 0 for a name that does not exist.
    pub rtype: Type,
    /// What stands there.
    pub content: RecordContent,
    /// What came with it: the SOA of a denial, the proofs of a denial or a wildcard, the addresses of a delegation.
    pub attached: Box<[RecordSet]>,
    /// How it was learnt.
    pub credibility: CredibilityRank,
    /// What validation found.
    pub security: SecurityStatus,
    /// Seconds, counted from `stored`.
    pub ttl: u32,
    /// When it was learnt, in seconds of the caller's clock.
    pub stored: u32,
}

/// The type under which a name is kept that does not exist.
pub const ANY_TYPE: Type = Type(0);
/// Bytes of an entry beside its data: the structure, its place in the table and the queue, the allocator's share.
const OVERHEAD: usize = size_of::<LearntRecords>() + 64;

impl LearntRecords {
    /// The records, where there are some.
    pub const fn records(&self) -> Option<&RecordSet> {
        match &self.content {
            RecordContent::Records(set) => Some(set),
            RecordContent::NoData | RecordContent::NameError => None,
        }
    }

    /// Whether it says that there is nothing.
    pub const fn is_denial(&self) -> bool {
        self.records().is_none()
    }

    /// Whether it answers a question for `rtype` at its name: that a name is no alias says nothing of its other types, and an alias has
    /// NSEC and RRSIG records of its own (RFC 4035 section 2.5).
    pub fn tells_of(&self, rtype: Type) -> bool {
        let leads = self.rtype == Type::CNAME && !self.is_denial();
        let alias = leads && !matches!(rtype, Type::NSEC | Type::RRSIG);
        self.rtype == rtype || self.rtype == ANY_TYPE || alias
    }

    /// Where an alias leads, in lower case; none where it is itself what is asked for, or there is none.
    pub fn target(&self, asked: Type) -> Option<DomainName> {
        if self.rtype != Type::CNAME || asked == Type::CNAME {
            return None;
        }
        let rdata = self.records()?.records.iter().next()?;
        NameRef::parse(rdata).ok().map(NameRef::to_lowercase)
    }

    /// Seconds left at `now`.
    pub const fn left(&self, now: u32) -> u32 {
        self.stored.saturating_add(self.ttl).saturating_sub(now)
    }

    /// The same with what validation found.
    pub fn with_security(&self, security: SecurityStatus) -> Arc<Self> {
        Arc::new(Self { security, ..self.clone() })
    }

    /// What it costs, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        let of = |set: &RecordSet| set.owner.as_ref().len() + set.records.bytes() + set.signatures.bytes();
        let attached: usize = self.attached.iter().map(|set| of(set) + size_of::<RecordSet>()).sum();
        (OVERHEAD + self.owner.as_ref().len() + self.records().map_or(0, of) + attached) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(owner: &str, rtype: Type, records: &[&[u8]], signatures: &[&[u8]]) -> RecordSet {
        let [records, signatures] = [records, signatures].map(|list| list.iter().copied().collect());
        RecordSet { owner: owner.parse().unwrap(), rtype, ttl: 60, records, signatures }
    }

    fn learnt(rtype: Type, content: RecordContent, attached: Vec<RecordSet>) -> LearntRecords {
        LearntRecords {
            owner: "a.test".parse().unwrap(),
            rtype,
            content,
            attached: attached.into(),
            credibility: CredibilityRank::Answer,
            security: SecurityStatus::Unchecked,
            ttl: 60,
            stored: 100,
        }
    }

    #[test]
    fn aliases_and_names_that_do_not_exist_tell_of_other_types() {
        let records = || RecordContent::Records(set("a.test", Type::CNAME, &[b"\x01b\x04test\0"], &[]));
        for (rtype, content, of_a, of_cname, of_nsec) in [
            (Type::CNAME, records(), true, true, false),
            (Type::CNAME, RecordContent::NoData, false, true, false),
            (Type::A, records(), true, false, false),
            (Type::A, RecordContent::NoData, true, false, false),
            (Type::NSEC, records(), false, false, true),
            (ANY_TYPE, RecordContent::NameError, true, true, true),
            (Type::AAAA, records(), false, false, false),
        ] {
            let learnt = learnt(rtype, content, Vec::new());
            let told = [Type::A, Type::CNAME, Type::NSEC, Type::RRSIG].map(|rtype| learnt.tells_of(rtype));
            let of_rrsig = rtype == ANY_TYPE;
            assert_eq!(told, [of_a, of_cname, of_nsec, of_rrsig], "{learnt:?}");
        }
    }

    #[test]
    fn an_alias_leads_to_its_target() {
        let records = || RecordContent::Records(set("a.test", Type::CNAME, &[b"\x01B\x04Test\0"], &[]));
        let alias = learnt(Type::CNAME, records(), Vec::new());
        assert_eq!(alias.target(Type::A).map(|name| name.to_string()).as_deref(), Some("b.test."));
        assert_eq!(alias.target(Type::CNAME), None);
        assert_eq!(learnt(Type::A, records(), Vec::new()).target(Type::AAAA), None);
        assert_eq!(learnt(Type::CNAME, RecordContent::NoData, Vec::new()).target(Type::A), None);
    }

    #[test]
    fn it_costs_all_that_it_holds() {
        let denial = learnt(Type::A, RecordContent::NoData, Vec::new());
        // `a.test.` has eight bytes, and each record two for its length.
        assert_eq!(denial.bytes(), (OVERHEAD + 8) as u64);
        let records = RecordContent::Records(set("a.test", Type::A, &[&[1; 4], &[2; 4]], &[&[3; 70]]));
        let attached =
            vec![set("test", Type::SOA, &[&[0; 30]], &[]), set("test", Type::NSEC, &[], &[&[0; 9]])];
        let with = learnt(Type::A, records, attached);
        let of_attached = (6 + 32) + (6 + 11) + 2 * size_of::<RecordSet>();
        assert_eq!(with.bytes(), (OVERHEAD + 8 + (8 + 6 + 6 + 72) + of_attached) as u64);
    }

    #[test]
    fn the_time_left_ends_at_nothing() {
        let learnt = learnt(Type::A, RecordContent::NoData, Vec::new());
        assert_eq!([100, 130, 160, 500].map(|now| learnt.left(now)), [60, 30, 0, 0]);
        let secure = learnt.with_security(SecurityStatus::Secure);
        assert_eq!((secure.security, secure.stored, secure.rtype), (SecurityStatus::Secure, 100, Type::A));
    }
}
