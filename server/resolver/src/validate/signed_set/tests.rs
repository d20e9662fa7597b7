use rhumb_wire::{DomainName, Type};

use super::*;

const NOW: u32 = 1_700_000_000;
const DAY: u32 = 86_400;
const TIMES: (u32, u32) = (NOW - DAY, NOW + DAY);

fn name(text: &str) -> DomainName {
    text.parse().unwrap()
}

/// A key whose tag is the same for all of them with the same sum.
fn key(high: u8, low: u8) -> ZoneKey {
    ZoneKey::parse(&[1, 0, 3, 13, high, 0, low, 0]).unwrap()
}

fn tag() -> u16 {
    key(1, 2).tag()
}

/// A signature by key 1 and 2 of `signer`, so many labels long, valid between two moments.
fn signature(signer: &str, labels: u8, (inception, expiration): (u32, u32), tag: u16) -> Vec<u8> {
    let mut rdata = Type::A.0.to_be_bytes().to_vec();
    rdata.extend([13, labels]);
    rdata.extend([300, expiration, inception].iter().flat_map(|word: &u32| word.to_be_bytes()));
    rdata.extend(tag.to_be_bytes());
    rdata.extend(name(signer).as_ref().as_bytes());
    rdata.extend([7; 64]);
    rdata
}

fn usual() -> Vec<u8> {
    signature("test", 2, TIMES, tag())
}

fn set(owner: &str, signatures: &[Vec<u8>]) -> RecordSet {
    RecordSet {
        owner: name(owner),
        rtype: Type::A,
        ttl: 600,
        records: [&[192, 0, 2, 2][..], &[192, 0, 2, 1]].into_iter().collect(),
        signatures: signatures.iter().map(Vec::as_slice).collect(),
    }
}

fn checks(signatures: &[Vec<u8>], now: Option<u32>) -> Result<Vec<SetCheck>, ValidationFailure> {
    set_checks(&set("www.test", signatures), name("test").as_ref(), &[key(1, 2)], now)
}

/// The first moment and the last count; times go around at 2^32 (RFC 4034 section 3.1.5).
#[test]
fn a_signature_is_valid_between_its_times() {
    for (case, times, now, valid) in [
        ("between", TIMES, NOW, true),
        ("at the first moment", TIMES, NOW - DAY, true),
        ("before it", TIMES, NOW - DAY - 1, false),
        ("at the last moment", TIMES, NOW + DAY, true),
        ("after it", TIMES, NOW + DAY + 1, false),
        ("of one moment", (NOW, NOW), NOW, true),
        ("reversed", (NOW + 1, NOW - 1), NOW, false),
        ("reversed by a second", (NOW, NOW - 1), NOW, false),
        ("across the end of the numbers", (u32::MAX - 10, 10), 5, true),
        ("after that", (u32::MAX - 10, 10), 11, false),
        ("before that", (u32::MAX - 10, 10), u32::MAX - 11, false),
    ] {
        let found = checks(&[signature("test", 2, times, tag())], Some(now));
        assert_eq!(found.is_ok(), valid, "{case}: {found:?}");
    }
    let expired = signature("test", 2, (NOW - 2 * DAY, NOW - DAY), tag());
    assert!(checks(&[expired], None).is_ok(), "times do not count");
    assert!(checks(&[signature("test", 2, (NOW, NOW - 1), tag())], None).is_err(), "but their order does");
}

#[test]
fn why_there_is_no_check_is_told_by_the_last_signature_that_says_it() {
    let (zone, owner, rtype) = (|| name("test"), || name("www.test"), Type::A);
    let unsigned = || ValidationFailure::Unsigned { owner: owner(), rtype };
    let expired = |seconds| {
        let tag = tag();
        ValidationFailure::Expired { zone: zone(), owner: owner(), rtype, tag, seconds }
    };
    let early = ValidationFailure::NotYet { zone: zone(), owner: owner(), rtype, tag: tag(), seconds: 7 };
    let reversed = ValidationFailure::Reversed { zone: zone(), owner: owner(), rtype, tag: tag() };
    let no_key = |tag| ValidationFailure::NoKey { zone: zone(), tag };
    let old = |seconds| signature("test", 2, (NOW - DAY, NOW - seconds), tag());
    let unknown = |by| signature("test", 2, TIMES, tag() + by);
    for (case, signatures, failure) in [
        ("none", vec![], unsigned()),
        ("of another zone", vec![signature("other", 2, TIMES, tag())], unsigned()),
        ("of the zone above", vec![signature(".", 2, TIMES, tag())], unsigned()),
        ("more labels than the owner", vec![signature("test", 3, TIMES, tag())], unsigned()),
        ("fewer than the zone", vec![signature("test", 0, TIMES, tag())], unsigned()),
        ("cut", vec![usual()[..19].to_vec()], unsigned()),
        ("expired", vec![old(9)], expired(9)),
        ("early", vec![signature("test", 2, (NOW + 7, NOW + DAY), tag())], early),
        ("reversed", vec![signature("test", 2, (NOW + 7, NOW - 7), tag())], reversed),
        ("by no key", vec![unknown(1)], no_key(tag() + 1)),
        ("by no keys", vec![unknown(1), unknown(2)], no_key(tag() + 1)),
        ("expired, then by no key", vec![old(9), unknown(1)], expired(9)),
        ("by no key, then expired", vec![unknown(1), old(9)], expired(9)),
        ("expired twice", vec![old(9), old(8)], expired(8)),
        ("expired, then of another zone", vec![old(9), signature("other", 2, TIMES, tag())], expired(9)),
    ] {
        assert_eq!(checks(&signatures, Some(NOW)).err(), Some(failure), "{case}");
    }
    // One that is worth a check is enough.
    assert_eq!(checks(&[old(9), unknown(1), usual()], Some(NOW)).unwrap().len(), 1);
}

