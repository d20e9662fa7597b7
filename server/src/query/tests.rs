//! `respond` from outside: whole messages in, whole messages out.

mod allocation;
mod lab;
mod prefetch;
mod remade;
mod signed;
mod truncated;
mod waited;

use rhumb_config::RateLimitSettings as Limits;
use rhumb_wire::edns::{COOKIE, NSID, PADDING, REPORT_CHANNEL, TCP_KEEPALIVE};
use rhumb_wire::{MessageView, Type};

use super::QueryOutcome;
use crate::metrics::DropReason;
use crate::rate_limit::RateLimit;
use lab::{QueryLab, asked, class, header, option, options, query, render, tsig};
use rhumb_wire::Transport;

const CLIENT_COOKIE: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];

/// Each row: what is asked by UDP, and the answer as `render` writes it. Where NSD 4.6, Knot 3.2 and BIND 9.18 differ, the first
/// two are followed, and the standard before both.
#[test]
fn odd_questions_get_what_others_give() {
    let lab = QueryLab::new();
    let apex = |qtype: u16| query("example.com.", Type(qtype));
    let other_version = |message: Vec<u8>| {
        let mut message = options(message, &[]);
        let at = message.len() - 5;
        message[at] = 1;
        message
    };
    let host = || query("www.example.com.", Type::A);
    for (what, message, expected) in [
        ("a name", host(), "NOERROR aa 1/0/0"),
        ("with EDNS", options(host(), &[]), "NOERROR aa 1/0/0 []"),
        ("not ours", query("www.example.net.", Type::A), "REFUSED 0/0/0"),
        ("not ours, EDNS", options(query("www.example.net.", Type::A), &[]), "REFUSED 0/0/0 [15=20]"),
        ("ANY", apex(255), "NOERROR aa 1/0/0"),
        ("MAILA", apex(254), "NOERROR aa 0/1/0"),
        ("MAILB", apex(253), "NOERROR aa 0/1/0"),
        ("AXFR by UDP", options(apex(252), &[]), "NOTIMP 0/0/0 [15=21]"),
        ("IXFR", options(apex(251), &[]), "REFUSED 0/0/0 [15=18]"),
        ("IXFR below", query("www.example.com.", Type::IXFR), "NOTAUTH 0/0/0"),
        ("TSIG", apex(250), "NOERROR aa 0/1/0"),
        ("TKEY", apex(249), "NOERROR aa 0/1/0"),
        ("129", apex(129), "NOERROR aa 0/1/0"),
        ("NXNAME", options(apex(128), &[]), "FORMERR 0/0/0 [15=30]"),
        ("OPT", apex(41), "NOERROR aa 0/1/0"),
        ("0", apex(0), "NOERROR aa 0/1/0"),
        ("65280", apex(65280), "NOERROR aa 0/1/0"),
        ("MAILA, not ours", query("example.net.", Type::MAILA), "REFUSED 0/0/0"),
        ("class 0", options(class(host(), 0), &[]), "REFUSED 0/0/0 [15=21]"),
        ("class CH", options(class(host(), 3), &[]), "REFUSED 0/0/0 [15=21]"),
        ("class HS", class(host(), 4), "REFUSED 0/0/0"),
        ("class NONE", class(host(), 254), "REFUSED 0/0/0"),
        ("class ANY", class(host(), 255), "NOERROR 1/0/0"),
        ("class ANY, not ours", class(query("example.net.", Type::A), 255), "REFUSED 0/0/0"),
        ("IQUERY", header(host(), 1 << 11), "NOTIMP 0/0/0"),
        ("STATUS", header(host(), 2 << 11), "NOTIMP 0/0/0"),
        ("NOTIFY", header(apex(6), 4 << 11), "REFUSED 0/0/0"),
        ("UPDATE", header(apex(6), 5 << 11), "REFUSED 0/0/0"),
        ("NOTIFY by another version of EDNS", other_version(header(apex(6), 4 << 11)), "BADVERS 0/0/0 []"),
        ("UPDATE by another version of EDNS", other_version(header(apex(6), 5 << 11)), "BADVERS 0/0/0 []"),
        ("flags of answers", header(host(), 0x0680), "NOERROR aa 1/0/0"),
        ("a key", tsig(host(), 255, 0), "NOTAUTH 0/0/1"),
        ("a key, EDNS", tsig(options(host(), &[]), 255, 0), "NOTAUTH 0/0/1 []"),
        ("a key of class IN", tsig(host(), 1, 0), "FORMERR 0/0/0"),
        ("a key that is cut", tsig(host(), 255, 3), "FORMERR 0/0/0"),
    ] {
        let answer = lab.ask(Transport::Udp, &message).expect(what);
        assert_eq!(render(&answer), expected, "{what}");
    }
    let answer = lab.ask(Transport::Tcp, &apex(252)).unwrap();
    assert_eq!(render(&answer), "REFUSED 0/0/0");
    let answer = lab.ask(Transport::Tcp, &query("www.example.com.", Type::AXFR)).unwrap();
    assert_eq!(render(&answer), "NOTAUTH 0/0/0");
}

