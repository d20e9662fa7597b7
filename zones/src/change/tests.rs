//! What a change costs; what it gives.

mod compare;
mod model;

use std::collections::BTreeMap;

use rhumb_wire::{DomainName, Type};

use crate::ZoneBuilder;
use crate::contents::ZoneContents;

const NAMES: u32 = 200_000;

fn name(text: &str) -> DomainName {
    text.parse().unwrap()
}

/// The host of a number.
fn host(number: u32) -> DomainName {
    name(&format!("h{number:06}.zone."))
}

/// A zone of so many hosts with an address each.
fn zone(hosts: u32) -> ZoneContents {
    let apex = name("zone.");
    let mut builder = ZoneBuilder::new(apex.as_ref());
    builder.add(apex.as_ref(), Type::SOA, 300, &[0; 22], 0).unwrap();
    builder.add(apex.as_ref(), Type::NS, 300, b"\x02ns\x05other\0", 0).unwrap();
    for number in 0..hosts {
        builder.add(host(number).as_ref(), Type::A, 300, &number.to_be_bytes(), 0).unwrap();
    }
    builder.finish().unwrap().0
}

/// Bytes of chunks and pages that `new` does not share with `old`.
fn copied(new: &ZoneContents, old: &ZoneContents) -> usize {
    new.arena.own_bytes(&old.arena)
        + new.names.own_bytes(&old.names)
        + new.order.own_bytes(&old.order)
        + new.hashed.own_bytes(&old.hashed)
}

#[test]
fn a_change_of_one_record_costs_its_own_size() {
    let base = zone(NAMES);
    let mut current = base.change().finish().unwrap();
    assert_eq!(copied(&current, &base), 0, "nothing changes");
    for number in 0..200u32 {
        let old = current;
        let mut change = old.change();
        let owner = host(number.wrapping_mul(2_654_435_761) % NAMES);
        match number % 3 {
            0 => assert!(change.add(owner.as_ref(), Type::A, 300, &[192, 0, 2, 1]).unwrap()),
            1 => assert!(change.remove_name(owner.as_ref())),
            _ => {
                let new = DomainName::prepend(b"new", owner.as_ref()).unwrap();
                assert!(change.add(new.as_ref(), Type::A, 300, &[192, 0, 2, 1]).unwrap());
            }
        }
        current = change.finish().unwrap();
        assert!((1..64 << 10).contains(&copied(&current, &old)), "{number}: {}", copied(&current, &old));
    }
}

#[test]
fn memory_stays_bounded_under_endless_changes() {
    for hosts in [0, 10, 2000] {
        let mut contents = zone(hosts);
        let mut addresses: BTreeMap<DomainName, u32> =
            (0..hosts).map(|number| (host(number), number)).collect();
        let first = contents.memory();
        for round in 0..30_000u32 {
            let owner = host(round.wrapping_mul(2_654_435_761) % (hosts + 1));
            let mut change = contents.change();
            let was = addresses.remove(&owner).is_some();
            assert_eq!(change.remove_set(owner.as_ref(), Type::A), was);
            if round % 2 == 1 || round < hosts {
                change.add(owner.as_ref(), Type::A, 300, &round.to_be_bytes()).unwrap();
                addresses.insert(owner, round);
            }
            contents = change.finish().unwrap();
            let (memory, limit) = (contents.memory(), 2 * first + (16 << 10));
            assert!(memory < limit, "{hosts} hosts, round {round}: {memory} of {limit} bytes");
        }
        let listed = compare::records(&contents).into_iter().filter(|listed| listed.1 == Type::A);
        let listed = listed.map(|(owner, _, _, records, _)| (owner, records));
        let wanted = addresses.into_iter().map(|(owner, round)| (owner, vec![round.to_be_bytes().to_vec()]));
        assert!(listed.eq(wanted), "{hosts} hosts");
    }
}
