//! Messages of strangers that change things elsewhere (row 40), and the sockets that queries leave from (row 35).

use std::time::Duration;

use rhumb_tests::rig::hostile::ATTACKER;
use rhumb_tests::rig::internet::authoritative;
use rhumb_tests::rig::script::{Transport, script};
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Act, Asked, Client, Config, Host, Message, Record, Server, Upstream, rcode};
use rhumb_tests::{Failure, Outcome, Test, Verdict, ensure, ensure_eq};

use super::resolving::Attack;

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("attacks::row40_notify_and_update_of_strangers", strangers),
    Test::beside("attacks::row35_a_connected_socket_for_each_query", sockets),
];

const NOTIFY: u16 = 4 << 11;
const UPDATE: u16 = 5 << 11;
const OPCODE: u16 = 0xf << 11;
const SOA: u16 = 6;
const IN: u16 = 1;
const NONE: u16 = 254;
const ANY: u16 = 255;
/// The zone is not served here, or not to be changed by this client (RFC 2136 section 2.2).
const NOTAUTH: u16 = 9;

/// Messages of these operations and classes about a zone served here, one of a primary elsewhere, and a name that is cached.
fn hostile() -> Vec<Message> {
    let mut messages = Vec::new();
    for zone in ["zone.test.", "second.test.", "www.up.example.", "up.example.", "."] {
        for operation in [NOTIFY, UPDATE] {
            for class in [IN, NONE, ANY] {
                let empty = Message::query(zone, "SOA");
                let empty = Message {
                    flags: empty.flags & !OPCODE | operation,
                    questions: vec![(zone.to_owned(), SOA, class)],
                    ..empty
                };
                let mut full = empty.clone();
                let name = if zone == "." { "test.".to_owned() } else { format!("www.{zone}") };
                let forged = Record::from_text(&format!("{name} 300 IN A 203.0.113.66"));
                let soa = format!("{zone} 300 IN SOA ns.evil. host.evil. 4000000000 1 1 1 1");
                full.answer = vec![Record::from_text(&soa), forged.clone()];
                full.authority = vec![forged];
                messages.extend([empty, full]);
            }
        }
        // Questions of classes that no data has.
        for class in [NONE, ANY] {
            let query = Message::query(zone, "A");
            messages.push(Message { questions: vec![(zone.to_owned(), 1, class)], ..query });
        }
    }
    messages
}

/// CVE-2025-59030, CVE-2026-5946: none of them is obeyed, over either transport, and nothing is asked of anyone because of them.
fn strangers() -> Verdict {
    let (host, people) = Host::pair()?;
    people.address("lo", "10.9.0.1/32")?.address("lo", "10.9.0.2/32")?;
    host.route("10.9.0.0/24 via 192.0.2.2")?;
    let primary = Upstream::start(&people, "10.9.0.1", script(|asked| asked.code(rcode::REFUSED)))?;
    let address = |asked: &Asked| asked.answer(&[&format!("{} 300 IN A 198.18.0.2", asked.message.name())]);
    let upstream = Upstream::start(&people, "10.9.0.2", script(address))?;
    let config = Config::new()
        .listen("::")
        .allow_all()
        .zone("zone.test", &super::zone())
        .zone_raw("name: second.test, primaries: [first]")
        .more("state: state\nremotes:\n  - { name: first, addresses: 10.9.0.1 }\n")
        .forward("up.example", &["10.9.0.2"]);
    let server = Server::start(&host, &config)?;
    let (client, to) = (Client::new(&people), "192.0.2.1:53".parse()?);
    let known = || -> Result<_, Failure> {
        let soa = client.ask(to, "zone.test.", "SOA")?.data("SOA");
        let www = client.ask(to, "www.up.example.", "A")?.data("A");
        Ok((soa, www, client.ask(to, "www.zone.test.", "A")?.data("A")))
    };
    let before = known()?;
    ensure_eq!(before.1, ["198.18.0.2"], "the cached address");
    let asks_primary = until(Duration::from_secs(10), || !primary.seen().is_empty());
    ensure!(asks_primary, "the primary of the zone is not asked");
    // What it is asked of its own accord has the pace of its retries.
    let (asked_primary, asked_upstream) = (primary.seen().len(), upstream.seen().len());
    for message in hostile() {
        for transport in [Transport::Udp, Transport::Tcp] {
            let to_send = Message { id: 7, ..message.clone() };
            let reply = match transport {
                Transport::Udp => client.udp(to, &to_send)?.message,
                Transport::Tcp => client.stream(to, &to_send)?.message,
            };
            // A question of class ANY is no order: it may be answered that there is nothing, or that the zone is not there yet.
            let asks = to_send.flags & 0x7800 == 0;
            let told =
                asks || [rcode::REFUSED, rcode::FORMERR, rcode::NOTIMP, NOTAUTH].contains(&reply.rcode());
            ensure!(told && reply.answer.is_empty(), "{transport:?}: {:?} got {reply:?}", message.questions);
        }
    }
    ensure_eq!(known()?, before, "what is known after them");
    ensure!(upstream.seen().len() == asked_upstream, "the upstream was asked: {:?}", upstream.seen());
    let more = primary.seen().len() - asked_primary;
    ensure!(more <= 2, "{more} queries to the primary of the zone meanwhile");
    ensure_eq!(server.metric("rhumb_panics_total", &[])?.to_string(), "0", "panics");
    Ok(Outcome::Passed)
}

