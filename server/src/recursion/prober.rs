//! Upstreams that are down are asked again and again whether they are back, so that no client has to find out.

use std::sync::Arc;
use std::time::Duration;

use rhumb_resolver::exchange::probe;
use rhumb_resolver::{OutboundQuestion, RemoteServer};
use rhumb_wire::{DomainName, NameRef, Type};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};

use super::upstream_network::UpstreamNetwork;
use super::upstream_trouble::UpstreamTrouble;
use crate::snapshot::{RouteState, ServerSnapshot, ServerState};

/// The longest time between two looks: a client may find out first that an upstream is back.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Probes the upstreams of all routes that are down, each when it is due, until `stop` is true. Logs which upstreams go down and
/// come back, and which domains have none left.
pub async fn probe_upstreams(live: Arc<ServerState>, mut stop: watch::Receiver<bool>) {
    let (mut seen, probed) = (UpstreamTrouble::default(), Arc::new(Notify::new()));
    let network = Arc::new(UpstreamNetwork::new(&live));
    loop {
        let snapshot = live.snapshot.load_full();
        let next = probe_due(&snapshot, &network, &probed);
        let now = UpstreamTrouble::of(&snapshot);
        now.log_since(&seen, &snapshot);
        seen = now;
        drop(snapshot);
        tokio::select! {
            () = live.servers.server_down() => {}
            () = probed.notified() => {}
            () = sleep_until(next) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// Begins the probes that are due. When to look again.
fn probe_due(snapshot: &ServerSnapshot, network: &Arc<UpstreamNetwork>, probed: &Arc<Notify>) -> Instant {
    let now = Instant::now();
    // Also a route that is new may have an upstream that is down.
    let mut next = now + LOOK_AGAIN;
    for (_, entry) in snapshot.view.routes.iter() {
        let state = entry.route.state();
        for server in state.pool.upstreams() {
            if server.claim_probe(now) {
                let question = question(entry.route.domain());
                let (network, probed) = (Arc::clone(network), Arc::clone(probed));
                tokio::spawn(probe_one(network, Arc::clone(&state), Arc::clone(server), question, probed));
            }
            next = next.min(server.probe_at().unwrap_or(next));
        }
    }
    next
}

async fn probe_one(
    network: Arc<UpstreamNetwork>,
    state: Arc<RouteState>,
    server: Arc<RemoteServer>,
    question: OutboundQuestion,
    probed: Arc<Notify>,
) {
    let answered = probe(&*network, &server, &question).await;
    if let Some(member) = state.member(server.identity()) {
        member.counters.set_healthy(server.is_healthy());
    }
    if answered {
        probed.notify_one();
    }
}

/// What every upstream for `domain` can answer from its cache, or at little cost.
fn question(domain: &DomainName) -> OutboundQuestion {
    if domain.as_ref() == NameRef::ROOT {
        OutboundQuestion::new(NameRef::ROOT, Type::NS)
    } else {
        OutboundQuestion::new(domain.as_ref(), Type::SOA)
    }
}
