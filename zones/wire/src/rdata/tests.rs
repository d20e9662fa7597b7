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
        (Type::EID, &[Bytes(1)]),
        (Type::NIMLOC, &[Bytes(1)]),
        (Type::SINK, &[Bytes(4)]),
        (Type::RKEY, &[Bytes(5)]),
        (Type::TALINK, &[Name, Name]),
        (Type::HHIT, &[Bytes(1)]),
        (Type::BRID, &[Bytes(1)]),
        (Type::DOA, &[Bytes(10)]),
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

/// Which names are compressed when they are written, expanded when they are read, and in lower case in the canonical form:
/// RFC 1035 section 3.3 for the first, RFC 3597 section 4 for the second, RFC 4034 section 6.2 with RFC 6840 section 5.1 for
/// the third.
#[test]
fn names_of_each_type_are_treated_as_its_rfc_says() {
    let [all, middle, signer, none] =
        [(true, true, true), (false, true, true), (false, false, true), (false, false, false)];
    for (rtypes, before, names, behind, (compressed, expanded, lowered)) in [
        (
            &[Type::NS, Type::MD, Type::MF, Type::CNAME, Type::MB, Type::MG, Type::MR, Type::PTR][..],
            0,
            1,
            0,
            all,
        ),
        (&[Type::SOA], 0, 2, 20, all),
        (&[Type::MINFO], 0, 2, 0, all),
        (&[Type::MX], 2, 1, 0, all),
        (&[Type::DNAME, Type::NSAP_PTR], 0, 1, 0, middle),
        (&[Type::RP], 0, 2, 0, middle),
        (&[Type::AFSDB, Type::RT, Type::KX], 2, 1, 0, middle),
        (&[Type::PX], 2, 2, 0, middle),
        (&[Type::SRV], 6, 1, 0, middle),
        (&[Type::NAPTR], 7, 1, 0, middle),
        (&[Type::SIG], 18, 1, 5, middle),
        (&[Type::NXT], 0, 1, 5, middle),
        (&[Type::RRSIG], 18, 1, 5, signer),
        (&[Type::NSEC], 0, 1, 0, none),
        (&[Type::LP, Type::SVCB, Type::HTTPS], 2, 1, 0, none),
        (&[Type::DSYNC], 5, 1, 0, none),
    ] {
        for &rtype in rtypes {
            let full = [vec![0; before], name("A.Test").repeat(names), vec![1; behind]].concat();
            let case = format!("{rtype}");
            let (mut buffer, mut compression) = ([0u8; 256], NameCompression::default());
            let mut w = MessageWriter::new(&mut buffer, 256, &mut compression);
            w.question(name_of("Test").as_ref(), rtype, Class::IN).unwrap();
            let at = w.len();
            write(&mut w, rtype, &full).unwrap();
            assert_eq!(w.len() - at < full.len(), compressed, "{case} written");
            // The names as a pointer to the question's.
            let short = [vec![0; before], [0xc0, 12].repeat(names), vec![1; behind]].concat();
            let message = of_record(rtype, &short);
            let record = MessageView::parse(&message).unwrap().records().next().unwrap().unwrap();
            let mut back = b"before".to_vec();
            let done = expand(&record, &mut back);
            assert_eq!(done.is_ok(), expanded, "{case} read");
            let wanted = [vec![0; before], name("Test").repeat(names), vec![1; behind]].concat();
            assert_eq!(back, [&b"before"[..], if expanded { &wanted } else { &[] }].concat(), "{case} read");
            let mut canonical = full.clone();
            make_canonical(rtype, &mut canonical);
            let lower = [vec![0; before], name("a.test").repeat(names), vec![1; behind]].concat();
            assert_eq!(canonical, if lowered { lower } else { full }, "{case} in canonical form");
        }
    }
}

fn name_of(text: &str) -> DomainName {
    text.parse().unwrap()
}

/// A message with the question `Test.` and a record, owned by it, with this RDATA and another record behind it.
fn of_record(rtype: Type, rdata: &[u8]) -> Vec<u8> {
    let (mut buffer, mut compression) = (vec![0; 70_000], NameCompression::default());
    let mut w = MessageWriter::new(&mut buffer, 70_000, &mut compression);
    let owner = name_of("Test");
    w.question(owner.as_ref(), rtype, Class::IN).unwrap();
    for rdata in [rdata, b"behind"] {
        w.record(MessageSection::Answer, owner.as_ref(), rtype, Class::IN, 60, |w| w.bytes(rdata)).unwrap();
    }
    let length = w.finish(1, 0);
    buffer.truncate(length);
    buffer
}