/// Local ports of the sockets of the server's host that are connected to port 53 of this address.
fn connected(server: &Server, address: &str) -> Result<Vec<u16>, Failure> {
    let octets: std::net::Ipv4Addr = address.parse()?;
    let remote = format!("{:08X}:0035", u32::from_le_bytes(octets.octets()));
    let table = std::fs::read_to_string(format!("/proc/{}/net/udp", server.pid()))?;
    let port = |line: &str| {
        let mut fields = line.split_whitespace().skip(1);
        let (local, to) = (fields.next()?, fields.next()?);
        (to == remote).then(|| u16::from_str_radix(local.split(':').nth(1)?, 16).ok())?
    };
    Ok(table.lines().filter_map(port).collect())
}

/// CVE-2020-25705: whoever looks for open ports finds connected sockets, one for each query, which are closed with its answer and by
/// the first datagram that is wrong.
fn sockets() -> Verdict {
    let attack = Attack::new(|asked| {
        let truth =
            authoritative(asked).answers(&[&format!("{} 300 IN A 198.18.6.80", asked.message.name())]);
        let late = Duration::from_millis(1500);
        match asked.name().split('.').next() {
            Some("wrong") if asked.transport == Transport::Udp => {
                Act::Reply(Message { id: asked.message.id.wrapping_add(1), ..truth })
            }
            Some("wrong" | "one" | "two" | "three") => Act::Reply(truth).after(late),
            _ => Act::Reply(truth),
        }
    })?;
    let net = &attack.0;
    net.client.ask(net.to, "first.attack.", "A")?;
    let socket = net.client.udp_socket(net.to)?;
    for (id, name) in (1..).zip(["one", "two", "three"]) {
        let query = Message { id, ..Message::query(&format!("{name}.attack."), "A") };
        socket.send_to(&query.to_wire(), net.to)?;
    }
    let all = until(Duration::from_secs(1), || net.seen_at(ATTACKER) >= 4);
    ensure!(all, "the three questions were not passed on: {:?}", net.seen());
    let ports = connected(&net.server, ATTACKER)?;
    ensure_eq!(ports.len(), 3, "sockets connected to the server while three replies are late");
    let asked: Vec<u16> = net.seen().iter().map(|asked| asked.from.port()).collect();
    ensure!(ports.iter().all(|port| asked.contains(port)), "{ports:?} are not those of {asked:?}");
    let closed = until(Duration::from_secs(4), || {
        connected(&net.server, ATTACKER).is_ok_and(|ports| ports.is_empty())
    });
    ensure!(closed, "sockets are left after the answers: {:?}", connected(&net.server, ATTACKER)?);

    let query = Message { id: 9, ..Message::query("wrong.attack.", "A") };
    socket.send_to(&query.to_wire(), net.to)?;
    let over_tcp = until(Duration::from_secs(1), || {
        net.seen().iter().any(|asked| asked.name() == "wrong.attack" && asked.transport == Transport::Tcp)
    });
    ensure!(over_tcp, "a wrong id is not followed by TCP");
    ensure_eq!(connected(&net.server, ATTACKER)?.len(), 0, "sockets after one wrong datagram");
    Ok(Outcome::Passed)
}
