//! Hosts that have only some of the address families, and what glibc's `getaddrinfo` gets there.

use std::time::Duration;

use rhumb_tests::rig::script::every_name;
use rhumb_tests::rig::{Client, Config, Host, Message, Server, Transport, Upstream};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};

use crate::glibc::{addresses, resolve, use_nameserver};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("families::only_loopback", || localhost(&only_loopback()?, "127.0.0.1")),
    Test::beside("families::only_loopback_asked_over_v6", || localhost(&only_loopback()?, "::1")),
    Test::beside("families::only_v4", || localhost(&only_v4()?.0, "127.0.0.1")),
    Test::beside("families::only_v6", || localhost(&only_v6()?.0, "::1")),
    Test::beside("families::only_link_local", || localhost(&only_link_local()?.0, "fe80::1%eth0")),
    Test::beside("families::loopback_without_v6", loopback_without_v6),
    Test::alone("families::v6_upstream_without_route_is_passed_over", || {
        let (server, behind) = only_v4()?;
        passed_over(&server, &behind, "2001:db8::53", "192.0.2.53")
    }),
    Test::alone("families::v4_upstream_without_route_is_passed_over", || {
        let (server, behind) = only_v6()?;
        passed_over(&server, &behind, "192.0.2.53", "2001:db8::53")
    }),
    Test::alone("families::upstreams_without_route_are_passed_over_where_only_link_local_is", || {
        let (server, behind) = only_link_local()?;
        passed_over(&server, &behind, "2001:db8::53", "fe80::53%eth0")
    }),
    Test::beside("families::link_local_listener_and_upstream", link_local),
    Test::beside("families::a_service_gets_the_addresses_of_the_host", service),
    Test::beside("families::answers_are_not_filtered_by_own_addresses", not_filtered),
];

const ZONE: &str = "\
$TTL 300
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 192.0.2.1
both A 198.18.0.80
both AAAA 2001:db8:80::80
both MX 10 mail
mail A 198.18.0.25
mail AAAA 2001:db8:80::25
_smtp._tcp.both SRV 0 0 2525 mail
";

fn only_loopback() -> Result<Host, Failure> {
    Host::new()
}

/// A host without any IPv6 address but `::1`, and one beside it.
fn only_v4() -> Result<(Host, Host), Failure> {
    let (server, other) = (Host::new()?, Host::new()?);
    server.wire("eth0", &other, "eth0")?;
    server.address("eth0", "192.0.2.1/24")?;
    other.address("eth0", "192.0.2.53/24")?;
    Ok((server, other))
}

/// A host without any IPv4 address but 127.0.0.1, and one beside it.
fn only_v6() -> Result<(Host, Host), Failure> {
    let (server, other) = (Host::new()?, Host::new()?);
    server.wire("eth0", &other, "eth0")?;
    server.address("eth0", "2001:db8::1/64")?.address("eth0", "fe80::1/64")?;
    other.address("eth0", "2001:db8::53/64")?.address("eth0", "fe80::53/64")?;
    Ok((server, other))
}

/// Two hosts that have nothing but loopback and link-local addresses.
fn only_link_local() -> Result<(Host, Host), Failure> {
    let (server, other) = (Host::new()?, Host::new()?);
    server.wire("eth0", &other, "eth0")?;
    server.address("eth0", "fe80::1/64")?;
    other.address("eth0", "fe80::53/64")?;
    Ok((server, other))
}

fn dual() -> Config {
    Config::new().listen_with("::", "port: 53, v6only: false").zone("zone.test", ZONE).allow(&[
        "127.0.0.0/8",
        "::1",
        "fe80::/10",
    ])
}

/// `localhost`, the loopback addresses and their reverse names, with and without `AI_ADDRCONFIG`.
fn localhost(host: &Host, nameserver: &str) -> Verdict {
    let _server = Server::start(host, &dual())?;
    use_nameserver(host, nameserver)?;
    ensure_eq!(addresses(host, &["localhost"])?, ["127.0.0.1", "::1"], "getaddrinfo(localhost)");
    // With AI_ADDRCONFIG glibc leaves out a family of which the host has no address but loopback's, if it has the
    // other; what is left must be right and there must be something.
    let found = addresses(host, &["localhost", "addrconfig"])?;
    ensure!(!found.is_empty(), "getaddrinfo(localhost, AI_ADDRCONFIG) gave nothing");
    for address in &found {
        ensure!(["127.0.0.1", "::1"].contains(&address.as_str()), "localhost with AI_ADDRCONFIG: {address}");
    }
    for literal in ["127.0.0.1", "::1"] {
        ensure_eq!(addresses(host, &[literal])?, [literal], "getaddrinfo({literal})");
        ensure_eq!(resolve(host, &["reverse", literal])?, ["localhost"], "reverse name of {literal}");
    }
    ensure_eq!(addresses(host, &["deep.below.localhost"])?, ["127.0.0.1", "::1"], "a name below localhost");
    ensure_eq!(
        addresses(host, &["both.zone.test"])?,
        ["198.18.0.80", "2001:db8:80::80"],
        "a name of a zone, both families"
    );
    Ok(Outcome::Passed)
}

