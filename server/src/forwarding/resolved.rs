//! Servers of the configuration as the resolver asks them.

use std::net::SocketAddr;
use std::sync::Arc;

use rhumb_config::{UpstreamServer, UpstreamTrust};
use rhumb_resolver::{CertificateTrust, ServerIdentity};

/// The server that is meant; none where its interface is not there.
pub fn resolved_server(upstream: &UpstreamServer) -> Option<ServerIdentity> {
    let mut address = SocketAddr::new(upstream.ip, upstream.port);
    if let (SocketAddr::V6(v6), Some(scope)) = (&mut address, &upstream.scope) {
        v6.set_scope_id(rhumb_net::route::scope_id(scope)?);
    }
    Some(ServerIdentity {
        transport: upstream.transport,
        address,
        name: upstream.name.as_deref().map(Into::into),
        path: upstream.path.as_deref().map(Into::into),
        trust: None,
    })
}

/// The same, its certificate being judged by `trust`.
pub(super) fn resolved_with(upstream: &UpstreamServer, trust: &UpstreamTrust) -> Option<ServerIdentity> {
    let server = resolved_server(upstream)?;
    if !upstream.transport.is_encrypted() || *trust == UpstreamTrust::default() {
        return Some(server);
    }
    let trust = CertificateTrust {
        authorities: trust.authorities.as_deref().map(Into::into),
        pins: trust.pins.iter().map(|pin| pin.0).collect(),
        verified: trust.verified,
    };
    Some(ServerIdentity { trust: Some(Arc::new(trust)), ..server })
}

/// Whether both are the same server, whatever its certificate is judged by.
pub(super) fn is_same_server(one: &ServerIdentity, other: &ServerIdentity) -> bool {
    let of = |server: &ServerIdentity| ServerIdentity { trust: None, ..server.clone() };
    of(one) == of(other)
}
