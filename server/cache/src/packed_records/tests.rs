use super::*;

fn name(text: &str) -> DomainName {
    text.parse().unwrap()
}

fn list(records: &[&[u8]]) -> CachedRecords {
    records.iter().copied().collect()
}

fn set(owner: &str, rtype: Type, records: &[&[u8]], signatures: &[&[u8]]) -> RecordSet {
    RecordSet { owner: name(owner), rtype, ttl: 60, records: list(records), signatures: list(signatures) }
}

/// RDATA of a signature by `signer`.
fn signature(signer: &str) -> Vec<u8> {
    [&[7; BEFORE_SIGNER], name(signer).as_ref().as_bytes(), &[9; 64]].concat()
}

fn learnt(owner: &str, content: RecordContent, attached: Vec<RecordSet>) -> LearntRecords {
    LearntRecords {
        owner: name(owner),
        rtype: Type(u16::MAX),
        content,
        attached: attached.into(),
        credibility: CredibilityRank::Authoritative,
        security: SecurityStatus::Secure,
        ttl: 300,
        stored: 1000,
    }
}

fn of_set(owner: &str, set: RecordSet) -> LearntRecords {
    learnt(owner, RecordContent::Records(set), Vec::new())
}

/// Byte for byte: names are equal in any case, and are to keep theirs.
fn is_same(one: &LearntRecords, other: &LearntRecords) -> bool {
    let exact = |learnt: &LearntRecords| {
        let sets = learnt.records().into_iter().chain(&learnt.attached);
        let owners: Vec<_> = sets.map(|set| set.owner.as_ref().as_bytes().to_vec()).collect();
        (learnt.owner.as_ref().as_bytes().to_vec(), owners)
    };
    one == other && exact(one) == exact(other)
}

#[test]
fn everything_comes_back() {
    let (signed, longest) = (signature("zone.test"), vec![1; 0x7fff]);
    let proofs = vec![
        set("zone.test", Type::SOA, &[&[1; 60]], &[&signed]),
        set(
            "Hash.Zone.test",
            Type::NSEC3,
            &[&[2; 300]],
            &[&signed, &signature("Zone.TEST"), &signature(".")],
        ),
        set("other", Type::A, &[&[0; 4]], &[]),
        set("one.test", Type::A, &[&[0; 0x7f], &[0; 0x80], &longest], &[]),
    ];
    let long = format!("{}.{}.{}.{}", "a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(61));
    let many: Vec<&[u8]> = vec![b"x"; 255];
    for entry in [
        of_set("a.zone.test", set("A.zone.test", Type::A, &[&[1; 4], &[2; 4], &[]], &[&signed])),
        of_set("zone.test", set("zone.test", Type::NS, &[], &[&signature("test")])),
        of_set(".", set(".", Type::NS, &[&[0]], &[])),
        of_set(&long, set(&long.to_uppercase(), Type::A, &[&[1; 4]], &[&signature(&long)])),
        of_set("many.test", set("many.test", Type::TXT, &many, &[])),
        learnt("n.zone.test", RecordContent::NameError, proofs.clone()),
        learnt("none.zone.test", RecordContent::NoData, proofs),
        learnt("bare.test", RecordContent::NoData, Vec::new()),
    ] {
        let packed = PackedRecords::pack(&entry).unwrap();
        assert!(packed.unpack().is_some_and(|back| is_same(&back, &entry)), "{entry:?}");
        assert_eq!((packed.owner(), packed.rtype()), (entry.owner.as_ref(), entry.rtype));
        assert_eq!([1000, 1299, 1300].map(|now| packed.left(now)), [300, 1, 0]);
    }
}

#[test]
fn every_rank_and_status_comes_back() {
    use {CredibilityRank as Rank, SecurityStatus as Status};
    for credibility in [Rank::Referral, Rank::Answer, Rank::Authoritative] {
        for security in [Status::Unchecked, Status::Insecure, Status::Secure, Status::Bogus] {
            let bare = learnt("a.test", RecordContent::NameError, Vec::new());
            let entry = LearntRecords { credibility, security, ..bare };
            let packed = PackedRecords::pack(&entry).unwrap();
            assert_eq!((packed.credibility(), packed.unpack()), (credibility, Some(entry)));
        }
    }
}

/// The names of the owner's own zone take three bytes each.
#[test]
fn names_at_the_end_of_the_owner_are_not_repeated() {
    let signed = signature("zone.test");
    let entry = of_set("www.zone.test", set("www.zone.test", Type::A, &[&[1; 4]], &[&signed]));
    let owner = entry.owner.as_ref().len();
    let signature = BEFORE_SIGNER + 2 + 1 + 64;
    assert_eq!(PackedRecords::pack(&entry).unwrap().len(), HEAD + owner + 6 + 2 + 1 + 5 + 1 + signature);
    // `ne.test` ends in bytes of `zone.test`, and in no label of it but the last.
    let other = set("ne.test", Type::A, &[], &[]);
    let with = learnt("zone.test", RecordContent::NoData, vec![other]);
    let without = learnt("zone.test", RecordContent::NoData, Vec::new());
    let [with, without] = [with, without].map(|entry| PackedRecords::pack(&entry).unwrap().len());
    assert_eq!(with - without, 6 + 2 + 3 + 2);
}

#[test]
fn what_does_not_fit_is_not_packed() {
    let (many, long): (Vec<&[u8]>, _) = (vec![b"x"; 256], vec![0; 0x8000]);
    for set in [
        set("a.test", Type::TXT, &[&long], &[]),
        set("a.test", Type::TXT, &many, &[]),
        set("a.test", Type::A, &[&[1; 4]], &[&[0; BEFORE_SIGNER - 1]]),
        set("a.test", Type::A, &[&[1; 4]], &[&[0xff; BEFORE_SIGNER + 1]]),
    ] {
        assert!(PackedRecords::pack(&of_set("a.test", set)).is_none());
    }
}
