//! A socket for each address of the host: addresses that come and go, those that another process has, those that are not there.

use std::net::SocketAddr;
use std::time::Duration;

use rhumb_tests::rig::config::SMALL_ZONE;
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Client, Config, Host, Message, Server, rcode};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq};

use crate::forwarding::Lab;

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("addresses::each_address_is_served_also_later_ones", each),
    Test::beside("addresses::each_address_of_one_interface", of_interface),
    Test::beside("addresses::an_address_that_is_not_there_is_reported", absent),
    Test::beside("addresses::clients_of_local_networks_may_recurse", local),
    Test::beside("addresses::what_is_no_query_ends_a_connection", no_query),
    Test::beside("addresses::clients_leave_descriptors_for_others", descriptors),
];

/// How long a change of addresses may take until it is acted on.
const SOON: Duration = Duration::from_secs(3);

fn answers(client: &Client, address: &str) -> bool {
    let Ok(to) = format!("{address}:53").parse::<SocketAddr>() else { return false };
    let query = Message::query("www.zone.test.", "A");
    client.udp(to, &query).is_ok_and(|reply| reply.from == to) && client.stream(to, &query).is_ok()
}

fn status(server: &Server) -> Result<String, Failure> {
    Ok(server.tell(&["status"])?.out)
}

/// `::` and `0.0.0.0` would clash with the holder of one address; a socket for each does not.
fn each() -> Verdict {
    let (host, client) = Host::pair()?;
    host.address("lo", "127.0.0.53/32")?;
    let other = Config::new().listen("127.0.0.53").zone("zone.test", SMALL_ZONE);
    let _other = Server::start(&host, &other)?;
    let config = Config::new().listen("all").zone("zone.test", SMALL_ZONE);
    let server = Server::launch(&host, &config, &[])?;
    let client = Client::new(&client).time_limit(Duration::from_millis(300));
    ensure!(until(Duration::from_secs(10), || answers(&client, "192.0.2.1")), "{}", server.log_tail());
    ensure!(server.log().contains("127.0.0.53:53: passed over"), "{}", server.log());
    ensure!(status(&server)?.contains("127.0.0.53:53: passed over"), "{}", status(&server)?);
    ensure!(server.page("/ready")?.status == 200, "/ready");
    host.address("eth0", "192.0.2.4/24")?;
    ensure!(until(SOON, || answers(&client, "192.0.2.4")), "a new address: {}", server.log_tail());
    let changes = server.tell(&["diff"])?.out;
    ensure!(!changes.contains("listener"), "nothing changed, and yet: {changes}");
    host.no_address("eth0", "192.0.2.4/24")?;
    let closed = || server.log().contains("listener udp 192.0.2.4:53: closed");
    ensure!(until(SOON, closed), "an address that went: {}", server.log_tail());
    ensure!(!status(&server)?.contains("192.0.2.4"), "{}", status(&server)?);
    ensure!(answers(&client, "192.0.2.1"), "the other address");
    Ok(Outcome::Passed)
}

fn of_interface() -> Verdict {
    let (host, client) = Host::pair()?;
    let config = Config::new().zone("zone.test", SMALL_ZONE).more("listen: [{ interface: eth0 }]");
    let server = Server::launch(&host, &config, &[])?;
    let client = Client::new(&client).time_limit(Duration::from_millis(300));
    ensure!(until(Duration::from_secs(10), || answers(&client, "192.0.2.1")), "{}", server.log_tail());
    let own = Client::new(&host).time_limit(Duration::from_millis(300));
    ensure!(!answers(&own, "127.0.0.1"), "loopback is another interface");
    host.address("eth0", "192.0.2.4/24")?;
    ensure!(until(SOON, || answers(&client, "192.0.2.4")), "a new address: {}", server.log_tail());
    Ok(Outcome::Passed)
}

