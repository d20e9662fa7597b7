//! Servers that are silent or slow, and a network that is gone for a while: clients are told soon, and nothing stays broken.

use std::thread;
use std::time::{Duration, Instant};

use rhumb_tests::rig::internet::{Delegation, authoritative, denial, referral};
use rhumb_tests::rig::record::type_number;
use rhumb_tests::rig::script::Transport;
use rhumb_tests::rig::{Act, Asked, Internet, Message, Record, program, rcode};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq};

use crate::reasons::reasons;

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("outage::silence_is_told_while_clients_wait", silence),
    Test::beside("outage::slow_servers_answer_in_time", slow),
    Test::beside("outage::a_server_without_udp_answers_in_time", without_udp),
    Test::beside("outage::a_long_chain_of_slow_servers_is_followed", chain),
    Test::beside("outage::everything_is_found_again", outage),
];

/// A client is told within two seconds where the network is gone or the servers are known to be silent; so much later on a machine that has
/// other work.
const TOLD: Duration = Duration::from_millis(3500);
/// Else before it gives up, which is after five seconds as a rule.
const IN_TIME: Duration = Duration::from_millis(4900);

const DOMAINS: &[Delegation] = &[
    Delegation { domain: "good.", address: "198.18.1.1", digests: Vec::new },
    Delegation { domain: "many.", address: "198.18.1.2", digests: Vec::new },
    Delegation { domain: "silent.", address: "198.18.1.3", digests: Vec::new },
    Delegation { domain: "slow.", address: "198.18.1.4", digests: Vec::new },
    Delegation { domain: "stream.", address: "198.18.1.5", digests: Vec::new },
    Delegation { domain: "chain.", address: "198.18.2.1", digests: Vec::new },
];

fn internet() -> Result<Internet, Failure> {
    Internet::start(&Internet::config(false), DOMAINS, |asked| {
        let octets = match asked.to {
            std::net::IpAddr::V4(address) => address.octets(),
            std::net::IpAddr::V6(_) => return Act::Silent,
        };
        match octets {
            [_, _, 1, 1] => address(asked, "good."),
            [_, _, 1, 2] if asked.name().ends_with("four.many") => {
                let servers: Vec<(String, String)> =
                    (1..5).map(|n| (format!("ns{n}.four.many."), format!("198.18.9.{n}"))).collect();
                let servers: Vec<(&str, &str)> =
                    servers.iter().map(|(ns, to)| (ns.as_str(), to.as_str())).collect();
                Act::Reply(referral(asked, "four.many.", &servers))
            }
            [_, _, 1, 2] if asked.name().ends_with("half.many") => {
                let servers = [("ns1.half.many.", "198.18.9.1"), ("ns2.half.many.", "198.18.1.4")];
                Act::Reply(referral(asked, "half.many.", &servers))
            }
            [_, _, 1, 2] => Act::Reply(denial(asked, "many.", rcode::NOERROR)),
            [_, _, 1, 5] if asked.transport == Transport::Tcp => address(asked, "stream."),
            [_, _, 1, 4] => address(asked, "slow.").after(Duration::from_millis(2500)),
            [_, _, 2, depth] => link(asked, depth).after(Duration::from_millis(400)),
            _ => Act::Silent,
        }
    })
}

/// The address of a name for a second, no other types.
fn address(asked: &Asked, zone: &str) -> Act {
    if asked.message.kind() != type_number("A") {
        return Act::Reply(denial(asked, zone, rcode::NOERROR));
    }
    let answer = vec![Record::from_text(&format!("{}. 1 IN A 198.18.0.80", asked.name()))];
    Act::Reply(Message { answer, ..authoritative(asked) })
}

/// One of a chain of zones, each of which delegates the next; the last has the address.
fn link(asked: &Asked, depth: u8) -> Act {
    let labels: Vec<String> = (1..depth).rev().map(|n| format!("l{n}")).collect();
    let zone = [labels.join("."), "chain.".to_owned()].join(if depth > 1 { "." } else { "" });
    let next = format!("l{depth}.{zone}");
    let below = format!("{}.", asked.name()).ends_with(&next);
    if depth < 5 && below {
        let (server, to) = (format!("ns.{next}"), format!("198.18.2.{}", depth + 1));
        return Act::Reply(referral(asked, &next, &[(&server, &to)]));
    }
    address(asked, &zone)
}

fn query(name: &str) -> Message {
    Message::query(name, "A").edns(1232)
}

/// That a question gets SERVFAIL with this cause in `time`.
fn told(net: &Internet, name: &str, time: Duration, (code, text): (u16, &str)) -> Result<(), Failure> {
    let lasting = net.client.clone().time_limit(Duration::from_secs(12));
    let reply = lasting.udp(net.to, &query(name))?;
    ensure_eq!(reply.message.rcode(), rcode::SERVFAIL, "response code of {name}");
    ensure!(reply.took < time, "{name}: told after {:?}", reply.took);
    let found = reasons(&reply.message);
    let right = found.iter().any(|(number, said)| *number == code && said.contains(text));
    ensure!(right, "reasons of {name}: {found:?}, not {code} {text}");
    Ok(())
}

