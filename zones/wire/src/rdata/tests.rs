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

/// The shortest RDATA of each type whose length is bounded from below: cut by a byte it is none.
#[test]
fn each_type_has_its_shortest_rdata() {
    use RdataPart::{Bytes, Name};
    for (rtype, parts) in [
        (Type::A, &[Bytes(4)][..]),
        (Type::L32, &[Bytes(6)]),
        (Type::AAAA, &[Bytes(16)]),
        (Type::NS, &[Name]),
        (Type::MB, &[Name]),
        (Type::PTR, &[Name]),
        (Type::SOA, &[Name, Name, Bytes(20)]),
        (Type::MINFO, &[Name, Name]),
        (Type::MX, &[Bytes(2), Name]),
        (Type::DNAME, &[Name]),
        (Type::RP, &[Name, Name]),
        (Type::AFSDB, &[Bytes(2), Name]),
        (Type::PX, &[Bytes(2), Name, Name]),
        (Type::SRV, &[Bytes(6), Name]),
        (Type::NAPTR, &[Bytes(7), Name]),
        (Type::SIG, &[Bytes(18), Name]),
        (Type::NXT, &[Name]),
        (Type::RRSIG, &[Bytes(18), Name, Bytes(1)]),
        (Type::NSEC, &[Name]),
        (Type::NSEC3PARAM, &[Bytes(5)]),
        (Type::CSYNC, &[Bytes(6)]),
        (Type::LP, &[Bytes(2), Name]),
        (Type::NID, &[Bytes(10)]),
        (Type::SVCB, &[Bytes(2), Name]),
        (Type::DSYNC, &[Bytes(5), Name]),
        (Type::HINFO, &[Bytes(2)]),
        (Type::X25, &[Bytes(1)]),
        (Type::TXT, &[Bytes(1)]),
        (Type::GPOS, &[Bytes(3)]),
        (Type::WKS, &[Bytes(5)]),
        (Type::LOC, &[Bytes(16)]),
        (Type::EUI48, &[Bytes(6)]),
        (Type::EUI64, &[Bytes(8)]),
        (Type::DNSKEY, &[Bytes(5)]),
        (Type::DS, &[Bytes(5)]),
        (Type::SSHFP, &[Bytes(3)]),
        (Type::TLSA, &[Bytes(4)]),
        (Type::CERT, &[Bytes(6)]),
        (Type::OPENPGPKEY, &[Bytes(1)]),
        (Type::ZONEMD, &[Bytes(18)]),
        (Type::URI, &[Bytes(5)]),
    ] {
        let part = |part: &RdataPart| match part {
            Bytes(length) => vec![0; *length],
            Name => name("x"),
        };
        let rdata: Vec<u8> = parts.iter().flat_map(part).collect();
        assert!(check(rtype, &rdata).is_ok(), "{rtype} {rdata:?}");
        assert!(check(rtype, &rdata[..rdata.len() - 1]).is_err(), "{rtype} cut by a byte");
    }
}

/// A part of RDATA.
enum RdataPart {
    /// So many bytes of 0.
    Bytes(usize),
    Name,
}

#[test]
fn what_is_not_well_formed_goes_out_as_it_is() {
    for (rtype, rdata) in [
        (Type::SOA, [name("ns.other"), vec![0x80, 1, 2]].concat()),
        (Type::SOA, [name("ns.other"), name("host.third"), vec![7; 19]].concat()),
        (Type::MX, vec![0]),
        (Type::MX, vec![0, 5, 3, b'a']),
        (Type::NS, [name("ns.other"), vec![1, 2, 3]].concat()),
    ] {
        let mut buffer = [0u8; 128];
        let mut compression = NameCompression::default();
        let mut w = MessageWriter::new(&mut buffer, 128, &mut compression);
        let at = w.len();
        write(&mut w, rtype, &rdata).unwrap();
        assert_eq!(&w.written()[at..], rdata, "{rtype}");
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
