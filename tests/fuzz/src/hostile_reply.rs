//! Replies that an input describes: records of the names and types that iteration takes an interest in.

use rhumb_resolver::validate::{KeyDigest, ZoneKey};
use rhumb_wire::compress::NameCompression;
use rhumb_wire::{Class, DomainName, MessageSection, MessageView, MessageWriter, NameRef, Type, header};

use super::input_script::InputScript;

const TYPES: [Type; 14] = [
    Type::NS,
    Type::A,
    Type::CNAME,
    Type::SOA,
    Type::DNAME,
    Type::AAAA,
    Type::TXT,
    Type::DS,
    Type::DNSKEY,
    Type::RRSIG,
    Type::NSEC,
    Type::NSEC3,
    Type::HTTPS,
    Type::OPT,
];
/// Names that are no part of the question.
const NAMES: [&str; 6] = ["ns.test", "ns.other", "www.test", "*.test", "x.a.test", "other"];
const RCODES: [u16; 8] = [0, 0, 0, 3, 3, 2, 5, 1];
/// Within the times of all signatures.
const NOW: u32 = 1_793_500_000;

/// The reply to `query` that `script` describes; nothing where the query is none.
pub fn hostile_reply(script: &InputScript<'_>, query: &[u8]) -> Option<Vec<u8>> {
    let message = MessageView::parse(query).ok()?;
    let question = message.question().ok()??;
    let names = names(question.name);
    let head = script.byte();
    let mut buffer = vec![0; 4096];
    let limit = buffer.len();
    let mut compression = NameCompression::default();
    let mut w = MessageWriter::new(&mut buffer, limit, &mut compression);
    w.question(question.name, question.qtype, Class::IN).ok()?;
    let mut section = MessageSection::Answer;
    for _ in 0..script.byte() % 16 {
        let step = script.byte();
        if step & 1 != 0 && section == MessageSection::Answer {
            section = MessageSection::Authority;
        } else if step & 2 != 0 && section == MessageSection::Authority {
            section = MessageSection::Additional;
        }
        let owner = script.choose(&names)?;
        let rtype = if step & 4 != 0 { question.qtype } else { *script.choose(&TYPES)? };
        let rdata = rdata(script, rtype, owner, &names);
        // What has no room ends the reply.
        let ttl = if step & 8 != 0 { 0 } else { 300 << (step >> 4) };
        if w.record(section, owner.as_ref(), rtype, Class::IN, ttl, |w| w.bytes(&rdata)).is_err() {
            break;
        }
    }
    let rcode = RCODES.get(usize::from(head % 8)).copied().unwrap_or(0);
    let flags = [(8, header::AA), (16, header::TC)].map(|(bit, flag)| if head & bit != 0 { flag } else { 0 });
    let id = if head & 0xe0 == 0xe0 { !message.header().id } else { message.header().id };
    let length = w.finish(id, header::QR | flags.iter().sum::<u16>() | rcode);
    buffer.truncate(length);
    Some(buffer)
}

/// The name asked for, those above it, and the others.
fn names(asked: NameRef<'_>) -> Vec<DomainName> {
    let above = std::iter::successors(Some(asked), |name| name.parent()).map(NameRef::to_name);
    above.chain(NAMES.iter().filter_map(|name| name.parse().ok())).collect()
}

fn rdata(script: &InputScript<'_>, rtype: Type, owner: &DomainName, names: &[DomainName]) -> Vec<u8> {
    let name = || script.choose(names).map_or(&[0][..], |name| name.as_ref().as_bytes());
    match rtype {
        Type::A => vec![192, 0, 2, script.byte() % 8],
        Type::AAAA => [&[0x20, 1, 0xd, 0xb8][..], &[0; 11], &[script.byte() % 8]].concat(),
        Type::NS | Type::CNAME | Type::DNAME => name().to_vec(),
        Type::SOA => [name(), name(), &[0; 19], &[script.byte()]].concat(),
        Type::DNSKEY => key(script.byte()).to_vec(),
        Type::DS => digest(owner, script.byte()),
        Type::RRSIG => signature(script, name(), owner),
        Type::NSEC => [name(), &[0, 8], bitmap(script.byte()).as_slice()].concat(),
        Type::NSEC3 => {
            let iterations = script.byte();
            [
                &[1, iterations & 1, 0, iterations, 0, 20],
                [iterations; 20].as_slice(),
                &[0, 8],
                &bitmap(iterations),
            ]
            .concat()
        }
        _ => script.bytes(usize::from(script.byte() % 32)).to_vec(),
    }
}

/// One of few keys, half of which have the same tag.
pub fn key(number: u8) -> [u8; 8] {
    let (high, low) = (number % 4, 4 - number % 4);
    [1, number >> 7, 3, 13, high, number >> 6 & 1, low, 7]
}

/// DS of such a key, a wrong one for some.
fn digest(owner: &DomainName, number: u8) -> Vec<u8> {
    let Some(key) = ZoneKey::parse(&key(number)) else { return Vec::new() };
    let ds = KeyDigest::of(owner.as_ref(), &key);
    let [high, low] = ds.tag.to_be_bytes();
    let mut rdata = [&[high, low, ds.algorithm, ds.kind], &*ds.digest].concat();
    rdata.extend((number & 0x20 != 0).then_some(0));
    rdata
}

/// A signature of any type and signer, by one of the keys.
fn signature(script: &InputScript<'_>, signer: &[u8], owner: &DomainName) -> Vec<u8> {
    let covered = script.choose(&TYPES).map_or(0, |rtype| rtype.0);
    let number = script.byte();
    let labels = owner.as_ref().label_count() as u8;
    let labels = if number & 0x10 != 0 { labels.saturating_sub(1) } else { labels };
    let tag = ZoneKey::parse(&key(number)).map_or(0, |key| key.tag());
    let times = [NOW + 86_400, NOW - 86_400].map(u32::to_be_bytes).concat();
    [
        &covered.to_be_bytes(),
        &[13, labels, 0, 0, 1, 44][..],
        &times,
        &tag.to_be_bytes(),
        signer,
        &[number; 64],
    ]
    .concat()
}

/// Types below 64, by groups.
fn bitmap(number: u8) -> [u8; 8] {
    let bit = |at: u8, value: u8| if number >> at & 1 != 0 { value } else { 0 };
    // A, NS and CNAME; SOA; MX and TXT; DNAME and DS; DNSKEY, NSEC and RRSIG.
    [
        bit(0, 0x40) | bit(1, 0x20) | bit(2, 0x06),
        bit(3, 0x01),
        bit(4, 0x80),
        0,
        bit(5, 0x11),
        bit(6, 0x83),
        0,
        0,
    ]
}
