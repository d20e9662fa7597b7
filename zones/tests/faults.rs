//! What the builder refuses and what it warns of.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

mod kit;

use kit::build;
use rhumb_wire::{DomainName, Type};
use rhumb_zones::{AddError, FaultSeverity, ZoneBuilder, ZoneFault};

const HEAD: &str = "example. 300 IN SOA ns.example. x. 1 1 1 1 60\nexample. 300 IN NS ns.example.\nns.example. 300 IN A 192.0.2.53\n";

/// The faults of a zone with these lines: line, severity and text.
fn faults(lines: &str) -> Vec<(u32, FaultSeverity, String)> {
    let text = HEAD.to_owned() + lines;
    let list: Vec<ZoneFault> = match build("example.", text.lines()) {
        Ok((_, warnings)) => warnings,
        Err(faults) => faults,
    };
    list.into_iter()
        .map(|fault| (fault.line, fault.severity, format!("{}: {}", fault.owner, fault.kind)))
        .collect()
}

#[test]
fn each_fault_has_its_line() {
    use FaultSeverity::{Error, Warning};
    for (lines, line, severity, text) in [
        (
            "a.example. 300 IN CNAME b.other.\na.example. 300 IN A 192.0.2.1",
            5,
            Error,
            "a.example.: a CNAME and A at the same name",
        ),
        (
            "a.example. 300 IN CNAME b.other.\na.example. 300 IN CNAME c.other.",
            5,
            Error,
            "a.example.: more than one CNAME at the same name",
        ),
        (
            "a.example. 300 IN DNAME b.other.\na.example. 300 IN DNAME c.other.",
            5,
            Error,
            "a.example.: more than one DNAME at the same name",
        ),
        (
            "ns.example. 60 IN A 192.0.2.2",
            4,
            Warning,
            "ns.example.: the TTLs of the A RRset differ, the lowest is taken",
        ),
        ("NS.example. 300 IN A 192.0.2.53", 4, Warning, "ns.example.: the same A record twice, one is kept"),
        (
            "sub.example. 300 IN NS ns.sub.example.",
            4,
            Warning,
            "sub.example.: the delegation needs an address of ns.sub.example., which is missing",
        ),
        (
            "sub.example. 300 IN NS ns.example.\nx.sub.example. 300 IN TXT t",
            5,
            Warning,
            "x.sub.example.: TXT lies below sub.example., whose NS or DNAME record hides it",
        ),
        (
            "sub.example. 300 IN DNAME b.other.\nx.y.sub.example. 300 IN TXT t",
            5,
            Warning,
            "x.y.sub.example.: TXT lies below sub.example., whose NS or DNAME record hides it",
        ),
        (
            "example. 300 IN MX 1 mail.example.",
            4,
            Warning,
            "example.: MX points to mail.example., which has no address in this zone",
        ),
        (
            "a.example. 300 IN CNAME ns.example.\nexample. 300 IN MX 1 a.example.",
            5,
            Warning,
            "example.: MX points to a.example., which is a CNAME",
        ),
    ] {
        assert_eq!(faults(lines), [(line, severity, text.to_owned())], "{lines}");
    }
}

/// RFC 4034 section 5.1.4; each record of a set is looked at.
#[test]
fn digests_of_another_length_are_told() {
    let good = "ab".repeat(32);
    let text = "the digest of a DS record has another length than its type says: there are secondaries that refuse the zone for it";
    for (lines, line) in [
        ("sub.example. 300 IN DS 1 8 2 abcd".to_owned(), 4),
        (format!("sub.example. 300 IN DS 1 8 2 {good}\nsub.example. 300 IN DS 1 8 4 {good}"), 5),
    ] {
        assert_eq!(
            faults(&lines),
            [(line, FaultSeverity::Warning, format!("sub.example.: {text}"))],
            "{lines}"
        );
    }
}

