//! Messages for tests, with all names written out.

use rhumb_wire::header::{self, MessageHeader};
use rhumb_wire::{Class, DomainName, MessageView, Type};

use crate::question::OutboundQuestion;

pub(in crate::forward) fn name(text: &str) -> Vec<u8> {
    text.parse::<DomainName>().unwrap().as_ref().as_bytes().to_vec()
}

pub(in crate::forward) fn question(text: &str, qtype: Type) -> OutboundQuestion {
    OutboundQuestion::new(text.parse::<DomainName>().unwrap().as_ref(), qtype)
}

#[derive(Clone, Debug)]
pub(in crate::forward) struct Rr {
    pub(in crate::forward) owner: Vec<u8>,
    pub(in crate::forward) rtype: Type,
    pub(in crate::forward) class: Class,
    pub(in crate::forward) ttl: u32,
    pub(in crate::forward) rdata: Vec<u8>,
}

pub(in crate::forward) fn rr(owner: &str, ttl: u32, rtype: Type, rdata: Vec<u8>) -> Rr {
    Rr { owner: name(owner), rtype, class: Class::IN, ttl, rdata }
}

pub(in crate::forward) fn a(owner: &str, ttl: u32, last: u8) -> Rr {
    rr(owner, ttl, Type::A, vec![192, 0, 2, last])
}

pub(in crate::forward) fn cname(owner: &str, ttl: u32, target: &str) -> Rr {
    rr(owner, ttl, Type::CNAME, name(target))
}

pub(in crate::forward) fn soa(owner: &str, ttl: u32, minimum: u32) -> Rr {
    let mut rdata = [name("ns.example"), name("admin.example"), vec![0; 16]].concat();
    rdata.extend(minimum.to_be_bytes());
    rr(owner, ttl, Type::SOA, rdata)
}

pub(in crate::forward) fn rrsig(owner: &str, ttl: u32, covered: Type, labels: u8, signer: &str) -> Rr {
    let mut rdata = covered.0.to_be_bytes().to_vec();
    rdata.extend([8, labels]);
    rdata.extend([0; 14]);
    rdata.extend(name(signer));
    rdata.extend(b"signature");
    rr(owner, ttl, Type::RRSIG, rdata)
}

pub(in crate::forward) fn nsec(owner: &str, ttl: u32, next: &str) -> Rr {
    rr(owner, ttl, Type::NSEC, [name(next), vec![0, 1, 0x40]].concat())
}

/// A message with `flags` as they are, and with the sections answer, authority and additional.
pub(in crate::forward) fn message(id: u16, flags: u16, question: &[u8], sections: [&[Rr]; 3]) -> Vec<u8> {
    let [answers, authorities, additionals] = sections.map(|section| section.len() as u16);
    let questions = u16::from(!question.is_empty());
    let mut bytes =
        MessageHeader { id, flags, questions, answers, authorities, additionals }.to_bytes().to_vec();
    bytes.extend(question);
    for record in sections.concat() {
        bytes.extend(&record.owner);
        bytes.extend(record.rtype.0.to_be_bytes());
        bytes.extend(record.class.0.to_be_bytes());
        bytes.extend(record.ttl.to_be_bytes());
        bytes.extend((record.rdata.len() as u16).to_be_bytes());
        bytes.extend(&record.rdata);
    }
    bytes
}

/// The question section of `question`.
pub(in crate::forward) fn asked(question: &OutboundQuestion) -> Vec<u8> {
    let mut bytes = question.name.as_ref().as_bytes().to_vec();
    bytes.extend(question.qtype.0.to_be_bytes());
    bytes.extend(question.class.0.to_be_bytes());
    bytes
}

/// The question section of a query, byte for byte.
pub(in crate::forward) fn question_of(query: &[u8]) -> &[u8] {
    let message = MessageView::parse(query).unwrap();
    let length = message.question().unwrap().unwrap().name.len() + 4;
    &query[header::LENGTH..header::LENGTH + length]
}

pub(in crate::forward) fn id_of(query: &[u8]) -> u16 {
    u16::from_be_bytes([query[0], query[1]])
}

/// A reply to `query` with the given response code and one A record of the name asked, if the code is 0.
pub(in crate::forward) fn reply(query: &[u8], rcode: u16, last: u8) -> Vec<u8> {
    let question = question_of(query);
    let owner = question[..question.len() - 4].to_vec();
    let record = Rr { owner, rtype: Type::A, class: Class::IN, ttl: 300, rdata: vec![192, 0, 2, last] };
    let answers = if rcode == 0 { std::slice::from_ref(&record) } else { &[] };
    message(id_of(query), header::QR | header::RA | rcode, question, [answers, &[], &[]])
}

/// The same with TC set, cut in the middle of the answer.
pub(in crate::forward) fn truncated(query: &[u8]) -> Vec<u8> {
    let mut bytes = reply(query, 0, 9);
    bytes[2] |= 2;
    bytes.truncate(bytes.len() - 3);
    bytes
}
