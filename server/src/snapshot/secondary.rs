//! Where the zones of other servers come from.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use rhumb_config::{NamedRemote, RemoteTls, SecondaryTerms, SecondaryZone, TransferRule};
use rhumb_net::tls::client::{ServerTrust, TlsServer};
use rhumb_wire::tsig::TsigKey;
use rhumb_wire::{DomainName, Transport};

use super::allowed_clients::AllowedClients;
use super::notify_target::NotifyTarget;

/// A server that a zone is transferred from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrimaryServer {
    /// What the configuration calls it.
    pub remote: String,
    /// Where it is asked.
    pub address: SocketAddr,
    /// What it is asked by over TLS, if it is.
    pub tls: Option<Arc<TlsServer>>,
    /// What requests are signed with.
    pub key: Option<DomainName>,
    /// The address that messages leave from; none: the routing table's.
    pub source: Option<IpAddr>,
}

impl PrimaryServer {
    /// The addresses of a server of the configuration.
    fn of(remote: &NamedRemote) -> Vec<Self> {
        let tls = remote.tls.as_ref().map(|tls| (tls.port, Arc::new(tls_server(tls))));
        let addresses = NotifyTarget::of_remote(remote);
        let at = |NotifyTarget { mut address, key, source }: NotifyTarget| {
            if let Some((port, _)) = &tls {
                address.set_port(*port);
            }
            let tls = tls.as_ref().map(|(_, server)| Arc::clone(server));
            Self { remote: remote.name.clone(), address, tls, key, source }
        };
        addresses.map(at).collect()
    }
}

fn tls_server(tls: &RemoteTls) -> TlsServer {
    TlsServer {
        name: tls.name.as_deref().map(Into::into),
        protocol: Transport::Tls.protocols().first().copied().unwrap_or_default(),
        trust: ServerTrust {
            authorities: tls.authorities.as_deref().map(Into::into),
            pins: tls.pins.iter().map(|pin| pin.0).collect(),
            verified: true,
        },
    }
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
        let primaries = zone.primaries.iter().filter_map(found).flat_map(PrimaryServer::of).collect();
        let own = zone.primaries.iter().map(|name| TransferRule::Remote(name.clone()));
        let rules: Vec<_> = own.chain(zone.notify_from.iter().cloned()).collect();
        let clients = |rule| {
            let clients = AllowedClients::of(rule, remotes)?;
            // Servers announce by UDP, whatever transfers go over.
            let is_server = matches!(rule, TransferRule::Remote(_));
            Some(if is_server { clients.over_any_transport() } else { clients })
        };
        let notify_from = rules.iter().filter_map(clients).collect();
        Self { primaries, notify_from, terms: zone.terms }
    }

    /// Whether `client` may announce new versions by a message that is signed with `key`.
    pub fn may_notify(&self, client: IpAddr, key: Option<&TsigKey>) -> bool {
        self.notify_from.iter().any(|clients| clients.hold(client, key))
    }
}
