//! Where the zones of other servers come from.

use std::net::{IpAddr, SocketAddr};

use rhumb_config::{NamedRemote, SecondaryTerms, SecondaryZone};
use rhumb_wire::DomainName;
use rhumb_wire::tsig::TsigKey;

use super::allowed_clients::AllowedClients;
use super::notify_target::NotifyTarget;

/// A server that a zone is transferred from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrimaryServer {
    /// What the configuration calls it.
    pub remote: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// What requests are signed with.
    pub key: Option<DomainName>,
    /// The address that messages leave from; none: the routing table's.
    pub source: Option<IpAddr>,
}

/// Where a zone of other servers comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondaryOrigin {
    /// In the order they are asked.
    pub primaries: Vec<PrimaryServer>,
    /// Who may announce new versions: the primaries, and others.
    pub notify_from: Vec<AllowedClients>,
    /// What is held against their zone.
    pub terms: SecondaryTerms,
}

impl SecondaryOrigin {
    /// What an entry of the configuration comes to.
    pub fn of(zone: &SecondaryZone, remotes: &[NamedRemote]) -> Self {
        let found = |name: &String| remotes.iter().find(|remote| remote.name == *name);
        let addresses = |remote: &NamedRemote| {
            let named = remote.name.clone();
            NotifyTarget::of_remote(remote)
                .map(move |NotifyTarget { address, key, source }| PrimaryServer {
                    remote: named.clone(),
                    address,
                    key,
                    source,
                })
                .collect::<Vec<_>>()
        };
        let primaries = zone.primaries.iter().filter_map(found).flat_map(addresses).collect();
        let own = zone.primaries.iter().map(|name| rhumb_config::TransferRule::Remote(name.clone()));
        let rules: Vec<_> = own.chain(zone.notify_from.iter().cloned()).collect();
        let notify_from = rules.iter().filter_map(|rule| AllowedClients::of(rule, remotes)).collect();
        Self { primaries, notify_from, terms: zone.terms }
    }

    /// Whether `client` may announce new versions by a message that is signed with `key`.
    pub fn may_notify(&self, client: IpAddr, key: Option<&TsigKey>) -> bool {
        self.notify_from.iter().any(|clients| clients.hold(client, key))
    }
}
