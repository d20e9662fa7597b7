//! Which upstreams are down, and which domains have none left, from one look to the next.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_resolver::ServerIdentity;
use rhumb_wire::{DomainName, NameRef};

use crate::change::joined;
use crate::metrics::UpstreamFailure;
use crate::snapshot::ServerSnapshot;

/// What was wrong with the upstreams at one moment.
#[derive(Debug, Default)]
pub(super) struct UpstreamTrouble {
    /// Upstreams that are down, by address.
    down: BTreeMap<String, DownUpstream>,
    /// Domains without an upstream that answers.
    domains: BTreeSet<DomainName>,
}

#[derive(Debug)]
struct DownUpstream {
    identity: ServerIdentity,
    cause: Option<UpstreamFailure>,
    /// The domains that it is for.
    domains: Vec<DomainName>,
}

impl UpstreamTrouble {
    /// What is wrong now.
    pub(super) fn of(snapshot: &ServerSnapshot) -> Self {
        let mut found = Self::default();
        for (_, entry) in snapshot.view.routes.iter() {
            let (domain, state) = (entry.route.domain(), entry.route.state());
            let course = snapshot.iteration.course(entry.route.id());
            if course.needs_upstreams() && !state.pool.is_healthy() {
                found.domains.insert(domain.clone());
            }
            for server in state.pool.upstreams().iter().filter(|server| server.is_down()) {
                let identity = server.identity();
                let down = found.down.entry(identity.to_string()).or_insert_with(|| DownUpstream {
                    identity: identity.clone(),
                    cause: state.member(identity).and_then(|member| member.counters.last_failure()),
                    domains: Vec::new(),
                });
                down.domains.push(domain.clone());
            }
        }
        found
    }

    /// Logs what has changed since `before`.
    pub(super) fn log_since(&self, before: &Self, snapshot: &ServerSnapshot) {
        for (address, down) in self.down.iter().filter(|(address, _)| !before.down.contains_key(*address)) {
            let cause = down.cause.map_or("it does not answer", UpstreamFailure::sentence);
            tracing::warn!("upstream {address} is down: {cause} (for {})", joined(&down.domains));
        }
        for (address, down) in before.down.iter().filter(|(address, _)| !self.down.contains_key(*address)) {
            if is_in_use(&down.identity, snapshot) {
                tracing::info!("upstream {address} is up again (for {})", joined(&down.domains));
            }
        }
        for domain in self.domains.difference(&before.domains) {
            let cause = if has_upstreams(domain.as_ref(), snapshot) {
                "none of its upstreams answers"
            } else {
                "it has no upstream"
            };
            tracing::error!(
                "forwarding of {domain} fails: {cause}; queries are answered SERVFAIL, or from what is cached"
            );
        }
        for domain in before.domains.difference(&self.domains) {
            if snapshot.view.routes.find_exact(domain.as_ref()).is_some() {
                tracing::info!("forwarding of {domain} works again");
            }
        }
    }
}

fn is_in_use(identity: &ServerIdentity, snapshot: &ServerSnapshot) -> bool {
    snapshot.view.routes.iter().any(|(_, entry)| entry.route.state().is_asked(identity))
}

fn has_upstreams(domain: NameRef<'_>, snapshot: &ServerSnapshot) -> bool {
    let entry = snapshot.view.routes.find_exact(domain);
    entry.is_some_and(|entry| !entry.route.state().pool.upstreams().is_empty())
}
