//! What a server that resolves from the root does about private addresses, and about a clock that is wrong.

use std::iter;
use std::time::Duration;

use rhumb_tests::rig::internet::{Delegation, authoritative, denial, sized};
use rhumb_tests::rig::message::AD;
use rhumb_tests::rig::record::type_number;
use rhumb_tests::rig::{Act, Asked, Internet, Message, Record, ZoneSigner, program, rcode};
use rhumb_tests::{Outcome, Test, Verdict, ensure, ensure_eq, skip};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("guarding::private_addresses_from_the_root_down", rebinding),
    Test::beside("guarding::a_clock_before_the_release", wrong_clock),
    Test::beside("guarding::a_clock_in_the_future", clock_ahead),
    Test::beside("guarding::a_clock_that_is_right", right_clock),
];

const DELEGATIONS: &[Delegation] = &[
    Delegation { domain: "plain.", address: "198.18.1.3", digests: Vec::new },
    Delegation { domain: "signed.", address: "198.18.1.1", digests: || vec![signer().digest()] },
];

fn signer() -> ZoneSigner {
    ZoneSigner::new("signed.", 5)
}

/// Names of `plain.`: each has one record, the first label says which.
const PLAIN: &[(&str, &str)] = &[
    ("public", "A 198.51.100.80"),
    ("loop", "A 127.0.0.1"),
    ("net10", "A 10.1.2.3"),
    ("zero", "A 0.0.0.0"),
    ("mapped", "AAAA ::ffff:10.0.0.1"),
    ("local6", "AAAA ::1"),
    ("unique6", "AAAA fd00::1"),
    ("public6", "AAAA 2001:db8::80"),
    // The hint is 192.168.0.1 (RFC 9460 section 7.3).
    ("hint", "HTTPS 1 . 00040004c0a80001"),
];

fn serve_plain(asked: &Asked) -> Act {
    let name = asked.name();
    let label = name.strip_suffix(".plain").unwrap_or_default();
    if label == "alias" {
        let lines =
            [format!("{name}. 300 IN CNAME net10.plain."), "net10.plain. 300 IN A 10.1.2.3".to_owned()];
        return Act::Reply(authoritative(asked).answers(&[&lines[0], &lines[1]]));
    }
    let found = PLAIN.iter().find(|(owner, record)| {
        let kind = record.split(' ').next().unwrap_or_default();
        *owner == label && asked.message.kind() == type_number(kind)
    });
    match found {
        Some((_, record)) => Act::Reply(authoritative(asked).answers(&[&format!("{name}. 300 IN {record}")])),
        None => Act::Reply(denial(asked, "plain.", rcode::NOERROR)),
    }
}

/// With `rebinding-protection` they are not passed on, also out of the cache and at the end of an alias; without they are.
fn rebinding() -> Verdict {
    for protected in [true, false] {
        let config = Internet::config(false).recursion(&format!("rebinding-protection: {protected}"));
        let net = Internet::start(&config, DELEGATIONS, serve_plain)?;
        for round in 0..2 {
            for (name, kind, private) in [
                ("public", "A", false),
                ("public6", "AAAA", false),
                ("loop", "A", true),
                ("net10", "A", true),
                ("zero", "A", true),
                ("alias", "A", true),
                ("mapped", "AAAA", true),
                ("local6", "AAAA", true),
                ("unique6", "AAAA", true),
                ("hint", "HTTPS", true),
            ] {
                let query = Message::query(&format!("{name}.plain."), kind).edns(1232);
                let reply = net.client.udp(net.to, &query)?.message;
                let empty = private && protected;
                ensure_eq!(reply.rcode(), rcode::NOERROR, "{name} in round {round}");
                ensure_eq!(
                    reply.answer.is_empty(),
                    empty,
                    "{name} in round {round}, protected: {protected}: {reply:?}"
                );
                let cause = reply.extended_error();
                ensure!(cause.is_some() == empty, "{name} in round {round}: the cause is {cause:?}");
            }
        }
    }
    Ok(Outcome::Passed)
}

fn serve_signed(asked: &Asked) -> Act {
    let name = asked.name();
    let answer = match asked.message.kind() {
        kind if name == "signed" && kind == type_number("DNSKEY") => signer().sign(&[signer().key()]),
        kind if name == "www.signed" && kind == type_number("A") => {
            signer().sign(&[Record::from_text("www.signed. 300 IN A 198.18.9.80")])
        }
        _ => return Act::Reply(denial(asked, "signed.", rcode::NOERROR)),
    };
    sized(asked, Message { answer, ..authoritative(asked) })
}

/// A clock of 25 years from now: signatures expired long ago.
fn clock_ahead() -> Verdict {
    with_clock("+9131d", "is far from the times")
}

/// A clock of six years ago: signatures are not valid yet.
fn wrong_clock() -> Verdict {
    with_clock("@2020-01-01 00:00:00", "before the release of this version")
}

/// With a wrong clock a signed name fails, which is said with the cause; `lenient-until-set` resolves it all the same. Both log this once.
fn with_clock(time: &str, logged: &str) -> Verdict {
    let Some(clock) = program::clock(time) else { skip!("no libfaketime here") };
    let wrapper: Vec<&str> = iter::once("env").chain(clock.iter().map(String::as_str)).collect();
    for (clock, expected) in [("strict", rcode::SERVFAIL), ("lenient-until-set", rcode::NOERROR)] {
        let config = Internet::config(true).recursion(&format!("dnssec-clock: {clock}"));
        let net = Internet::start_by(&config, &wrapper, DELEGATIONS, serve_signed)?;
        let lasting = net.client.clone().time_limit(Duration::from_secs(9));
        let reply = lasting.udp(net.to, &Message::query("www.signed.", "A").dnssec())?.message;
        ensure_eq!(reply.rcode(), expected, "response code, {clock}: {}", net.server.log_tail());
        let mut options = reply.edns.iter().flat_map(|edns| &edns.options);
        let told = options.any(|(_, value)| String::from_utf8_lossy(value).contains("clock of this host"));
        ensure_eq!(told, expected == rcode::SERVFAIL, "whether the clock is named: {reply:?}");
        if expected == rcode::SERVFAIL {
            let cause = reply.extended_error();
            ensure!(cause.is_some_and(|code| [6, 7, 8].contains(&code)), "the cause is {cause:?}");
        } else {
            ensure!(reply.data("A") == ["198.18.9.80"], "the address: {reply:?}");
        }
        ensure_eq!(net.server.metric("rhumb_clock_wrong", &[])?.to_string(), "1", "the metric, {clock}");
        ensure_eq!(net.server.log().matches(logged).count(), 1, "times that it is logged, {clock}");
    }
    Ok(Outcome::Passed)
}

/// Nothing is said, and `lenient-until-set` validates.
fn right_clock() -> Verdict {
    let config = Internet::config(true).recursion("dnssec-clock: lenient-until-set");
    let net = Internet::start(&config, DELEGATIONS, serve_signed)?;
    let reply = net.client.udp(net.to, &Message::query("www.signed.", "A").dnssec())?.message;
    ensure!(reply.has(AD), "a signed name is not secure by a clock that is right: {reply:?}");
    ensure_eq!(net.server.metric("rhumb_clock_wrong", &[])?.to_string(), "0", "the metric");
    Ok(Outcome::Passed)
}