/// What children announce to their parents (RFC 9859 section 4) is acknowledged for every name below a zone, and nothing else is.
#[test]
fn children_are_told_that_they_are_heard() {
    let lab = QueryLab::new();
    let notify = |name: &str, qtype| header(query(name, qtype), 4 << 11 | 0x0400);
    for qtype in [Type::CDS, Type::CSYNC] {
        for name in ["sub.example.com.", "host.sub.example.com.", "none.example.com.", "www.example.com."] {
            let message = options(notify(name, qtype), &[]);
            assert_eq!(
                render(&lab.ask(Transport::Udp, &message).unwrap()),
                "NOERROR aa 0/0/0 []",
                "{name} {qtype}"
            );
            let other = lab.ask(Transport::Udp, &class(notify(name, qtype), 3)).unwrap();
            assert_eq!(render(&other), "REFUSED 0/0/0", "class CH of {name} {qtype}");
        }
        // The parent of the apex is none of ours.
        for name in ["example.com.", "com.", "example.net.", "sub.example.net.", "."] {
            let message = options(notify(name, qtype), &[]);
            let answer = lab.ask(Transport::Udp, &message).unwrap();
            assert_eq!(render(&answer), "REFUSED 0/0/0 [15=20]", "{name} {qtype}");
        }
    }
    for qtype in [Type::SOA, Type::CDNSKEY, Type::NS, Type::DS, Type::ANY] {
        let answer = lab.ask(Transport::Udp, &options(notify("sub.example.com.", qtype), &[])).unwrap();
        assert_eq!(render(&answer), "REFUSED 0/0/0 [15=20]", "{qtype}");
    }
}

/// What comes back of a TSIG by an unknown key (RFC 8945 sections 5.2.1 and 5.3.2).
#[test]
fn an_unknown_key_is_told_in_an_unsigned_record() {
    let answer =
        QueryLab::new().ask(Transport::Udp, &tsig(query("www.example.com.", Type::A), 255, 0)).unwrap();
    let record = MessageView::parse(&answer).unwrap().records().next().unwrap().unwrap();
    assert_eq!((record.rtype, record.class.0, record.ttl), (Type::TSIG, 255, 0));
    let algorithm = b"\x0bhmac-sha256\0";
    let rest = record.rdata.strip_prefix(algorithm).unwrap();
    assert_eq!(rest, [0, 0, 0x60, 0, 0, 0, 1, 44, 0, 0, 0x12, 0x34, 0, 17, 0, 0]);
}

#[test]
fn the_class_ch_tells_what_is_configured() {
    let lab = QueryLab::new().with(|settings| settings.identity = Some("ns1".into()));
    let ask = |name: &str, qtype| lab.ask(Transport::Udp, &class(query(name, qtype), 3)).unwrap();
    for (name, qtype, expected) in [
        ("id.server.", Type::TXT, "NOERROR 1/0/0"),
        ("HostName.bind.", Type::TXT, "NOERROR 1/0/0"),
        ("hostname.bind.", Type::ANY, "NOERROR 1/0/0"),
        ("hostname.bind.", Type::A, "REFUSED 0/0/0"),
        ("version.bind.", Type::TXT, "REFUSED 0/0/0"),
        ("version.server.", Type::TXT, "REFUSED 0/0/0"),
        ("authors.bind.", Type::TXT, "REFUSED 0/0/0"),
        ("bind.", Type::TXT, "REFUSED 0/0/0"),
        (".", Type::TXT, "REFUSED 0/0/0"),
        ("hostname.bind.", Type::AXFR, "REFUSED 0/0/0"),
    ] {
        assert_eq!(render(&ask(name, qtype)), expected, "{name} {qtype}");
    }
    let answer = ask("HostName.bind.", Type::TXT);
    let record = MessageView::parse(&answer).unwrap().records().next().unwrap().unwrap();
    assert_eq!((record.class.0, record.ttl, record.rdata), (3, 0, &b"\x03ns1"[..]));
}

