//! Zones given to secondaries: read by clients of others, served by nameservers of others, and what keeps them in bounds.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Client, Config, Host, Message, Server, Transport, program, rcode};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};

use crate::peer::Peer;
use crate::secondary::start_secondary;

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("transfers::clients_of_others_read_a_zone", readers),
    Test::beside("transfers::nameservers_of_others_are_secondaries", secondaries),
    Test::beside("transfers::who_may_not", denials),
    Test::beside("transfers::queries_are_answered_meanwhile", pipelined),
    Test::beside("transfers::one_that_does_not_read_holds_little", unread),
];

const AXFR: &str = "AXFR";
const IXFR: &str = "TYPE251";
const TO: &str = "192.0.2.1:53";
const SERIAL: u32 = 42;

/// A zone of so many hosts, and what makes transfers hard: sets larger than a message, names that compress, a large record.
fn zone(hosts: usize) -> String {
    let mut text = format!(
        "$ORIGIN zone.test.\n$TTL 300\n@ SOA ns admin {SERIAL} 2 2 60 60\n@ NS ns\n@ NS ns.other.test.\n"
    );
    text += "ns A 192.0.2.1\nmail MX 5 mx.mail\nmx.mail A 192.0.2.2\n*.wild TXT \"any\"\nsub NS ns.sub\nns.sub A 192.0.2.3\n";
    for number in 0..hosts {
        let (high, low) = (number / 250, number % 250);
        let line =
            format!("h{number} A 10.{}.{}.{low}\nlarge AAAA 2001:db8::{number:x}\n", high / 250, high % 250);
        text += if number < 2000 { &line } else { line.split_inclusive('\n').next().unwrap_or_default() };
    }
    text
}

fn records(hosts: usize) -> usize {
    // Both ends are the SOA.
    10 + hosts + hosts.min(2000)
}

fn config(hosts: usize, rules: &str) -> Config {
    let entry = format!("zones:\n  - {{ name: zone.test, file: zone.test.zone, transfer-to: [{rules}] }}");
    Config::new().listen("::").file("zone.test.zone", &zone(hosts)).more(&entry)
}

fn start(hosts: usize, rules: &str) -> Result<(Server, Host), Failure> {
    let (host, client) = Host::pair()?;
    Ok((Server::start(&host, &config(hosts, rules))?, client))
}

const ALLOWED: &str = "{ network: 192.0.2.0/24 }";

/// Every record comes out of dig, kdig and drill, and the SOA twice.
fn readers() -> Verdict {
    let (server, client) = start(5000, ALLOWED)?;
    let mut read = 0;
    for (name, arguments) in [
        ("dig", &["+noall", "+answer", "@192.0.2.1", "zone.test", AXFR][..]),
        ("kdig", &["+noall", "+answer", "@192.0.2.1", "zone.test", AXFR]),
        ("drill", &["@192.0.2.1", "zone.test", AXFR]),
    ] {
        let Some(file) = program::find(name) else { continue };
        let output = program::run(client.command(file).args(arguments), Duration::from_secs(30))?;
        let lines = output.out.lines().filter(|line| !line.starts_with(';') && !line.trim().is_empty());
        let lines: Vec<&str> = lines.collect();
        ensure_eq!(lines.len(), records(5000), "records read by {name}: {}", output.err);
        let soa = lines.iter().filter(|line| line.contains("SOA")).count();
        ensure_eq!(soa, 2, "SOA records read by {name}");
        read += 1;
    }
    if read == 0 {
        skip!("neither dig nor kdig nor drill here");
    }
    let complete = server.metric("rhumb_transfers_total", &["complete"])?;
    ensure_eq!(format!("{complete:.0}"), read.to_string(), "complete transfers");
    Ok(Outcome::Passed)
}

/// NSD, Knot and BIND fetch the zone as their own configuration has it, and answer out of it.
fn secondaries() -> Verdict {
    let (_server, client) = start(3000, ALLOWED)?;
    let mut running = Vec::new();
    for peer in [Peer::Nsd, Peer::Knot, Peer::Bind] {
        running.extend(start_secondary(peer, &client, None)?);
    }
    if running.is_empty() {
        skip!("none of NSD, Knot and BIND here");
    }
    let asker = Client::new(&client).time_limit(Duration::from_millis(500));
    for secondary in &running {
        let (name, to) = (secondary.name(), secondary.address());
        let serves = |host: &str| asker.ask(to, host, "A").is_ok_and(|answer| !answer.data("A").is_empty());
        let served = until(Duration::from_secs(30), || serves("h2999.zone.test."));
        ensure!(served, "{name} does not serve the zone; its log: {}", secondary.log());
        let large = asker.over(Transport::Tcp, to, &Message::query("large.zone.test.", "AAAA"))?;
        ensure_eq!(large.message.data("AAAA").len(), 2000, "records of the large set at {name}");
    }
    Ok(Outcome::Passed)
}

