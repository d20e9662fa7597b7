//! Cookies towards servers (RFC 7873), and servers that drop what they do not know.

use std::time::Duration;

use rhumb_tests::rig::hostile::{ATTACKER, SIGNED, asks_keys, says, signer};
use rhumb_tests::rig::internet::{authoritative, sized};
use rhumb_tests::rig::script::Transport;
use rhumb_tests::rig::{Act, Asked, Internet, Message, Record, rcode};
use rhumb_tests::{Outcome, Test, Verdict, ensure, ensure_eq};

use super::Attack;

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("attacks::row38_replies_without_their_cookie", without_cookie),
    Test::beside("attacks::row11_cookies_that_are_refused_for_ever", refused),
    Test::beside("attacks::row25_servers_that_drop_edns", drops_edns),
];

const COOKIE: u16 = 10;
const TRUE: &str = "198.18.6.80";
const LIE: &str = "203.0.113.66";

fn cookie(asked: &Asked) -> Option<Vec<u8>> {
    let options = &asked.message.edns.as_ref()?.options;
    options.iter().find(|(code, _)| *code == COOKIE).map(|(_, value)| value.clone())
}

fn address(asked: &Asked, address: &str) -> Message {
    authoritative(asked).answers(&[&format!("{} 300 IN A {address}", asked.message.name())])
}

/// With the cookie of the query and one of the server.
fn with_cookie(asked: &Asked, reply: Message) -> Message {
    match cookie(asked) {
        Some(cookie) => reply.option(COOKIE, &[&cookie[..8], b"the cookie of it"].concat()),
        None => reply,
    }
}

/// Once the server has given a cookie, a reply that has none or another one is not believed over UDP.
fn without_cookie() -> Verdict {
    type Forgery = fn(&Asked) -> Message;
    let forgeries: [(&str, Forgery); 3] = [
        ("none", |asked| address(asked, LIE)),
        ("another", |asked| address(asked, LIE).option(COOKIE, b"anotherscookieof")),
        ("a long one", |asked| address(asked, LIE).option(COOKIE, &[7; 41])),
    ];
    for (what, forgery) in forgeries {
        let attack = Attack::new(move |asked| {
            let truth = Act::Reply(with_cookie(asked, address(asked, TRUE)));
            let known = cookie(asked).is_some_and(|cookie| cookie.len() > 8);
            let forged = known && asked.transport == Transport::Udp && asked.name() == "www.attack";
            if forged { Act::Reply(forgery(asked)) } else { truth }
        })?;
        let net = &attack.0;
        let first = net.client.ask(net.to, "first.attack.", "A")?;
        ensure_eq!(first.data("A"), [TRUE], "the first answer");
        net.forget();
        let reply = net.client.ask(net.to, "www.attack.", "A")?;
        ensure_eq!(reply.data("A"), [TRUE], "with {what} beside the forged address");
        let seen = net.seen();
        ensure!(
            seen.iter().any(|asked| asked.transport == Transport::Tcp),
            "{what}: not asked again over TCP"
        );
        let counted = net.server.metric("rhumb_resolver_suspicious_replies_total", &["reason=\"cookie\""])?;
        ensure_eq!(counted.to_string(), "1", "replies without their cookie that are counted, {what}");
    }
    Ok(Outcome::Passed)
}

/// A server that gives a new cookie with each refusal, and takes none.
fn refused() -> Verdict {
    let attack = Attack::new(|asked| {
        let reply = with_cookie(asked, authoritative(asked).with_rcode(7));
        let edns = reply.edns.clone().map(|edns| rhumb_tests::rig::Edns { extended_rcode: 1, ..edns });
        Act::Reply(Message { edns, ..reply })
    })?;
    let toll = attack.ask("www.attack.", "A")?;
    super::failed(&toll)?;
    let to_attacker = attack.0.seen_at(ATTACKER);
    ensure!((2..=6).contains(&to_attacker), "{to_attacker} queries: {:?}", attack.0.seen());
    Ok(Outcome::Passed)
}

/// A server that leaves queries with EDNS unanswered is asked without; not where its zone is signed, for nothing could be believed
/// of that.
fn drops_edns() -> Verdict {
    let attack = Attack::new(|asked| {
        if asked.message.edns.is_some() { Act::Silent } else { Act::Reply(address(asked, TRUE)) }
    })?;
    let net = &attack.0;
    let lasting = net.client.clone().time_limit(Duration::from_secs(9));
    let first = lasting.udp(net.to, &Message::query("www.attack.", "A").edns(1232))?;
    ensure_eq!(first.message.data("A"), [TRUE], "the first answer");
    net.forget();
    let second = lasting.udp(net.to, &Message::query("next.attack.", "A").edns(1232))?;
    ensure_eq!(second.message.data("A"), [TRUE], "the second answer");
    let later: Vec<_> = net
        .seen()
        .into_iter()
        .filter(|asked| asked.to == ATTACKER.parse::<std::net::IpAddr>().unwrap())
        .collect();
    let without = later.iter().all(|asked| asked.message.edns.is_none());
    // A second one is of a machine too busy to answer at once.
    ensure!(without && (1..=2).contains(&later.len()), "queries once it is known: {later:?}");

    let attack = Attack::with(&Internet::config(true), &[], SIGNED, |asked| {
        if asked.message.edns.is_none() {
            return Act::Reply(address(asked, LIE));
        }
        if asks_keys(asked) {
            return says(asked, signer().sign(&[signer().key()]));
        }
        let lost = asked.name() == "lost.attack";
        let line = format!("{}. 300 IN A {TRUE}", asked.name());
        let answer = signer().sign(&[Record::from_text(&line)]);
        if lost { Act::Silent } else { sized(asked, Message { answer, ..authoritative(asked) }) }
    })?;
    let net = &attack.0;
    let found = net.client.udp(net.to, &Message::query("www.attack.", "A").dnssec())?.message;
    ensure!(found.has(rhumb_tests::rig::message::AD), "a signed name is not secure: {found:?}");
    let lasting = net.client.clone().time_limit(Duration::from_secs(9));
    let lost = lasting.udp(net.to, &Message::query("lost.attack.", "A").edns(1232))?.message;
    ensure_eq!(lost.rcode(), rcode::SERVFAIL, "a signed name whose replies are lost");
    let bare: Vec<Asked> = net.seen().into_iter().filter(|asked| asked.message.edns.is_none()).collect();
    ensure!(bare.is_empty(), "a signed zone was asked without EDNS: {bare:?}");
    Ok(Outcome::Passed)
}