#[test]
fn cookies_are_made_checked_and_renewed() {
    let lab = QueryLab::new();
    let host = || query("www.example.com.", Type::A);
    let with = |value: &[u8]| options(host(), &[(COOKIE, value)]);
    let first = lab.ask(Transport::Udp, &with(&CLIENT_COOKIE)).unwrap();
    assert_eq!(render(&first), "NOERROR aa 1/0/0 [10]");
    let made = option(&first, COOKIE).unwrap();
    assert_eq!((made.len(), made.first_chunk()), (24, Some(&CLIENT_COOKIE)));
    let again = lab.ask(Transport::Tcp, &with(&made)).unwrap();
    assert_eq!(option(&again, COOKIE).unwrap(), made);
    let mut forged = made.clone();
    forged[20] ^= 1;
    let answer = lab.ask(Transport::Udp, &with(&forged)).unwrap();
    assert_eq!(render(&answer), "NOERROR aa 1/0/0 [10]", "as if there were none");
    assert_ne!(option(&answer, COOKIE).unwrap(), forged);
    for length in [0, 7, 9, 15, 41] {
        let answer = lab.ask(Transport::Udp, &with(&vec![9; length])).unwrap();
        assert_eq!(render(&answer), "FORMERR 0/0/0 []", "{length} bytes");
    }
    let two = options(host(), &[(COOKIE, &CLIENT_COOKIE), (COOKIE, &[7; 8]), (65001, b"x")]);
    assert_eq!(option(&lab.ask(Transport::Udp, &two).unwrap(), COOKIE).unwrap()[..8], CLIENT_COOKIE);
    let mut other_version = with(&CLIENT_COOKIE);
    let at = other_version.len() - 12 - 5;
    other_version[at] = 1;
    assert_eq!(render(&lab.ask(Transport::Udp, &other_version).unwrap()), "BADVERS 0/0/0 []");
    let off = QueryLab::new().with(|settings| settings.cookies = None);
    assert_eq!(render(&off.ask(Transport::Udp, &with(&[1; 3])).unwrap()), "NOERROR aa 1/0/0 []");
}

/// RFC 7873 section 5.4.
#[test]
fn a_cookie_may_be_asked_for_alone() {
    let lab = QueryLab::new();
    for (sent, expected) in [
        (&[(COOKIE, &CLIENT_COOKIE[..])][..], "NOERROR 0/0/0 [10]"),
        (&[(COOKIE, &CLIENT_COOKIE[..5])], "FORMERR 0/0/0 []"),
        (&[], "FORMERR 0/0/0 []"),
    ] {
        let answer = lab.ask(Transport::Udp, &options(asked(&[]), sent)).unwrap();
        assert_eq!(render(&answer), expected);
        assert_eq!(answer[4..6], [0, 0], "questions");
    }
    assert_eq!(render(&lab.ask(Transport::Udp, &asked(&[])).unwrap()), "FORMERR 0/0/0");
}

#[test]
fn errors_of_our_zones_are_to_be_reported() {
    let agent = "agent.example.com.".parse().unwrap();
    let lab = QueryLab::new().with(|settings| settings.report_channel = Some(agent));
    for (name, expected) in [
        ("www.example.com.", "NOERROR aa 1/0/0 [18]"),
        ("none.example.com.", "NXDOMAIN aa 0/1/0 [18]"),
        ("_er.1.www.example.com.7._er.agent.example.com.", "NXDOMAIN aa 0/1/0 []"),
        ("www.example.net.", "REFUSED 0/0/0 [15=20]"),
    ] {
        let answer = lab.ask(Transport::Udp, &options(query(name, Type::A), &[])).unwrap();
        assert_eq!(render(&answer), expected, "{name}");
    }
    assert_eq!(
        render(&lab.ask(Transport::Udp, &query("www.example.com.", Type::A)).unwrap()),
        "NOERROR aa 1/0/0"
    );
    let answer = lab.ask(Transport::Udp, &options(query("www.example.com.", Type::A), &[])).unwrap();
    assert_eq!(option(&answer, REPORT_CHANNEL).unwrap(), b"\x05agent\x07example\x03com\0");
}

