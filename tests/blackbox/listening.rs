//! Every reply leaves from the address that was asked: any listener, any address, any transport, also when the answer
//! went upstream first and when the address came after the start.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use rhumb_tests::rig::client::receive;
use rhumb_tests::rig::config::SMALL_ZONE;
use rhumb_tests::rig::program;
use rhumb_tests::rig::script::every_name;
use rhumb_tests::rig::{Client, Config, Host, Message, Server, Transport, Upstream, rcode};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("listening::dual_stack", || all_addresses(&DUAL)),
    Test::beside("listening::v6only_beside_v4", || all_addresses(&SPLIT)),
    Test::beside("listening::v4_wildcard_alone", || all_addresses(&V4_ALONE)),
    Test::beside("listening::v6_wildcard_alone", || all_addresses(&V6_ALONE)),
    Test::beside("listening::each_address_named", || all_addresses(&NAMED)),
    Test::beside("listening::burst_over_many_addresses", burst),
    Test::beside("listening::v6only_does_not_serve_v4", v6only_is_kept),
    Test::beside("listening::port_in_use_is_explained", port_in_use),
    Test::beside("listening::low_port_without_capability_is_explained", low_port),
];

/// A way of listening and the addresses it must serve.
struct Way {
    listen: &'static [(&'static str, &'static str)],
    addresses: &'static [&'static str],
    /// Served although they came after the start.
    late: &'static [&'static str],
}

/// Primary, secondary, on `lo` and routed to, link-local, of a whole prefix that is local.
const V4: [&str; 5] = ["192.0.2.1", "192.0.2.3", "198.51.100.1", "169.254.7.1", "203.0.113.77"];
const V6: [&str; 5] = ["2001:db8::1", "2001:db8::3", "2001:db8:1::1", "fe80::1%eth0", "2001:db8:2::77"];
const BOTH: [&str; 10] = [
    "192.0.2.1",
    "192.0.2.3",
    "198.51.100.1",
    "169.254.7.1",
    "203.0.113.77",
    "2001:db8::1",
    "2001:db8::3",
    "2001:db8:1::1",
    "fe80::1%eth0",
    "2001:db8:2::77",
];
const LATE_V4: &str = "192.0.2.4";
const LATE_V6: &str = "2001:db8::4";

static DUAL: Way =
    Way { listen: &[("::", "port: 53, v6only: false")], addresses: &BOTH, late: &[LATE_V4, LATE_V6] };
static SPLIT: Way = Way {
    listen: &[("::", "port: 53, v6only: true"), ("0.0.0.0", "port: 53")],
    addresses: &BOTH,
    late: &[LATE_V4, LATE_V6],
};
static V4_ALONE: Way = Way { listen: &[("0.0.0.0", "port: 53")], addresses: &V4, late: &[LATE_V4] };
static V6_ALONE: Way = Way { listen: &[("::", "port: 53, v6only: true")], addresses: &V6, late: &[LATE_V6] };
static NAMED: Way = Way {
    listen: &[
        ("192.0.2.1", "port: 53"),
        ("192.0.2.3", "port: 53"),
        ("198.51.100.1", "port: 53"),
        ("169.254.7.1", "port: 53"),
        ("2001:db8::1", "port: 53"),
        ("2001:db8::3", "port: 53"),
        ("2001:db8:1::1", "port: 53"),
        ("fe80::1%eth0", "port: 53"),
    ],
    addresses: &[
        "192.0.2.1",
        "192.0.2.3",
        "198.51.100.1",
        "169.254.7.1",
        "2001:db8::1",
        "2001:db8::3",
        "2001:db8:1::1",
        "fe80::1%eth0",
    ],
    late: &[],
};

/// A server host with many addresses, a client host that has other ones, an upstream host behind the server.
struct Network {
    server: Host,
    client: Host,
    upstream: Upstream,
}

