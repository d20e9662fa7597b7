//! Entries that are each right and cannot stand together.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rhumb_wire::{DomainName, Transport, TransportCarrier};

use crate::address::ListenAddresses;
use crate::config::ServerConfig;
use crate::domain::show_domain;
use crate::node::{YamlNode, YamlPlace, numbered};
use crate::positions::ListPositions;
use crate::reader::ConfigReader;
use crate::sections::{ListenEntry, SerialPolicy, ZoneSource};

/// Records an error for each listener that clashes with another, and each zone, folder or domain named twice.
pub(crate) fn report(config: &ServerConfig, root: &YamlNode, reader: &mut ConfigReader) {
    let positions = ListPositions::of_tree(root, &reader.numbers);
    listeners(&config.listen, root, reader);
    let (mut zones, mut folders, mut domains) = (HashMap::new(), HashMap::new(), HashMap::new());
    for zone in &config.zones {
        let position = positions.zone(zone.place());
        let spot = reader.numbers.spot(zone.place());
        let found = match zone {
            ZoneSource::File { name, .. } | ZoneSource::BuiltIn { name, .. } => {
                earlier(&mut zones, name, spot)
                    .map(|first| (format!("the zone `{}`", show_domain(name)), first))
            }
            ZoneSource::Secondary(secondary) => earlier(&mut zones, &secondary.name, spot)
                .map(|first| (format!("the zone `{}`", show_domain(&secondary.name)), first)),
            ZoneSource::Directory { path, .. } => earlier(&mut folders, path, spot)
                .map(|first| (format!("the directory `{}`", path.display()), first)),
        };
        if let Some((what, first)) = found {
            let line = reader.line_seen_from(spot, first);
            let message = format!("{what} is given already, on {line}");
            in_list(reader, "zones", position.index, spot, message);
        }
        if let Some(key) = needing_state(zone).filter(|_| config.state.is_none()) {
            let message = format!("a zone with `{key}` needs `state`, the folder that zones are kept in");
            in_list(reader, "zones", position.index, spot, message);
        }
    }
    report_tls_names(config, &positions, reader);
    report_local_root(config, reader);
    for forward in &config.forward {
        let position = positions.forward(&forward.place);
        if let Some(first) = earlier(&mut domains, &forward.domain, position.value) {
            let line = reader.line_seen_from(position.value, first);
            let message =
                format!("the domain `{}` has an entry already, on {line}", show_domain(&forward.domain));
            in_list(reader, "forward", position.index, position.value, message);
        }
    }
    for stub in &config.stub {
        let position = positions.stub(&stub.place);
        if let Some(first) = earlier(&mut domains, &stub.domain, position.value) {
            let line = reader.line_seen_from(position.value, first);
            let message =
                format!("the domain `{}` has an entry already, on {line}", show_domain(&stub.domain));
            in_list(reader, "stub", position.index, position.value, message);
        }
    }
}

/// Rules for clients that show a certificate, where no listener asks for one.
fn report_tls_names(config: &ServerConfig, positions: &ListPositions, reader: &mut ConfigReader) {
    if config.listen.iter().any(|listen| listen.client_ca.is_some()) {
        return;
    }
    for zone in &config.zones {
        let mut rules = zone.served().into_iter().flat_map(|served| &served.update);
        if rules.any(|rule| rule.tls_name.is_some()) {
            let (index, spot) = (positions.zone(zone.place()).index, reader.numbers.spot(zone.place()));
            let message =
                "`tls-name` needs a listener with `client-ca`; without one clients show no certificates";
            in_list(reader, "zones", index, spot, message.to_owned());
        }
    }
}

/// What a transferred copy of the root cannot be beside.
fn report_local_root(config: &ServerConfig, reader: &mut ConfigReader) {
    let Some(zone) = config.recursion.local_root.as_ref().and_then(|root| root.transferred.as_deref()) else {
        return;
    };
    let spot = reader.numbers.spot(&zone.place);
    let mut wrong = |message: &str| {
        reader.at_key("recursion", |reader| {
            reader.at_key("local-root", |reader| reader.error(spot, message));
        });
    };
    if config.state.is_none() {
        wrong("a local root with `primaries` needs `state`, the folder that zones are kept in");
    }
    if config.zones.iter().filter_map(named).any(|name| name.as_ref().is_root()) {
        wrong("the root is one of `zones` already, from which everybody is answered");
    }
}

/// The zone that an entry is for, if that is one.
fn named(entry: &ZoneSource) -> Option<&DomainName> {
    match entry {
        ZoneSource::File { name, .. } | ZoneSource::BuiltIn { name, .. } => Some(name),
        ZoneSource::Secondary(zone) => Some(&zone.name),
        ZoneSource::Directory { .. } => None,
    }
}

/// The key of a zone that is kept in `state`.
fn needing_state(zone: &ZoneSource) -> Option<&'static str> {
    match zone {
        ZoneSource::Secondary(_) => Some("primaries"),
        ZoneSource::File { served, .. } | ZoneSource::Directory { served, .. }
            if !served.update.is_empty() =>
        {
            Some("update")
        }
        ZoneSource::File { served, .. } | ZoneSource::Directory { served, .. } => {
            let is_numbered = served.versions.serial.is_some_and(|serial| serial != SerialPolicy::Keep);
            is_numbered.then_some("serial")
        }
        ZoneSource::BuiltIn { .. } => None,
    }
}

