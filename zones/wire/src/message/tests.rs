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
