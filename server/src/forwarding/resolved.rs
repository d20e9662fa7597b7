//! Servers of the configuration as the resolver asks them.

use std::net::SocketAddr;

use rhumb_config::UpstreamServer;
use rhumb_resolver::ServerIdentity;

/// The server that is meant; none where its interface is not there.
pub(super) fn resolved(upstream: &UpstreamServer) -> Option<ServerIdentity> {
    let mut address = SocketAddr::new(upstream.ip, upstream.port);
    if let (SocketAddr::V6(v6), Some(scope)) = (&mut address, &upstream.scope) {
        v6.set_scope_id(rhumb_net::route::scope_id(scope)?);
    }
    Some(ServerIdentity {
        transport: upstream.transport,
        address,
        name: upstream.name.as_deref().map(Into::into),
        path: upstream.path.as_deref().map(Into::into),
    })
}