fn in_list(reader: &mut ConfigReader, list: &str, index: usize, spot: YamlPlace, message: String) {
    reader.at_key(list, |reader| reader.at_index(index, |reader| reader.error(spot, message)));
}

/// Remembers `key`; gives the place that had it before.
fn earlier<K: Hash + Eq>(seen: &mut HashMap<K, YamlPlace>, key: K, spot: YamlPlace) -> Option<YamlPlace> {
    match seen.entry(key) {
        Entry::Occupied(before) => Some(*before.get()),
        Entry::Vacant(free) => {
            free.insert(spot);
            None
        }
    }
}

/// An entry of `listen:` with its index and node in the file.
struct Listener<'a> {
    listen: &'a ListenEntry,
    index: usize,
    node: &'a YamlNode,
}

/// A socket that an entry asks for.
struct Socket<'a> {
    one: &'a Listener<'a>,
    port: u16,
}

impl<'a> Socket<'a> {
    /// Those of one carrier, whose transports cannot share a port.
    fn of(listeners: &'a [Listener<'a>], carrier: TransportCarrier) -> Vec<Self> {
        let kind = |transport: &&Transport| transport.carrier() == carrier;
        let of_one = |one: &'a Listener<'a>| {
            let transports = one.listen.transports.iter().filter(kind);
            transports.map(move |transport| Socket { one, port: one.listen.port_of(*transport) })
        };
        listeners.iter().flat_map(of_one).collect()
    }
}

fn listeners(listen: &[ListenEntry], root: &YamlNode, reader: &mut ConfigReader) {
    let nodes: HashMap<YamlPlace, (usize, &YamlNode)> =
        numbered(root.items("listen")).map(|(index, node)| (node.spot, (index, node))).collect();
    let listeners: Vec<Listener<'_>> = listen
        .iter()
        .filter_map(|listen| {
            nodes.get(&reader.numbers.spot(&listen.place)).map(|&(index, node)| Listener {
                listen,
                index,
                node,
            })
        })
        .collect();
    // Indexes are those within a file: the place tells listeners apart.
    let mut reported = HashSet::new();
    let ipv4 = every(Ipv4Addr::UNSPECIFIED.into());
    for carrier in [TransportCarrier::Datagrams, TransportCarrier::Streams] {
        let sockets = Socket::of(&listeners, carrier);
        let mut first: HashMap<_, &Listener<'_>> = HashMap::new();
        // The first one of each port for all addresses.
        let mut wildcards: HashMap<u16, &Listener<'_>> = HashMap::new();
        for Socket { one, port } in &sockets {
            if one.listen.addresses.is_wildcard() {
                wildcards.entry(*port).or_insert(one);
            }
            match first.entry((&one.listen.addresses, *port)) {
                Entry::Vacant(free) => {
                    free.insert(one);
                }
                Entry::Occupied(other) if reported.insert(one.node.spot) => {
                    same_socket(one, other.get(), reader);
                }
                Entry::Occupied(_) => {}
            }
        }
        for Socket { one, port } in &sockets {
            let dual = one.listen.addresses == every(Ipv6Addr::UNSPECIFIED.into()) && !one.listen.v6only;
            if let (true, Some(other)) = (dual, first.get(&(&ipv4, *port)))
                && reported.insert(one.node.spot)
            {
                dual_stack(one, other, reader);
            }
            let each = !matches!(one.listen.addresses, ListenAddresses::One { .. });
            if let (true, Some(other)) = (each, wildcards.get(port))
                && reported.insert(one.node.spot)
            {
                wildcard_beside(one, other, reader);
            }
        }
    }
}

fn every(ip: IpAddr) -> ListenAddresses {
    ListenAddresses::One { ip, scope: None }
}

fn wildcard_beside(one: &Listener<'_>, other: &Listener<'_>, reader: &mut ConfigReader) {
    let message = format!(
        "a socket for each address clashes with the one for all of them (listen[{}], {}); keep one of the two",
        other.index,
        reader.line_seen_from(one.node.spot, other.node.spot),
    );
    in_list(reader, "listen", one.index, one.node.spot, message);
}

fn same_socket(one: &Listener<'_>, other: &Listener<'_>, reader: &mut ConfigReader) {
    if one.node.spot == other.node.spot {
        let message = "two transports of this entry need the same port; leave `port` out or give each an entry of its own";
        return in_list(reader, "listen", one.index, one.node.spot_of("port"), message.to_owned());
    }
    let message = format!(
        "the same address, port and transport as listen[{}] on {}; give it another address or port",
        other.index,
        reader.line_seen_from(one.node.spot, other.node.spot),
    );
    in_list(reader, "listen", one.index, one.node.spot, message);
}

fn dual_stack(one: &Listener<'_>, other: &Listener<'_>, reader: &mut ConfigReader) {
    let spot = one.node.spot_of("v6only");
    let message = format!(
        "`::` with v6only: false serves IPv4 too and clashes with 0.0.0.0 (listen[{}], {}); set v6only: true",
        other.index,
        reader.line_seen_from(one.node.spot, other.node.spot),
    );
    reader.at_key("listen", |reader| {
        reader.at_index(one.index, |reader| reader.at_key("v6only", |reader| reader.error(spot, message)));
    });
}
