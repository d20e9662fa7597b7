//! Months of the life of a trust anchor, in which time is a number.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rhumb_wire::NameRef;

use super::*;
use crate::validate::zone_key::KeyDigest;

mod random;

const DAY: u64 = 86_400;
/// Some day of 2026.
const START: u64 = 1_790_000_000;
const TERMS: AnchorTerms =
    AnchorTerms { add_hold: 30 * 86_400, remove_hold: 30 * 86_400, least_interval: 3600 };
const TTL: u32 = 172_800;

/// Key `number` of the root: an entry point of Ed25519.
fn key(number: u8) -> ZoneKey {
    ZoneKey::parse_any(&[1, 1, 3, 15, number, 7]).unwrap()
}

fn revoked(number: u8) -> ZoneKey {
    ZoneKey::parse_any(&[1, 0x81, 3, 15, number, 7]).unwrap()
}

/// A key that signs the zone's data, and is no entry point.
fn zone_key(number: u8) -> ZoneKey {
    ZoneKey::parse_any(&[1, 0, 3, 15, number, 7]).unwrap()
}

fn signed(keys: &[ZoneKey], by: &[ZoneKey]) -> KeySetReading {
    KeySetReading { keys: keys.to_vec(), signed_by: by.to_vec(), original_ttl: TTL, expires_in: 14 * 86_400 }
}

fn anchor(numbers: &[u8]) -> TrackedAnchor {
    let keys = numbers.iter().map(|number| AnchorKeyIdentity::Key(key(*number)));
    TrackedAnchor::new(NameRef::ROOT, keys, START)
}

/// The states by the number of the key.
fn states(anchor: &TrackedAnchor) -> BTreeMap<u8, &'static str> {
    let number = |one: &AnchorKey| match &one.identity {
        AnchorKeyIdentity::Key(key) => key.public_key()[0],
        AnchorKeyIdentity::Digest(_) => 0,
    };
    anchor.keys.iter().map(|key| (number(key), key.state.as_str())).collect()
}

/// A set of keys in words: `1` for a key, `-1` for the same one revoked, `z9` for one that is no entry point.
fn set(words: &str) -> Vec<ZoneKey> {
    let number = |word: &str| word.parse().unwrap();
    let one = |word: &str| match word.split_at(1) {
        ("-", rest) => revoked(number(rest)),
        ("z", rest) => zone_key(number(rest)),
        _ => key(number(word)),
    };
    words.split_whitespace().map(one).collect()
}

/// Days, the keys that are seen then, those that sign them, whether that is believed, and the states by then.
fn play(anchor: &mut TrackedAnchor, days: &[(u64, &str, &str, bool, &str)]) {
    for (day, keys, by, trusted, expected) in days {
        let verdict = anchor.observe(&signed(&set(keys), &set(by)), START + day * DAY, &TERMS);
        let told: Vec<String> =
            states(anchor).iter().map(|(number, state)| format!("{number} {state}")).collect();
        assert_eq!((verdict.is_trusted, told.join(", ").as_str()), (*trusted, *expected), "day {day}");
    }
}

#[test]
fn a_roll_from_one_key_to_the_next() {
    let mut anchor = anchor(&[1]);
    play(
        &mut anchor,
        &[
            (0, "1 z9", "1", true, "1 valid"),
            (10, "1 2 z9", "1", true, "1 valid, 2 pending"),
            (39, "1 2 z9", "1", true, "1 valid, 2 pending"),
            // Nobody but a trusted key vouches for it: the new one cannot do it itself.
            (39, "1 2 z9", "2", false, "1 valid, 2 pending"),
            (40, "1 2 z9", "1", true, "1 valid, 2 valid"),
            (50, "1 2 z9", "2", true, "1 valid, 2 valid"),
            (60, "-1 2 z9", "-1 2", true, "1 revoked, 2 valid"),
            (89, "-1 2 z9", "-1 2", true, "1 revoked, 2 valid"),
            (90, "2 z9", "2", true, "1 removed, 2 valid"),
        ],
    );
    let trusted = anchor.trusted().unwrap();
    assert_eq!(trusted.digests, [KeyDigest::of(NameRef::ROOT, &key(2))]);
}

/// Whoever has a revoked key can sign with it, and gets nowhere.
#[test]
fn a_stolen_key_that_was_revoked() {
    play(
        &mut anchor(&[1, 2]),
        &[
            (0, "-1 2", "-1 2", true, "1 revoked, 2 valid"),
            (1, "1 3", "1", false, "1 revoked, 2 valid"),
            (20, "1 3", "1 3", false, "1 revoked, 2 valid"),
            // With the revoked form of its key too.
            (21, "-1 3", "-1", false, "1 revoked, 2 valid"),
            (40, "1 3", "1", false, "1 removed, 2 valid"),
            // Also where the zone itself has it again, it is not trusted again.
            (50, "1 2", "2", true, "1 removed, 2 valid"),
            (99, "1 2", "1 2", true, "1 removed, 2 valid"),
            (100, "1 3", "1", false, "1 removed, 2 valid"),
        ],
    );
}

