//! What clients that look for encrypted listeners are told of (RFC 9462).

use std::net::{IpAddr, Ipv4Addr};

use rhumb_config::ResolverDiscovery;
use rhumb_wire::{DomainName, Transport};

use super::wanted::WantedListener;
use crate::snapshot::DesignatedResolver;

/// In the order in which clients are to try them: what costs least first.
const ORDER: [Transport; 3] = [Transport::Tls, Transport::Quic, Transport::Https];

/// The encrypted ones among the `open` listeners, each with the names that clients verify its certificate by.
pub(super) fn designations<'c>(
    discovery: &ResolverDiscovery,
    open: impl Iterator<Item = (WantedListener<'c>, Vec<String>)>,
) -> Vec<DesignatedResolver> {
    together(open.filter_map(|(listener, names)| Some(designation(&listener, name_of(discovery, &names)?))))
}

/// Those that differ by nothing but their addresses as one, in the order in which clients are to try them.
pub(super) fn together(each: impl Iterator<Item = DesignatedResolver>) -> Vec<DesignatedResolver> {
    let mut all: Vec<DesignatedResolver> = Vec::new();
    for found in each {
        let same = |other: &&mut DesignatedResolver| {
            (&other.name, other.transport, other.port, &other.path)
                == (&found.name, found.transport, found.port, &found.path)
        };
        match all.iter_mut().find(same) {
            Some(other) => other.addresses.extend(found.addresses),
            None => all.push(found),
        }
    }
    all.sort_by_key(|one| ORDER.iter().position(|transport| *transport == one.transport));
    all
}

/// One listener by this name.
pub(super) fn designation(listener: &WantedListener<'_>, name: DomainName) -> DesignatedResolver {
    let transport = listener.key.transport;
    let path = (transport == Transport::Https).then(|| listener.entry.http.paths.first().cloned());
    DesignatedResolver {
        name,
        transport,
        port: listener.key.address.port(),
        path: path.flatten(),
        addresses: addresses(listener),
    }
}

/// Where it listens: `::` is every IPv4 address too, unless it is for IPv6 alone.
fn addresses(listener: &WantedListener<'_>) -> Vec<IpAddr> {
    let ip = listener.key.ip();
    let both = ip.is_ipv6() && ip.is_unspecified() && !listener.key.v6only;
    [ip].into_iter().chain(both.then_some(IpAddr::V4(Ipv4Addr::UNSPECIFIED))).collect()
}

/// What clients verify: the root would be the name that they ask for, and a wildcard is no name of a host.
fn name_of(discovery: &ResolverDiscovery, names: &[String]) -> Option<DomainName> {
    let is_host = |name: &DomainName| !name.as_ref().is_root() && !name.as_ref().is_wildcard();
    match discovery {
        ResolverDiscovery::Off => None,
        ResolverDiscovery::Named(name) => Some(name.clone()),
        ResolverDiscovery::OfCertificate => names
            .iter()
            .filter(|name| name.parse::<IpAddr>().is_err())
            .filter_map(|name| name.parse::<DomainName>().ok())
            .find(is_host),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::wanted::wanted;
    use super::*;

    fn told(config: &str, names: &[&str]) -> Vec<String> {
        let config = rhumb_config::parse(config, Path::new("x.yaml")).unwrap();
        let (all, errors) = wanted(&config);
        assert_eq!(errors, [""; 0]);
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let encrypted = all.into_iter().filter(|one| !one.certificates().is_empty());
        let found = designations(&config.server.discovery, encrypted.map(|one| (one, names.clone())));
        let shown = |one: &DesignatedResolver| {
            format!("{} {} {:?}", one.name, one.parameters(None).join(" "), one.addresses)
        };
        found.iter().map(shown).collect()
    }

    const LISTEN: &str = "listen: [{ address: '::', transports: [udp, tcp, https, quic, tls], certificate: c, key: k }, \
                          { address: 192.0.2.1, port: 8853, transports: [tls], certificate: c, key: k }, \
                          { address: 192.0.2.2, port: 8853, transports: [tls], certificate: c, key: k }]";

    #[test]
    fn each_transport_and_port_is_told_of_once() {
        let found = told(LISTEN, &["192.0.2.1", "*.example", "dns.example", "other.example"]);
        assert_eq!(
            found,
            [
                "dns.example. alpn=dot port=853 [::, 0.0.0.0]",
                "dns.example. alpn=dot port=8853 ipv4hint=192.0.2.1,192.0.2.2 [192.0.2.1, 192.0.2.2]",
                "dns.example. alpn=doq port=853 [::, 0.0.0.0]",
                "dns.example. alpn=h2 port=443 dohpath=/dns-query{?dns} [::, 0.0.0.0]",
            ]
        );
    }

    #[test]
    fn without_a_name_or_where_it_is_off_there_is_nothing() {
        assert_eq!(told(LISTEN, &["192.0.2.1", "*.example"]), [""; 0]);
        assert_eq!(told(&format!("{LISTEN}\nserver: {{ discovery: off }}"), &["dns.example"]), [""; 0]);
        let named = told(&format!("{LISTEN}\nserver: {{ discovery: ns.example }}"), &[]);
        assert!(named.iter().all(|one| one.starts_with("ns.example. ")) && named.len() == 4, "{named:?}");
    }
}