#[test]
fn what_is_no_fault() {
    for lines in [
        "*.example. 300 IN A 192.0.2.1\nexample. 300 IN MX 1 mail.example.",
        "sub.example. 300 IN NS ns.sub.example.\nns.sub.example. 300 IN A 192.0.2.1\nexample. 300 IN MX 1 x.sub.example.",
        "a.example. 300 IN CNAME b.other.\na.example. 300 IN NSEC b.example. CNAME\na.example. 300 IN RRSIG CNAME example.",
        "example. 300 IN SOA ns.example. x. 1 1 1 1 60",
        "example. 300 IN MX 1 mail.elsewhere.",
    ] {
        assert_eq!(faults(lines), [], "{lines}");
    }
}

#[test]
fn a_zone_needs_soa_and_ns() {
    let faults = build("example.", ["a.example. 300 IN A 192.0.2.1"]).unwrap_err();
    let kinds: Vec<String> = faults.iter().map(|fault| fault.kind.to_string()).collect();
    assert_eq!(kinds, ["the zone has no SOA record at its apex", "the zone has no NS record at its apex"]);
}

#[test]
fn records_that_are_refused() {
    let name = |text: &str| text.parse::<DomainName>().unwrap();
    let mut builder = ZoneBuilder::new(name("example.").as_ref());
    let soa = |serial: u8| [&[0, 0][..], &[serial; 20]].concat();
    for (owner, rtype, rdata, wanted) in [
        ("other.", Type::A, vec![1, 2, 3, 4], Err(AddError::OutOfZone)),
        ("notexample.", Type::A, vec![1, 2, 3, 4], Err(AddError::OutOfZone)),
        ("a.example.", Type::ANY, vec![], Err(AddError::MetaType)),
        ("a.example.", Type(0), vec![], Err(AddError::MetaType)),
        ("a.example.", Type::SOA, soa(1), Err(AddError::MisplacedSoa)),
        ("example.", Type::SOA, vec![0, 0], Err(AddError::BadRdata)),
        ("example.", Type::SOA, soa(1), Ok(())),
        ("example.", Type::SOA, soa(1), Ok(())),
        ("example.", Type::SOA, soa(2), Err(AddError::SecondSoa)),
        ("nohash.example.", Type::NSEC3, vec![1, 0, 0, 0, 0], Err(AddError::BadNsec3Owner)),
        ("eXAMPLE.", Type::NS, vec![0], Ok(())),
    ] {
        assert_eq!(builder.add(name(owner).as_ref(), rtype, 60, &rdata, 1), wanted, "{owner} {rtype}");
    }
    let contents = builder.finish().unwrap().0;
    assert_eq!((contents.serial(), contents.record_count()), (0x0101_0101, 2));
}

#[test]
fn faults_are_bounded() {
    use std::fmt::Write;
    let mut text = String::from("sub.example. 300 IN NS ns.example.\n");
    for i in 0..3000 {
        writeln!(text, "x{i}.sub.example. 300 IN TXT t").unwrap();
    }
    assert_eq!(faults(&text).len(), 1000);
}

/// The warnings of a zone with these lines behind its SOA and NS.
fn warnings(apex: &str, lines: &str) -> Vec<String> {
    let text = format!("{apex} 300 IN SOA ns.test. x. 1 1 1 1 60\n{apex} 300 IN NS ns.test.\n{lines}");
    let (_, faults) = build(apex, text.lines()).unwrap();
    faults.into_iter().map(|fault| format!("{} {}: {}", fault.line, fault.owner, fault.kind)).collect()
}

