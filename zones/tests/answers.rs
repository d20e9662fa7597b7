//! Answers of unsigned zones, by the examples and rules of the RFCs.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

mod kit;

use kit::{ask, ask_in, check, zone};
use rhumb_wire::{DomainName, Rcode, Type};
use rhumb_zones::{AnswerKind, AnswerRequest, MatchKind, OneZone, ZoneContents};

/// RFC 4592 section 2.2.1.
#[test]
fn wildcards() {
    let zone = zone(
        "example. 3600 IN SOA ns.example.com. x. 1 1 1 1 60
        example. 3600 IN NS ns.example.com.
        example. 3600 IN NS ns.example.net.
        *.example. 3600 IN TXT wildcard
        *.example. 3600 IN MX 10 host1.example.
        sub.*.example. 3600 IN TXT literally
        host1.example. 3600 IN A 192.0.2.1
        _ssh._tcp.host1.example. 3600 IN SRV 0 0 22 host1.example.
        _ssh._tcp.host2.example. 3600 IN SRV 0 0 22 host2.example.
        subdel.example. 3600 IN NS ns.example.com.
        subdel.example. 3600 IN NS ns.example.net.",
    );
    let mx = |owner: &str| format!("{owner} MX \\x00\\n\\x05host1\\x07example\\x00");
    let soa = ["example. SOA"];
    for (name, qtype, answer) in [
        ("host3.example.", Type::MX, mx("host3.example.")),
        ("foo.bar.example.", Type::TXT, "foo.bar.example. TXT \\x08wildcard".to_owned()),
        ("*.example.", Type::TXT, "*.example. TXT \\x08wildcard".to_owned()),
        ("sub.*.example.", Type::TXT, "sub.*.example. TXT \\tliterally".to_owned()),
    ] {
        assert_eq!(ask(&zone, name, qtype).sections[0], [answer]);
    }
    check(&ask(&zone, "host3.example.", Type::A), AnswerKind::NoData, &[], &soa, &[]);
    check(&ask(&zone, "host1.example.", Type::MX), AnswerKind::NoData, &[], &soa, &[]);
    check(&ask(&zone, "sub.*.example.", Type::MX), AnswerKind::NoData, &[], &soa, &[]);
    check(&ask(&zone, "_telnet._tcp.host1.example.", Type::SRV), AnswerKind::NxDomain, &[], &soa, &[]);
    check(&ask(&zone, "_tcp.host1.example.", Type::SRV), AnswerKind::NoData, &[], &soa, &[]);
    check(&ask(&zone, "ghost.*.example.", Type::MX), AnswerKind::NxDomain, &[], &soa, &[]);
    let servers = ["subdel.example. NS ns.example.com.", "subdel.example. NS ns.example.net."];
    check(&ask(&zone, "host.subdel.example.", Type::A), AnswerKind::Referral, &[], &servers, &[]);
    let kind =
        |name: &str| zone.lookup(name.parse::<DomainName>().unwrap().as_ref()).map(|found| found.kind());
    assert_eq!(kind("a.b.example."), Some(MatchKind::Wildcard));
    assert_eq!(kind("host.subdel.example."), Some(MatchKind::BelowCut));
    assert_eq!(kind("example.com."), None);
}

#[test]
fn cuts() {
    let zone = zone(
        "example. 300 IN SOA ns.example. x. 1 1 1 1 60
        example. 300 IN NS ns.example.
        ns.example. 300 IN A 192.0.2.53
        sub.example. 300 IN NS ns.sub.example.
        sub.example. 300 IN NS ns.example.
        sub.example. 300 IN NS ns.elsewhere.org.
        sub.example. 300 IN TXT hidden
        sub.example. 300 IN DS 1 8 2 00ff
        ns.sub.example. 300 IN A 192.0.2.54
        deep.sub.example. 300 IN NS ns.deep.sub.example.
        ns.deep.sub.example. 300 IN A 192.0.2.55
        *.wild.example. 300 IN NS ns.example.",
    );
    let servers = [
        "sub.example. NS ns.elsewhere.org.",
        "sub.example. NS ns.example.",
        "sub.example. NS ns.sub.example.",
    ];
    let glue = ["ns.example. A 192.0.2.53", "ns.sub.example. A 192.0.2.54"];
    for (name, qtype) in [
        ("sub.example.", Type::NS),
        ("sub.example.", Type::TXT),
        ("ns.sub.example.", Type::A),
        ("ns.sub.example.", Type::DS),
        ("ns.deep.sub.example.", Type::A),
        ("x.y.sub.example.", Type::ANY),
    ] {
        let referral = ask(&zone, name, qtype);
        check(&referral, AnswerKind::Referral, &[], &servers, &glue);
        assert!(!referral.reply.authoritative);
    }
    let ds = ask(&zone, "sub.example.", Type::DS);
    check(&ds, AnswerKind::Answer, &["sub.example. DS \\x00\\x01\\x08\\x02\\x00\\xff"], &[], &[]);
    assert!(ds.reply.authoritative);
}

