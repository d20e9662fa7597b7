use std::sync::Arc;

use proptest::prelude::*;
use rhumb_wire::{DomainName, Type};

use super::*;
use crate::record_set::{ANY_TYPE, CredibilityRank, SecurityStatus};

const NOW: u32 = 1_000_000;
const TIME: RestoreTime = RestoreTime { now: NOW, elapsed: 0, stale: 0 };

fn name(text: &str) -> DomainName {
    text.parse().unwrap()
}

fn set(owner: &str, rtype: Type, records: &[&[u8]]) -> RecordSet {
    let records = records.iter().copied().collect();
    RecordSet { owner: name(owner), rtype, ttl: 60, records, signatures: CachedRecords::default() }
}

/// Well-formed RDATA of an RRSIG over A records.
fn signature() -> Vec<u8> {
    [&[0, 1, 13, 2, 0, 0, 0, 60, 0, 0, 0, 9, 0, 0, 0, 1, 0, 7][..], b"\x07example\0", &[5; 64]].concat()
}

fn learnt(content: RecordContent, rtype: Type, attached: Vec<RecordSet>) -> LearntRecords {
    LearntRecords {
        owner: name("www.example"),
        rtype,
        content,
        attached: attached.into(),
        credibility: CredibilityRank::Authoritative,
        security: SecurityStatus::Secure,
        ttl: 300,
        stored: NOW - 100,
    }
}

fn signed_addresses() -> LearntRecords {
    let signatures = [&*signature()].into_iter().collect();
    let set = RecordSet { signatures, ..set("WWW.example", Type::A, &[&[192, 0, 2, 1], &[192, 0, 2, 2]]) };
    learnt(RecordContent::Records(set), Type::A, Vec::new())
}

fn delegation() -> LearntRecords {
    let servers = set("www.example", Type::NS, &[b"\x02ns\x03www\x07example\0"]);
    let glue = set("ns.www.example", Type::A, &[&[192, 0, 2, 53]]);
    LearntRecords {
        credibility: CredibilityRank::Referral,
        security: SecurityStatus::Unchecked,
        ..learnt(RecordContent::Records(servers), Type(u16::MAX), vec![glue])
    }
}

fn denial() -> LearntRecords {
    let soa = [b"\x02ns\x07example\0\x04host\x07example\0".as_slice(), &[0; 20]].concat();
    learnt(RecordContent::NameError, ANY_TYPE, vec![set("example", Type::SOA, &[&soa])])
}

fn stored(learnt: &LearntRecords) -> Vec<u8> {
    let mut bytes = Vec::new();
    assert!(store_records(learnt, NOW, &mut bytes));
    bytes
}

fn records(bytes: &[u8], time: RestoreTime) -> Option<LearntRecords> {
    match read_stored(bytes, time).unwrap()? {
        StoredEntry::Records(learnt) => Some(learnt),
        StoredEntry::Proof(..) => panic!("a proof"),
    }
}

fn proof() -> KeptProof {
    let next = [b"\x01z\x07example\0".as_slice(), &[0, 1, 0x40]].concat();
    let signatures = [&*signature()].into_iter().collect();
    let set = RecordSet { signatures, ..set("A.example", Type::NSEC, &[&next]) };
    KeptProof { set: Arc::new(set), until: NOW + 50 }
}

#[test]
fn records_come_back_as_they_were_with_their_age() {
    let no_data = learnt(RecordContent::NoData, Type::AAAA, Vec::new());
    for learnt in [signed_addresses(), delegation(), denial(), no_data] {
        let bytes = stored(&learnt);
        assert_eq!(records(&bytes, TIME).as_ref(), Some(&learnt));
        let later = RestoreTime { now: 5000, elapsed: 150, stale: 0 };
        assert_eq!(records(&bytes, later), Some(LearntRecords { stored: 5000 - 250, ..learnt }));
    }
}

#[test]
fn what_is_too_old_is_left_out() {
    for (learnt, elapsed, stale, kept) in [
        (signed_addresses(), 199, 0, true),
        (signed_addresses(), 200, 0, false),
        (signed_addresses(), 200, 1, true),
        (signed_addresses(), 1200, 1000, false),
        (delegation(), 199, 1000, true),
        (delegation(), 200, 1000, false),
        (signed_addresses(), u32::MAX, u32::MAX, false),
    ] {
        let time = RestoreTime { now: NOW, elapsed, stale };
        assert_eq!(records(&stored(&learnt), time).is_some(), kept, "{time:?}");
    }
    // A clock that has not run so long yet cannot say when it was.
    assert_eq!(records(&stored(&signed_addresses()), RestoreTime { now: 99, ..TIME }), None);
}

