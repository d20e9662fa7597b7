//! A datagram from a client, answered from zones with everything in them: cuts, wildcards, aliases, proofs of both kinds.

use std::path::Path;
use std::sync::LazyLock;

use hickory_proto::op::Message;
use hickory_proto::serialize::binary::BinDecodable;
use rhumb_wire::compress::NameCompression;
use rhumb_wire::{Class, DomainName, MessageSection, MessageView, MessageWriter, QueryMessage, Type, header};
use rhumb_zones::answer::{AnswerKind, AnswerRequest, AnswerSummary, FoundZone, ZoneFinder, answer};
use rhumb_zones::file::read_zone_bytes;
use rhumb_zones::{NameTable, ZoneContents};

use super::walk;

/// In the first byte of the input: the rest is a recipe for a query, not the query itself.
const RECIPE: u8 = 1;
/// ANY gets all RRsets instead of one.
const WHOLE_ANY: u8 = 2;
/// The query came by a stream.
const STREAM: u8 = 4;

/// Bytes of a UDP answer to a client without EDNS, and of any message.
const PLAIN: usize = 512;
const LARGEST: usize = 65_535;

/// Zones and their text. The signed ones were made by ldns-signzone, the hashed one with opt-out.
const TEXTS: [(&str, &str); 5] = [
    (".", include_str!("../zones/root.zone")),
    ("plain.test.", include_str!("../zones/plain.zone")),
    ("a.plain.test.", include_str!("../zones/sub.zone")),
    ("nsec.test.", include_str!("../zones/nsec.zone")),
    ("nsec3.test.", include_str!("../zones/nsec3.zone")),
];

/// Labels of a recipe: those of the zones, and some that are like them.
const LABELS: [&[u8]; 32] = [
    b"a",
    b"b",
    b"c",
    b"d",
    b"e",
    b"f",
    b"i",
    b"l1",
    b"l2",
    b"n",
    b"ns",
    b"o",
    b"s",
    b"u",
    b"w",
    b"x",
    b"y",
    b"z",
    b"*",
    b"sub",
    b"c1",
    b"c2",
    b"out",
    b"to",
    b"A",
    b"\0",
    b"~",
    b"test",
    b"nsec",
    b"nsec3",
    b"plain",
    &[b'a'; 63],
];

/// Types of a recipe.
const TYPES: [u16; 16] = [1, 28, 2, 6, 15, 16, 5, 39, 43, 48, 47, 50, 46, 255, 33, 65];

struct Served(NameTable<ZoneContents>);