#[test]
fn what_is_read_is_well_formed_or_nothing() {
    for (case, rtype, rdata, wanted) in [
        ("as it is", Type::A, &b"\x01\x02\x03\x04"[..], Ok(4)),
        ("short", Type::A, b"\x01\x02\x03", Err(RdataError::Short)),
        ("long", Type::A, b"\x01\x02\x03\x04\x05", Err(RdataError::Trailing)),
        ("a type nobody knows", Type(65280), b"\xc0\x0c", Ok(2)),
        ("a pointer", Type::MX, b"\0\x05\xc0\x0c", Ok(8)),
        ("cut within the number", Type::MX, b"\0", Err(RdataError::Short)),
        ("cut before the name", Type::MX, b"\0\x05", Err(RdataError::Name(crate::NameError::Short))),
        ("more behind the name", Type::MX, b"\0\x05\xc0\x0c\0", Err(RdataError::Trailing)),
        ("texts", Type::NAPTR, b"\0\0\0\0\x01a\0\x02bc\xc0\x0c", Ok(16)),
        ("a text that runs over", Type::NAPTR, b"\0\0\0\0\x01a\0\x09bc\xc0\x0c", Err(RdataError::Short)),
        ("a gateway", Type::IPSECKEY, b"\x0a\x01\x02\xc0\0\x02\x01key", Ok(10)),
        ("servers behind an identity", Type::HIP, b"\x01\x02\0\x01\x09\x09\x01a\0", Ok(9)),
    ] {
        let message = of_record(rtype, rdata);
        let record = MessageView::parse(&message).unwrap().records().next().unwrap().unwrap();
        let mut back = vec![7; 3];
        let read = expand(&record, &mut back).map(|()| back.len() - 3);
        assert_eq!(read, wanted, "{case}");
        assert_eq!((back.len(), &back[..3]), (3 + wanted.unwrap_or(0), &[7; 3][..]), "{case}");
    }
}

#[test]
fn pieces_are_the_fields_in_order() {
    let (a, b) = (name("a"), name("b"));
    let show = |piece: RdataPiece<'_>| match piece {
        RdataPiece::Bytes(bytes) => format!("{}", bytes.len()),
        RdataPiece::Name(name, _) => name.to_string(),
    };
    for (case, rtype, rdata, pieces) in [
        ("names and numbers", Type::SOA, [&a[..], &b, &[0; 20]].concat(), "a. b. 20"),
        ("texts", Type::NAPTR, [&b"\0\0\0\0\x01x\0\x02yz"[..], &a].concat(), "4 2 1 3 a."),
        ("no gateway", Type::IPSECKEY, b"\x0a\0\x02key".to_vec(), "3 0 3"),
        ("a gateway of IPv4", Type::IPSECKEY, b"\x0a\x01\x02\x01\x02\x03\x04key".to_vec(), "3 4 3"),
        ("a gateway of IPv6", Type::IPSECKEY, [&b"\x0a\x02\x02"[..], &[9; 19]].concat(), "3 16 3"),
        ("a gateway by name", Type::IPSECKEY, [&b"\x0a\x03\x02"[..], &a, b"key"].concat(), "3 a. 3"),
        ("a relay by name", Type::AMTRELAY, [&b"\x0a\x83"[..], &a].concat(), "2 a."),
        ("a relay of IPv4", Type::AMTRELAY, b"\x0a\x81\x01\x02\x03\x04".to_vec(), "2 4"),
        ("identity and servers", Type::HIP, [&b"\x02\x01\0\x03hhkkk"[..], &a, &b].concat(), "9 a. b."),
        ("an identity alone", Type::HIP, b"\x02\x01\x00\x03hhkkk".to_vec(), "9"),
        ("a long key", Type::HIP, [&b"\x01\x01\x01\x02"[..], &[9; 259]].concat(), "263"),
    ] {
        let shown: Vec<String> = RdataPieces::new(rtype, &rdata).map(|piece| show(piece.unwrap())).collect();
        assert_eq!(shown.join(" "), pieces, "{case}");
    }
    let errors = |rtype, rdata: &[u8]| RdataPieces::new(rtype, rdata).filter(Result::is_err).count();
    assert_eq!((errors(Type::SOA, &[1]), errors(Type::IPSECKEY, b"\x0a\x04\x02key")), (1, 1));
}