#[test]
fn proofs_come_back_for_the_time_that_is_left() {
    let mut bytes = Vec::new();
    assert!(store_proof(name("example").as_ref(), &proof(), NOW, &mut bytes));
    for (elapsed, until) in [(0, Some(NOW + 50)), (49, Some(NOW + 1)), (50, None), (u32::MAX, None)] {
        let found = read_stored(&bytes, RestoreTime { elapsed, ..TIME }).unwrap();
        let found = found.map(|found| match found {
            StoredEntry::Proof(zone, proof) => (zone, proof),
            StoredEntry::Records(_) => panic!("records"),
        });
        assert_eq!(found.as_ref().map(|(_, proof)| proof.until), until);
        assert!(found.is_none_or(|(zone, found)| zone == name("example") && found.set == proof().set));
    }
}

#[test]
fn what_is_bogus_is_not_stored() {
    let mut bytes = b"before".to_vec();
    let bogus = LearntRecords { security: SecurityStatus::Bogus, ..signed_addresses() };
    assert!(!store_records(&bogus, NOW, &mut bytes));
    assert_eq!(bytes, b"before");
}

/// What makes an entry wrong.
type WrongChange = fn(&mut LearntRecords);

#[test]
fn what_contradicts_itself_is_refused() {
    let with = |change: WrongChange| {
        let mut learnt = signed_addresses();
        change(&mut learnt);
        read_stored(&stored(&learnt), TIME).unwrap_err()
    };
    let cases: [(WrongChange, StoredEntryError); 6] = [
        (|learnt| learnt.owner = name("other.example"), StoredEntryError::Form),
        (|learnt| learnt.owner = "WWW.example".parse().unwrap(), StoredEntryError::Form),
        (|learnt| learnt.rtype = Type::AAAA, StoredEntryError::Form),
        (|learnt| learnt.content = RecordContent::NameError, StoredEntryError::Form),
        (
            |learnt| learnt.content = RecordContent::Records(set("www.example", Type::A, &[&[1, 2, 3]])),
            StoredEntryError::Rdata,
        ),
        (
            |learnt| learnt.content = RecordContent::Records(set("www.example", Type::A, &[])),
            StoredEntryError::Form,
        ),
    ];
    for (change, error) in cases {
        assert_eq!(with(change), error);
    }
    let mut bytes = Vec::new();
    assert!(store_proof(name("other").as_ref(), &proof(), NOW, &mut bytes));
    assert_eq!(read_stored(&bytes, TIME).unwrap_err(), StoredEntryError::Form);
    assert_eq!(read_stored(&[7], TIME).unwrap_err(), StoredEntryError::Form);
    assert_eq!(read_stored(&[], TIME).unwrap_err(), StoredEntryError::Short);
    let behind = [stored(&denial()), vec![0]].concat();
    assert_eq!(read_stored(&behind, TIME).unwrap_err(), StoredEntryError::Long);
}

#[test]
fn every_shorter_entry_is_refused() {
    for learnt in [signed_addresses(), delegation(), denial()] {
        let bytes = stored(&learnt);
        for end in 0..bytes.len() {
            assert!(read_stored(&bytes[..end], TIME).is_err(), "{end} of {}", bytes.len());
        }
    }
}

/// Whatever is read can be stored again, and is then the same.
fn stays_the_same(bytes: &[u8]) {
    if let Ok(Some(StoredEntry::Records(learnt))) = read_stored(bytes, TIME) {
        assert_eq!(records(&stored(&learnt), TIME), Some(learnt));
    }
}

#[test]
fn a_changed_byte_makes_no_panic() {
    for learnt in [signed_addresses(), delegation(), denial()] {
        let bytes = stored(&learnt);
        for at in 0..bytes.len() {
            for value in [0, 1, 0x3f, 0x40, 0xc0, 0xff] {
                let mut bytes = bytes.clone();
                bytes[at] = value;
                stays_the_same(&bytes);
            }
        }
    }
}

prop_compose! {
    fn any_learnt()(
        labels in prop::collection::vec("[a-z0-9]{1,20}", 1..5),
        records in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..5),
        signed in any::<bool>(),
        secure in 0..3usize,
        rank in 0..3usize,
        ttl in 1..1_000_000u32,
        age in 0..100_000u32,
        attached in 0..4usize,
    ) -> LearntRecords {
        let rtype = Type(65_280);
        let owner = labels.join(".");
        let signature = signature();
        let of = |owner: &str| RecordSet {
            owner: name(owner),
            rtype,
            ttl,
            records: records.iter().map(Vec::as_slice).collect(),
            signatures: [&*signature].into_iter().filter(|_| signed).collect(),
        };
        LearntRecords {
            owner: name(&owner),
            rtype,
            content: RecordContent::Records(of(&owner.to_uppercase())),
            attached: (0..attached).map(|_| of("x.example")).collect(),
            credibility: CREDIBILITIES[rank],
            security: SECURITIES[secure],
            ttl: ttl + age,
            stored: NOW - age,
        }
    }
}

proptest! {
    #[test]
    fn any_records_come_back(learnt in any_learnt()) {
        prop_assert_eq!(records(&stored(&learnt), TIME), Some(learnt));
    }

    #[test]
    fn any_bytes_make_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), kind in 1..3u8) {
        stays_the_same(&[&[kind], &*bytes].concat());
    }
}