fn absent() -> Verdict {
    let (host, client) = Host::pair()?;
    let config = Config::new().listen("192.0.2.1").listen("192.0.2.9").zone("zone.test", SMALL_ZONE);
    let server = Server::start(&host, &config)?;
    let sentence = "listener 192.0.2.9: this host does not have that address";
    ensure_eq!(server.log().matches(sentence).count(), 1, "{}", server.log());
    ensure!(status(&server)?.contains(sentence), "{}", status(&server)?);
    host.address("eth0", "192.0.2.9/24")?;
    let client = Client::new(&client).time_limit(Duration::from_millis(300));
    ensure!(until(SOON, || answers(&client, "192.0.2.9")), "an address that came");
    let gone = || status(&server).is_ok_and(|status| !status.contains(sentence));
    ensure!(until(SOON, gone), "{}", status(&server)?);
    Ok(Outcome::Passed)
}

/// `allow: [local]`: the networks of the host's interfaces, which are followed.
fn local() -> Verdict {
    let (host, client_host) = Host::pair()?;
    client_host.address("eth0", "198.51.100.2/24")?;
    host.route("198.51.100.2/32 dev eth0")?;
    let _server = Server::start(&host, &Config::new().listen("::").allow(&["local"]))?;
    let client = Client::new(&client_host).time_limit(Duration::from_millis(500));
    let (near, far) = (client.clone().from("192.0.2.2".parse()?), client.from("198.51.100.2".parse()?));
    let code =
        |client: &Client| Ok::<_, Failure>(client.ask("192.0.2.1:53".parse()?, "localhost.", "A")?.rcode());
    ensure_eq!(code(&near)?, rcode::NOERROR, "a client on the network of an interface");
    ensure_eq!(code(&far)?, rcode::REFUSED, "one of another network");
    host.address("eth0", "198.51.100.1/24")?;
    ensure!(
        until(SOON, || code(&far).is_ok_and(|code| code == rcode::NOERROR)),
        "once an interface is in it"
    );
    host.no_address("eth0", "198.51.100.1/24")?;
    ensure!(until(SOON, || code(&far).is_ok_and(|code| code == rcode::REFUSED)), "once it is not any more");
    Ok(Outcome::Passed)
}

/// With few descriptors, connections that are open and silent take none from upstreams (row 70 of the attacks).
fn descriptors() -> Verdict {
    if rhumb_tests::rig::program::find("prlimit").is_none() {
        rhumb_tests::skip!("no prlimit here");
    }
    let lab = Lab::new()?;
    let _upstream = lab.upstream(0, rhumb_tests::rig::script::every_name("198.18.0.9"))?;
    let config = crate::forwarding::config()
        .forward(".", &[crate::forwarding::UP[0]])
        .more("server: { tcp-clients: 1000, tcp-clients-per-network: 1000, tcp-first-query: 30s }");
    let server = Server::start_by(&lab.host, &config, &["prlimit", "--nofile=128:128"])?;
    ensure!(server.log().contains("tcp-clients: 1000 do not fit"), "{}", server.log_tail());
    let mut open = Vec::new();
    for _ in 0..150 {
        open.extend(lab.client.tcp(lab.to));
    }
    for number in 0..19 {
        let found = lab.addresses(&format!("n{number}.example.")).context(format!("query {number}"))?;
        ensure_eq!(found, ["198.18.0.9"], "query {number}");
    }
    drop(open);
    Ok(Outcome::Passed)
}

/// A query before it is answered; what comes after it is not.
fn no_query() -> Verdict {
    let (host, client) = Host::pair()?;
    let _server = Server::start(&host, &Config::new().listen("192.0.2.1").zone("zone.test", SMALL_ZONE))?;
    let client = Client::new(&client);
    let query = Message::query("www.zone.test.", "A").to_wire();
    let mut response = query.clone();
    response[2] |= 0x80;
    for frame in [&response[..], &query[..11], &[0]] {
        let mut stream = client.tcp("192.0.2.1:53".parse()?)?;
        stream.send(&query)?;
        stream.send(frame)?;
        let answer = stream.receive(Duration::from_secs(2))?.context("no answer to the query before")?;
        ensure_eq!(Message::from_wire(&answer)?.data("A"), ["198.18.0.80"], "the query before");
        // Idle connections live for ten seconds.
        ensure!(stream.closes_within(Duration::from_secs(3))?, "still open after {frame:?}");
    }
    Ok(Outcome::Passed)
}