/// Response code and extended error for those who may not, and for what is no request for a zone.
fn denials() -> Verdict {
    let (server, client) = start(10, "{ network: 198.51.100.0/24 }, { network: \"2001:db8::/64\" }")?;
    let client = Client::new(&client);
    let (v4, v6): (SocketAddr, SocketAddr) = (TO.parse()?, "[2001:db8::1]:53".parse()?);
    let ask = |to, transport, name: &str, kind: &str, serial: Option<u32>| -> Result<_, Failure> {
        let mut query = Message::query(name, kind).no_recursion().edns(1232);
        if let Some(serial) = serial {
            query = query.authorities(&[&format!("zone.test. 0 IN SOA . . {serial} 0 0 0 0")]);
        }
        let answer = client.over(transport, to, &query)?.message;
        Ok((answer.rcode(), answer.extended_error(), answer.answer.len()))
    };
    for (to, transport, name, kind, serial, expected) in [
        (v4, Transport::Tcp, "zone.test.", AXFR, None, (rcode::REFUSED, Some(18), 0)),
        (v4, Transport::Tcp, "zone.test.", IXFR, Some(1), (rcode::REFUSED, Some(18), 0)),
        (v4, Transport::Udp, "zone.test.", IXFR, Some(1), (rcode::REFUSED, Some(18), 0)),
        (v4, Transport::Udp, "zone.test.", AXFR, None, (rcode::NOTIMP, Some(21), 0)),
        (v6, Transport::Udp, "zone.test.", AXFR, None, (rcode::NOTIMP, Some(21), 0)),
        (v6, Transport::Tcp, "h1.zone.test.", AXFR, None, (NOTAUTH, Some(20), 0)),
        (v6, Transport::Tcp, "other.test.", AXFR, None, (NOTAUTH, Some(20), 0)),
        (v6, Transport::Tcp, "zone.test.", IXFR, None, (rcode::FORMERR, Some(0), 0)),
        (v6, Transport::Udp, "zone.test.", IXFR, Some(1), (rcode::NOERROR, None, 1)),
        (v6, Transport::Tcp, "zone.test.", IXFR, Some(SERIAL), (rcode::NOERROR, None, 1)),
        (v6, Transport::Tcp, "zone.test.", IXFR, Some(SERIAL + 1), (rcode::NOERROR, None, 1)),
        (v6, Transport::Tcp, "zone.test.", IXFR, Some(SERIAL - 1), (rcode::NOERROR, None, records(10))),
        (v6, Transport::Tcp, "zone.test.", AXFR, None, (rcode::NOERROR, None, records(10))),
    ] {
        let got = ask(to, transport, name, kind, serial)?;
        ensure_eq!(got, expected, "{name} {kind} {serial:?} by {transport:?} at {to}");
    }
    // RFC 1995 section 3: the SOA of the version of the zone that the client has.
    let other = format!("other.test. 0 IN SOA . . {SERIAL} 0 0 0 0");
    let query = Message::query("zone.test.", IXFR).no_recursion().authorities(&[&other]);
    let answer = client.over(Transport::Tcp, v6, &query)?.message;
    ensure_eq!((answer.rcode(), answer.answer.len()), (rcode::FORMERR, 0), "with the SOA of another zone");
    server.rewrite(&config(10, ""))?;
    server.reload()?;
    let got = ask(v6, Transport::Tcp, "zone.test.", AXFR, None)?;
    ensure_eq!(got, (rcode::REFUSED, Some(18), 0), "after the rule is gone");
    Ok(Outcome::Passed)
}

const NOTAUTH: u16 = 9;

/// Other queries of the connection do not wait for the end of a transfer, and two transfers come one after the other.
fn pipelined() -> Verdict {
    let (_server, client) = start(20_000, ALLOWED)?;
    let mut stream = Client::new(&client).tcp(TO.parse()?)?;
    let query = |id: u16, name: &str, kind: &str| {
        let mut query = Message::query(name, kind).no_recursion();
        query.id = id;
        query.to_wire()
    };
    for (id, name, kind) in [
        (1, "zone.test.", AXFR),
        (2, "h7.zone.test.", "A"),
        (3, "zone.test.", AXFR),
        (4, "h8.zone.test.", "A"),
    ] {
        stream.send(&query(id, name, kind))?;
    }
    let mut counts = [0; 5];
    let mut order = String::new();
    while counts[1] < records(20_000) || counts[3] < records(20_000) || counts[4] == 0 || counts[2] == 0 {
        let wire = stream.receive(Duration::from_secs(5))?.context("the connection ended")?;
        ensure!(wire.len() <= 16_384, "a message of {} bytes", wire.len());
        let message = Message::from_wire(&wire)?;
        counts[usize::from(message.id)] += message.answer.len();
        write!(order, "{}", message.id).context("a String")?;
    }
    ensure_eq!(counts, [0, records(20_000), 1, records(20_000), 1], "records by id");
    let end = order.rfind('1').context("the first transfer")?;
    ensure!(order.find('2').is_some_and(|at| at < end), "a query waited for the transfer: {order}");
    Ok(Outcome::Passed)
}

/// Four clients of a network that do not read hold a few buffers, the fifth is refused, and they are closed after a while.
fn unread() -> Verdict {
    // Far more than the socket buffers of both ends take.
    let (server, client) = start(600_000, ALLOWED)?;
    let client = Client::new(&client);
    let axfr = Message::query("zone.test.", AXFR).no_recursion().edns(1232);
    let before = server.resident()?;
    let mut streams = Vec::new();
    for _ in 0..4 {
        let mut stream = client.tcp(TO.parse()?)?;
        stream.send(&axfr.to_wire())?;
        // The first message says that the transfer has its place; no other is read.
        let first = stream.receive(Duration::from_secs(5))?.context("the first message")?;
        ensure_eq!(Message::from_wire(&first)?.rcode(), rcode::NOERROR, "response code of a transfer");
        streams.push(stream);
    }
    let fifth = client.over(Transport::Tcp, TO.parse()?, &axfr)?.message;
    ensure_eq!(fifth.rcode(), rcode::REFUSED, "response code of a fifth transfer of one network");
    let grown = server.resident()?.saturating_sub(before);
    ensure!(grown < 4 << 20, "four clients that do not read hold {grown} bytes");
    let aborted = || server.metric("rhumb_transfers_total", &["aborted"]).is_ok_and(|count| count > 3.5);
    ensure!(until(Duration::from_secs(15), aborted), "clients that do not read are kept");
    Ok(Outcome::Passed)
}
