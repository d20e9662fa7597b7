//! A circle through another server: an upstream that, directly or by others, asks this server what it is asked. Its own addresses are known
//! without that; this is found out by sending it a name that nobody else can know.

use std::sync::Arc;
use std::time::Duration;

use rhumb_resolver::{DatagramVerdict, OutboundQuestion, ServerIdentity, UpstreamTransport};
use rhumb_wire::header::{self, MessageHeader};
use rhumb_wire::{DomainName, Type};
use tokio::time::{Instant, sleep};

use super::upstream_network::UpstreamNetwork;
use crate::snapshot::{ForwardRoute, ServerState};

/// How long a name may take to come back.
const RETURN: Duration = Duration::from_secs(2);
/// How often an upstream that was found on a circle is looked at again.
const AGAIN: Duration = Duration::from_secs(30);

/// Looks at the upstreams of a route, one of which did not reply in time, if that was not done a short while ago.
pub(super) fn suspect(live: &Arc<ServerState>, network: &Arc<UpstreamNetwork>, route: &Arc<ForwardRoute>) {
    if route.claim_circle_check(live.clock.now()) {
        let (live, network, route) = (Arc::clone(live), Arc::clone(network), Arc::clone(route));
        tokio::spawn(async move { check(&live, &network, &route).await });
    }
}

async fn check(live: &Arc<ServerState>, network: &Arc<UpstreamNetwork>, route: &Arc<ForwardRoute>) {
    let state = route.state();
    for server in state.pool.upstreams() {
        let identity = server.identity();
        if comes_back(live, network, route.domain(), identity).await
            && route.exclude(identity, live.route_services())
        {
            tracing::warn!(
                upstream = %identity,
                domain = %route.domain(),
                "the upstream asks this server again, directly or by others: it is not asked while that is so"
            );
            let (live, network, route) = (Arc::clone(live), Arc::clone(network), Arc::clone(route));
            tokio::spawn(async move { watch(&live, &network, &route).await });
        }
    }
}

/// Looks at the upstreams that are on a circle again and again until none is, or they are no longer in use.
async fn watch(live: &Arc<ServerState>, network: &Arc<UpstreamNetwork>, route: &Arc<ForwardRoute>) {
    loop {
        sleep(AGAIN).await;
        let in_use = live.snapshot.load().view.routes.find_exact(route.domain().as_ref()).is_some();
        let excluded = route.state().excluded.clone();
        if !in_use || excluded.is_empty() {
            return;
        }
        for identity in &excluded {
            if !comes_back(live, network, route.domain(), identity).await {
                route.include(identity, live.route_services());
                tracing::info!(upstream = %identity, domain = %route.domain(), "the upstream asks this server no more");
            }
        }
    }
}

/// Whether a name that is asked of an upstream comes back as a query.
async fn comes_back(
    live: &ServerState,
    network: &UpstreamNetwork,
    domain: &DomainName,
    identity: &ServerIdentity,
) -> bool {
    let check = live.circles.begin(network.random());
    let Some(name) = check.name(domain) else { return false };
    let query = query(&name, network.random() as u16);
    let deadline = Instant::now() + RETURN;
    let ask = async {
        if identity.transport.is_datagram() {
            let mut accept = |_: &[u8]| DatagramVerdict::Accept;
            let _ = network.datagram(identity.address, &query, deadline, &mut accept).await;
        } else {
            let _ = network.stream(identity, identity.transport, &query, deadline).await;
        }
    };
    tokio::select! {
        biased;
        () = check.returned() => true,
        () = ask => false,
    }
}

/// A query for an address of `name`.
fn query(name: &DomainName, id: u16) -> Vec<u8> {
    let head = MessageHeader { id, flags: header::RD, questions: 1, ..MessageHeader::default() };
    [&head.to_bytes()[..], &OutboundQuestion::new(name.as_ref(), Type::A).to_wire()].concat()
}