/// Glue is found whatever the case of the NS record, at the cut itself, at the apex, and in the root zone.
#[test]
fn glue_of_every_shape() {
    let example = zone(
        "example. 300 IN SOA ns.example. x. 1 1 1 1 60
        example. 300 IN NS example.
        example. 300 IN A 192.0.2.53
        sub.example. 300 IN NS NS.SUB.EXAMPLE.
        sub.example. 300 IN NS Sub.example.
        sub.example. 300 IN NS Example.
        sub.example. 300 IN NS a.Long.Name.elsewhere.example.
        sub.example. 300 IN NS b.Long.Name.elsewhere.example.
        ns.sub.example. 300 IN A 192.0.2.1
        sub.example. 300 IN A 192.0.2.2
        a.long.name.elsewhere.example. 300 IN A 192.0.2.3
        b.long.name.elsewhere.example. 300 IN A 192.0.2.4",
    );
    let addresses = |contents: &ZoneContents, name: &str| -> Vec<String> {
        ask(contents, name, Type::TXT).sections[2]
            .iter()
            .map(|line| line.rsplit_once(' ').unwrap().1.to_owned())
            .collect()
    };
    assert_eq!(
        addresses(&example, "x.sub.example."),
        ["192.0.2.3", "192.0.2.4", "192.0.2.53", "192.0.2.1", "192.0.2.2"]
    );
    let root = zone(
        ". 300 IN SOA a.servers. x. 1 1 1 1 60
        . 300 IN NS a.servers.
        a.servers. 300 IN A 192.0.2.53
        com. 300 IN NS a.gtld.com.
        com. 300 IN NS A.Servers.
        a.gtld.com. 300 IN A 192.0.2.1",
    );
    assert_eq!(addresses(&root, "www.example.com."), ["192.0.2.1", "192.0.2.53"]);
    assert_eq!(ask(&root, ".", Type::NS).sections[2], ["a.servers. A 192.0.2.53"]);
    assert_eq!(ask(&root, "net.", Type::A).reply.kind, AnswerKind::NxDomain);
}

/// RFC 9471 section 3: a referral without all of its in-domain glue says so.
#[test]
fn glue_that_does_not_fit() {
    use std::fmt::Write;
    let mut text = String::from(
        "example. 300 IN SOA ns.example. x. 1 1 1 1 60\nexample. 300 IN NS ns.example.\nns.example. 300 IN A 192.0.2.53\n",
    );
    for i in 0..13 {
        writeln!(text, "in.example. 300 IN NS n{i}.in.example.\nn{i}.in.example. 300 IN AAAA 2001:db8::{i}")
            .unwrap();
        writeln!(text, "side.example. 300 IN NS s{i}.example.\ns{i}.example. 300 IN AAAA 2001:db8::{i}")
            .unwrap();
    }
    let zone = zone(&text);
    for (name, limit, truncated, addresses) in [
        ("x.in.example.", 1232, false, 13),
        ("x.in.example.", 512, true, 9),
        ("x.side.example.", 512, false, 9),
        ("x.side.example.", 1232, false, 13),
        ("x.side.example.", 100, true, 0),
    ] {
        let qname: DomainName = name.parse().unwrap();
        let asked =
            AnswerRequest { name: qname.as_ref(), qtype: Type::A, dnssec_ok: false, minimal_any: true };
        let referral = ask_in(&zone, &asked, &OneZone, limit);
        assert_eq!(referral.reply.truncated, truncated, "{name} {limit}");
        assert_eq!(referral.sections[2].len(), addresses, "{name} {limit}");
        assert_eq!(referral.sections[1].len(), if limit == 100 { 0 } else { 13 }, "never half an RRset");
    }
}

#[test]
fn additional_addresses() {
    let zone = zone(
        "example. 300 IN SOA ns.example. x. 1 1 1 1 60
        example. 300 IN NS ns.example.
        example. 300 IN MX 10 mail.example.
        example. 300 IN MX 20 mail.example.
        example. 300 IN MX 30 mail.example.org.
        ns.example. 300 IN A 192.0.2.53
        mail.example. 300 IN A 192.0.2.25
        mail.example. 300 IN AAAA 2001:db8::25
        _sip._udp.example. 300 IN SRV 0 0 5060 ns.example.
        svc.example. 300 IN HTTPS 1 .
        svc.example. 300 IN A 192.0.2.44
        to.example. 300 IN SVCB 0 svc.example.",
    );
    let aaaa = "mail.example. AAAA  \\x01\\r\\xb8\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00%";
    assert_eq!(ask(&zone, "example.", Type::MX).sections[2], ["mail.example. A 192.0.2.25", aaaa]);
    assert_eq!(ask(&zone, "example.", Type::NS).sections[2], ["ns.example. A 192.0.2.53"]);
    assert_eq!(ask(&zone, "_sip._udp.example.", Type::SRV).sections[2], ["ns.example. A 192.0.2.53"]);
    assert_eq!(ask(&zone, "svc.example.", Type::HTTPS).sections[2], ["svc.example. A 192.0.2.44"]);
    assert_eq!(ask(&zone, "to.example.", Type::SVCB).sections[2], ["svc.example. A 192.0.2.44"]);
    // Left out without a word where there is no room.
    let name: DomainName = "example.".parse().unwrap();
    let asked = AnswerRequest { name: name.as_ref(), qtype: Type::MX, dnssec_ok: false, minimal_any: true };
    let small = ask_in(&zone, &asked, &OneZone, 110);
    assert_eq!((small.reply.truncated, small.sections[0].len(), small.sections[2].len()), (false, 3, 1));
}

