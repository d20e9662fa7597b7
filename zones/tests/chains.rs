//! Chains of aliases in unsigned zones, by the rules of the RFCs.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

mod kit;

use kit::{ask, ask_in, check, zone};
use rhumb_wire::{DomainName, NameRef, Rcode, Type};
use rhumb_zones::{AnswerKind, AnswerRequest, FoundZone, ZoneContents, ZoneFinder};

fn aliases() -> ZoneContents {
    zone(
        "example. 300 IN SOA ns.example. x. 1 1 1 1 60
        example. 300 IN NS ns.example.
        ns.example. 300 IN A 192.0.2.53
        a.example. 300 IN CNAME b.example.
        b.example. 300 IN CNAME c.example.
        c.example. 300 IN AAAA 2001:db8::1
        gone.example. 300 IN CNAME nothing.example.
        empty.example. 300 IN CNAME x.ent.example.
        y.x.ent.example. 300 IN A 192.0.2.9
        out.example. 300 IN CNAME www.example.org.
        me.example. 300 IN CNAME me.example.
        ping.example. 300 IN CNAME pong.example.
        pong.example. 300 IN CNAME ping.example.
        *.star.example. 300 IN CNAME c.example.
        into.example. 300 IN CNAME host.sub.example.
        sub.example. 300 IN NS ns.sub.example.
        ns.sub.example. 300 IN A 192.0.2.54
        old.example. 300 IN DNAME new.example.
        www.new.example. 300 IN A 192.0.2.80
        long.example. 300 IN DNAME aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example.
        1.example. 300 IN CNAME 2.example.
        2.example. 300 IN CNAME 3.example.
        3.example. 300 IN CNAME 4.example.
        4.example. 300 IN CNAME 5.example.
        5.example. 300 IN CNAME 6.example.
        6.example. 300 IN CNAME 7.example.
        7.example. 300 IN CNAME 8.example.
        8.example. 300 IN CNAME 9.example.
        9.example. 300 IN CNAME 10.example.
        10.example. 300 IN A 192.0.2.10",
    )
}

#[test]
fn chains() {
    let zone = aliases();
    let soa = ["example. SOA"];
    let chain = ["a.example. CNAME b.example.", "b.example. CNAME c.example."];
    let all = [
        chain[0],
        chain[1],
        "c.example. AAAA  \\x01\\r\\xb8\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x01",
    ];
    check(&ask(&zone, "a.example.", Type::AAAA), AnswerKind::Answer, &all, &[], &[]);
    check(&ask(&zone, "a.example.", Type::A), AnswerKind::NoData, &chain, &soa, &[]);
    check(&ask(&zone, "a.example.", Type::CNAME), AnswerKind::Answer, &chain[..1], &[], &[]);
    check(&ask(&zone, "a.example.", Type::ANY), AnswerKind::Answer, &chain[..1], &[], &[]);
    // RFC 6604 section 3: the code is that of the end of the chain.
    let gone = ["gone.example. CNAME nothing.example."];
    check(&ask(&zone, "gone.example.", Type::A), AnswerKind::NxDomain, &gone, &soa, &[]);
    let empty = ["empty.example. CNAME x.ent.example."];
    check(&ask(&zone, "empty.example.", Type::A), AnswerKind::NoData, &empty, &soa, &[]);
    let out = ["out.example. CNAME www.example.org."];
    check(&ask(&zone, "out.example.", Type::A), AnswerKind::Chain, &out, &[], &[]);
    check(
        &ask(&zone, "me.example.", Type::A),
        AnswerKind::Chain,
        &["me.example. CNAME me.example."],
        &[],
        &[],
    );
    let round = ["ping.example. CNAME pong.example.", "pong.example. CNAME ping.example."];
    check(&ask(&zone, "ping.example.", Type::A), AnswerKind::Chain, &round, &[], &[]);
    let star = ask(&zone, "X.star.example.", Type::AAAA);
    assert_eq!(
        star.sections[0],
        [
            "c.example. AAAA  \\x01\\r\\xb8\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x01",
            "x.star.example. CNAME c.example."
        ]
    );
    let into = ask(&zone, "into.example.", Type::A);
    assert!(into.reply.authoritative, "the first owner is this zone's");
    check(
        &into,
        AnswerKind::Referral,
        &["into.example. CNAME host.sub.example."],
        &["sub.example. NS ns.sub.example."],
        &["ns.sub.example. A 192.0.2.54"],
    );
    let long = ask(&zone, "1.example.", Type::A);
    assert_eq!((long.reply.links, long.reply.kind, long.sections[0].len()), (8, AnswerKind::Chain, 8));
    let nine = ask(&zone, "2.example.", Type::A);
    assert_eq!((nine.reply.links, nine.reply.kind, nine.sections[0].len()), (8, AnswerKind::Answer, 9));
}

