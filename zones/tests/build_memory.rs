//! What building the contents of a large zone takes at its height: the allocator of this program counts.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use rhumb_wire::{DomainName, Type};
use rhumb_zones::{ZoneBuilder, ZoneContents};

const NAMES: u32 = 400_000;

/// A zone whose names come in order, as nearly all servers send them.
fn in_order() -> ZoneBuilder {
    let apex: DomainName = "example.".parse().unwrap();
    let mut builder = ZoneBuilder::new(apex.as_ref());
    let soa = [b"\0\0".as_slice(), &[0, 0, 0, 9].repeat(5)].concat();
    builder.add(apex.as_ref(), Type::SOA, 60, &soa, 0).unwrap();
    builder.add(apex.as_ref(), Type::NS, 60, b"\0", 0).unwrap();
    for number in 0..NAMES {
        let owner: DomainName = format!("h{number:06}.example.").parse().unwrap();
        builder.add(owner.as_ref(), Type::A, 60, &number.to_be_bytes(), 0).unwrap();
        if number % 4 == 0 {
            builder.add(owner.as_ref(), Type::TXT, 60, b"\x05hello", 0).unwrap();
        }
    }
    builder
}

#[test]
fn a_transferred_zone_takes_little_more_than_its_contents() {
    let mut built: Option<ZoneContents> = None;
    let counted = allocation_counter::measure(|| built = Some(in_order().finish_unwarned().unwrap()));
    let contents = built.unwrap();
    assert_eq!(contents.record_count(), 2 + u64::from(NAMES) * 5 / 4);
    let (held, most) = (counted.bytes_current.unsigned_abs(), counted.bytes_max);
    assert!(held < contents.memory() as u64 * 11 / 10, "{held} bytes are held for {}", contents.memory());
    assert!(most < held * 9 / 5, "{most} bytes at the height for {held}");
}
