//! From `listen:` to the addresses on which a client on this host finds the server.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use rhumb_config::{ListenAddresses, ListenEntry};
use rhumb_net::route::{local_addresses, scope_id};
use rhumb_wire::Transport;

/// An address to ask, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AskedListener {
    pub(super) address: SocketAddr,
    pub(super) transports: Vec<Transport>,
}

/// The loopback addresses that a listener for every address has, the one address of another; those of an interface.
pub(super) fn near(listen: &ListenEntry) -> Vec<AskedListener> {
    if let ListenAddresses::EachOfInterface(_) = listen.addresses {
        return at(listen, &local_addresses().unwrap_or_default());
    }
    let lo = || "lo".to_owned();
    let loopback =
        [(IpAddr::from(Ipv6Addr::LOCALHOST), 0, lo()), (IpAddr::from(Ipv4Addr::LOCALHOST), 0, lo())];
    at(listen, &loopback)
}

/// Every address of this host, of those in `local` with their scopes, on which these listeners answer; each once.
pub(super) fn all(listen: &[ListenEntry], local: &[(IpAddr, u32, String)]) -> Vec<AskedListener> {
    let mut found: Vec<AskedListener> = Vec::new();
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

fn at(listen: &ListenEntry, local: &[(IpAddr, u32, String)]) -> Vec<AskedListener> {
    // The command line asks over UDP and TCP, which have the same port.
    let plain = |transport: &&Transport| !transport.is_encrypted();
    let transports: Vec<Transport> = listen.transports.iter().filter(plain).copied().collect();
    let Some(port) = transports.first().map(|transport| listen.port_of(*transport)) else {
        return Vec::new();
    };
    let destination = |ip, scope| {
        let address = match ip {
            IpAddr::V4(_) => SocketAddr::new(ip, port),
            IpAddr::V6(ip) => SocketAddrV6::new(ip, port, 0, scope).into(),
        };
        AskedListener { address, transports: transports.clone() }
    };
    let served = |ip: &IpAddr, interface: &str| match &listen.addresses {
        ListenAddresses::One { ip: IpAddr::V4(_), .. } => ip.is_ipv4(),
        ListenAddresses::One { ip: IpAddr::V6(_), .. } => ip.is_ipv6() || !listen.v6only,
        ListenAddresses::EachOfHost => true,
        ListenAddresses::EachOfInterface(name) => name == interface,
    };
    match &listen.addresses {
        ListenAddresses::One { ip, scope } if !ip.is_unspecified() => {
            vec![destination(*ip, scope.as_deref().and_then(scope_id).unwrap_or(0))]
        }
        _ => {
            let served = local.iter().filter(|(ip, _, interface)| served(ip, interface));
            served.map(|(ip, scope, _)| destination(*ip, *scope)).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listen(text: &str) -> Vec<ListenEntry> {
        let config = rhumb_config::parse(&format!("listen: [{text}]"), std::path::Path::new("x.yaml"));
        config.unwrap().listen
    }

    fn addresses(found: &[AskedListener]) -> Vec<String> {
        found.iter().map(|one| one.address.to_string()).collect()
    }

    fn local() -> Vec<(IpAddr, u32, String)> {
        let of = |ip: &str, scope, interface: &str| (ip.parse().unwrap(), scope, interface.to_owned());
        let outer = [of("192.0.2.1", 0, "eth0"), of("fe80::1", 2, "eth0")];
        [of("127.0.0.1", 0, "lo"), of("::1", 0, "lo")].into_iter().chain(outer).collect()
    }

    #[test]
    fn each_address_and_those_of_an_interface() {
        let found = all(&listen("{ address: all, port: 54 }"), &local());
        assert_eq!(addresses(&found), ["127.0.0.1:54", "[::1]:54", "192.0.2.1:54", "[fe80::1%2]:54"]);
        let found = all(&listen("{ interface: eth0 }"), &local());
        assert_eq!(addresses(&found), ["192.0.2.1:53", "[fe80::1%2]:53"]);
        assert_eq!(addresses(&near(&listen("{ address: all }")[0])), ["[::1]:53", "127.0.0.1:53"]);
    }

    #[test]
    fn near_is_loopback_for_every_address() {
        for (text, expected) in [
            ("{ address: '::' }", &["[::1]:53", "127.0.0.1:53"][..]),
            ("{ address: '::', v6only: true, port: 5300 }", &["[::1]:5300"]),
            ("{ address: 0.0.0.0 }", &["127.0.0.1:53"]),
            ("{ address: 192.0.2.7 }", &["192.0.2.7:53"]),
            ("{ address: 192.0.2.7, transports: [tcp, tls], certificate: c, key: k }", &["192.0.2.7:53"]),
            ("{ address: 192.0.2.7, transports: [tls], certificate: c, key: k }", &[]),
            ("{ address: 'fe80::7%lo' }", &["[fe80::7%1]:53"]),
        ] {
            assert_eq!(addresses(&near(&listen(text)[0])), expected, "{text}");
        }
    }

    #[test]
    fn all_addresses_once() {
        let everywhere = listen("{ address: '::' }, { address: 192.0.2.1, port: 54 }");
        let all_of_it = ["127.0.0.1:53", "[::1]:53", "192.0.2.1:53", "[fe80::1%2]:53", "192.0.2.1:54"];
        assert_eq!(addresses(&all(&everywhere, &local())), all_of_it);
        let apart = listen(
            "{ address: 0.0.0.0, transports: [udp] }, { address: '::', v6only: true }, { address: 127.0.0.1, transports: [tcp] }",
        );
        let found = all(&apart, &local());
        assert_eq!(addresses(&found), ["127.0.0.1:53", "192.0.2.1:53", "[::1]:53", "[fe80::1%2]:53"]);
        assert_eq!(found[0].transports, [Transport::Udp, Transport::Tcp]);
        assert_eq!(found[1].transports, [Transport::Udp]);
    }
}