/// A stolen key may revoke itself, and no other; nor does it bring in another by doing so.
#[test]
fn a_key_revokes_itself_alone() {
    play(
        &mut anchor(&[1, 2]),
        &[
            // The flag alone, without the signature of the key that has it.
            (0, "-2 1", "1", true, "1 valid, 2 missing"),
            (1, "2 1", "1", true, "1 valid, 2 valid"),
            (2, "-1 3", "-1", false, "1 revoked, 2 valid"),
        ],
    );
}

#[test]
fn a_key_that_vanishes_while_it_waits_begins_anew() {
    play(
        &mut anchor(&[1]),
        &[
            (0, "1 2", "1", true, "1 valid, 2 pending"),
            (29, "1", "1", true, "1 valid"),
            (30, "1 2", "1", true, "1 valid, 2 pending"),
            (31, "1 -2", "1 -2", true, "1 valid"),
            (32, "1 2", "1", true, "1 valid, 2 pending"),
            (61, "1 2", "1", true, "1 valid, 2 pending"),
            (62, "1 2", "1", true, "1 valid, 2 valid"),
        ],
    );
}

/// A trusted key that its zone leaves out stays trusted, and comes back.
#[test]
fn a_missing_key_is_trusted() {
    let mut anchor = anchor(&[1, 2]);
    let days = [(0, "1", "1", true, "1 valid, 2 missing"), (99, "2", "2", true, "1 missing, 2 valid")];
    play(&mut anchor, &days);
    assert_eq!(anchor.trusted().unwrap().digests.len(), 2);
}

#[test]
fn all_keys_revoked_leave_no_anchor() {
    let mut anchor = anchor(&[1]);
    play(&mut anchor, &[(0, "-1 2", "-1 2", false, "1 revoked"), (1, "-1 2", "-1 2", false, "1 revoked")]);
    assert_eq!(anchor.trusted(), None);
}

/// No wait becomes shorter by a clock that goes back, also where it was ahead before.
#[test]
fn a_clock_that_goes_back() {
    play(
        &mut anchor(&[1]),
        &[
            (100, "1 2", "1", true, "1 valid, 2 pending"),
            (10, "1 2", "1", true, "1 valid, 2 pending"),
            (39, "1 2", "1", true, "1 valid, 2 pending"),
            (40, "1 2", "1", true, "1 valid, 2 valid"),
        ],
    );
}

/// The wait is 30 days or the TTL of the set, whichever is more (section 2.4.1).
#[test]
fn long_and_short_ttls() {
    for (ttl, days) in [(0, 30), (60, 30), (40 * 86_400, 40)] {
        let mut anchor = anchor(&[1]);
        let found = KeySetReading { original_ttl: ttl, ..signed(&[key(1), key(2)], &[key(1)]) };
        let verdict = anchor.observe(&found, START, &TERMS);
        let due = START + days * DAY;
        let pending = Some(AnchorKeyState::Pending);
        let change = AnchorKeyChange { tag: key(2).tag(), from: None, to: pending, trusted_from: Some(due) };
        assert_eq!(verdict.changes, [change], "{ttl}");
        anchor.observe(&found, due - 1, &TERMS);
        assert_eq!(states(&anchor)[&2], "pending", "{ttl}");
        anchor.observe(&found, due, &TERMS);
        assert_eq!(states(&anchor)[&2], "valid", "{ttl}");
    }
}

/// Digests stand for their keys until these are seen, several of one key too; a key may also be seen revoked for the first time.
#[test]
fn digests_become_keys() {
    let strong = KeyDigest::of(NameRef::ROOT, &key(1));
    let again = AnchorKeyIdentity::Key(key(1));
    let other = AnchorKeyIdentity::Digest(KeyDigest::of(NameRef::ROOT, &key(2)));
    let keys = [AnchorKeyIdentity::Digest(strong.clone()), again, other.clone(), other];
    let mut anchor = TrackedAnchor::new(NameRef::ROOT, keys, START);
    assert_eq!(anchor.keys.len(), 3);
    assert_eq!(anchor.signers(&[key(1), revoked(2), key(3), zone_key(1)]), [key(1), revoked(2)]);
    play(&mut anchor, &[(0, "1 -2", "1 -2", true, "1 valid, 2 revoked")]);
    assert_eq!(anchor.keys.len(), 2);
    assert_eq!(anchor.trusted().unwrap().digests, [strong]);
}

/// Only entry points of known algorithms become anchors, and not without a bound.
#[test]
fn what_does_not_become_an_anchor() {
    let mut anchor = anchor(&[1]);
    let unknown = ZoneKey::parse_any(&[1, 1, 3, 99, 4, 7]).unwrap();
    let mut keys = vec![key(1), zone_key(2), unknown, revoked(3)];
    anchor.observe(&signed(&keys, &[key(1)]), START, &TERMS);
    assert_eq!(states(&anchor).len(), 1);
    keys.extend((10..100).map(key));
    anchor.observe(&signed(&keys, &[key(1)]), START, &TERMS);
    assert_eq!(anchor.keys.len(), KEYS);
    assert!(anchor.keys.iter().any(|one| one.state == AnchorKeyState::Valid));
}
