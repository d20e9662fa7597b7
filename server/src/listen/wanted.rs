//! The sockets that a configuration asks for, at the addresses that the host has now.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;

use rhumb_config::{
    CertificateSource, ListenAddresses, ListenEntry, ServerConfig, WorkerThreads as WorkerCount,
};
use rhumb_net::route;
use rhumb_wire::{Transport, TransportCarrier};

use super::listener_key::{DatagramSockets, ListenerKey};

/// How many threads `workers: auto` makes of all addresses together, unless there are more of those: limits of the system are at some
/// thousand.
const MOST_THREADS: usize = 1024;

/// A socket that is asked for.
#[derive(Debug)]
pub(super) struct WantedListener<'c> {
    pub(super) key: ListenerKey,
    /// The entry that asks for it.
    pub(super) entry: &'c ListenEntry,
    /// Whether the entry names its address. If not, a socket that another process has, or that cannot be bound, is passed over.
    pub(super) is_named: bool,
}

impl<'c> WantedListener<'c> {
    /// What an encrypted one shows to clients.
    pub(super) fn certificates(&self) -> &'c [CertificateSource] {
        if self.entry.http.is_encrypted(self.key.transport) { &self.entry.certificates } else { &[] }
    }
}

/// The sockets that `config` asks for, each once, and what is wrong with its entries: an interface that has to be there is not.
pub(super) fn wanted(config: &ServerConfig) -> (Vec<WantedListener<'_>>, Vec<String>) {
    let mut errors = Vec::new();
    let mut all: Vec<WantedListener<'_>> = Vec::new();
    // Those that are named come first: where an address is both, it has to be bound.
    let (named, each): (Vec<_>, Vec<_>) =
        config.listen.iter().partition(|listen| matches!(listen.addresses, ListenAddresses::One { .. }));
    let local = if each.is_empty() { Ok(Vec::new()) } else { route::local_addresses() };
    let local = local.unwrap_or_else(|error| {
        errors.push(format!("the addresses of this host: {error}"));
        Vec::new()
    });
    for listen in named.into_iter().chain(each) {
        let is_named = matches!(listen.addresses, ListenAddresses::One { .. });
        let found = addresses(listen, &local).unwrap_or_else(|error| {
            errors.push(error);
            Vec::new()
        });
        for (ip, scope) in found {
            for &transport in &listen.transports {
                let address = socket_address(ip, listen.port_of(transport), scope);
                let datagrams = datagram_sockets(transport, config);
                let key = ListenerKey { address, v6only: listen.v6only, transport, datagrams };
                if all.iter().all(|other| other.key != key) {
                    all.push(WantedListener { key, entry: listen, is_named });
                }
            }
        }
    }
    if config.workers == WorkerCount::Auto {
        let sockets = all.iter().filter(|one| one.key.transport.is_datagram()).count();
        for datagrams in all.iter_mut().filter_map(|one| one.key.datagrams.as_mut()) {
            datagrams.count = datagrams.count.min(most_threads(sockets));
        }
    }
    (all, errors)
}

/// How many threads each of so many addresses has at most. Halved where the addresses double, so that one that comes or goes seldom has
/// the sockets of the others made anew.
const fn most_threads(addresses: usize) -> usize {
    match MOST_THREADS / addresses.next_power_of_two() {
        0 => 1,
        most => most,
    }
}

/// Whether sockets depend on what addresses the host has.
pub(super) fn follows_addresses(config: &ServerConfig) -> bool {
    config.listen.iter().any(|listen| !listen.addresses.is_wildcard())
}

/// Addresses with their scopes. Errors: the interface of a link-local address is not there.
fn addresses(listen: &ListenEntry, local: &[(IpAddr, u32, String)]) -> Result<Vec<(IpAddr, u32)>, String> {
    let of = |wanted: Option<&str>| {
        let on = |name: &str| wanted.is_none_or(|wanted| wanted == name);
        local.iter().filter(|(.., name)| on(name)).map(|(ip, scope, _)| (*ip, *scope)).collect()
    };
    match &listen.addresses {
        ListenAddresses::EachOfHost => Ok(of(None)),
        ListenAddresses::EachOfInterface(name) => Ok(of(Some(name))),
        ListenAddresses::One { ip, scope: None } => Ok(vec![(*ip, 0)]),
        ListenAddresses::One { ip, scope: Some(name) } => match route::scope_id(name) {
            Some(scope) => Ok(vec![(*ip, scope)]),
            None => Err(format!("{}: no interface is called `{name}` on this host", listen.place)),
        },
    }
}

/// A socket for each thread; those that tasks serve have one.
fn datagram_sockets(transport: Transport, config: &ServerConfig) -> Option<DatagramSockets> {
    let threads = match config.workers {
        WorkerCount::Auto => std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
        WorkerCount::Count(count) => usize::from(count.get()),
    };
    let count = if transport.is_datagram() { threads } else { 1 };
    let buffer = transport.is_datagram().then_some(config.server.receive_buffer);
    let sockets = DatagramSockets { count, buffer };
    (transport.carrier() == TransportCarrier::Datagrams).then_some(sockets)
}

