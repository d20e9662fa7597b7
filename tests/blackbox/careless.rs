//! What the real internet is like: replies from elsewhere, and a network that is gone for a while.

use std::net::UdpSocket;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use rhumb_tests::rig::internet::{Delegation, authoritative, denial};
use rhumb_tests::rig::record::type_number;
use rhumb_tests::rig::script::Transport;
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Act, Asked, Client, Internet, Message, program, rcode};
use rhumb_tests::{Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("careless::replies_from_another_address", from_elsewhere),
    Test::alone("careless::all_resolves_again_after_an_outage", outage),
];

const SERVER: &str = "198.18.1.1";
const DOMAINS: &[Delegation] = &[Delegation { domain: "plain.", address: SERVER, digests: Vec::new }];

/// An address for every name, good for a second.
fn address(asked: &Asked) -> Message {
    if asked.message.kind() != type_number("A") {
        return denial(asked, "plain.", rcode::NOERROR);
    }
    authoritative(asked).answers(&[&format!("{} 1 IN A 198.18.0.80", asked.message.name())])
}

/// Over UDP a server answers from an address and port that were not asked; over TCP it cannot.
fn from_elsewhere() -> Verdict {
    let other: Arc<OnceLock<UdpSocket>> = Arc::default();
    let elsewhere = Arc::clone(&other);
    let internet = Internet::start(&Internet::config(false), DOMAINS, move |asked| {
        if asked.transport == Transport::Tcp {
            return Act::Reply(
                authoritative(asked).answers(&[&format!("{} 60 IN A 198.18.0.80", asked.message.name())]),
            );
        }
        let line = format!("{} 300 IN A 203.0.113.66", asked.message.name());
        if let Some(socket) = elsewhere.get() {
            let _ = socket.send_to(&authoritative(asked).answers(&[&line]).to_wire(), asked.from);
        }
        Act::Silent
    })?;
    let socket = internet.client.host().within(|| UdpSocket::bind("198.18.1.99:5353"))??;
    ensure!(other.set(socket).is_ok(), "a second socket");
    for number in 0..3 {
        let name = format!("n{number}.plain.");
        let lasting = internet.client.clone().time_limit(Duration::from_secs(10));
        let (answer, took) = timed(&lasting, &internet, &name)?;
        ensure_eq!(answer.data("A"), ["198.18.0.80"], "{name}: {}", internet.server.log_tail());
        ensure!(took < Duration::from_secs(4), "{name} after {took:?}");
    }
    ensure!(internet.seen_at(SERVER) <= 24, "{} queries", internet.seen_at(SERVER));
    Ok(Outcome::Passed)
}

/// What nameservers get is dropped from now on, or no more.
fn drop_queries(internet: &Internet, nft: &std::path::Path, dropped: bool) -> Result<(), Failure> {
    let rules: &[&str] = if dropped {
        &[
            "add table ip outage",
            "add chain ip outage in { type filter hook input priority 0 ; }",
            "add rule ip outage in ip daddr 198.18.0.0/15 drop",
        ]
    } else {
        &["delete table ip outage"]
    };
    for rule in rules {
        let mut command = internet.client.host().command(nft);
        let done = program::run(command.args(rule.split(' ')), Duration::from_secs(10))?;
        ensure!(done.code == Some(0), "nft {rule}: {}", done.err);
    }
    Ok(())
}

fn timed(client: &Client, internet: &Internet, name: &str) -> Result<(Message, Duration), Failure> {
    let reply = client.udp(internet.to, &Message::query(name, "A").edns(1232))?;
    Ok((reply.message, reply.took))
}

/// Fifteen seconds without a network: what was known is answered from what is stale, the rest fails soon and with a cause; and as soon as
/// the network is back all resolves.
fn outage() -> Verdict {
    let Some(nft) = program::find("nft") else { skip!("no nft here") };
    let internet = Internet::start(&Internet::config(false), DOMAINS, |asked| Act::Reply(address(asked)))?;
    let client = internet.client.clone().time_limit(Duration::from_secs(10));
    for known in ["known.plain.", "other.plain."] {
        ensure_eq!(timed(&client, &internet, known)?.0.data("A"), ["198.18.0.80"], "{known} before");
    }
    drop_queries(&internet, &nft, true)?;
    thread::sleep(Duration::from_millis(1100));
    let begun = Instant::now();
    let mut number = 0;
    let mut slowest = Duration::ZERO;
    while begun.elapsed() < Duration::from_secs(15) {
        let (stale, took) = timed(&client, &internet, "known.plain.")?;
        ensure_eq!(stale.data("A"), ["198.18.0.80"], "what was known, after {:?}", begun.elapsed());
        slowest = slowest.max(took);
        let (failed, took) = timed(&client, &internet, &format!("n{number}.plain."))?;
        ensure_eq!(failed.rcode(), rcode::SERVFAIL, "what was not known, after {:?}", begun.elapsed());
        let again = timed(&client, &internet, "again.plain.")?.0;
        ensure_eq!(again.rcode(), rcode::SERVFAIL, "what is asked for all the time");
        let cause = failed.extended_error();
        ensure!([Some(22), Some(23)].contains(&cause), "the cause is {cause:?}");
        // The first one finds out that nobody answers.
        if number > 0 {
            slowest = slowest.max(took);
        }
        number += 1;
        thread::sleep(Duration::from_millis(100));
    }
    println!("careless: {number} unknown names during the outage, the slowest answer after {slowest:?}");
    ensure!(slowest <= Duration::from_secs(3), "an answer took {slowest:?} in the outage");
    drop_queries(&internet, &nft, false)?;
    let back = Instant::now();
    let all = until(Duration::from_secs(10), || {
        let resolves = |name: String| {
            internet.client.ask(internet.to, &name, "A").is_ok_and(|answer| answer.rcode() == rcode::NOERROR)
        };
        number += 10;
        (0..10).all(|n| resolves(format!("n{}.plain.", number + n)))
    });
    ensure!(all, "10 s after the outage not all names resolve");
    println!("careless: all resolves {:?} after the outage", back.elapsed());
    // A failure is remembered for longer each time, but not for that long; what is stale may be given for half a minute (RFC 8767
    // section 5).
    let again = until(Duration::from_secs(10).saturating_sub(back.elapsed()), || {
        let answer = internet.client.ask(internet.to, "again.plain.", "A");
        answer.is_ok_and(|answer| answer.data("A") == ["198.18.0.80"])
    });
    ensure!(again, "10 s after the outage a name fails that was asked for all the time");
    let (known, _) = timed(&client, &internet, "known.plain.")?;
    ensure_eq!(known.data("A"), ["198.18.0.80"], "what was known, after the outage");
    Ok(Outcome::Passed)
}
