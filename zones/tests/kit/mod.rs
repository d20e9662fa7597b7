//! What the tests of answers share: records from lines, questions, sections as comparable text.

#![allow(dead_code, reason = "each test uses its part")]

use rhumb_wire::compress::NameCompression;
use rhumb_wire::{
    Class, DomainName, MessageSection, MessageView, MessageWriter, NameBuf, NameRef, Rcode, Type, header,
    rdata,
};
use rhumb_zones::{
    AnswerKind, AnswerRequest, AnswerSummary, OneZone, ZoneBuilder, ZoneContents, ZoneFault, ZoneFinder,
    answer,
};

/// A record of a line `owner TTL IN TYPE RDATA`, all names absolute.
pub(crate) struct Line {
    pub(crate) owner: DomainName,
    pub(crate) ttl: u32,
    pub(crate) rtype: Type,
    pub(crate) rdata: Vec<u8>,
}

fn name(text: &str) -> Vec<u8> {
    text.parse::<DomainName>().unwrap_or_else(|e| panic!("{text}: {e}")).as_ref().as_bytes().to_vec()
}

fn number<const N: usize>(text: &str) -> Vec<u8> {
    text.parse::<u64>().unwrap().to_be_bytes()[8 - N..].to_vec()
}

fn bitmap(types: &[&str]) -> Vec<u8> {
    let mut bits = [0u8; 32];
    let numbers: Vec<u16> = types.iter().map(|t| t.parse::<Type>().unwrap().0).collect();
    for number in &numbers {
        assert!(*number < 256, "the tests use types of the first window");
        bits[usize::from(number / 8)] |= 0x80 >> (number % 8);
    }
    let length = numbers.iter().max().map_or(0, |last| last / 8 + 1);
    if length == 0 { vec![] } else { [&[0, length as u8], &bits[..usize::from(length)]].concat() }
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
}

fn base32hex(text: &str) -> Vec<u8> {
    let mut bits = 0u64;
    let mut count = 0;
    let mut bytes = Vec::new();
    for digit in text.chars().map(|c| u64::from(c.to_digit(32).unwrap())) {
        bits = bits << 5 | digit;
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}

fn rdata_of(rtype: Type, fields: &[&str]) -> Vec<u8> {
    match (rtype, fields) {
        (Type::A, [address]) => address.parse::<std::net::Ipv4Addr>().unwrap().octets().to_vec(),
        (Type::AAAA, [address]) => address.parse::<std::net::Ipv6Addr>().unwrap().octets().to_vec(),
        (Type::NS | Type::CNAME | Type::DNAME | Type::PTR, [target]) => name(target),
        (Type::MX, [preference, target]) => [number::<2>(preference), name(target)].concat(),
        (Type::SRV, [a, b, c, target]) => {
            [number::<2>(a), number::<2>(b), number::<2>(c), name(target)].concat()
        }
        (Type::SVCB | Type::HTTPS, [priority, target]) => [number::<2>(priority), name(target)].concat(),
        (Type::SOA, [mname, rname, numbers @ ..]) => {
            [name(mname), name(rname), numbers.iter().flat_map(|n| number::<4>(n)).collect()].concat()
        }
        (Type::TXT, texts) => texts
            .iter()
            .flat_map(|text| {
                let text = text.trim_matches('"');
                [vec![text.len() as u8], text.as_bytes().to_vec()].concat()
            })
            .collect(),
        (Type::DS, [tag, algorithm, digest_type, digest]) => {
            [number::<2>(tag), number::<1>(algorithm), number::<1>(digest_type), unhex(digest)].concat()
        }
        (Type::NSEC, [next, types @ ..]) => [name(next), bitmap(types)].concat(),
        (Type::NSEC3PARAM, [algorithm, flags, iterations, salt]) => {
            let salt = if *salt == "-" { vec![] } else { unhex(salt) };
            let head = [number::<1>(algorithm), number::<1>(flags), number::<2>(iterations)].concat();
            [head, vec![salt.len() as u8], salt].concat()
        }
        (Type::NSEC3, [algorithm, flags, iterations, salt, next, types @ ..]) => {
            let head = rdata_of(Type::NSEC3PARAM, &[algorithm, flags, iterations, salt]);
            [head, vec![20], base32hex(next), bitmap(types)].concat()
        }
        // What is signed is not looked at: the covered type and a signer are enough.
        (Type::RRSIG, [covered, signer]) => {
            let covered = covered.parse::<Type>().unwrap().0.to_be_bytes();
            [covered.to_vec(), vec![0; 16], name(signer), b"signature".to_vec()].concat()
        }
        _ => panic!("the tests know no {rtype} {fields:?}"),
    }
}

/// Reads one line.
pub(crate) fn line(text: &str) -> Line {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [owner, ttl, _, rtype, fields @ ..] = words.as_slice() else { panic!("{text}") };
    let rtype: Type = rtype.parse().unwrap();
    let rdata = rdata_of(rtype, fields);
    rdata::check(rtype, &rdata).unwrap_or_else(|e| panic!("{text}: {e}"));
    Line { owner: owner.parse().unwrap(), ttl: ttl.parse().unwrap(), rtype, rdata }
}

/// Builds the zone at `apex` of lines.
pub(crate) fn build<'t>(
    apex: &str,
    lines: impl IntoIterator<Item = &'t str>,
) -> Result<(ZoneContents, Vec<ZoneFault>), Vec<ZoneFault>> {
    let apex: DomainName = apex.parse().unwrap();
    let mut builder = ZoneBuilder::new(apex.as_ref());
    for (number, text) in (1..).zip(lines) {
        let line = line(text);
        builder.add(line.owner.as_ref(), line.rtype, line.ttl, &line.rdata, number).unwrap();
    }
    builder.finish()
}

