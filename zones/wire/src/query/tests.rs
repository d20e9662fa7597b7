use super::*;

const ASKED: &[u8] = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03wWw\x00\x00\x01\x00\x01";

fn with(counts: [u8; 8], tail: &[u8]) -> Vec<u8> {
    let mut m = ASKED.to_vec();
    m[4..12].copy_from_slice(&counts);
    m.extend_from_slice(tail);
    m
}
const OPT: &[u8] = b"\0\0\x29\x04\xd0\0\0\x80\0\0\0";

#[test]
fn a_plain_question() {
    let q = QueryMessage::parse(ASKED).unwrap();
    assert_eq!((q.name.to_string().as_str(), q.qtype, q.class), ("wWw.", Type::A, Class::IN));
    assert!(q.recursion_desired() && q.edns.is_none());
    assert_eq!(q.question_bytes(), &ASKED[12..]);
}

#[test]
fn edns_is_found() {
    let m = with([0, 1, 0, 0, 0, 0, 0, 1], OPT);
    let edns = QueryMessage::parse(&m).unwrap().edns.unwrap();
    assert_eq!((edns.udp_size, edns.dnssec_ok(), edns.version), (1232, true, 0));
}

#[test]
fn faults_are_told_apart() {
    assert_eq!(QueryMessage::parse(&ASKED[..11]).unwrap_err(), QueryError::Short);
    let mut response = ASKED.to_vec();
    response[2] |= 0x80;
    assert_eq!(QueryMessage::parse(&response).unwrap_err(), QueryError::Response);
    let two = [OPT, OPT].concat();
    for (counts, tail) in [
        ([0, 0, 0, 0, 0, 0, 0, 0], &b""[..]),
        ([0, 2, 0, 0, 0, 0, 0, 0], b""),
        ([0, 1, 0, 1, 0, 0, 0, 0], OPT),
        ([0, 1, 0, 0, 0, 1, 0, 0], OPT),
        ([0, 1, 0, 0, 0, 0, 0, 2], &two),
        ([0, 1, 0, 0, 0, 0, 0, 2], OPT),
        ([0, 1, 0, 0, 0, 0, 255, 255], OPT),
        ([0, 1, 0, 0, 0, 0, 0, 1], b"\0\0\x29\x04\xd0\0\0\0\0\0\x05\0\x03\0\x09x"),
        ([0, 1, 0, 0, 0, 0, 0, 2], b"\0\0\xfa\0\xff\0\0\0\0\0\0\0\0\x01\0\xff\0\0\0\0\0\0"),
    ] {
        assert!(
            matches!(QueryMessage::parse(&with(counts, tail)), Err(QueryError::Malformed(_))),
            "{counts:?}"
        );
    }
}

const TSIG: &[u8] = b"\0\0\xfa\0\xff\0\0\0\0\0\0";
const TXT: &[u8] = b"\x01x\0\0\x10\0\x01\0\0\0\x05\0\x04\x03abc";

/// Other opcodes have records before the additional section.
fn notify(counts: [u8; 8], tail: &[u8]) -> Vec<u8> {
    let mut message = with(counts, tail);
    message[2] |= 4 << 3;
    message
}

#[test]
fn records_before_opt_are_passed_over() {
    for message in [
        with([0, 1, 0, 0, 0, 0, 0, 2], &[TXT, OPT].concat()),
        with([0, 1, 0, 0, 0, 0, 0, 2], &[OPT, TXT].concat()),
        notify([0, 1, 0, 2, 0, 0, 0, 2], &[TXT, TXT, TXT, OPT].concat()),
        notify([0, 1, 0, 1, 0, 1, 0, 1], &[TXT, TXT, OPT].concat()),
    ] {
        let query = QueryMessage::parse(&message).unwrap();
        assert_eq!(query.edns.map(|edns| edns.udp_size), Some(1232));
    }
    let signed = with([0, 1, 0, 0, 0, 0, 0, 2], &[OPT, TSIG].concat());
    let query = QueryMessage::parse(&signed).unwrap();
    assert_eq!((query.tsig, query.edns.is_some()), (Some(signed.len() - TSIG.len()), true));
}

#[test]
fn opt_and_tsig_stand_in_the_additional_section_alone() {
    for message in [
        notify([0, 1, 0, 1, 0, 0, 0, 0], OPT),
        notify([0, 1, 0, 0, 0, 1, 0, 1], &[OPT, TXT].concat()),
        notify([0, 1, 0, 1, 0, 0, 0, 1], &[TSIG, TXT].concat()),
        notify([0, 1, 0, 1, 0, 1, 0, 0], &[TXT, TSIG].concat()),
    ] {
        assert!(matches!(QueryMessage::parse(&message), Err(QueryError::Malformed(_))), "{message:?}");
    }
}

