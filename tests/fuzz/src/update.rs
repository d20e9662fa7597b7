//! An UPDATE message for a small zone.

use std::path::Path;
use std::sync::LazyLock;

use rhumb_wire::{DomainName, Rcode, Type, serial};
use rhumb_zones::file::read_zone_bytes;
use rhumb_zones::{
    UpdateActions, UpdateBatch, UpdateGrant, UpdateLimits, UpdateMessage, UpdatePermission, UpdatedZone,
    ZoneContents, ZoneDifference,
};

/// In the first byte of the input: the message comes twice, in one version.
const TWICE: u8 = 1;
/// Only TXT may be changed.
const TEXTS: u8 = 2;

const LIMITS: UpdateLimits = UpdateLimits { set: 8, zone: 64 };

static ZONE: LazyLock<ZoneContents> = LazyLock::new(|| {
    let origin: DomainName = "plain.test.".parse().unwrap_or_else(|error| panic!("{error}"));
    let text = include_str!("../zones/plain.zone");
    let loaded = read_zone_bytes(origin.as_ref(), Path::new("zone"), text.as_bytes());
    loaded.unwrap_or_else(|problems| panic!("{problems:?}")).contents
});

fn grant(flags: u8) -> UpdateGrant {
    let types = if flags & TEXTS == 0 { Vec::new() } else { vec![Type::TXT] };
    UpdateGrant {
        names: Vec::new(),
        types,
        actions: UpdateActions { add: true, delete: true },
        max_records: None,
    }
}

/// What is refused leaves no trace, and has a code of RFC 2136. What is carried out gives a zone that keeps its SOA and NS, has a
/// newer serial, and differs from the one before as the difference says.
pub fn run(input: &[u8]) {
    let Some((&flags, message)) = input.split_first() else { return };
    let Ok(message) = UpdateMessage::parse(message) else { return };
    let grant = grant(flags);
    let permission = UpdatePermission { grants: &[&grant], key: None };
    let mut batch = UpdateBatch::new(&ZONE, LIMITS);
    let mut changed = false;
    for _ in 0..=flags & TWICE {
        match batch.apply(&message, &permission) {
            Ok(summary) => {
                assert!(summary.ignored.len() <= message.operations().len());
                changed |= summary.added + summary.removed > 0;
            }
            Err(refusal) => assert!(refusal.rcode() != Rcode::NOERROR && !refusal.to_string().is_empty()),
        }
    }
    match batch.finish(serial::next) {
        Ok(Some(updated)) => check(&updated, flags),
        Ok(None) => assert!(!changed || message.operations().len() > 1, "what was added is not there"),
        Err(refusal) => panic!("{refusal}"),
    }
}

fn check(updated: &UpdatedZone, flags: u8) {
    let UpdatedZone { contents, difference } = updated;
    let old = &*ZONE;
    assert!(contents.soa().is_some(), "no SOA");
    assert!(contents.find(contents.apex(), Type::NS).is_some(), "no NS");
    assert!(serial::is_newer(contents.serial(), old.serial()));
    assert!(contents.record_count() <= LIMITS.zone.max(old.record_count()));
    assert_eq!(Some(difference), ZoneDifference::between(old, contents).as_ref());
    let again = old.apply([difference]).unwrap_or_else(|misfit| panic!("{misfit}"));
    assert_eq!(again.record_count(), contents.record_count());
    if flags & TEXTS != 0 {
        let mut records = difference.removed().chain(difference.added());
        assert!(records.all(|record| record.rtype == Type::TXT), "another type was changed");
    }
}
