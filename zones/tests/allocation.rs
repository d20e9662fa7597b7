//! An answer allocates nothing, whatever it is: the allocator of this program counts.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::path::Path;

use rhumb_wire::compress::NameCompression;
use rhumb_wire::edns::{DO, write_opt};
use rhumb_wire::{Class, DomainName, MessageSection, MessageWriter, NameRef, QueryMessage, Type};
use rhumb_zones::file::read_zone_bytes;
use rhumb_zones::{
    AnswerKind, AnswerRequest, AnswerSummary, FoundZone, NameTable, ZoneContents, ZoneFinder, answer,
};

/// Zones with everything in them, and chains of aliases from one to the other.
const ZONES: [(&str, &str); 5] = [
    (".", include_str!("../../tests/fuzz/zones/root.zone")),
    ("plain.test.", include_str!("../../tests/fuzz/zones/plain.zone")),
    ("a.plain.test.", include_str!("../../tests/fuzz/zones/sub.zone")),
    ("nsec.test.", include_str!("../../tests/fuzz/zones/nsec.zone")),
    ("nsec3.test.", include_str!("../../tests/fuzz/zones/nsec3.zone")),
];

/// Labels below the apex: those of the zones, and one that is nowhere.
const LABELS: [&str; 24] = [
    "a", "b", "c", "d", "e", "f", "i", "l1", "n", "ns", "o", "s", "u", "w", "x", "y", "z", "*", "sub", "c1",
    "out", "to", "A", "nowhere",
];
const TYPES: [Type; 12] = [
    Type::A,
    Type::AAAA,
    Type::NS,
    Type::SOA,
    Type::MX,
    Type::TXT,
    Type::CNAME,
    Type::SRV,
    Type::DS,
    Type::RRSIG,
    Type::HTTPS,
    Type::ANY,
];

struct Served(NameTable<ZoneContents>);

impl ZoneFinder for Served {
    fn find(&self, name: NameRef<'_>) -> Option<FoundZone<'_>> {
        self.0.find(name).map(FoundZone::Contents)
    }
}

fn served() -> Served {
    Served(NameTable::build(ZONES.iter().map(|(origin, text)| {
        let origin: DomainName = origin.parse().unwrap();
        let contents = read_zone_bytes(origin.as_ref(), Path::new("zone"), text.as_bytes()).unwrap().contents;
        (origin, contents)
    })))
}

fn request(name: &DomainName, qtype: Type, dnssec_ok: bool) -> Vec<u8> {
    let (mut buffer, mut compression) = ([0; 512], NameCompression::default());
    let mut w = MessageWriter::new(&mut buffer, 512, &mut compression);
    w.question(name.as_ref(), qtype, Class::IN).unwrap();
    write_opt(&mut w, 1232, 0, if dnssec_ok { DO } else { 0 }, |_| Ok(())).unwrap();
    w.count(MessageSection::Additional);
    let length = w.finish(1, 0);
    buffer[..length].to_vec()
}

fn respond(
    served: &Served,
    request: &[u8],
    limit: usize,
    compression: &mut NameCompression,
    out: &mut [u8],
) -> AnswerSummary {
    let query = QueryMessage::parse(request).unwrap();
    let zone = served.0.find(query.name).unwrap();
    let mut w = MessageWriter::new(out, limit, compression);
    w.bytes(query.question_bytes()).unwrap();
    w.count(MessageSection::Question);
    let dnssec_ok = query.dnssec_ok();
    let asked = AnswerRequest { name: query.name, qtype: query.qtype, dnssec_ok, minimal_any: false };
    let reply = answer(zone, &asked, served, &mut w);
    w.finish(query.header.id, 0);
    reply
}

#[test]
fn no_answer_allocates() {
    let served = served();
    let (mut out, mut compression) = ([0; 1232], NameCompression::default());
    let mut met: HashMap<(AnswerKind, bool, bool), usize> = HashMap::new();
    let firsts = LABELS.iter().map(|label| format!("{label}."));
    let seconds = LABELS.iter().flat_map(|a| LABELS.iter().map(move |b| format!("{a}.{b}.")));
    for below in firsts.chain(seconds).chain([String::new(), format!("{}.o.", "l".repeat(63))]) {
        for (origin, _) in ZONES {
            let name: DomainName =
                format!("{below}{}", origin.trim_start_matches('.')).parse().unwrap_or(DomainName::root());
            for (qtype, dnssec_ok) in TYPES.iter().flat_map(|&qtype| [(qtype, false), (qtype, true)]) {
                let request = request(&name, qtype, dnssec_ok);
                for limit in [300, 1232] {
                    let mut reply = None;
                    let counted = allocation_counter::measure(|| {
                        reply = Some(respond(&served, &request, limit, &mut compression, &mut out));
                    });
                    let reply = reply.unwrap();
                    assert_eq!(counted.count_total, 0, "{name} {qtype} DO={dnssec_ok} in {limit}: {reply:?}");
                    *met.entry((reply.kind, dnssec_ok, reply.truncated)).or_default() += 1;
                }
            }
        }
    }
    let kinds = [
        AnswerKind::Answer,
        AnswerKind::Referral,
        AnswerKind::NoData,
        AnswerKind::NxDomain,
        AnswerKind::Chain,
        AnswerKind::Overflow,
    ];
    for key in kinds.into_iter().flat_map(|kind| [(kind, false, false), (kind, true, false)]) {
        assert!(met.contains_key(&key), "no answer was {key:?}: {met:?}");
    }
    assert!(met.keys().any(|(_, _, truncated)| *truncated), "{met:?}");
}

#[test]
fn the_allocator_counts() {
    assert_eq!(allocation_counter::measure(|| drop(std::hint::black_box(vec![1u8; 9]))).count_total, 1);
}