impl ZoneFinder for Served {
    fn find(&self, name: rhumb_wire::NameRef<'_>) -> Option<FoundZone<'_>> {
        self.0.find(name).map(FoundZone::Contents)
    }
}

static SERVED: LazyLock<Served> = LazyLock::new(|| {
    Served(NameTable::build(TEXTS.iter().map(|(origin, text)| {
        let origin: DomainName = origin.parse().unwrap_or_else(|error| panic!("{origin}: {error}"));
        let loaded = read_zone_bytes(origin.as_ref(), Path::new("zone"), text.as_bytes());
        (origin, loaded.unwrap_or_else(|problems| panic!("{problems:?}")).contents)
    })))
});

/// Answers the query that the input is or describes. The answer can be read, by another codec too, echoes the question,
/// keeps its limit, and is truncated only if the whole of it does not fit.
pub fn run(input: &[u8]) {
    let Some((&flags, rest)) = input.split_first() else { return };
    let made;
    let packet = if flags & RECIPE == 0 {
        rest
    } else {
        made = follow(rest);
        &made
    };
    let Ok(query) = QueryMessage::parse(packet) else { return };
    if query.class != Class::IN {
        return;
    }
    let table = &SERVED.0;
    let Some((apex, mut zone)) = table.find_entry(query.name) else { panic!("the root zone has every name") };
    if query.qtype == Type::DS && apex == query.name {
        zone = table.find_above(query.name).unwrap_or(zone);
    }
    let payload = query.edns.map_or(PLAIN, |edns| edns.payload());
    let limit = if flags & STREAM == 0 { payload } else { LARGEST };
    let (reply, message) = respond(zone, &query, flags, limit);
    assert!(message.len() <= limit, "{} bytes, at most {limit}", message.len());
    check(&message, &query, reply);
    if reply.truncated {
        let needed = respond(zone, &query, flags, LARGEST).1.len();
        assert!(needed > limit, "truncated, and {needed} bytes would fit into {limit}");
    }
}

/// As the server does it, but for OPT.
fn respond(
    zone: &ZoneContents,
    query: &QueryMessage<'_>,
    flags: u8,
    limit: usize,
) -> (AnswerSummary, Vec<u8>) {
    let mut buffer = vec![0; limit];
    let mut compression = NameCompression::default();
    let mut w = MessageWriter::new(&mut buffer, limit, &mut compression);
    assert!(w.bytes(query.question_bytes()).is_ok(), "no room for the question");
    w.count(MessageSection::Question);
    let asked = AnswerRequest {
        name: query.name,
        qtype: query.qtype,
        dnssec_ok: query.dnssec_ok(),
        minimal_any: flags & WHOLE_ANY == 0,
    };
    let reply = answer(zone, &asked, &*SERVED, &mut w);
    let length = w.finish(query.header.id, header::QR);
    buffer.truncate(length);
    (reply, buffer)
}

fn check(written: &[u8], query: &QueryMessage<'_>, reply: AnswerSummary) {
    assert!(reply.kind != AnswerKind::OutOfZone, "the zone was chosen by the name");
    let message = MessageView::parse(written).unwrap_or_else(|error| panic!("{error}: {written:02x?}"));
    assert_eq!(message.header().id, query.header.id);
    let echoed = written.get(header::LENGTH..header::LENGTH + query.question_bytes().len());
    assert_eq!(echoed, Some(query.question_bytes()));
    let Some(entries) = walk::entries(&message) else { panic!("not to be read: {written:02x?}") };
    let head = message.header();
    let counted = usize::from(head.answers) + usize::from(head.authorities) + usize::from(head.additionals);
    assert_eq!(entries.len(), counted);
    assert_eq!(message.records().last().map_or(counted, |_| entries.len()), counted);
    for (index, entry) in entries.iter().enumerate() {
        assert!(!entries.iter().skip(index + 1).any(|other| other == entry), "twice: {entry:?}");
    }
    let known = Message::from_bytes(written).unwrap_or_else(|error| panic!("{error}: {written:02x?}"));
    let sections = [known.answers.len(), known.authorities.len(), known.additionals.len()];
    assert_eq!(sections, [head.answers, head.authorities, head.additionals].map(usize::from));
}

/// The query that a recipe describes: type, EDNS, a zone, then the labels before its name.
fn follow(recipe: &[u8]) -> Vec<u8> {
    let byte = |at: usize| recipe.get(at).copied().unwrap_or(0);
    let mut packet = vec![byte(0), byte(1), byte(2) & 1, 0, 0, 1, 0, 0, 0, 0, 0, byte(3) & 1];
    let labels = recipe.get(6..).unwrap_or(&[]);
    for number in labels.iter().take(12) {
        let label = LABELS.get(usize::from(*number) % LABELS.len()).copied().unwrap_or(b"a");
        packet.push(label.len() as u8);
        packet.extend(
            label.iter().map(|byte| if number & 0x80 == 0 { *byte } else { byte.to_ascii_uppercase() }),
        );
    }
    let (origin, _) = TEXTS.get(usize::from(byte(4)) % TEXTS.len()).copied().unwrap_or((".", ""));
    for label in origin.split('.').filter(|label| !label.is_empty()) {
        packet.push(label.len() as u8);
        packet.extend(label.as_bytes());
    }
    let kind = TYPES.get(usize::from(byte(5)) % TYPES.len()).copied().unwrap_or(1);
    packet.push(0);
    packet.extend(kind.to_be_bytes());
    packet.extend([0, 1]);
    if byte(3) & 1 != 0 {
        // OPT: DO by one bit, the payload by the six above it, from nothing to 2,016 bytes.
        let payload = u16::from(byte(3) >> 2) * 32;
        packet.extend([0, 0, 41]);
        packet.extend(payload.to_be_bytes());
        packet.extend([0, 0, if byte(3) & 2 == 0 { 0 } else { 0x80 }, 0, 0, 0]);
    }
    packet
}
