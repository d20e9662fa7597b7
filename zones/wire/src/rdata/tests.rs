use super::*;
use crate::compress::NameCompression;
use crate::message::MessageView;
use crate::section::MessageSection;
use crate::{Class, DomainName};

fn name(text: &str) -> Vec<u8> {
    text.parse::<DomainName>().unwrap().as_ref().as_bytes().to_vec()
}

#[test]
fn lengths_are_held_to() {
    let soa = [name("a.example"), name("b.example"), vec![0; 20]].concat();
    for (rtype, rdata, good) in [
        (Type::A, vec![1, 2, 3, 4], true),
        (Type::A, vec![1, 2, 3], false),
        (Type::A, vec![1, 2, 3, 4, 5], false),
        (Type::SOA, soa.clone(), true),
        (Type::SOA, soa[..soa.len() - 1].to_vec(), false),
        (Type::TXT, vec![], false),
        (Type::TXT, vec![0], true),
        (Type::TXT, vec![2, b'x'], false),
        (Type::NSEC, [name("x"), vec![0, 1, 0x40]].concat(), true),
        (Type::NSEC, [name("x"), vec![0, 1, 0]].concat(), false),
        (Type::NSEC, [name("x"), vec![0, 33, 1]].concat(), false),
        (Type::CAA, b"\0\x05issueca.example".to_vec(), true),
        (Type::CAA, b"\0\0x".to_vec(), false),
        (Type::HTTPS, b"\0\x01\0\0\x01\0\x02ab\0\x03\0\0".to_vec(), true),
        (Type::HTTPS, b"\0\x01\0\0\x03\0\0\0\x01\0\0".to_vec(), false),
        (Type::IPSECKEY, b"\x0a\x01\x02\xc0\0\x02\x01key".to_vec(), true),
        (Type::IPSECKEY, b"\x0a\x03\x02\x01g\0key".to_vec(), true),
        (Type::IPSECKEY, b"\x0a\x04\x02key".to_vec(), false),
        (Type::AMTRELAY, b"\x0a\x81\xc0\0\x02\x01".to_vec(), true),
        (Type::HIP, [vec![1, 2, 0, 1, 9, 9], name("rvs.example")].concat(), true),
        (Type(65280), vec![], true),
    ] {
        assert_eq!(check(rtype, &rdata).is_ok(), good, "{rtype} {rdata:?}");
    }
}

#[test]
fn compressing_and_expanding_give_the_same_bytes() {
    let owner: DomainName = "example".parse().unwrap();
    for (rtype, rdata) in [
        (Type::SOA, [name("ns.example"), name("host.ns.example"), vec![7; 20]].concat()),
        (Type::MX, [vec![0, 5], name("mail.example")].concat()),
        (Type::SRV, [vec![0; 6], name("mail.example")].concat()),
        (Type::TXT, b"\x03abc".to_vec()),
    ] {
        let mut buffer = [0u8; 512];
        let mut compression = NameCompression::default();
        let mut w = MessageWriter::new(&mut buffer, 512, &mut compression);
        w.question(owner.as_ref(), rtype, Class::IN).unwrap();
        w.record(MessageSection::Answer, owner.as_ref(), rtype, Class::IN, 60, |w| write(w, rtype, &rdata))
            .unwrap();
        let length = w.finish(1, 0);
        let message = MessageView::parse(&buffer[..length]).unwrap();
        let record = message.records().next().unwrap().unwrap();
        let mut back = Vec::new();
        expand(&record, &mut back).unwrap();
        assert_eq!(back, rdata);
        assert_eq!(record.rdata.len() < rdata.len(), matches!(rtype, Type::SOA | Type::MX));
    }
}

#[test]
fn a_name_may_not_run_over_its_rdata() {
    let mut m = b"\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\x02\0\x01\0\0\0\0\0\x02\x03a".to_vec();
    m.extend(b"bc\0");
    let record = MessageView::parse(&m).unwrap().records().next().unwrap().unwrap();
    assert!(expand(&record, &mut Vec::new()).is_err());
}

#[test]
fn canonical_form_lowers_names_of_old_types_only() {
    let mut ns = name("NS.Example");
    make_canonical(Type::NS, &mut ns);
    assert_eq!(ns, name("ns.example"));
    let mut nsec = [name("NS.Example"), vec![0, 1, 0x40]].concat();
    let before = nsec.clone();
    make_canonical(Type::NSEC, &mut nsec);
    assert_eq!(nsec, before);
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_survived(number in 0u16..300, bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..80)) {
        let sum: Result<usize, _> = RdataPieces::new(Type(number), &bytes)
            .map(|p| p.map(|p| match p { RdataPiece::Bytes(b) => b.len(), RdataPiece::Name(n, _) => n.len() }))
            .sum();
        if let Ok(sum) = sum {
            assert_eq!(sum, bytes.len());
        }
    }
}
