//! New versions of a zone on their way to secondaries: announced (NOTIFY, RFC 1996) and transferred as differences (IXFR, RFC 1995).

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Client, Config, Host, Message, Server, Transport};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};

use crate::peer::{Key, Peer, PeerServer};
use crate::secondary::start_secondary;

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("announcing::differences", differences),
    Test::beside("announcing::expire", expire),
    Test::beside("announcing::secondaries_follow_at_once", secondaries),
    Test::beside("announcing::servers_that_do_not_answer", silent),
];

const TO: &str = "192.0.2.1:53";
const IXFR: &str = "TYPE251";
const SECRET: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// A zone that is refreshed by nobody in the time of a test. Its versions differ in one host, and in one that all have.
fn zone(serial: u32) -> String {
    let mut text =
        format!("$TTL 300\n@ SOA ns admin {serial} 86400 86400 864000 60\n@ NS ns\nns A 192.0.2.1\n");
    text.extend((0..300).map(|number| format!("h{number} A 10.0.{}.{}\n", number / 250, number % 250)));
    text + &format!("version TXT \"{serial}\"\nv{serial} A 192.0.2.9\n")
}

fn config(serial: u32, more: &str, rules: &str) -> Config {
    let entry = format!("{more}zones:\n  - {{ name: zone.test, file: zone.test.zone, {rules} }}\n");
    Config::new().listen("::").file("zone.test.zone", &zone(serial)).more(&entry)
}

const ALLOWED: &str = "transfer-to: [{ network: 192.0.2.0/24 }]";

/// Serves the next versions, one after the other.
fn publish(server: &Server, serials: &[u32], more: &str, rules: &str) -> Result<(), Failure> {
    for serial in serials {
        server.rewrite(&config(*serial, more, rules))?;
        server.reload()?;
    }
    Ok(())
}

/// Serials of the SOA records, and how many other records stand between them.
fn shape(records: &[rhumb_tests::rig::Record]) -> Vec<String> {
    let mut shape: Vec<String> = Vec::new();
    let mut others = 0;
    for record in records {
        if record.kind != 6 {
            others += 1;
            continue;
        }
        if others > 0 {
            shape.push(format!("+{others}"));
        }
        others = 0;
        let data = record.data();
        shape.push(data.split(' ').nth(2).unwrap_or_default().to_owned());
    }
    shape
}

/// One difference, whatever lies between; a datagram where it fits; the whole zone from a serial that is not known.
fn differences() -> Verdict {
    let (host, client) = Host::pair()?;
    let server = Server::start(&host, &config(10, "", ALLOWED))?;
    publish(&server, &[11, 12, 13], "", ALLOWED)?;
    let client = Client::new(&client);
    let to: SocketAddr = TO.parse()?;
    let ask = |transport, from: u32| -> Result<Vec<String>, Failure> {
        let query = Message::query("zone.test.", IXFR).no_recursion().edns(1232);
        let query = query.authorities(&[&format!("zone.test. 0 IN SOA . . {from} 0 0 0 0")]);
        let answer = client.over(transport, to, &query)?.message;
        Ok(shape(&answer.answer))
    };
    // The text and the host of the old version go, those of the new one come.
    for (from, expected) in [
        (10, &["13", "10", "+2", "13", "+2", "13"][..]),
        (11, &["13", "11", "+2", "13", "+2", "13"]),
        (12, &["13", "12", "+2", "13", "+2", "13"]),
        (13, &["13"]),
        (14, &["13"]),
    ] {
        ensure_eq!(ask(Transport::Tcp, from)?, expected, "from {from} by TCP");
        ensure_eq!(ask(Transport::Udp, from)?, expected, "from {from} by UDP");
    }
    ensure_eq!(ask(Transport::Tcp, 9)?, ["13", "+304", "13"], "from an unknown serial by TCP");
    ensure_eq!(ask(Transport::Udp, 9)?, ["13"], "from an unknown serial by UDP");
    let count = server.metric("rhumb_transfers_total", &["ixfr", "complete"])?;
    ensure_eq!(format!("{count:.0}"), "6", "differences that were transferred");
    // The same serial with other contents, and a serial that goes back: nobody can be told what differs.
    server.rewrite(&config(13, "", ALLOWED).file("zone.test.zone", &(zone(13) + "more A 192.0.2.8\n")))?;
    server.reload()?;
    ensure!(server.log().contains("its serial, 13, is not newer than 13"), "no warning: {}", server.log());
    ensure_eq!(ask(Transport::Tcp, 10)?, ["13", "+305", "13"], "after a change without a new serial");
    publish(&server, &[12, 20], "", ALLOWED)?;
    ensure_eq!(ask(Transport::Tcp, 10)?, ["20", "+304", "20"], "after the serial has gone back");
    ensure_eq!(ask(Transport::Tcp, 12)?, ["20", "12", "+2", "20", "+2", "20"], "from the one after that");
    Ok(Outcome::Passed)
}