fn network() -> Result<Network, Failure> {
    let (server, client, behind) = (Host::new()?, Host::new()?, Host::new()?);
    server.wire("eth0", &client, "eth0")?;
    server.wire("eth1", &behind, "eth0")?;
    server
        .address("eth0", "192.0.2.1/24")?
        .address("eth0", "192.0.2.3/24")?
        .address("lo", "198.51.100.1/32")?;
    server.address("eth0", "169.254.7.1/16")?.route("local 203.0.113.0/24 dev lo")?;
    server
        .address("eth0", "2001:db8::1/64")?
        .address("eth0", "2001:db8::3/64")?
        .address("lo", "2001:db8:1::1/128")?;
    server.address("eth0", "fe80::1/64")?.route("local 2001:db8:2::/64 dev lo")?;
    client.address("eth0", "192.0.2.2/24")?.address("eth0", "169.254.7.2/16")?;
    client.address("eth0", "2001:db8::2/64")?.address("eth0", "fe80::2/64")?;
    client.route("198.51.100.0/24 via 192.0.2.1")?.route("203.0.113.0/24 via 192.0.2.1")?;
    client.route("2001:db8:1::/64 via 2001:db8::1")?.route("2001:db8:2::/64 via 2001:db8::1")?;
    server.address("eth1", "10.53.0.1/24")?;
    behind.address("eth0", "10.53.0.53/24")?;
    let upstream = Upstream::start(&behind, "10.53.0.53", every_name("198.18.0.99"))?;
    Ok(Network { server, client, upstream })
}

fn config(way: &Way) -> Config {
    way.listen
        .iter()
        .fold(Config::new(), |config, (address, keys)| config.listen_with(address, keys))
        .zone("zone.test", SMALL_ZONE)
        .forward("up.example", &["10.53.0.53"])
        .allow_all()
}

fn all_addresses(way: &Way) -> Verdict {
    let network = network()?;
    let _server = Server::start(&network.server, &config(way))?;
    for address in way.addresses {
        ask_everything(&network, address)?;
    }
    for address in way.late {
        let prefix = if address.contains(':') { 64 } else { 24 };
        network.server.address("eth0", &format!("{address}/{prefix}"))?;
        ask_everything(&network, address)?;
    }
    Ok(Outcome::Passed)
}

/// Zone, upstream and cache, over UDP and TCP, at one address.
fn ask_everything(network: &Network, address: &str) -> Result<(), Failure> {
    let to = network.client.socket_address(address, 53)?;
    let client = Client::new(&network.client);
    let label: String = address.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    for transport in [Transport::Udp, Transport::Tcp] {
        let ask = |name: &str, expected: &str| -> Result<(), Failure> {
            let reply = client
                .over(transport, to, &Message::query(name, "A"))
                .context(format!("{address} over {transport:?}"))?;
            ensure_eq!(reply.message.data("A"), [expected], "{name} asked of {address} over {transport:?}");
            Ok(())
        };
        ask("www.zone.test.", "198.18.0.80")?;
        let forwarded = format!("{transport:?}-{label}.up.example.").to_ascii_lowercase();
        ask(&forwarded, "198.18.0.99")?;
        ensure_eq!(network.upstream.count(&forwarded), 1, "queries upstream for {forwarded}");
        ask(&forwarded, "198.18.0.99")?;
        ensure_eq!(
            network.upstream.count(&forwarded),
            1,
            "queries upstream for {forwarded} when it was cached"
        );
    }
    Ok(())
}

/// One socket sends to every address in turn, hundreds at a time: batches must not mix up addresses.
fn burst() -> Verdict {
    const ROUNDS: u16 = 60;
    let network = network()?;
    let _server = Server::start(&network.server, &config(&DUAL))?;
    for addresses in [V4, V6] {
        let targets: Vec<SocketAddr> = addresses
            .iter()
            .map(|address| network.client.socket_address(address, 53))
            .collect::<Result<_, _>>()?;
        let socket = Client::new(&network.client).udp_socket(targets[0])?;
        let mut asked: HashMap<u16, SocketAddr> = HashMap::new();
        for id in 0..ROUNDS * targets.len() as u16 {
            let to = targets[usize::from(id) % targets.len()];
            let query = Message { id, ..Message::query("www.zone.test.", "A") };
            socket.send_to(&query.to_wire(), to)?;
            asked.insert(id, to);
        }
        while let Some((wire, from)) = receive(&socket, Duration::from_secs(2))? {
            let reply = Message::from_wire(&wire)?;
            let to = asked.remove(&reply.id).context(format!("a second reply with id {}", reply.id))?;
            ensure_eq!(from, to, "source of reply {} of the burst", reply.id);
            ensure_eq!(reply.data("A"), ["198.18.0.80"], "content of reply {} of the burst", reply.id);
            if asked.is_empty() {
                break;
            }
        }
        ensure!(asked.is_empty(), "{} of the burst without a reply", asked.len());
    }
    Ok(Outcome::Passed)
}