#[test]
fn options_are_for_their_transports() {
    let lab = QueryLab::new().with(|settings| settings.nsid = Some(Box::from(&b"ns1"[..])));
    let sent = [(NSID, &b""[..]), (NSID, b""), (TCP_KEEPALIVE, b""), (PADDING, &[0; 40]), (3000, b"?")];
    let message = options(query("www.example.com.", Type::A), &sent);
    assert_eq!(render(&lab.ask(Transport::Udp, &message).unwrap()), "NOERROR aa 1/0/0 [3]");
    assert_eq!(render(&lab.ask(Transport::Tcp, &message).unwrap()), "NOERROR aa 1/0/0 [3 11]");
}

fn limits() -> Limits {
    Limits {
        responses_per_second: 4,
        errors_per_second: 2,
        slip: 1,
        ipv4_prefix: 24,
        ipv6_prefix: 56,
        exempt: Vec::new(),
        table_size: 1024,
    }
}

/// Answers that are not limited of twenty, one for each question that `name` makes of a number.
fn unlimited(lab: &QueryLab, name: impl Fn(usize) -> String) -> usize {
    let ask = |n| render(&lab.ask(Transport::Udp, &query(&name(n), Type::A)).unwrap());
    (0..20).map(ask).filter(|answer| answer != "NOERROR tc 0/0/0").count()
}

/// A flood has as many names as it likes; what answers them is one.
#[test]
fn answers_are_limited_by_what_stands_for_the_name() {
    let limited = RateLimit::new(&limits(), None, [1; 16]);
    let lab = QueryLab::new().with(|settings| settings.rate_limit = Some(limited));
    assert_eq!(unlimited(&lab, |_| "www.example.com.".into()), 4);
    assert_eq!(unlimited(&lab, |n| format!("n{n}.example.com.")), 4, "denials of a zone");
    assert_eq!(unlimited(&lab, |n| format!("n{n}.wild.example.com.")), 4, "a wildcard");
    assert_eq!(unlimited(&lab, |n| format!("n{n}.sub.example.com.")), 4, "a delegation");
    assert_eq!(unlimited(&lab, |n| format!("h{}.example.com.", n % 2)), 8, "two names");
    assert_eq!(unlimited(&lab, |n| format!("n{n}.example.net.")), 2, "errors");
}

#[test]
fn who_cannot_be_forged_is_not_limited() {
    let limited = RateLimit::new(&limits(), None, [1; 16]);
    let lab = QueryLab::new().with(|settings| settings.rate_limit = Some(limited));
    let host = || query("www.example.com.", Type::A);
    let with = |value: &[u8]| options(host(), &[(COOKIE, value)]);
    let made = option(&lab.ask(Transport::Udp, &with(&CLIENT_COOKIE)).unwrap(), COOKIE).unwrap();
    assert_eq!(unlimited(&lab, |_| "www.example.com.".into()), 3);
    assert_eq!(render(&lab.ask(Transport::Udp, &with(&CLIENT_COOKIE)).unwrap()), "BADCOOKIE 0/0/0 [10]");
    for _ in 0..20 {
        assert_eq!(render(&lab.ask(Transport::Udp, &with(&made)).unwrap()), "NOERROR aa 1/0/0 [10]");
        assert_eq!(render(&lab.ask(Transport::Tcp, &host()).unwrap()), "NOERROR aa 1/0/0");
        assert!(!matches!(lab.explain(&host()), QueryOutcome::Drop(_)));
    }
    let silent = RateLimit::new(&Limits { slip: 0, ..limits() }, None, [1; 16]);
    let lab = QueryLab::new().with(|settings| settings.rate_limit = Some(silent));
    let lost = (0..20).filter_map(|_| lab.ask(Transport::Udp, &host()).err()).collect::<Vec<_>>();
    assert_eq!(lost, [DropReason::RateLimited; 16]);
}
