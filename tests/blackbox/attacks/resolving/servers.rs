//! Delegations that lead to many servers, to none, to the victim, or in a circle.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use rhumb_tests::rig::hostile::{self, ATTACKER};
use rhumb_tests::rig::internet::{authoritative, referral};
use rhumb_tests::rig::record::type_number;
use rhumb_tests::rig::script::Transport;
use rhumb_tests::rig::{Act, Asked, Message, rcode};
use rhumb_tests::{Context, Outcome, Test, Verdict, ensure, ensure_eq};

use super::{Attack, failed};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("attacks::row1_a_hundred_servers_below_a_victim", below_a_victim),
    Test::beside("attacks::row2_fifteen_hundred_servers_that_refuse", that_refuse),
    Test::beside("attacks::row3_servers_with_many_addresses", many_addresses),
    Test::beside("attacks::row4_silent_servers", silent),
    Test::beside("attacks::row9_zones_that_need_each_other", circle),
    Test::beside("attacks::row10_a_failure_is_remembered", remembered),
    Test::beside("attacks::row11_the_same_error_for_ever", same_error),
    Test::beside("attacks::row14_a_delegation_to_the_server_itself", itself),
];

/// CVE-2020-8616.
fn below_a_victim() -> Verdict {
    let attack = Attack::new(hostile::below_a_victim)?;
    let toll = attack.ask("a.attack.", "A")?;
    failed(&toll)?;
    ensure!((1..=10).contains(&toll.to_victim), "{} queries to the victim", toll.to_victim);
    ensure!(toll.queries <= 20, "{} queries in all", toll.queries);
    Ok(Outcome::Passed)
}

/// CVE-2022-2795.
fn that_refuse() -> Verdict {
    let attack = Attack::new(hostile::that_refuse)?;
    let before = attack.0.server.cpu_time()?;
    let toll = attack.ask("x.a.attack.", "A")?;
    failed(&toll)?;
    ensure!(toll.queries <= 50, "{} queries", toll.queries);
    let cpu = attack.0.server.cpu_since(before)?;
    ensure!(cpu <= Duration::from_millis(150), "{cpu:?} of CPU, the innocent questions included");
    Ok(Outcome::Passed)
}

/// Each address at most once over each transport (CVE-2026-3592).
fn many_addresses() -> Verdict {
    for shared in [false, true] {
        let attack = Attack::new(move |asked| hostile::addresses(asked, shared))?;
        let toll = attack.ask("x.a.attack.", "A")?;
        failed(&toll)?;
        let mut each: HashMap<(IpAddr, bool), usize> = HashMap::new();
        for asked in attack.0.seen() {
            if asked.to.to_string().starts_with("198.19.") {
                *each.entry((asked.to, asked.transport == Transport::Udp)).or_default() += 1;
            }
        }
        let servers: usize = each.values().sum();
        ensure!((1..=26).contains(&servers), "{servers} queries, addresses shared: {shared}");
        ensure!(each.values().all(|count| *count == 1), "an address asked more than once: {each:?}");
    }
    Ok(Outcome::Passed)
}

fn silent() -> Verdict {
    let attack = Attack::new(hostile::silent)?;
    let toll = attack.ask("x.a.attack.", "A")?;
    failed(&toll)?;
    // The client is told of the silence, and the look-up goes on.
    std::thread::sleep(Duration::from_secs(7));
    let queries = attack.0.seen().iter().filter(|asked| asked.name().ends_with("attack")).count();
    ensure!((13..=40).contains(&queries), "{queries} queries");
    Ok(Outcome::Passed)
}

/// The first question, and a hundred others of the same zone.
fn circle() -> Verdict {
    let attack = Attack::new(hostile::circle)?;
    let toll = attack.ask("www.one.attack.", "A")?;
    failed(&toll)?;
    ensure!(toll.queries <= 20, "{} queries", toll.queries);
    attack.0.forget();
    for number in 0..100 {
        let reply = attack.0.client.ask(attack.0.to, &format!("w{number}.one.attack."), "A")?;
        ensure_eq!(reply.rcode(), rcode::SERVFAIL, "response code of a later question");
    }
    let later = attack.0.seen().len();
    ensure!(later <= 20, "{later} queries for a hundred later questions");
    Ok(Outcome::Passed)
}

/// RFC 9520.
fn remembered() -> Verdict {
    for code in [rcode::SERVFAIL, rcode::REFUSED] {
        let attack = Attack::new(move |asked| asked.code(code))?;
        for _ in 0..100 {
            let reply = attack.0.client.ask(attack.0.to, "www.attack.", "A")?;
            ensure_eq!(reply.rcode(), rcode::SERVFAIL, "response code");
        }
        let seen = attack.0.seen();
        let to_attacker = attack.0.seen_at(ATTACKER);
        ensure!((1..=4).contains(&to_attacker), "{to_attacker} queries: {seen:?}");
    }
    Ok(Outcome::Passed)
}

fn same_error() -> Verdict {
    type Reaction = fn(&Asked) -> Act;
    let reactions: [(&str, Reaction); 7] = [
        ("BADCOOKIE", |asked| {
            let reply = authoritative(asked).with_rcode(7);
            let edns = reply.edns.clone().map(|edns| rhumb_tests::rig::Edns { extended_rcode: 1, ..edns });
            Act::Reply(Message { edns, ..reply })
        }),
        ("FORMERR", |asked| asked.code(rcode::FORMERR)),
        ("NOTIMP", |asked| asked.code(rcode::NOTIMP)),
        ("BADVERS", |asked| {
            let reply = authoritative(asked);
            if reply.edns.is_none() {
                return asked.code(rcode::FORMERR);
            }
            let edns = reply.edns.clone().map(|edns| rhumb_tests::rig::Edns { extended_rcode: 1, ..edns });
            Act::Reply(Message { edns, ..reply })
        }),
        ("TC, over TCP too", hostile::cut_for_ever),
        ("another question", |asked| {
            let mut reply = authoritative(asked);
            "other.attack.".clone_into(&mut reply.questions[0].0);
            Act::Reply(reply)
        }),
        ("another type", |asked| {
            let mut reply = authoritative(asked);
            reply.questions[0].1 = type_number("MX");
            Act::Reply(reply)
        }),
    ];
    for (what, reaction) in reactions {
        let attack = Attack::new(reaction)?;
        let toll = attack.ask("www.attack.", "A")?;
        failed(&toll).context(what)?;
        let to_attacker = attack.0.seen_at(ATTACKER);
        ensure!((1..=6).contains(&to_attacker), "{what}: {to_attacker} queries: {:?}", attack.0.seen());
    }
    Ok(Outcome::Passed)
}

/// A delegation to the address at which the server itself answers: it asks itself, without recursion, and that ends.
fn itself() -> Verdict {
    let attack = Attack::new(|asked| {
        Act::Reply(referral(
            asked,
            "a.attack.",
            &[("ns.a.attack.", "192.0.2.1"), ("ns2.a.attack.", "127.0.0.1")],
        ))
    })?;
    let before = attack.0.server.metric("rhumb_dns_requests_total", &[])?;
    let own = attack.0.client.udp(attack.0.to, &Message::query("x.a.attack.", "A").edns(1232))?;
    ensure_eq!(own.message.rcode(), rcode::SERVFAIL, "response code");
    ensure!(own.took <= Duration::from_millis(8500), "SERVFAIL after {:?}", own.took);
    let got = attack.0.server.metric("rhumb_dns_requests_total", &[])? - before;
    ensure!(got <= 4.0, "{got} queries at the server, that of the client included");
    Ok(Outcome::Passed)
}
