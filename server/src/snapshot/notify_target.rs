//! Whom a zone's new versions are announced to.

use std::net::{IpAddr, SocketAddr};

use rhumb_config::{NamedRemote, TransferRule, UpstreamServer};
use rhumb_wire::DomainName;

/// The port of nameservers.
const PORT: u16 = 53;

/// A server that is told of new versions (RFC 1996).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotifyTarget {
    /// Where it listens.
    pub address: SocketAddr,
    /// What the message is signed with.
    pub key: Option<DomainName>,
    /// The address that messages leave from; none: the routing table's.
    pub source: Option<IpAddr>,
}

impl NotifyTarget {
    /// The servers that `notify` names; without it those of `transfer_to` that are named or have an address of their own.
    pub fn of(notify: Option<&[String]>, transfer_to: &[TransferRule], remotes: &[NamedRemote]) -> Vec<Self> {
        let named = |name: &String| {
            let remote = remotes.iter().find(|remote| remote.name == *name);
            remote.into_iter().flat_map(Self::of_remote).collect::<Vec<_>>()
        };
        if let Some(names) = notify {
            return names.iter().flat_map(named).collect();
        }
        transfer_to
            .iter()
            .flat_map(|rule| match rule {
                TransferRule::Remote(name) => named(name),
                TransferRule::Clients { network: Some(network), key, .. } => {
                    let bits = if matches!(network.addr, IpAddr::V4(_)) { 32 } else { 128 };
                    let address = SocketAddr::new(network.addr, PORT);
                    let is_single = network.prefix == bits;
                    is_single.then(|| Self { address, key: key.clone(), source: None }).into_iter().collect()
                }
                TransferRule::Clients { network: None, .. } => Vec::new(),
            })
            .collect()
    }

    pub(super) fn of_remote(remote: &NamedRemote) -> impl Iterator<Item = Self> {
        let addresses = remote.addresses.iter().filter_map(socket_address);
        addresses.map(|address| Self {
            address,
            key: remote.key.clone(),
            source: remote.source.filter(|source| source.is_ipv4() == address.is_ipv4()),
        })
    }
}

/// None for a link-local address on an interface that is not there.
fn socket_address(server: &UpstreamServer) -> Option<SocketAddr> {
    let mut address = SocketAddr::new(server.ip, server.port);
    if let (SocketAddr::V6(v6), Some(scope)) = (&mut address, &server.scope) {
        v6.set_scope_id(rhumb_net::route::scope_id(scope)?);
    }
    Some(address)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn targets(zone: &str) -> Vec<String> {
        let text = format!(
            "keys: [{{ name: k, secret: AAAA }}]\n\
             remotes: [{{ name: a, addresses: [192.0.2.1, \"[2001:db8::1]:5353\"], key: k }}, {{ name: b, addresses: 192.0.2.2 }}]\n\
             zones: [{{ name: z, file: f, {zone} }}]\n"
        );
        let config = rhumb_config::parse(&text, Path::new("x.yaml")).unwrap();
        let served = config.zones[0].served().unwrap();
        let targets = NotifyTarget::of(served.notify.as_deref(), &served.transfer_to, &config.remotes);
        targets.iter().map(|target| format!("{} {:?}", target.address, target.key.is_some())).collect()
    }

    #[test]
    fn who_may_transfer_is_told_unless_others_are_named() {
        let both = ["192.0.2.1:53 true", "[2001:db8::1]:5353 true"];
        assert_eq!(targets("transfer-to: []"), [""; 0]);
        assert_eq!(targets("transfer-to: [a]"), both);
        assert_eq!(targets("transfer-to: [a], notify: [b]"), ["192.0.2.2:53 false"]);
        assert_eq!(targets("transfer-to: [a], notify: []"), [""; 0]);
        assert_eq!(targets("notify: [a]"), both);
        let rules = "transfer-to: [{ network: 192.0.2.9 }, { network: 192.0.2.0/24 }, { key: k }, { network: \"::2\", key: k }]";
        assert_eq!(targets(rules), ["192.0.2.9:53 false", "[::2]:53 true"]);
    }
}
