//! Whether an upstream is this server itself.

use std::net::{IpAddr, SocketAddr};

use rhumb_config::{ForwardEntry, ListenAddresses, ListenEntry};
use rhumb_net::route;
use rhumb_wire::Transport;

/// Whether a query to this address, by this transport, would come in by a listener of this server.
pub(super) fn is_own_address(address: SocketAddr, transport: Transport, listeners: &[ListenEntry]) -> bool {
    let ip = address.ip().to_canonical();
    let heard = |listen: &ListenEntry| {
        let here = match &listen.addresses {
            ListenAddresses::One { ip: IpAddr::V4(any), .. } if any.is_unspecified() => ip.is_ipv4(),
            ListenAddresses::One { ip: IpAddr::V6(any), .. } if any.is_unspecified() => {
                ip.is_ipv6() || !listen.v6only
            }
            ListenAddresses::One { ip: one, .. } => *one == ip,
            ListenAddresses::EachOfHost => true,
            ListenAddresses::EachOfInterface(name) => is_of_interface(ip, name),
        };
        let alike = |one: &&Transport| **one == transport || !one.is_encrypted() && !transport.is_encrypted();
        here && listen
            .transports
            .iter()
            .filter(alike)
            .map(|transport| listen.port_of(*transport))
            .any(|port| port == address.port())
    };
    listeners.iter().any(heard) && is_of_this_host(address)
}

fn is_of_interface(ip: IpAddr, name: &str) -> bool {
    let addresses = route::local_addresses().unwrap_or_default();
    addresses.iter().any(|(own, _, interface)| *own == ip && interface == name)
}

/// What is sent to an address of this host leaves from it; loopback addresses may leave from another one.
fn is_of_this_host(address: SocketAddr) -> bool {
    let ip = address.ip().to_canonical();
    ip.is_loopback() || route::source_for(address) == Some(ip)
}

/// The warning of an upstream that is this server itself.
pub(super) fn own_upstream(forward: &ForwardEntry, address: SocketAddr) -> String {
    format!(
        "{}: forward {}: the upstream {address} is this server itself and is not asked",
        forward.place, forward.domain
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn own_addresses_are_those_of_a_listener_here() {
        for (listen, address, own) in [
            ("{ address: '::' }", "127.0.0.1:53", true),
            ("{ address: '::' }", "127.0.0.1:54", false),
            ("{ address: '::' }", "[::1]:53", true),
            ("{ address: '::', v6only: true }", "127.0.0.1:53", false),
            ("{ address: 0.0.0.0, port: 54 }", "127.9.9.9:54", true),
            ("{ address: 0.0.0.0 }", "[::1]:53", false),
            ("{ address: 127.0.0.1 }", "127.0.0.1:53", true),
            ("{ address: 127.0.0.1 }", "127.0.0.2:53", false),
            ("{ address: '::' }", "192.0.2.1:53", false),
            ("{ address: all }", "127.0.0.1:53", true),
            ("{ address: all }", "192.0.2.1:53", false),
            ("{ interface: lo }", "127.0.0.1:53", true),
            ("{ interface: no-such0 }", "127.0.0.1:53", false),
        ] {
            let listeners =
                rhumb_config::parse(&format!("listen: [{listen}]"), Path::new("x.yaml")).unwrap().listen;
            let is_own = |transport| is_own_address(address.parse().unwrap(), transport, &listeners);
            assert_eq!(is_own(Transport::Udp), own, "{listen} {address}");
            assert_eq!(is_own(Transport::Tcp), own, "{listen} {address}");
            assert!(!is_own(Transport::Tls), "{listen} {address}");
        }
        let text = "listen: [{ address: 127.0.0.1, port: 853, transports: [tls], certificate: self-signed }]";
        let listeners = rhumb_config::parse(text, Path::new("x.yaml")).unwrap().listen;
        let is_own = |transport| is_own_address("127.0.0.1:853".parse().unwrap(), transport, &listeners);
        assert!(is_own(Transport::Tls) && !is_own(Transport::Udp) && !is_own(Transport::Quic));
    }
}
