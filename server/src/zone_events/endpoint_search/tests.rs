//! Names that are asked for, and answers that are read.

use rhumb_wire::MessageWriter;
use rhumb_wire::compress::NameCompression;
use rhumb_wire::header;

use super::*;

fn name(text: &str) -> DomainName {
    text.parse().unwrap()
}

/// All names that are asked for of `child`, where nothing is there and the SOA is each time that of the longest of `zones` above.
fn asked(child: &str, zones: &[&str]) -> Vec<String> {
    let mut search = EndpointSearch::new(name(child).as_ref()).unwrap();
    let mut names = Vec::new();
    loop {
        let asked = search.name().unwrap();
        names.push(asked.to_string());
        let above =
            zones.iter().map(|zone| name(zone)).filter(|zone| asked.as_ref().is_at_or_below(zone.as_ref()));
        let zone = above.max_by_key(|zone| zone.as_ref().label_count());
        if !search.denied(zone.as_ref().map(DomainName::as_ref)) {
            return names;
        }
    }
}

#[test]
fn the_names_of_the_standard() {
    for (child, zones, expected) in [
        ("child.example.", &["example."][..], &["child._dsync.example.", "_dsync.example."][..]),
        ("example.", &["."], &["example._dsync.", "_dsync."]),
        ("city.ise.mie.jp.", &["jp."], &["city._dsync.ise.mie.jp.", "city.ise.mie._dsync.jp.", "_dsync.jp."]),
        ("a.b.c.", &["."], &["a._dsync.b.c.", "a.b.c._dsync.", "_dsync."]),
        // The SOA says nothing: it is missing, of the child, of another place, or of a zone of such names alone.
        ("a.b.", &[], &["a._dsync.b.", "_dsync.b."]),
        ("a.b.", &["c."], &["a._dsync.b.", "_dsync.b."]),
        ("a.b.", &["_dsync.b.", "b."], &["a._dsync.b.", "_dsync.b."]),
        ("A.b.C.", &["c."], &["A._dsync.b.C.", "A.b._dsync.C.", "_dsync.C."]),
    ] {
        assert_eq!(asked(child, zones), expected, "{child} below {zones:?}");
    }
    assert!(EndpointSearch::new(NameRef::ROOT).is_none());
}

/// However an attacker answers, there is an end, and no name is asked for twice.
#[test]
fn the_search_ends() {
    let child = name("a.b.c.d.e.f.g.h.");
    for seed in 0_u32..2000 {
        let (mut search, mut names) = (EndpointSearch::new(child.as_ref()).unwrap(), Vec::new());
        let mut number = seed;
        loop {
            names.push(search.name().unwrap());
            number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let zone = child.as_ref().skip_labels((number >> 16) as usize % 12);
            if !search.denied(Some(zone)) {
                break;
            }
        }
        let count = names.len();
        names.sort();
        names.dedup();
        assert!(count == names.len() && count <= 16, "{seed}: {names:?}");
    }
}

#[test]
fn a_name_that_is_too_long_is_not_asked_for() {
    let child = name(&format!("{}example.", "abc.".repeat(59)));
    let search = EndpointSearch::new(child.as_ref()).unwrap();
    assert!(search.name().is_some());
    let child = name(&format!("{}example.", "abc.".repeat(60)));
    assert!(EndpointSearch::new(child.as_ref()).unwrap().name().is_none());
}

fn rdata(rtype: Type, scheme: u8, port: u16, target: &str) -> Vec<u8> {
    let mut rdata = rtype.0.to_be_bytes().to_vec();
    rdata.push(scheme);
    rdata.extend(port.to_be_bytes());
    rdata.extend(name(target).as_ref().as_bytes());
    rdata
}

fn response(rcode: u16, answer: &[(Type, Vec<u8>)], soa: Option<&str>) -> Vec<u8> {
    let (mut buffer, mut compression) = (vec![0; 2048], NameCompression::default());
    let mut w = MessageWriter::new(&mut buffer, 2048, &mut compression);
    let owner = name("child._dsync.example.");
    w.question(owner.as_ref(), Type::DSYNC, Class::IN).unwrap();
    for (rtype, rdata) in answer {
        let section = MessageSection::Answer;
        w.record(section, owner.as_ref(), *rtype, Class::IN, 60, |w| w.bytes(rdata)).unwrap();
    }
    if let Some(zone) = soa {
        let section = MessageSection::Authority;
        w.record(section, name(zone).as_ref(), Type::SOA, Class::IN, 60, |w| w.bytes(&[0; 22])).unwrap();
    }
    let length = w.finish(1, header::QR | rcode);
    buffer.truncate(length);
    buffer
}

#[test]
fn what_answers_say() {
    let found =
        |target: &str, port| EndpointAnswer::Found(Some(ParentEndpoint { target: name(target), port }));
    let dsync = |rdata| (Type::DSYNC, rdata);
    let wanted = || dsync(rdata(Type::CDS, 1, 5300, "scan.example."));
    let nobody = EndpointAnswer::Found(None);
    for (what, answer, expected) in [
        ("the one", vec![wanted()], found("scan.example.", 5300)),
        ("behind an alias", vec![(Type::CNAME, b"\x01x\0".to_vec()), wanted()], found("scan.example.", 5300)),
        (
            "behind another",
            vec![dsync(rdata(Type::CSYNC, 1, 53, "a.")), wanted()],
            found("scan.example.", 5300),
        ),
        ("of another type", vec![dsync(rdata(Type::CSYNC, 1, 53, "a."))], nobody),
        ("of no scheme", vec![dsync(rdata(Type::CDS, 0, 53, "a."))], EndpointAnswer::Found(None)),
        ("of an unknown scheme", vec![dsync(rdata(Type::CDS, 2, 53, "a."))], EndpointAnswer::Found(None)),
        ("no port", vec![dsync(rdata(Type::CDS, 1, 0, "a."))], EndpointAnswer::Found(None)),
        ("no target", vec![dsync(rdata(Type::CDS, 1, 53, "."))], EndpointAnswer::Found(None)),
        ("a pointer", vec![dsync(vec![0, 59, 1, 0, 53, 0xc0, 12])], EndpointAnswer::Found(None)),
        ("cut", vec![dsync(vec![0, 59, 1, 0])], EndpointAnswer::Found(None)),
        ("empty", vec![dsync(Vec::new())], EndpointAnswer::Found(None)),
    ] {
        assert_eq!(EndpointAnswer::read(&response(0, &answer, None), Type::CDS), expected, "{what}");
    }
    for (rcode, soa, expected) in [
        (0, Some("example."), EndpointAnswer::Denied(Some(name("example.")))),
        (3, Some("."), EndpointAnswer::Denied(Some(name(".")))),
        (3, None, EndpointAnswer::Denied(None)),
        (2, Some("example."), EndpointAnswer::Failed(Rcode::SERVFAIL)),
        (5, None, EndpointAnswer::Failed(Rcode::REFUSED)),
    ] {
        assert_eq!(EndpointAnswer::read(&response(rcode, &[], soa), Type::CDS), expected, "{rcode} {soa:?}");
    }
    // No part of a message is read as something that is there.
    let whole = response(0, &[wanted()], None);
    for end in 0..whole.len() {
        assert!(
            !matches!(EndpointAnswer::read(&whole[..end], Type::CDS), EndpointAnswer::Found(Some(_))),
            "{end}"
        );
    }
}
