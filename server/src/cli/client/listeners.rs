//! From `listen:` to the addresses on which a client on this host finds the server.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use rhumb_config::ListenEntry;
use rhumb_net::route::scope_id;
use rhumb_wire::Transport;

/// An address to ask, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Destination {
    pub(super) address: SocketAddr,
    pub(super) transports: Vec<Transport>,
}

/// The loopback addresses that a listener for every address has, or the one address of any other.
pub(super) fn near(listen: &ListenEntry) -> Vec<Destination> {
    let loopback = [(IpAddr::from(Ipv6Addr::LOCALHOST), 0), (IpAddr::from(Ipv4Addr::LOCALHOST), 0)];
    at(listen, &loopback)
}

/// Every address of this host, of those in `local` with their scopes, on which these listeners answer; each once.
pub(super) fn all(listen: &[ListenEntry], local: &[(IpAddr, u32)]) -> Vec<Destination> {
    let mut found: Vec<Destination> = Vec::new();
    for new in listen.iter().flat_map(|listen| at(listen, local)) {
        match found.iter_mut().find(|known| known.address == new.address) {
            Some(known) => {
                known.transports.extend(new.transports);
                known.transports.sort();
                known.transports.dedup();
            }
            None => found.push(new),
        }
    }
    found
}

fn at(listen: &ListenEntry, local: &[(IpAddr, u32)]) -> Vec<Destination> {
    let destination = |ip, scope| {
        let address = match ip {
            IpAddr::V4(_) => SocketAddr::new(ip, listen.port),
            IpAddr::V6(ip) => SocketAddrV6::new(ip, listen.port, 0, scope).into(),
        };
        Destination { address, transports: listen.transports.clone() }
    };
    if !listen.address.is_unspecified() {
        let scope = listen.scope.as_deref().and_then(scope_id).unwrap_or(0);
        return vec![destination(listen.address, scope)];
    }
    let served = |ip: &IpAddr| match listen.address {
        IpAddr::V4(_) => ip.is_ipv4(),
        IpAddr::V6(_) => ip.is_ipv6() || !listen.v6only,
    };
    local.iter().filter(|(ip, _)| served(ip)).map(|(ip, scope)| destination(*ip, *scope)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listen(text: &str) -> Vec<ListenEntry> {
        let config = rhumb_config::parse(&format!("listen: [{text}]"), std::path::Path::new("x.yaml"));
        config.unwrap().listen
    }

    fn addresses(found: &[Destination]) -> Vec<String> {
        found.iter().map(|one| one.address.to_string()).collect()
    }

    const LOCAL: [(IpAddr, u32); 4] = [
        (IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
        (IpAddr::V6(Ipv6Addr::LOCALHOST), 0),
        (IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 0),
        (IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1)), 2),
    ];

    #[test]
    fn near_is_loopback_for_every_address() {
        for (text, expected) in [
            ("{ address: '::' }", &["[::1]:53", "127.0.0.1:53"][..]),
            ("{ address: '::', v6only: true, port: 5300 }", &["[::1]:5300"]),
            ("{ address: 0.0.0.0 }", &["127.0.0.1:53"]),
            ("{ address: 192.0.2.7 }", &["192.0.2.7:53"]),
            ("{ address: 'fe80::7%lo' }", &["[fe80::7%1]:53"]),
        ] {
            assert_eq!(addresses(&near(&listen(text)[0])), expected, "{text}");
        }
    }

    #[test]
    fn all_addresses_once() {
        let everywhere = listen("{ address: '::' }, { address: 192.0.2.1, port: 54 }");
        let all_of_it = ["127.0.0.1:53", "[::1]:53", "192.0.2.1:53", "[fe80::1%2]:53", "192.0.2.1:54"];
        assert_eq!(addresses(&all(&everywhere, &LOCAL)), all_of_it);
        let apart = listen(
            "{ address: 0.0.0.0, transports: [udp] }, { address: '::', v6only: true }, { address: 127.0.0.1, transports: [tcp] }",
        );
        let found = all(&apart, &LOCAL);
        assert_eq!(addresses(&found), ["127.0.0.1:53", "192.0.2.1:53", "[::1]:53", "[fe80::1%2]:53"]);
        assert_eq!(found[0].transports, [Transport::Udp, Transport::Tcp]);
        assert_eq!(found[1].transports, [Transport::Udp]);
    }
}