/// RFC 6672 section 2.2 and 3.2.
#[test]
fn dnames() {
    let zone = aliases();
    let dname = "old.example. DNAME new.example.";
    let alias = "www.old.example. CNAME www.new.example.";
    check(
        &ask(&zone, "www.old.example.", Type::A),
        AnswerKind::Answer,
        &[dname, "www.new.example. A 192.0.2.80", alias],
        &[],
        &[],
    );
    check(&ask(&zone, "www.old.example.", Type::CNAME), AnswerKind::Answer, &[dname, alias], &[], &[]);
    check(&ask(&zone, "old.example.", Type::DNAME), AnswerKind::Answer, &[dname], &[], &[]);
    check(&ask(&zone, "old.example.", Type::A), AnswerKind::NoData, &[], &["example. SOA"], &[]);
    let label = "b".repeat(60);
    let name = format!("{label}.{label}.{label}.c.long.example.");
    let over = ask(&zone, &name, Type::A);
    assert_eq!((over.reply.rcode, over.reply.kind), (Rcode::YXDOMAIN, AnswerKind::Overflow));
    assert!(over.sections[0][0].starts_with("long.example. DNAME") && over.sections[0].len() == 1);
}

/// RFC 1034 section 4.3.2 step 2: a zone served here is responsible for its names, delegated or not; RFC 4035 section
/// 3.1.4.1: the zone above it for its DS.
#[test]
fn chains_into_a_zone_without_delegation() {
    let parent = zone(
        "example. 300 IN SOA ns.other. x. 1 1 1 1 60
        example. 300 IN NS ns.other.
        www.example. 300 IN CNAME a.child.example.
        apex.example. 300 IN CNAME child.example.
        *.example. 300 IN TXT wild",
    );
    let child = zone(
        "child.example. 300 IN SOA ns.other. x. 1 1 1 1 60
        child.example. 300 IN NS ns.other.
        a.child.example. 300 IN A 192.0.2.1",
    );
    let ask = |name: &str, qtype| {
        let name: DomainName = name.parse().unwrap();
        let asked = AnswerRequest { name: name.as_ref(), qtype, dnssec_ok: false, minimal_any: true };
        ask_in(&parent, &asked, &Both([&parent, &child]), 1232).sections
    };
    assert_eq!(ask("www.example.", Type::A)[0].last().unwrap(), "www.example. CNAME a.child.example.");
    assert!(ask("www.example.", Type::A)[0].contains(&"a.child.example. A 192.0.2.1".to_owned()));
    assert_eq!(ask("www.example.", Type::TXT)[1], ["child.example. SOA"]);
    assert_eq!(ask("apex.example.", Type::DS)[1], ["example. SOA"]);
}

/// RFC 4035 section 2.5: NSEC and RRSIG belong to the name, not to what its CNAME names.
#[test]
fn what_stands_beside_a_cname_is_not_sought_behind_it() {
    let zone = aliases();
    for qtype in [Type::NSEC, Type::RRSIG] {
        check(&ask(&zone, "1.example.", qtype), AnswerKind::NoData, &[], &["example. SOA"], &[]);
    }
}

