//! An answer from a zone allocates nothing on its whole way. The allocator of the tests counts.

use std::collections::HashSet;
use std::path::Path;

use rhumb_wire::edns::COOKIE;
use rhumb_wire::{DomainName, Type};
use rhumb_zones::file::read_zone_bytes;

use super::lab::{QueryLab, options, query};
use crate::query::{QueryOutcome, QueryScratch};
use rhumb_wire::Transport;

/// Zones with everything in them, and chains of aliases from one to the other.
const ZONES: [(&str, &str); 4] = [
    ("plain.test.", include_str!("../../../../tests/fuzz/zones/plain.zone")),
    ("a.plain.test.", include_str!("../../../../tests/fuzz/zones/sub.zone")),
    ("nsec.test.", include_str!("../../../../tests/fuzz/zones/nsec.zone")),
    ("nsec3.test.", include_str!("../../../../tests/fuzz/zones/nsec3.zone")),
];
const LABELS: [&str; 14] = ["a", "b", "c", "d", "f", "l1", "ns", "o", "s", "u", "w", "z", "c1", "nowhere"];
const TYPES: [Type; 8] =
    [Type::A, Type::NS, Type::SOA, Type::MX, Type::TXT, Type::DS, Type::HTTPS, Type::ANY];

fn lab() -> QueryLab {
    QueryLab::new().serving(ZONES.map(|(origin, text)| {
        let origin: DomainName = origin.parse().unwrap();
        let loaded = read_zone_bytes(origin.as_ref(), Path::new("zone"), text.as_bytes()).unwrap();
        (origin, loaded.contents)
    }))
}

/// With an OPT record that has the DO bit.
fn signed(name: &str, qtype: Type) -> Vec<u8> {
    let mut message = options(query(name, qtype), &[]);
    let flags = message.len() - 4;
    message[flags] |= 0x80;
    message
}

#[test]
fn no_answer_from_a_zone_allocates() {
    let lab = lab();
    let mut scratch = QueryScratch::new();
    let mut out = vec![0; 4096];
    let mut codes = HashSet::new();
    let pairs = LABELS.iter().flat_map(|a| LABELS.iter().map(move |b| format!("{a}.{b}.")));
    let below: Vec<String> =
        LABELS.iter().map(|label| format!("{label}.")).chain(pairs).chain([String::new()]).collect();
    for (below, (origin, _)) in below.iter().flat_map(|below| ZONES.map(|zone| (below, zone))) {
        let name = format!("{below}{origin}");
        for qtype in TYPES {
            for (transport, message) in [
                (Transport::Udp, query(&name, qtype)),
                (Transport::Udp, signed(&name, qtype)),
                (Transport::Udp, options(query(&name, qtype), &[(COOKIE, &[1; 8])])),
                (Transport::Tcp, signed(&name, qtype)),
            ] {
                let mut outcome = None;
                let counted = allocation_counter::measure(|| {
                    outcome = Some(lab.respond(transport, &message, &mut scratch, &mut out));
                });
                assert!(matches!(outcome, Some(QueryOutcome::Reply(_))), "{name} {qtype}: {outcome:?}");
                assert_eq!(counted.count_total, 0, "{name} {qtype} {message:?}");
                codes.insert(out[3] & 15);
            }
        }
    }
    assert_eq!(codes, HashSet::from([0, 3]), "answers and denials");
}
