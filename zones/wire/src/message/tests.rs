use super::*;
use crate::compress::NameCompression;
use crate::writer::MessageWriter;
use crate::{DomainName, rdata};

fn answer() -> Vec<u8> {
    let owner: DomainName = "www.example".parse().unwrap();
    let target: DomainName = "a.www.example".parse().unwrap();
    let mut buffer = vec![0u8; 512];
    let mut compression = NameCompression::default();
    let mut w = MessageWriter::new(&mut buffer, 512, &mut compression);
    w.question(owner.as_ref(), Type::A, Class::IN).unwrap();
    w.record(MessageSection::Answer, owner.as_ref(), Type::CNAME, Class::IN, 5, |w| {
        rdata::write(w, Type::CNAME, target.as_ref().as_bytes())
    })
    .unwrap();
    w.record(MessageSection::Answer, target.as_ref(), Type::A, Class::IN, 6, |w| w.bytes(&[1, 2, 3, 4]))
        .unwrap();
    crate::edns::write_opt(&mut w, 1232, 0, 0, |_| Ok(())).unwrap();
    w.count(MessageSection::Additional);
    let length = w.finish(7, header::QR);
    buffer.truncate(length);
    buffer
}

#[test]
fn counts_are_held_to_the_length() {
    let message = |counts: [u8; 4], tail: &[u8]| {
        let head = [0, 0, 0x80, 0, 0, counts[0], 0, counts[1], 0, counts[2], 0, counts[3]];
        [&head[..], tail].concat()
    };
    let (question, record): (&[u8], &[u8]) = (b"\0\0\x01\0\x01", b"\0\0\x10\0\x01\0\0\0\0\0\0");
    // The shortest of each, to the byte.
    for (counts, tail) in [
        ([0, 0, 0, 0], Vec::new()),
        ([1, 0, 0, 0], question.to_vec()),
        ([1, 1, 1, 1], [question, record, record, record].concat()),
        ([0, 2, 0, 0], [record, record].concat()),
    ] {
        let whole = message(counts, &tail);
        assert!(MessageView::parse(&whole).is_ok(), "{counts:?}");
        let cut = &whole[..whole.len() - 1];
        assert!(matches!(MessageView::parse(cut), Err(ReadError::Short)), "{counts:?} cut by a byte");
    }
    assert!(matches!(MessageView::parse(&message([1, 255, 255, 255], question)), Err(ReadError::Short)));
    let two = [question, question].concat();
    assert!(matches!(MessageView::parse(&message([2, 0, 0, 0], &two)), Err(ReadError::Questions)));
}

#[test]
fn records_come_in_order_with_their_names() {
    let bytes = answer();
    let message = MessageView::parse(&bytes).unwrap();
    let mut owner = NameBuf::new();
    let seen: Vec<_> = message
        .records()
        .map(|r| {
            let r = r.unwrap();
            r.owner(&mut owner).unwrap();
            (r.section, r.rtype, r.ttl, owner.as_ref().to_string())
        })
        .collect();
    assert_eq!(seen[0], (MessageSection::Answer, Type::CNAME, 5, "www.example.".into()));
    assert_eq!(seen[1], (MessageSection::Answer, Type::A, 6, "a.www.example.".into()));
    assert_eq!((seen[2].0, seen[2].1), (MessageSection::Additional, Type::OPT));
    assert_eq!(message.edns().unwrap().unwrap().udp_size, 1232);
    assert_eq!(message.rcode().unwrap(), Rcode::NOERROR);
    // Two names compressed: 12 + 17 + (2 + 10 + 2 + 2) + (2 + 10 + 4) + 11.
    assert_eq!(bytes.len(), 12 + 17 + 16 + 16 + 11);
}

#[test]
fn counts_are_checked_against_the_length_first() {
    let mut twelve = [0u8; 12];
    twelve[4..].fill(0xff);
    assert_eq!(MessageView::parse(&twelve).unwrap_err(), ReadError::Short);
}

#[test]
fn every_cut_is_an_error_and_never_more() {
    let bytes = answer();
    for end in 0..bytes.len() {
        let whole = MessageView::parse(&bytes[..end]).is_ok_and(|m| m.records().all(|r| r.is_ok()));
        assert!(!whole, "{end}");
    }
}

#[test]
fn the_question_is_read_where_there_is_one() {
    let bytes = answer();
    let message = MessageView::parse(&bytes).unwrap();
    let question = message.question().unwrap().unwrap();
    assert_eq!((question.qtype, question.class), (Type::A, Class::IN));
    assert_eq!(question.name.to_string(), "www.example.");
    assert_eq!(message.bytes(), bytes);
    assert_eq!((message.header().id, message.header().is_response()), (7, true));
    let other = b"\0\0\0\0\0\x01\0\0\0\0\0\0\x01a\0\x12\x34\x56\x78";
    let question = MessageView::parse(other).unwrap().question().unwrap().unwrap();
    assert_eq!((question.qtype, question.class), (Type(0x1234), Class(0x5678)));
    assert!(MessageView::parse(&[0; 12]).unwrap().question().unwrap().is_none());
    let compressed = b"\0\0\0\0\0\x01\0\0\0\0\0\0\xc0\0\0\x01\0\x01\0";
    let question = MessageView::parse(compressed).unwrap().question();
    assert!(matches!(question, Err(ReadError::Name(NameError::Pointer))));
}