/// RFC 2181 section 5: no record twice, also where a chain comes by a DNAME again.
#[test]
fn a_dname_met_twice_is_put_once() {
    let zone = zone(
        "example. 300 IN SOA ns.other. x. 1 1 1 1 60
        example. 300 IN NS ns.other.
        d.example. 300 IN DNAME e.example.
        a.e.example. 300 IN CNAME b.D.example.
        b.e.example. 300 IN CNAME d.example.",
    );
    for qtype in [Type::A, Type::DNAME] {
        let sections = ask(&zone, "a.d.example.", qtype).sections;
        let dnames = sections[0].iter().filter(|record| record.starts_with("d.example. DNAME")).count();
        assert_eq!((dnames, sections[0].len()), (1, 5), "{sections:?}");
    }
}

struct Both<'a>([&'a ZoneContents; 2]);

impl ZoneFinder for Both<'_> {
    fn find(&self, name: NameRef<'_>) -> Option<FoundZone<'_>> {
        if name.is_at_or_below("unready.".parse::<DomainName>().unwrap().as_ref()) {
            return Some(FoundZone::NotReady);
        }
        let zones = self.0.iter().filter(|zone| name.is_at_or_below(zone.apex()));
        zones.max_by_key(|zone| zone.apex().len()).map(|zone| FoundZone::Contents(zone))
    }
}

#[test]
fn chains_across_zones() {
    let parent = zone(
        "example. 300 IN SOA ns.example. x. 1 1 1 1 60
        example. 300 IN NS ns.example.
        ns.example. 300 IN A 192.0.2.53
        www.example. 300 IN CNAME mail.child.example.
        gone.example. 300 IN CNAME nothing.child.example.
        late.example. 300 IN CNAME www.unready.
        child.example. 300 IN NS ns.example.",
    );
    let child = zone(
        "child.example. 300 IN SOA ns.example. x. 1 1 1 1 60
        child.example. 300 IN NS ns.child.example.
        ns.child.example. 300 IN A 192.0.2.55
        mail.child.example. 300 IN MX 10 ns.child.example.
        back.child.example. 300 IN CNAME ns.example.
        to.child.example. 300 IN DNAME example.",
    );
    let ask = |zone: &ZoneContents, name: &str, qtype| {
        let name: DomainName = name.parse().unwrap();
        let asked = AnswerRequest { name: name.as_ref(), qtype, dnssec_ok: false, minimal_any: true };
        ask_in(zone, &asked, &Both([&parent, &child]), 1232)
    };
    check(
        &ask(&parent, "www.example.", Type::MX),
        AnswerKind::Answer,
        &[
            "mail.child.example. MX \\x00\\n\\x02ns\\x05child\\x07example\\x00",
            "www.example. CNAME mail.child.example.",
        ],
        &[],
        &["ns.child.example. A 192.0.2.55"],
    );
    check(
        &ask(&parent, "gone.example.", Type::A),
        AnswerKind::NxDomain,
        &["gone.example. CNAME nothing.child.example."],
        &["child.example. SOA"],
        &[],
    );
    check(
        &ask(&child, "back.child.example.", Type::A),
        AnswerKind::Answer,
        &["back.child.example. CNAME ns.example.", "ns.example. A 192.0.2.53"],
        &[],
        &[],
    );
    check(
        &ask(&child, "ns.to.child.example.", Type::A),
        AnswerKind::Answer,
        &[
            "ns.example. A 192.0.2.53",
            "ns.to.child.example. CNAME ns.example.",
            "to.child.example. DNAME example.",
        ],
        &[],
        &[],
    );
    let late = ask(&parent, "late.example.", Type::A);
    assert_eq!((late.reply.kind, late.reply.rcode), (AnswerKind::Chain, Rcode::NOERROR));
}