fn socket_address(ip: IpAddr, port: u16, scope: u32) -> SocketAddr {
    let mut address = SocketAddr::new(ip, port);
    if let SocketAddr::V6(v6) = &mut address {
        v6.set_scope_id(scope);
    }
    address
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn config(listen: &str) -> ServerConfig {
        rhumb_config::parse(&format!("workers: 1\nlisten: [{listen}]"), Path::new("x.yaml")).unwrap()
    }

    fn shown(config: &ServerConfig) -> Vec<(String, bool)> {
        let (wanted, errors) = wanted(config);
        assert_eq!(errors, [""; 0]);
        wanted.iter().map(|one| (one.key.to_string(), one.is_named)).collect()
    }

    #[test]
    fn each_address_is_asked_for_once_and_named_ones_have_to_be_bound() {
        let found = shown(&config("{ address: all, transports: [udp] }, { address: 127.0.0.1 }"));
        let of = |key: &str| found.iter().filter(|(known, _)| known == key).collect::<Vec<_>>();
        assert_eq!(of("udp 127.0.0.1:53"), [&("udp 127.0.0.1:53".to_owned(), true)]);
        assert_eq!(of("tcp 127.0.0.1:53").len(), 1);
        let others = found.iter().filter(|(key, _)| !key.contains("127.0.0.1"));
        assert!(others.clone().all(|(key, named)| key.starts_with("udp ") && !named), "{found:?}");
        assert_eq!(found.len(), 2 + others.count());
    }

    #[test]
    fn an_interface_has_its_own_addresses_only() {
        let found = shown(&config("{ interface: lo, port: 5300, transports: [tcp] }"));
        assert!(found.contains(&("tcp 127.0.0.1:5300".to_owned(), false)), "{found:?}");
        let local = route::local_addresses().unwrap();
        assert_eq!(found.len(), local.iter().filter(|(.., name)| name == "lo").count());
        // It may come later.
        assert_eq!(shown(&config("{ interface: no-such0 }")), []);
    }

    #[test]
    fn each_transport_has_its_port_and_encrypted_ones_their_certificate() {
        let listen = "{ address: 127.0.0.1, transports: [udp, tcp, tls], certificate: c, key: k }";
        let config = config(listen);
        let (found, _) = wanted(&config);
        let shown: Vec<_> =
            found.iter().map(|one| (one.key.to_string(), !one.certificates().is_empty())).collect();
        let expected =
            [("udp 127.0.0.1:53", false), ("tcp 127.0.0.1:53", false), ("tls 127.0.0.1:853", true)];
        assert_eq!(shown, expected.map(|(key, encrypted)| (key.to_owned(), encrypted)));
    }

    #[test]
    fn another_receive_buffer_leaves_connections_their_socket() {
        let of = |size: &str| {
            let listen = "{ address: 127.0.0.1, transports: [udp, quic], certificate: c, key: k }";
            let text = format!("workers: 1\nserver: {{ receive-buffer: {size} }}\nlisten: [{listen}]");
            rhumb_config::parse(&text, Path::new("x.yaml")).unwrap()
        };
        let keys = [of("1MiB"), of("2MiB")]
            .map(|config| wanted(&config).0.into_iter().map(|one| one.key).collect::<Vec<_>>());
        let [[udp, quic], [other_udp, other_quic]] =
            keys.map(|keys| <[ListenerKey; 2]>::try_from(keys).unwrap());
        assert!(udp != other_udp && quic == other_quic);
    }

    #[test]
    fn many_addresses_share_the_threads() {
        let most = [0, 1, 4, 5, 64, 65, 128, 1024, 1025, 100_000].map(most_threads);
        assert_eq!(most, [1024, 1024, 256, 128, 16, 8, 8, 1, 1, 1]);
        let listen: Vec<_> = (1..=2000)
            .map(|port| format!("{{ address: 127.0.0.1, port: {port}, transports: [udp] }}"))
            .collect();
        let of = |workers: &str| {
            let text = format!("workers: {workers}\nlisten: [{}]", listen.join(", "));
            let config = rhumb_config::parse(&text, Path::new("x.yaml")).unwrap();
            wanted(&config).0.iter().map(|one| one.key.threads()).sum::<usize>()
        };
        assert_eq!((of("auto"), of("3")), (2000, 6000));
    }

    #[test]
    fn a_link_local_address_needs_its_interface() {
        let config = config("{ address: 'fe80::1%no-such0' }");
        let (found, errors) = wanted(&config);
        assert!(found.is_empty());
        assert!(errors[0].contains("no interface is called `no-such0`"), "{errors:?}");
    }
}
