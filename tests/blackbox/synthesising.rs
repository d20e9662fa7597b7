//! IPv6 addresses that are made of IPv4 addresses (RFC 6147).

use rhumb_tests::rig::Message;
use rhumb_tests::rig::message::rcode;
use rhumb_tests::rig::script::{no_data, script};
use rhumb_tests::{Outcome, Test, Verdict, ensure, ensure_eq};

use crate::forwarding::{Lab, UP, config};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("synthesising::addresses_and_their_names", addresses_and_names),
    Test::beside("synthesising::failures_count_as_no_addresses", failures),
];

const A: u16 = 1;
const PTR: u16 = 12;
const AAAA: u16 = 28;

/// An upstream that has names with IPv4, with both, with neither, and the reverse name of an address.
fn addresses_and_names() -> Verdict {
    let lab = Lab::new()?;
    let upstream = lab.upstream(
        0,
        script(|asked| match (asked.name().as_str(), asked.message.kind()) {
            ("four.example", A) => asked.answer(&["four.example. 300 IN A 192.0.2.33"]),
            ("both.example", A) => asked.answer(&["both.example. 300 IN A 192.0.2.33"]),
            ("both.example", AAAA) => asked.answer(&["both.example. 300 IN AAAA 2001:db8::1"]),
            ("mapped.example", A) => asked.answer(&["mapped.example. 300 IN A 192.0.2.34"]),
            ("mapped.example", AAAA) => asked.answer(&["mapped.example. 300 IN AAAA ::ffff:192.0.2.34"]),
            ("alias.example", _) => asked
                .answer(&["alias.example. 300 IN CNAME four.example.", "four.example. 300 IN A 192.0.2.33"]),
            ("33.2.0.192.in-addr.arpa", PTR) => {
                asked.answer(&["33.2.0.192.in-addr.arpa. 300 IN PTR four.example."])
            }
            ("none.example", _) => asked.code(rcode::NXDOMAIN),
            _ => no_data(asked),
        }),
    )?;
    // Names of documentation addresses are answered here otherwise.
    let config = config()
        .forward(".", &UP[..1])
        .recursion("dns64: \"64:ff9b::/96\"")
        .recursion("local-names-to-upstreams: [in-addr.arpa]");
    let _server = lab.start(&config)?;
    for round in 0..2 {
        for (name, expected) in [
            ("four", "64:ff9b::c000:221"),
            ("both", "2001:db8::1"),
            ("mapped", "64:ff9b::c000:222"),
            ("alias", "64:ff9b::c000:221"),
        ] {
            let query = Message::query(&format!("{name}.example."), "AAAA");
            let reply = lab.client.udp(lab.to, &query)?.message;
            ensure_eq!(reply.data("AAAA"), [expected], "{name} in round {round}");
        }
        let empty = lab.client.udp(lab.to, &Message::query("empty.example.", "AAAA"))?.message;
        ensure_eq!((empty.rcode(), empty.answer.len()), (rcode::NOERROR, 0), "a name with neither");
        let none = lab.client.udp(lab.to, &Message::query("none.example.", "AAAA"))?.message;
        ensure_eq!(none.rcode(), rcode::NXDOMAIN, "a name that does not exist");
        let name = "1.2.2.0.0.0.0.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.b.9.f.f.4.6.0.0.ip6.arpa.";
        let reverse = lab.client.udp(lab.to, &Message::query(name, "PTR"))?.message;
        ensure_eq!(reverse.data("PTR"), ["four.example."], "the reverse name in round {round}");
    }
    let asked = upstream.seen().len();
    ensure!(asked <= 13, "{asked} queries went upstream: made answers are cached");
    Ok(Outcome::Passed)
}

/// An upstream that knows IPv4 addresses alone, and fails in its ways where it is asked for others.
fn failures() -> Verdict {
    let lab = Lab::new()?;
    let _upstream = lab.upstream(
        0,
        script(|asked| match (asked.name().as_str(), asked.message.kind()) {
            ("none.example", _) => asked.code(rcode::SERVFAIL),
            ("servfail.example", AAAA) => asked.code(rcode::SERVFAIL),
            ("notimp.example", AAAA) => asked.code(rcode::NOTIMP),
            ("refused.example", AAAA) => asked.code(rcode::REFUSED),
            (name, A) => {
                let record = format!("{name}. 300 IN A 192.0.2.33");
                asked.answer(&[record.as_str()])
            }
            _ => no_data(asked),
        }),
    )?;
    let config = config().forward(".", &UP[..1]).recursion("dns64: \"64:ff9b::/96\"");
    let _server = lab.start(&config)?;
    for name in ["servfail", "notimp", "refused", "servfail"] {
        let query = Message::query(&format!("{name}.example."), "AAAA");
        let reply = lab.client.udp(lab.to, &query)?.message;
        ensure_eq!(reply.data("AAAA"), ["64:ff9b::c000:221"], "{name}");
    }
    let none = lab.client.udp(lab.to, &Message::query("none.example.", "AAAA"))?.message;
    ensure_eq!(none.rcode(), rcode::SERVFAIL, "a name of which nothing is known");
    Ok(Outcome::Passed)
}