#[test]
fn any_gets_one_set_or_all() {
    let zone = zone(
        "example. 300 IN SOA ns.example. x. 1 1 1 1 60
        example. 300 IN NS ns.example.
        ns.example. 300 IN A 192.0.2.53
        ns.example. 300 IN AAAA 2001:db8::53
        ns.example. 300 IN TXT text",
    );
    assert_eq!(ask(&zone, "ns.example.", Type::ANY).sections[0], ["ns.example. A 192.0.2.53"]);
    let name: DomainName = "ns.example.".parse().unwrap();
    let asked = AnswerRequest { name: name.as_ref(), qtype: Type::ANY, dnssec_ok: false, minimal_any: false };
    assert_eq!(ask_in(&zone, &asked, &OneZone, 1232).sections[0].len(), 3);
}

/// The TTL of a denial is the lesser of the SOA's own and its minimum (RFC 2308 section 5).
#[test]
fn negative_ttl() {
    for (ttl, minimum, wanted) in [(300, 60, 60u32), (30, 60, 30)] {
        let text =
            format!("example. {ttl} IN SOA ns.example. x. 1 1 1 1 {minimum}\nexample. 300 IN NS ns.example.");
        let answered = ask(&zone(&text), "x.example.", Type::A);
        let message = rhumb_wire::MessageView::parse(&answered.message).unwrap();
        assert_eq!(message.records().next().unwrap().unwrap().ttl, wanted);
    }
}

#[test]
fn case_and_compression() {
    let zone = zone(
        "example.com. 300 IN SOA ns.example.com. host.example.com. 1 1 1 1 60
        example.com. 300 IN NS ns.example.com.
        example.com. 300 IN MX 5 mx1.mail.example.com.
        example.com. 300 IN MX 6 mx2.mail.example.com.
        example.com. 300 IN MX 7 mx1.other.org.
        example.com. 300 IN MX 8 mx2.other.org.
        ns.example.com. 300 IN A 192.0.2.53",
    );
    let answered = ask(&zone, "NS.eXample.COM.", Type::A);
    let question_end = 12 + 16 + 4;
    assert_eq!(answered.message[12..28], *b"\x02NS\x07eXample\x03COM\0");
    assert_eq!(answered.message[question_end..question_end + 2], [0xc0, 12]);
    assert_eq!(answered.message.len(), question_end + 16);
    let mx = ask(&zone, "example.com.", Type::MX);
    // 12 + 17 for header and question; each record 12 and 2 of preference; then the names, each suffix once.
    let names =
        ["3mx1", "4mail", "pp", "3mx2", "pp", "3mx1", "5other", "3org", "0", "3mx2", "pp"].concat().len();
    assert_eq!(mx.message.len(), 29 + 4 * 14 + names);
    let outside = ask(&zone, "example.org.", Type::A);
    assert_eq!((outside.reply.kind, outside.reply.rcode), (AnswerKind::OutOfZone, Rcode::REFUSED));
}

/// A set so large that pointers no longer reach what is written last.
#[test]
fn large_sets() {
    use std::fmt::Write;
    let mut text =
        String::from("example. 300 IN SOA ns.example. x. 1 1 1 1 60\nexample. 300 IN NS ns.example.\n");
    for i in 0..2000 {
        writeln!(text, "many.example. 300 IN MX {i} host{i}.some.domain.example.").unwrap();
        writeln!(text, "huge.example. 300 IN TXT {i}{}", "x".repeat(200)).unwrap();
    }
    writeln!(text, "to.example. 300 IN CNAME many.example.").unwrap();
    let zone = zone(&text);
    for name in ["many.example.", "to.example."] {
        let qname: DomainName = name.parse().unwrap();
        let asked =
            AnswerRequest { name: qname.as_ref(), qtype: Type::MX, dnssec_ok: false, minimal_any: true };
        let answered = ask_in(&zone, &asked, &OneZone, 65535);
        assert!(!answered.reply.truncated);
        let found = answered.sections[0].iter().filter(|line| line.starts_with("many.example. MX")).count();
        assert_eq!(found, 2000);
    }
    let qname: DomainName = "huge.example.".parse().unwrap();
    let asked = AnswerRequest { name: qname.as_ref(), qtype: Type::TXT, dnssec_ok: false, minimal_any: true };
    let answered = ask_in(&zone, &asked, &OneZone, 65535);
    assert!(answered.reply.truncated && answered.sections[0].is_empty());
    let listed = zone.find(qname.as_ref(), Type::TXT).unwrap();
    assert_eq!((listed.len(), listed.records().count()), (2000, 2000));
}