#[test]
fn those_who_want_authentic_data_say_so_by_either_bit() {
    let plain = QueryMessage::parse(ASKED).unwrap();
    assert!(!plain.wants_authentic());
    let mut authentic = ASKED.to_vec();
    authentic[3] |= 0x20;
    assert!(QueryMessage::parse(&authentic).unwrap().wants_authentic());
    assert!(QueryMessage::parse(&with([0, 1, 0, 0, 0, 0, 0, 1], OPT)).unwrap().wants_authentic());
    let without_do = b"\0\0\x29\x04\xd0\0\0\0\0\0\0";
    assert!(!QueryMessage::parse(&with([0, 1, 0, 0, 0, 0, 0, 1], without_do)).unwrap().wants_authentic());
}

#[test]
fn the_parts_of_a_question_are_told_apart() {
    let message = b"\0\0\0\0\0\x01\0\0\0\0\0\0\x01A\x02bc\0\x12\x34\x56\x78tail";
    let query = QueryMessage::parse(message).unwrap();
    assert_eq!((query.qtype, query.class), (Type(0x1234), Class(0x5678)));
    assert_eq!((query.name.to_string(), query.question_end()), ("A.bc.".to_owned(), 22));
    assert_eq!((query.question_bytes(), query.message), (&message[12..22], &message[..]));
    for end in 12..22 {
        let cut = QueryMessage::parse(&message[..end]);
        assert!(matches!(cut, Err(QueryError::Malformed(_))), "cut at {end}");
    }
    assert!(QueryMessage::parse(&message[..22]).is_ok());
}

#[test]
fn the_bits_of_a_client_are_told_apart() {
    let opt = |flags: u16| [&OPT[..7], &flags.to_be_bytes()[..], &[0, 0]].concat();
    for (name, flags, dnssec_ok, recursion) in [
        ("RD", header::RD, None, true),
        ("all but RD", !header::RD & !header::QR & !header::OPCODE, None, false),
        ("none", 0, Some(false), false),
        ("DO", 0, Some(true), false),
        ("RD and DO", header::RD, Some(true), true),
    ] {
        let mut message = match dnssec_ok {
            Some(wanted) => with([0, 1, 0, 0, 0, 0, 0, 1], &opt(if wanted { 0x8000 } else { 0x7fff })),
            None => ASKED.to_vec(),
        };
        header::set_flags(&mut message, flags);
        let query = QueryMessage::parse(&message).unwrap();
        let seen = (query.dnssec_ok(), query.recursion_desired());
        assert_eq!(seen, (dnssec_ok == Some(true), recursion), "{name}");
    }
}

/// RFC 1995, section 3: what a secondary has stands in the authority section of its question for IXFR.
#[test]
fn the_authority_section_of_a_query_is_for_ixfr() {
    let of_type = |rtype: Type, counts: [u8; 8], tail: &[u8]| {
        let mut message = with(counts, tail);
        message[ASKED.len() - 4..ASKED.len() - 2].copy_from_slice(&rtype.0.to_be_bytes());
        QueryMessage::parse(&message).is_ok()
    };
    let two = [TXT, TXT].concat();
    for (name, rtype, counts, tail, good) in [
        ("IXFR with one", Type::IXFR, [0, 1, 0, 0, 0, 1, 0, 0], TXT, true),
        ("IXFR with none", Type::IXFR, [0, 1, 0, 0, 0, 0, 0, 0], b"", true),
        ("IXFR with two", Type::IXFR, [0, 1, 0, 0, 0, 2, 0, 0], &two, false),
        ("IXFR with an answer", Type::IXFR, [0, 1, 0, 1, 0, 0, 0, 0], TXT, false),
        ("AXFR with one", Type::AXFR, [0, 1, 0, 0, 0, 1, 0, 0], TXT, false),
        ("SOA with one", Type::SOA, [0, 1, 0, 0, 0, 1, 0, 0], TXT, false),
        ("A with an answer", Type::A, [0, 1, 0, 1, 0, 0, 0, 0], TXT, false),
        ("A with an additional record", Type::A, [0, 1, 0, 0, 0, 0, 0, 1], TXT, true),
    ] {
        assert_eq!(of_type(rtype, counts, tail), good, "{name}");
    }
}

/// The fields of a record before its RDATA, to the byte.
#[test]
fn a_record_that_is_cut_off_is_noticed() {
    let whole = with([0, 1, 0, 0, 0, 0, 0, 2], &[OPT, TXT].concat());
    for end in ASKED.len()..whole.len() {
        assert!(matches!(QueryMessage::parse(&whole[..end]), Err(QueryError::Malformed(_))), "cut at {end}");
    }
    let query = QueryMessage::parse(&whole).unwrap();
    assert_eq!(query.edns.map(|edns| (edns.udp_size, edns.flags)), Some((1232, 0x8000)));
    // Bytes behind the last record are left alone.
    assert!(QueryMessage::parse(&[&whole[..], b"x"].concat()).is_ok());
    let owned = with([0, 1, 0, 0, 0, 0, 0, 1], &[b"\x01x", OPT].concat());
    assert!(matches!(QueryMessage::parse(&owned), Err(QueryError::Malformed(_))), "OPT is owned by the root");
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        if let Ok(q) = QueryMessage::parse(&bytes) {
            assert_eq!(q.question_bytes().len(), q.name.len() + 4);
        }
    }
}