/// Builds a zone of a text, one record a line, that begins with its SOA.
pub(crate) fn zone(text: &str) -> ZoneContents {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    build(lines[0].split_whitespace().next().unwrap(), lines).unwrap().0
}

/// An answer: what was replied, and the sections as sorted lines.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) reply: AnswerSummary,
    pub(crate) message: Vec<u8>,
    pub(crate) sections: [Vec<String>; 3],
}

/// Asks in-process, and reads what comes back.
pub(crate) fn ask_in(
    contents: &ZoneContents,
    asked: &AnswerRequest<'_>,
    zones: &impl ZoneFinder,
    limit: usize,
) -> Answered {
    let mut buffer = vec![0; limit];
    let mut compression = NameCompression::default();
    let mut w = MessageWriter::new(&mut buffer, limit, &mut compression);
    w.question(asked.name, asked.qtype, Class::IN).unwrap();
    let reply = answer(contents, asked, zones, &mut w);
    let length = w.finish(0, header::QR);
    buffer.truncate(length);
    Answered { reply, sections: sections(&buffer), message: buffer }
}

/// Asks for a name and a type.
pub(crate) fn ask(contents: &ZoneContents, name: &str, qtype: Type) -> Answered {
    asked(contents, name, qtype, false)
}

/// Asks with the DO bit.
pub(crate) fn ask_signed(contents: &ZoneContents, name: &str, qtype: Type) -> Answered {
    asked(contents, name, qtype, true)
}

fn asked(contents: &ZoneContents, name: &str, qtype: Type, dnssec_ok: bool) -> Answered {
    let name: DomainName = name.parse().unwrap();
    let asked = AnswerRequest { name: name.as_ref(), qtype, dnssec_ok, minimal_any: true };
    ask_in(contents, &asked, &OneZone, 1232)
}

/// The three sections of a message, sorted, without duplicates.
pub(crate) fn sections(message: &[u8]) -> [Vec<String>; 3] {
    let mut sections: [Vec<String>; 3] = Default::default();
    for record in MessageView::parse(message).unwrap().records() {
        let record = record.unwrap();
        let mut owner = NameBuf::new();
        record.owner(&mut owner).unwrap();
        let mut expanded = Vec::new();
        rdata::expand(&record, &mut expanded).unwrap();
        let index = record.section as usize - MessageSection::Answer as usize;
        sections[index].push(show(owner.as_ref(), record.rtype, &expanded));
    }
    for section in &mut sections {
        section.sort();
        section.dedup();
    }
    sections
}

/// A record as text, names in lower case, without TTL.
pub(crate) fn show(owner: NameRef<'_>, rtype: Type, rdata: &[u8]) -> String {
    let mut canonical = rdata.to_vec();
    rdata::make_canonical(rtype, &mut canonical);
    let shown = match rtype {
        Type::NS | Type::CNAME | Type::DNAME | Type::PTR => NameRef::parse(&canonical).unwrap().to_string(),
        Type::RRSIG => Type(u16::from_be_bytes([canonical[0], canonical[1]])).to_string(),
        Type::NSEC => NameRef::parse(&canonical).unwrap().to_string(),
        Type::A => format!("{}.{}.{}.{}", canonical[0], canonical[1], canonical[2], canonical[3]),
        Type::SOA | Type::NSEC3 => String::new(),
        _ => canonical.escape_ascii().to_string(),
    };
    format!("{} {rtype} {shown}", owner.to_lowercase()).trim_end().to_owned()
}

/// A line of a zone in the same form.
pub(crate) fn show_line(text: &str) -> String {
    let line = line(text);
    show(line.owner.as_ref(), line.rtype, &line.rdata)
}

/// An answer of this kind and with these records, and the response code that goes with it.
pub(crate) fn check(
    answered: &Answered,
    kind: AnswerKind,
    answer: &[&str],
    authority: &[&str],
    additional: &[&str],
) {
    assert_eq!(answered.reply.kind, kind, "{answered:?}");
    assert_eq!(answered.sections[0], answer, "{answered:?}");
    assert_eq!(answered.sections[1], authority, "{answered:?}");
    assert_eq!(answered.sections[2], additional, "{answered:?}");
    assert!(!answered.reply.truncated);
    let nxdomain = kind == AnswerKind::NxDomain;
    assert_eq!(answered.reply.rcode == Rcode::NXDOMAIN, nxdomain, "{answered:?}");
}