/// EDNS EXPIRE (RFC 7314) for the SOA and transfers, and for nothing else.
fn expire() -> Verdict {
    let (host, client) = Host::pair()?;
    let _server = Server::start(&host, &config(10, "", ALLOWED))?;
    let client = Client::new(&client);
    for (name, kind, transport, expected) in [
        ("zone.test.", "SOA", Transport::Udp, Some(864_000)),
        ("zone.test.", "TYPE252", Transport::Tcp, Some(864_000)),
        ("zone.test.", "NS", Transport::Udp, None),
        ("h1.zone.test.", "SOA", Transport::Udp, None),
    ] {
        let query = Message::query(name, kind).no_recursion().option(9, b"");
        let answer = client.over(transport, TO.parse()?, &query)?.message;
        let options = answer.edns.context("no EDNS")?.options;
        let found = options.iter().find(|(code, _)| *code == 9);
        let seconds = found.and_then(|(_, data)| Some(u32::from_be_bytes(*data.first_chunk()?)));
        ensure_eq!(seconds, expected, "EXPIRE with {name} {kind}");
    }
    Ok(Outcome::Passed)
}

/// NSD, Knot and BIND are told of each version, one of them with a key, and take the difference.
fn secondaries() -> Verdict {
    let (host, client) = Host::pair()?;
    let key: Key = ("k.test".into(), "hmac-sha256".into(), SECRET.into());
    let more = format!(
        "keys:\n  - {{ name: k.test, secret: \"{SECRET}\" }}\nremotes:\n  - {{ name: nsd, addresses: 192.0.2.12 }}\n  \
         - {{ name: knot, addresses: 192.0.2.13, key: k.test }}\n  - {{ name: bind, addresses: 192.0.2.14 }}\n"
    );
    let rules = "transfer-to: [{ network: 192.0.2.0/24 }], notify: [nsd, knot, bind]";
    let server = Server::start(&host, &config(10, &more, rules))?;
    let mut running = Vec::new();
    for (peer, key) in [(Peer::Nsd, None), (Peer::Knot, Some(&key)), (Peer::Bind, None)] {
        running.extend(start_secondary(peer, &client, key)?);
    }
    if running.is_empty() {
        skip!("none of NSD, Knot and BIND here");
    }
    let asker = Client::new(&client).time_limit(Duration::from_millis(500));
    let has = |secondary: &PeerServer, serial: u32| {
        let asked = asker.ask(secondary.address(), &format!("v{serial}.zone.test."), "A");
        asked.is_ok_and(|answer| !answer.data("A").is_empty())
    };
    for secondary in &running {
        let served = until(Duration::from_secs(30), || has(secondary, 10));
        ensure!(served, "{} does not serve the zone: {}", secondary.name(), secondary.log());
    }
    for serial in [11, 12, 13] {
        publish(&server, &[serial], &more, rules)?;
        let begun = Instant::now();
        for secondary in &running {
            let told = until(Duration::from_secs(20), || has(secondary, serial));
            ensure!(
                told,
                "{} is not told of {serial}: {} {}",
                secondary.name(),
                secondary.log(),
                server.log()
            );
        }
        ensure!(begun.elapsed() < Duration::from_secs(20), "version {serial} took {:?}", begun.elapsed());
    }
    let wanted = running.iter().map(|_| 1.0).sum::<f64>();
    let ixfr = server.metric("rhumb_transfers_total", &["ixfr", "complete"])?;
    ensure!(ixfr > wanted * 2.0, "{ixfr} differences for {wanted} secondaries and three versions");
    let acknowledged = server.metric("rhumb_notify_total", &["acknowledged"])?;
    ensure!(acknowledged > wanted * 3.0 - 0.5, "{acknowledged} acknowledged messages");
    let told = server.tell(&["zone", "notify", "zone.test"])?;
    ensure!(
        told.code == Some(0) && told.out.contains("192.0.2.13:53"),
        "zone notify: {}{}",
        told.out,
        told.err
    );
    let again = || {
        server
            .metric("rhumb_notify_total", &["acknowledged"])
            .is_ok_and(|count| count > acknowledged + wanted - 0.5)
    };
    ensure!(until(Duration::from_secs(10), again), "zone notify told nobody");
    Ok(Outcome::Passed)
}

/// One that does not answer is asked again after three seconds, and no other waits for it.
fn silent() -> Verdict {
    let (host, client) = Host::pair()?;
    let remotes = "remotes:\n  - { name: none, addresses: 192.0.2.77 }\n  - { name: closed, addresses: \"192.0.2.2:9\" }\n";
    let rules = "notify: [none, closed]";
    let server = Server::start(&host, &config(10, remotes, rules))?;
    let unanswered = || server.metric("rhumb_notify_total", &["unanswered"]).is_ok_and(|count| count > 2.5);
    ensure!(until(Duration::from_secs(20), unanswered), "no message is sent again: {}", server.log());
    let answer = Client::new(&client).ask(TO.parse()?, "v10.zone.test.", "A")?;
    ensure_eq!(answer.data("A"), ["192.0.2.9"], "an answer meanwhile");
    let refused = server.tell(&["zone", "notify", "other.test"])?;
    ensure!(refused.code == Some(1) && refused.err.contains("no zone"), "{}", refused.err);
    Ok(Outcome::Passed)
}