#[test]
fn a_check_says_what_follows_if_it_is_right() {
    let found = checks(&[usual()], Some(NOW)).unwrap();
    let [found] = &found[..] else { panic!("{found:?}") };
    assert_eq!((found.tag, found.expires, found.ttl, found.wildcard), (tag(), NOW + DAY, 300, None));
    assert_eq!((found.check.algorithm, &*found.check.key), (13, &[1, 0, 2, 0][..]));
    assert_eq!(*found.check.signature, [7; 64]);
    // The records in their order, each behind the owner, the type, the class, the TTL of the signature and its length.
    let head = [&b"\x03www\x04test\0"[..], &[0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 192, 0, 2]].concat();
    let records = [&head[..], &[1], &head, &[2]].concat();
    let fixed = &usual()[..18 + name("test").as_ref().len()];
    assert_eq!(*found.check.data, [fixed, &records].concat());
    // No longer than the signature is valid, nor than the set itself may be kept.
    let ttl = |now| checks(&[usual()], Some(now)).unwrap()[0].ttl;
    assert_eq!([ttl(NOW + DAY - 50), ttl(NOW + DAY)], [50, 0]);
    let short = RecordSet { ttl: 20, ..set("www.test", &[usual()]) };
    assert_eq!(set_checks(&short, name("test").as_ref(), &[key(1, 2)], Some(NOW)).unwrap()[0].ttl, 20);
}

#[test]
fn fewer_labels_are_those_of_a_wildcard() {
    for (owner, labels, wildcard) in [
        ("www.test", 2, Ok(None)),
        ("www.test", 1, Ok(Some(1))),
        ("a.b.www.test", 2, Ok(Some(2))),
        ("a.b.www.test", 4, Ok(None)),
        ("*.test", 1, Ok(None)),
        ("*.test", 2, Err(())),
        ("test", 1, Ok(None)),
    ] {
        let set = set(owner, &[signature("test", labels, TIMES, tag())]);
        let found = set_checks(&set, name("test").as_ref(), &[key(1, 2)], Some(NOW));
        let found = found.map(|found| found[0].wildcard).map_err(|_| ());
        assert_eq!(found, wildcard, "{owner} {labels}");
    }
}

/// CVE-2023-50387.
#[test]
fn checks_are_few_however_many_keys_and_signatures_there_are() {
    let count = |keys: usize, signatures: usize| {
        let keys: Vec<_> = (0..keys as u8).map(|n| key(n, 40 - n)).collect();
        let tag = key(0, 40).tag();
        assert!(keys.iter().all(|key| key.tag() == tag));
        let mut all: Vec<_> = (0..signatures).map(|_| signature("test", 2, TIMES, tag)).collect();
        all.iter_mut().zip(0..).for_each(|(one, number)| one.push(number));
        set_checks(&set("www.test", &all), name("test").as_ref(), &keys, Some(NOW)).unwrap().len()
    };
    assert_eq!([count(1, 1), count(2, 1), count(3, 1), count(40, 1)], [1, 2, 2, 2]);
    assert_eq!([count(1, 7), count(1, 8), count(1, 9), count(2, 30)], [7, 8, 8, 8]);
}

#[test]
fn what_is_left_out_is_told_with_its_reason() {
    let signatures = [
        usual(),
        signature("other", 2, TIMES, tag()),
        signature("test", 0, TIMES, tag()),
        signature("test", 2, (NOW + 2, NOW + DAY), tag()),
        signature("test", 2, (NOW - DAY, NOW - 3), tag()),
        signature("test", 2, (NOW + 1, NOW - 1), tag()),
        signature("test", 2, TIMES, tag() + 1),
    ];
    let (set, zone, keys) = (set("www.test", &signatures), name("test"), [key(1, 2)]);
    let outcomes: Vec<_> =
        unfit(&set, zone.as_ref(), &keys, Some(NOW)).map(|report| report.outcome).collect();
    let expected = [
        SignatureOutcome::OtherSigner,
        SignatureOutcome::WrongLabels,
        SignatureOutcome::NotYet(2),
        SignatureOutcome::Expired(3),
        SignatureOutcome::Reversed,
        SignatureOutcome::NoKey,
    ];
    assert_eq!(outcomes, expected);
    let last = unfit(&set, zone.as_ref(), &keys, Some(NOW)).last().unwrap();
    assert_eq!((last.tag, last.algorithm, last.expires), (tag() + 1, 13, NOW + DAY));
    assert!(last.signer == zone.as_ref());
}