/// The kernel has no IPv6 at all on this host: `::` cannot be bound, `0.0.0.0` serves.
fn loopback_without_v6() -> Verdict {
    let host = Host::new()?;
    host.sysctl("net/ipv6/conf/all/disable_ipv6", "1")?;
    let config = Config::new().listen("0.0.0.0").zone("zone.test", ZONE);
    let _server = Server::start(&host, &config)?;
    use_nameserver(&host, "127.0.0.1")?;
    ensure_eq!(addresses(&host, &["localhost"])?, ["127.0.0.1", "::1"], "getaddrinfo(localhost)");
    ensure_eq!(resolve(&host, &["reverse", "127.0.0.1"])?, ["localhost"], "reverse name of 127.0.0.1");
    Ok(Outcome::Passed)
}

/// An upstream without a route stands first; nobody may wait for it.
fn passed_over(server: &Host, behind: &Host, no_route: &str, good: &str) -> Verdict {
    let upstream = Upstream::start(behind, good, every_name("198.18.0.99"))?;
    let config = dual().forward(".", &[no_route, good]);
    let _server = Server::start(server, &config)?;
    let to = server.socket_address(if good.contains('.') { "127.0.0.1" } else { "::1" }, 53)?;
    for number in 0..5 {
        let name = format!("n{number}.up.example.");
        let reply = Client::new(server).udp(to, &Message::query(&name, "A"))?;
        ensure_eq!(reply.message.data("A"), ["198.18.0.99"], "{name} with {no_route} out of reach");
        ensure!(
            reply.took < Duration::from_millis(150),
            "{name} took {:?}: the upstream without a route was waited for",
            reply.took
        );
    }
    ensure!(
        upstream.seen().len() >= 5,
        "the upstream with a route was asked {} times",
        upstream.seen().len()
    );
    Ok(Outcome::Passed)
}

fn link_local() -> Verdict {
    let (server, other) = only_link_local()?;
    let upstream = Upstream::start(&other, "fe80::53%eth0", every_name("198.18.0.99"))?;
    let config = Config::new().listen("fe80::1%eth0").allow(&["fe80::/10"]).forward(".", &["fe80::53%eth0"]);
    let _server = Server::start(&server, &config)?;
    let to = other.socket_address("fe80::1%eth0", 53)?;
    let client = Client::new(&other);
    for (number, transport) in [Transport::Udp, Transport::Tcp].into_iter().enumerate() {
        let name = format!("n{number}.up.example.");
        let reply =
            client.over(transport, to, &Message::query(&name, "A")).context(format!("{transport:?}"))?;
        ensure_eq!(reply.message.data("A"), ["198.18.0.99"], "{name} over {transport:?}");
        ensure_eq!(upstream.count(&name), 1, "queries upstream for {name}");
    }
    Ok(Outcome::Passed)
}

/// A service name or port never brings in what MX or SRV records say.
fn service() -> Verdict {
    let host = only_loopback()?;
    let _server = Server::start(&host, &dual())?;
    use_nameserver(&host, "127.0.0.1")?;
    for service in ["25", "smtp"] {
        let mut lines = resolve(&host, &["forward", "both.zone.test", service])?;
        lines.sort();
        if lines.iter().any(|line| line.contains("Servname not supported")) {
            skip!("no /etc/services here");
        }
        ensure_eq!(lines, ["198.18.0.80 25", "2001:db8:80::80 25"], "getaddrinfo(both.zone.test, {service})");
    }
    Ok(Outcome::Passed)
}

/// A host with IPv4 alone still gets the AAAA records it asks for.
fn not_filtered() -> Verdict {
    let (server, _other) = only_v4()?;
    let _running = Server::start(&server, &dual())?;
    let to = server.socket_address("127.0.0.1", 53)?;
    let answer = Client::new(&server).ask(to, "both.zone.test.", "AAAA")?;
    ensure_eq!(answer.data("AAAA"), ["2001:db8:80::80"], "AAAA on a host without IPv6");
    Ok(Outcome::Passed)
}