fn v6only_is_kept() -> Verdict {
    let (host, client) = Host::pair()?;
    // Were it left to the sysctl, the socket would be dual-stack here.
    host.sysctl("net/ipv6/bindv6only", "0")?;
    let config = Config::new().listen_with("::", "port: 53, v6only: true").zone("zone.test", SMALL_ZONE);
    let _server = Server::start(&host, &config)?;
    let client = Client::new(&client).time_limit(Duration::from_millis(500));
    let v4 = SocketAddr::new(IpAddr::from([192, 0, 2, 1]), 53);
    let query = Message::query("www.zone.test.", "A");
    ensure!(client.udp(v4, &query).is_err(), "an IPv6-only listener answered over IPv4");
    ensure!(client.stream(v4, &query).is_err(), "an IPv6-only listener took an IPv4 connection");

    let (host, client) = Host::pair()?;
    host.sysctl("net/ipv6/bindv6only", "1")?;
    let config = Config::new().listen_with("::", "port: 53, v6only: false").zone("zone.test", SMALL_ZONE);
    let _server = Server::start(&host, &config)?;
    let reply = Client::new(&client).udp(v4, &query).context("dual-stack under net.ipv6.bindv6only=1")?;
    ensure_eq!(reply.message.rcode(), rcode::NOERROR, "dual-stack under net.ipv6.bindv6only=1");
    Ok(Outcome::Passed)
}

/// What a server says that cannot start, and its exit status.
fn refusal(host: &Host, config: &Config, wrapper: &[&str]) -> Result<(i32, String), Failure> {
    let begun = Instant::now();
    let mut server = Server::launch(host, config, wrapper)?;
    let code = server.wait(Duration::from_secs(5))?;
    ensure!(begun.elapsed() < Duration::from_secs(5), "it took {:?} to give up", begun.elapsed());
    Ok((code, server.log()))
}

fn port_in_use() -> Verdict {
    let host = Host::new()?;
    let config = Config::new().listen_with("127.0.0.1", "port: 5301").zone("zone.test", SMALL_ZONE);
    let first = Server::start(&host, &config)?;
    let (code, log) = refusal(&host, &config.more("metrics: { listen: \"127.0.0.1:9999\" }"), &[])?;
    ensure!(code == 1 || code == 2, "exit status {code} of a server whose port is taken");
    let process = first.pid().to_string();
    for part in ["127.0.0.1", "5301", "in use"] {
        ensure!(log.contains(part), "the error does not name {part}: {log}");
    }
    ensure!(
        log.contains("rhumb") || log.contains(&process),
        "the error does not name who holds the port: {log}"
    );
    Ok(Outcome::Passed)
}

fn low_port() -> Verdict {
    if program::find("setpriv").is_none() {
        skip!("no setpriv here");
    }
    let host = Host::new()?;
    let config = Config::new().listen_with("127.0.0.1", "port: 53").zone("zone.test", SMALL_ZONE);
    let powerless = ["setpriv", "--bounding-set=-net_bind_service", "--inh-caps=-all"];
    let (code, log) = refusal(&host, &config, &powerless)?;
    ensure!(code == 1 || code == 2, "exit status {code} of a server that may not bind port 53");
    for part in ["127.0.0.1", "53", "CAP_NET_BIND_SERVICE"] {
        ensure!(log.contains(part), "the error does not name {part}: {log}");
    }
    Ok(Outcome::Passed)
}
