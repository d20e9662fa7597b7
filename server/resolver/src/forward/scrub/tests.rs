mod arbitrary;
mod chains;
mod denials;

use rhumb_wire::{Class, MessageSection, MessageView, NameBuf, Type, header, rdata};

use super::super::tests::build::{Rr, asked, message};
use super::*;

/// A reply to `question` with these sections.
fn replied(question: &OutboundQuestion, rcode: u16, answer: &[Rr], authority: &[Rr]) -> Vec<u8> {
    message(77, header::QR | header::RA | rcode, &asked(question), [answer, authority, &[]])
}

fn scrubbed(
    question: &OutboundQuestion,
    rcode: u16,
    answer: &[Rr],
    authority: &[Rr],
) -> Result<ScrubbedAnswer, UnusableReply> {
    scrub(&replied(question, rcode, answer, authority), question)
}

/// The records of a scrub message as `owner TTL TYPE`, the authority section's with a star.
fn listed(scrubbed: &ScrubbedAnswer) -> Vec<String> {
    let message = MessageView::parse(&scrubbed.message).unwrap();
    let mut name = NameBuf::new();
    let line = |record: rhumb_wire::MessageRecord<'_>, name: &mut NameBuf| {
        record.owner(name).unwrap();
        let star = if record.section == MessageSection::Authority { "*" } else { "" };
        format!("{star}{} {} {}", name.as_ref(), record.ttl, record.rtype)
    };
    message.records().map(|record| line(record.unwrap(), &mut name)).collect()
}

/// What holds for every scrub message.
fn assert_scrubbed(scrubbed: &ScrubbedAnswer, question: &OutboundQuestion) {
    let bytes = &scrubbed.message;
    assert!(bytes.len() <= 65_535);
    let message = MessageView::parse(bytes).unwrap();
    let head = message.header();
    let checking = if question.checking_disabled { header::CD } else { 0 };
    assert_eq!(head.id, 0);
    assert_eq!(head.flags, header::QR | header::RD | header::RA | checking | scrubbed.rcode.0);
    assert_eq!(head.additionals, 0);
    let asked = message.question().unwrap().unwrap();
    assert_eq!(asked.name.as_bytes(), question.name.as_ref().to_lowercase().as_ref().as_bytes());
    assert_eq!((asked.qtype, asked.class), (question.qtype, question.class));
    let mut records = message.records();
    let mut chain = vec![question.name.clone()];
    let mut name = NameBuf::new();
    let mut sets: Vec<(rhumb_wire::DomainName, Type, u32, Vec<Vec<u8>>)> = Vec::new();
    for record in records.by_ref() {
        let record = record.unwrap();
        record.owner(&mut name).unwrap();
        let owner = name.as_ref();
        assert_eq!(record.class, question.class);
        assert!(record.ttl <= 604_800 && record.ttl >= scrubbed.ttl);
        let mut data = Vec::new();
        rdata::expand(&record, &mut data).unwrap();
        if owner == question.name.as_ref() {
            assert_eq!(bytes[record.owner_at..record.owner_at + 2], [0xc0, 12]);
        }
        let dnssec = matches!(record.rtype, Type::RRSIG | Type::NSEC | Type::NSEC3);
        if record.section == MessageSection::Authority {
            assert!(record.rtype == Type::SOA && scrubbed.negative || dnssec && question.dnssec_ok);
        } else {
            let last = chain.last().unwrap().as_ref();
            let of_dname = record.rtype == Type::DNAME || data.starts_with(&Type::DNAME.0.to_be_bytes());
            assert!(
                chain.iter().any(|n| n.as_ref() == owner) || of_dname && last.is_at_or_below(owner),
                "{owner}"
            );
            if record.rtype == Type::CNAME {
                chain.push(rhumb_wire::NameRef::parse(&data).unwrap().to_name());
            }
        }
        match sets.iter_mut().find(|(n, t, ..)| n.as_ref() == owner && *t == record.rtype) {
            Some((_, rtype, ttl, seen)) => {
                assert!(*ttl == record.ttl || *rtype == Type::RRSIG);
                assert!(!seen.contains(&data), "a duplicate");
                seen.push(data);
            }
            None => sets.push((owner.to_name(), record.rtype, record.ttl, vec![data])),
        }
    }
    assert_eq!(records.offset(), bytes.len());
    assert!(chain.len() <= 12);
    assert!(sets.iter().all(|(.., seen)| seen.len() <= limits::RECORDS_OF_SET));
    // What is scrub stays as it is.
    let again = ScrubbedAnswer { authentic: false, reason: None, ..scrubbed.clone() };
    assert_eq!(scrub(bytes, question), Ok(again));
    assert_eq!(question.class, Class::IN);
}