#[test]
fn fields_of_variable_length_are_held_to_their_rfc() {
    let bitmap = |windows: &[(u8, &[u8])]| -> Vec<u8> {
        let window = |&(number, bits): &(u8, &[u8])| [&[number, bits.len() as u8][..], bits].concat();
        [&[0][..], &windows.iter().flat_map(window).collect::<Vec<u8>>()].concat()
    };
    let with_tag = |tag: &str| [&[0, tag.len() as u8][..], tag.as_bytes(), b"value"].concat();
    let parameters = |parts: &[u8]| [&[0, 1, 0][..], parts].concat();
    for (case, rtype, rdata, good) in [
        ("no window", Type::NSEC, bitmap(&[]), true),
        ("windows that rise", Type::NSEC, bitmap(&[(0, &[1]), (1, &[1]), (255, &[1])]), true),
        ("the same window", Type::NSEC, bitmap(&[(0, &[1]), (0, &[1])]), false),
        ("windows that fall", Type::NSEC, bitmap(&[(2, &[1]), (1, &[1])]), false),
        ("the largest window", Type::NSEC, bitmap(&[(0, &[1; 32])]), true),
        ("a window too large", Type::NSEC, bitmap(&[(0, &[1; 33])]), false),
        ("a window without bits", Type::NSEC, bitmap(&[(0, &[])]), false),
        ("zeros at the end", Type::NSEC, bitmap(&[(0, &[1, 0])]), false),
        ("zeros before", Type::NSEC, bitmap(&[(0, &[0, 1])]), true),
        ("half of a window", Type::NSEC, [bitmap(&[(0, &[1])]), vec![1]].concat(), false),
        ("a cut window", Type::NSEC, vec![0, 0, 2, 1], false),
        ("a tag", Type::CAA, with_tag("issue"), true),
        ("a tag with a digit", Type::CAA, with_tag("Tag0"), true),
        ("a tag with a hyphen", Type::CAA, with_tag("a-b"), false),
        ("no tag", Type::CAA, with_tag(""), false),
        ("a tag that runs over", Type::CAA, vec![0, 3, b'a', b'b'], false),
        ("no parameter", Type::SVCB, parameters(b""), true),
        ("keys that rise", Type::SVCB, parameters(b"\0\x01\0\x01x\x01\0\0\0"), true),
        ("a key again", Type::SVCB, parameters(b"\0\x01\0\0\0\x01\0\0"), false),
        ("keys that fall", Type::SVCB, parameters(b"\x01\0\0\0\0\x02\0\0"), false),
        ("a cut key", Type::SVCB, parameters(b"\0\x01\0"), false),
        ("a cut value", Type::SVCB, parameters(b"\0\x01\0\x02x"), false),
        ("no prefix", Type::APL, vec![], true),
        ("prefixes", Type::APL, b"\0\x01\x08\x01\x0a\0\x02\0\x80".to_vec(), true),
        ("a negated prefix", Type::APL, b"\0\x01\x08\x81\x0a".to_vec(), true),
        ("a cut prefix", Type::APL, b"\0\x01\x08\x02\x0a".to_vec(), false),
        ("a cut head of a prefix", Type::APL, b"\0\x01\x08".to_vec(), false),
        ("texts", Type::TXT, b"\x01a\0\x02bc".to_vec(), true),
        ("a cut text", Type::TXT, b"\x01a\x03bc".to_vec(), false),
        ("a hash without an end", Type::NSEC3, b"\x01\0\0\0\0".to_vec(), false),
        ("a hash", Type::NSEC3, b"\x01\0\0\0\x01s\x02hh\0\x01\x40".to_vec(), true),
        ("a cut identity", Type::HIP, b"\x02\x01\0\x03hhkk".to_vec(), false),
        ("a cut head of an identity", Type::HIP, b"\0\x01\0".to_vec(), false),
        ("a gateway that is cut", Type::IPSECKEY, b"\x0a\x01\x02\x01\x02\x03".to_vec(), false),
        ("an IPv6 gateway that is cut", Type::IPSECKEY, [&b"\x0a\x02\x02"[..], &[9; 15]].concat(), false),
        ("a gateway of type 4", Type::AMTRELAY, b"\x0a\x04".to_vec(), false),
        ("a relay with more behind it", Type::AMTRELAY, b"\x0a\x81\x01\x02\x03\x04\x05".to_vec(), false),
    ] {
        assert_eq!(check(rtype, &rdata).is_ok(), good, "{case}");
    }
}

/// Names that pointers make longer than the RDATA of a record can be.
#[test]
fn rdata_that_grows_too_long_is_refused() {
    // A name of 255 bytes, which stands once in the message.
    let long =
        [[&[63][..], &[b'a'; 63]].concat().repeat(3), [&[61][..], &[b'b'; 61]].concat(), vec![0]].concat();
    for (behind, fits) in [(65_280, true), (65_281, false)] {
        let head = b"\0\0\0\0\0\x01\0\x01\0\0\0\0";
        let length: u16 = 2 + behind;
        let record = [&b"\xc0\x0c\0\x1e\0\x01\0\0\0\x05"[..], &length.to_be_bytes()].concat();
        let message =
            [&head[..], &long, &[0, 1, 0, 1], &record, &[0xc0, 12], &vec![1; usize::from(length) - 2]]
                .concat();
        let record = MessageView::parse(&message).unwrap().records().next().unwrap().unwrap();
        let done = expand(&record, &mut Vec::new());
        assert_eq!(done, if fits { Ok(()) } else { Err(RdataError::TooLong) }, "{behind}");
    }
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