#[test]
fn names_without_their_last_dot() {
    const DOT: &str = "is a dot missing at its end?";
    const ADDRESS: &str = "an address where a name is wanted";
    let (zone, reverse, ip6) = ("Example.com.", "2.0.192.in-addr.arpa.", "8.b.d.0.1.0.0.2.ip6.arpa.");
    for (apex, line, part) in [
        (zone, "www.example.com.example.com. 300 IN A 192.0.2.1", DOT),
        (zone, "example.com.example.com. 300 IN TXT a", DOT),
        (zone, "sub.example.com.example.com. 300 IN NS ns.test.", DOT),
        (zone, "www.example.com. 300 IN CNAME web.EXAMPLE.com.example.com.", DOT),
        (zone, "example.com. 300 IN MX 10 mail.example.com.example.com.", DOT),
        (zone, "example.com. 300 IN NS ns.example.com.example.com.", DOT),
        (zone, "_x._tcp.example.com. 300 IN SRV 1 2 3 x.example.com.example.com.", DOT),
        (zone, "_x._tcp.example.com. 300 IN PTR x.example.com.example.com.", DOT),
        (zone, "www.example.com. 300 IN CNAME 192.0.2.1.example.com.", ADDRESS),
        (zone, "www.example.com. 300 IN CNAME 192.0.2.1.", ADDRESS),
        (zone, "example.com. 300 IN MX 10 192.0.2.1.example.com.", ADDRESS),
        (zone, "example.com. 300 IN NS 192.0.2.1.", ADDRESS),
        (reverse, "1.2.0.192.in-addr.arpa. 300 IN PTR host.example.com.2.0.192.in-addr.arpa.", DOT),
        (reverse, "1.2.0.192.in-addr.arpa.2.0.192.in-addr.arpa. 300 IN PTR host.test.", DOT),
        (ip6, "1.8.b.d.0.1.0.0.2.ip6.arpa. 300 IN PTR host.example.com.8.b.d.0.1.0.0.2.ip6.arpa.", DOT),
        ("lan.", "www.lan. 300 IN CNAME host.lan.lan.", DOT),
        ("lan.", "host.lan.lan. 300 IN A 192.0.2.1", DOT),
    ] {
        let found = warnings(apex, line);
        assert!(
            found.len() == 1 && found[0].starts_with("3 ") && found[0].ends_with(part),
            "{line}: {found:?}"
        );
    }
    for (apex, lines) in [
        (zone, "www.example.com. 300 IN CNAME notexample.com."),
        (zone, "www.example.com. 300 IN CNAME a.notexample.com.example.com."),
        (zone, "xexample.com.example.com. 300 IN A 192.0.2.1"),
        (zone, "www.example.com. 300 IN CNAME 256.0.2.1.example.com."),
        (zone, "www.example.com. 300 IN CNAME 0.2.1.example.com."),
        (zone, "www.example.com. 300 IN CNAME 1.192.0.2.1.example.com."),
        (zone, "www.example.com. 300 IN CNAME 1.2.0.192.x.example.com."),
        (
            zone,
            "www.example.com. 300 IN CNAME 1.2.0.192.example.com.\n1.2.0.192.example.com. 300 IN A 192.0.2.1",
        ),
        (zone, "www.example.com. 300 IN CNAME a.com.example.com.\ncom.example.com. 300 IN NS ns.test."),
        (zone, "1.example.com. 300 IN PTR host.example.com."),
        ("com.", "com.com. 300 IN NS ns.test.\nx.com. 300 IN NS ns.com.com."),
        (".", "ns.test. 300 IN A 192.0.2.1\nx. 300 IN CNAME y."),
        (reverse, "1.2.0.192.in-addr.arpa. 300 IN CNAME 1.0-25.2.0.192.in-addr.arpa."),
        (reverse, "1.2.0.192.in-addr.arpa. 300 IN PTR host.example.com."),
        ("in-addr.arpa.", "1.in-addr.arpa. 300 IN CNAME 1.2.0.192.in-addr.arpa."),
        (reverse, "b._dns-sd._udp.2.0.192.in-addr.arpa. 300 IN PTR 2.0.192.in-addr.arpa."),
    ] {
        assert_eq!(warnings(apex, lines), Vec::<String>::new(), "{lines}");
    }
    let many: Vec<String> =
        (0..5000).map(|at| format!("h{at}.example.com. 300 IN CNAME 192.0.2.1.")).collect();
    assert_eq!(warnings(zone, &many.join("\n")).len(), 1000);
}