#[test]
fn a_record_knows_where_its_parts_stand() {
    let bytes = answer();
    let message = MessageView::parse(&bytes).unwrap();
    let mut records = message.records();
    assert_eq!(records.offset(), 12 + 17);
    let mut end = records.offset();
    while let Some(record) = records.next() {
        let record = record.unwrap();
        assert_eq!(record.owner_at, end);
        end = records.offset();
        assert_eq!(record.rdata_at + record.rdata.len(), end);
        assert_eq!(bytes[record.rdata_at..end], *record.rdata);
        let ttl = bytes[record.ttl_at()..].first_chunk().map(|ttl| u32::from_be_bytes(*ttl));
        assert_eq!(ttl, Some(record.ttl));
        assert_eq!(record.message(), bytes);
    }
    assert_eq!(end, bytes.len());
}

/// A message of these records, each of a section (1 answer, 2 authority, 3 additional), with what stands behind the root.
fn of_records(flags: u16, records: &[(u8, &[u8])]) -> Vec<u8> {
    let count = |section| records.iter().filter(|record| record.0 == section).count() as u16;
    let (answers, authorities, additionals) = (count(1), count(2), count(3));
    let head = MessageHeader { id: 0, flags, questions: 0, answers, authorities, additionals };
    let mut message = head.to_bytes().to_vec();
    for (_, fields) in records {
        message.push(0);
        message.extend_from_slice(fields);
    }
    message
}

const TXT: &[u8] = b"\0\x10\0\x01\0\0\0\x05\0\x04\x03abc";

#[test]
fn opt_stands_once_and_in_the_additional_section() {
    const OPT: &[u8] = b"\0\x29\x04\xd0\x01\0\x80\0\0\0";
    let (found, misplaced) = (Ok(Some(1232)), Err(ReadError::Opt));
    for (name, records, wanted) in [
        ("none", &[(1, TXT), (3, TXT)][..], Ok(None)),
        ("alone", &[(3, OPT)], found),
        ("behind others", &[(1, TXT), (2, TXT), (3, TXT), (3, OPT)], found),
        ("before others", &[(3, OPT), (3, TXT)], found),
        ("in the answer", &[(1, OPT), (3, TXT)], misplaced),
        ("in the authority", &[(2, OPT)], misplaced),
        ("twice", &[(3, OPT), (3, OPT)], misplaced),
        ("twice, apart", &[(3, OPT), (3, TXT), (3, OPT)], misplaced),
    ] {
        let message = of_records(header::QR | 5, records);
        let view = MessageView::parse(&message).unwrap();
        assert_eq!(view.edns().map(|opt| opt.map(|opt| opt.udp_size)), wanted, "{name}");
        let code = wanted.map(|size| if size.is_some() { Rcode(0x15) } else { Rcode(5) });
        assert_eq!(view.rcode(), code, "{name}");
    }
}

#[test]
fn records_are_counted_by_their_section() {
    let section = |number| match number {
        1 => MessageSection::Answer,
        2 => MessageSection::Authority,
        _ => MessageSection::Additional,
    };
    for records in [&[][..], &[1], &[2], &[3], &[1, 1, 3], &[2, 2, 3, 3], &[1, 2, 2, 3]] {
        let with_fields: Vec<(u8, &[u8])> = records.iter().map(|&number| (number, TXT)).collect();
        let message = of_records(0, &with_fields);
        let seen = MessageView::parse(&message).unwrap().records().map(|record| record.unwrap().section);
        assert!(seen.eq(records.iter().map(|&number| section(number))), "{records:?}");
    }
}

#[test]
fn nothing_comes_after_an_error() {
    let mut message = of_records(0, &[(1, TXT), (1, TXT), (2, TXT), (3, TXT)]);
    // The length of the second one's RDATA leads beyond the end.
    message[12 + 15 + 9] = 1;
    let records: Vec<_> = MessageView::parse(&message).unwrap().records().map(Result::err).collect();
    assert_eq!(records, [None, Some(ReadError::Record)]);
}

proptest::proptest! {
    #[test]
    fn changed_bytes_are_survived(at in 0usize..72, value in proptest::num::u8::ANY) {
        let mut bytes = answer();
        let at = at % bytes.len();
        bytes[at] = value;
        if let Ok(message) = MessageView::parse(&bytes) {
            let mut name = NameBuf::new();
            for record in message.records().flatten() {
                let _ = record.owner(&mut name);
                let _ = rdata::expand(&record, &mut Vec::new());
            }
        }
    }
}