fn silence() -> Verdict {
    let net = internet()?;
    for (name, text, time) in [
        ("www.silent.", "the only server of silent. is silent", IN_TIME),
        ("www.four.many.", "servers of four.many.", IN_TIME),
        // Of what is known to be silent, and of another type.
        ("other.silent.", "the only server of silent. is silent", TOLD),
        ("other.four.many.", "servers of four.many.", IN_TIME),
    ] {
        told(&net, name, time, (22, text))?;
        // Others that ask meanwhile are told the same, at once.
        told(&net, name, TOLD, (22, text))?;
    }
    Ok(Outcome::Passed)
}

/// That a question is answered before its client gives up.
fn answered_in_time(net: &Internet, name: &str) -> Result<(), Failure> {
    let reply = net.client.clone().time_limit(Duration::from_secs(12)).udp(net.to, &query(name))?;
    println!("outage: {name} after {:?}", reply.took);
    ensure_eq!(reply.message.data("A"), ["198.18.0.80"], "the answer of {name}: {:?}", reply.message);
    ensure!(reply.took < IN_TIME, "{name} after {:?}", reply.took);
    Ok(())
}

/// A server that needs two and a half seconds for each reply, by itself and beside one that is dead.
fn slow() -> Verdict {
    for name in ["www.slow.", "www.half.many."] {
        let net = internet()?;
        answered_in_time(&net, name)?;
        // What is known of it by now is no reason to give up sooner.
        answered_in_time(&net, &name.replace("www", "other"))?;
    }
    Ok(Outcome::Passed)
}

/// A server whose datagrams are lost, all of them.
fn without_udp() -> Verdict {
    let net = internet()?;
    for name in ["www.stream.", "other.stream.", "third.stream."] {
        answered_in_time(&net, name)?;
    }
    Ok(Outcome::Passed)
}

fn chain() -> Verdict {
    let net = internet()?;
    let lasting = net.client.clone().time_limit(Duration::from_secs(12));
    let reply = lasting.udp(net.to, &query("www.l4.l3.l2.l1.chain."))?;
    ensure_eq!(reply.message.data("A"), ["198.18.0.80"], "the answer: {:?}", reply.message);
    ensure!(reply.took > Duration::from_secs(2), "each of five servers takes 0.4 s: {:?}", reply.took);
    Ok(Outcome::Passed)
}

/// Has everything that is sent to the internet be dropped, or no more.
fn cut(net: &Internet, cut: bool) -> Result<(), Failure> {
    let rules = if cut {
        "table inet cut {\n chain in {\n type filter hook input priority 0\n ip daddr 198.18.0.0/15 drop\n }\n }"
    } else {
        "delete table inet cut"
    };
    let host = net.client.host();
    let done = program::run(host.command("nft").arg(rules), Duration::from_secs(20))?;
    ensure_eq!(done.code, Some(0), "nft: {}", done.err);
    Ok(())
}

fn outage() -> Verdict {
    if program::find("nft").is_none() {
        rhumb_tests::skip!("no nft here");
    }
    let net = internet()?;
    let lasting = net.client.clone().time_limit(Duration::from_secs(12));
    let known: Vec<String> = (0..10).map(|n| format!("known{n}.good.")).collect();
    for name in &known {
        let found = net.client.udp(net.to, &query(name))?.message;
        ensure_eq!(found.data("A"), ["198.18.0.80"], "{name} before the outage");
    }
    thread::sleep(Duration::from_millis(1200));
    cut(&net, true)?;
    let begun = Instant::now();
    let (mut round, mut slowest) = (0, Duration::ZERO);
    while begun.elapsed() < Duration::from_secs(20) {
        round += 1;
        let known = &known[round % known.len()];
        let reply = lasting.udp(net.to, &query(known))?;
        ensure_eq!(reply.message.data("A"), ["198.18.0.80"], "the stale answer of {known}");
        slowest = slowest.max(reply.took);
        let new = format!("new{}.good.", round % 20);
        let reply = lasting.udp(net.to, &query(&new))?;
        ensure_eq!(reply.message.rcode(), rcode::SERVFAIL, "response code of {new}");
        let code = reasons(&reply.message).first().context("no reason")?.0;
        ensure_eq!(code, 22, "reason of {new}: {:?}", reasons(&reply.message));
        slowest = slowest.max(reply.took);
    }
    ensure!(slowest < TOLD, "a client waited {slowest:?} during the outage");
    cut(&net, false)?;
    let back = Instant::now();
    let mut names = known.clone();
    names.extend((0..25).map(|n| format!("new{n}.good.")));
    while let Some(name) = names.last() {
        let reply = lasting.udp(net.to, &query(name))?.message;
        // A stale answer is none.
        if reply.rcode() == rcode::NOERROR && reasons(&reply).is_empty() {
            ensure_eq!(reply.data("A"), ["198.18.0.80"], "{name} after the outage");
            names.pop();
            continue;
        }
        ensure!(back.elapsed() < Duration::from_secs(10), "{name} after {:?}: {reply:?}", back.elapsed());
        thread::sleep(Duration::from_millis(100));
    }
    println!("outage: clients waited {slowest:?} at most, all is back after {:?}", back.elapsed());
    Ok(Outcome::Passed)
}
