//! Upstreams that are down are asked again and again whether they are back, so that no client has to find out.

use std::collections::HashSet;
use std::sync::Arc;

use rhumb_resolver::exchange::{limits, probe};
use rhumb_resolver::{Question, RemoteServer, ServerIdentity};
use rhumb_wire::{Name, NameRef, Type};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::upstream_network::UpstreamNetwork;
use crate::snapshot::{RouteState, ServerState};

/// Probes the upstreams of all routes that are down, each when it is due, until `stop` is true.
pub async fn probe_upstreams(live: Arc<ServerState>, mut stop: watch::Receiver<bool>) {
    let mut down = HashSet::new();
    loop {
        let next = probe_due(&live, &mut down);
        tokio::select! {
            () = live.servers.server_down() => {}
            () = sleep_until(next) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// Begins the probes that are due, and logs which upstreams went down or came back. When to look again.
fn probe_due(live: &Arc<ServerState>, down: &mut HashSet<ServerIdentity>) -> Instant {
    let now = Instant::now();
    // Also a route that is new may have an upstream that is down.
    let mut next = now + limits::PROBE_MOST;
    let mut still_down = HashSet::new();
    for (_, entry) in live.snapshot.load().view.routes.iter() {
        let state = entry.route.state();
        for server in state.pool.upstreams() {
            if server.claim_probe(now) {
                let question = question(entry.route.domain());
                tokio::spawn(probe_one(Arc::clone(&state), Arc::clone(server), question));
            }
            let Some(at) = server.probe_at() else { continue };
            next = next.min(at);
            let identity = server.identity();
            if !down.contains(identity) && still_down.insert(identity.clone()) {
                tracing::warn!(upstream = %identity, domain = %entry.route.domain(), "upstream is down");
            }
            still_down.insert(identity.clone());
        }
    }
    for identity in down.difference(&still_down) {
        tracing::info!(upstream = %identity, "upstream is up again, or no longer in use");
    }
    *down = still_down;
    next
}

async fn probe_one(state: Arc<RouteState>, server: Arc<RemoteServer>, question: Question) {
    probe(&UpstreamNetwork, &server, &question).await;
    if let Some(member) = state.member(server.identity()) {
        member.counters.set_healthy(server.is_healthy());
    }
}

/// What every upstream for `domain` can answer from its cache, or at little cost.
fn question(domain: &Name) -> Question {
    if domain.as_ref() == NameRef::ROOT {
        Question::new(NameRef::ROOT, Type::NS)
    } else {
        Question::new(domain.as_ref(), Type::SOA)
    }
}
