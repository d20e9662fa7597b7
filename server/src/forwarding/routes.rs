//! Which routes a configuration asks for, and by which upstreams each is answered.

use std::collections::HashSet;
use std::sync::Arc;

use rhumb_config::{ForwardEntry, ServerConfig, UpstreamServer, UpstreamSource};
use rhumb_resolver::{ServerIdentity, UpstreamPolicy};
use rhumb_wire::DomainName;

use super::iteration::domains;
use super::lists::UpstreamLists;
use super::own_address::{is_own_address, own_upstream};
use super::resolved::{is_same_server, resolved_with};
use super::source::source_of;
use crate::change::{ChangeText, joined};
use crate::snapshot::{
    AnswerTrust, ForwardRoute, RouteCourse, RouteEntry, RouteTerms, ServerSnapshot, ServerState,
    UpstreamName, UpstreamNames,
};

/// A route of the next snapshot.
#[derive(Debug)]
pub struct RoutePlan {
    entry: RouteEntry,
    upstreams: Vec<ServerIdentity>,
    terms: RouteTerms,
}

impl RoutePlan {
    /// Gives the route its upstreams.
    pub(super) fn apply(&self, withheld: &HashSet<ServerIdentity>, live: &ServerState) {
        set_upstreams(&self.entry.route, &self.upstreams, withheld, &self.terms, live);
    }

    /// Whether it is one of its upstreams.
    pub(super) fn has(&self, upstream: &ServerIdentity) -> bool {
        self.upstreams.contains(upstream)
    }

    /// The domain, and the number of the route.
    pub(super) fn number(&self) -> (DomainName, u32) {
        (self.entry.route.domain().clone(), self.entry.route.id())
    }

    /// Drops what was learnt through it.
    pub(super) fn forget(&self, live: &ServerState) {
        self.entry.route.forget(live.route_services());
    }

    /// The domain and what stands for it in the next snapshot.
    pub(super) fn entry(&self) -> (DomainName, RouteEntry) {
        (self.entry.route.domain().clone(), self.entry.clone())
    }
}

/// Works out each route's upstreams, and what changes. `last_id` is the number of the youngest route.
pub(super) fn plan(
    config: &ServerConfig,
    lists: &UpstreamLists,
    live: &ServerState,
    last_id: &mut u32,
) -> (Vec<RoutePlan>, Vec<ChangeText>) {
    let mut changes = Vec::new();
    let snapshot = live.snapshot.load_full();
    let mut plans = Vec::new();
    for forward in &config.forward {
        let domain = forward.domain.clone();
        let upstreams = upstreams_of(config, forward, lists, &live.upstream_names);
        let forwards =
            |entry: &&RouteEntry| snapshot.iteration.course(entry.route.id()) != RouteCourse::Iterate;
        let present = snapshot.view.routes.find_exact(domain.as_ref()).filter(forwards);
        let route = if let Some(entry) = present {
            Arc::clone(&entry.route)
        } else {
            *last_id += 1;
            Arc::new(ForwardRoute::new(*last_id, domain, live.route_services()))
        };
        describe(&route, present.is_none(), &upstreams, &mut changes);
        plans.push(RoutePlan {
            entry: RouteEntry { route, place: forward.place.clone() },
            upstreams,
            terms: terms_of(config, forward),
        });
    }
    plans.extend(iterating(config, &snapshot, live, last_id, &mut changes));
    for (domain, entry) in snapshot.view.routes.iter() {
        if !plans.iter().any(|plan| plan.entry.route.domain().as_ref() == domain) {
            let iterated = snapshot.iteration.course(entry.route.id()) == RouteCourse::Iterate;
            changes.push(ChangeText(if iterated {
                format!("recursion: {domain} is no longer resolved by iteration")
            } else {
                format!("forward {domain}: removed")
            }));
        }
    }
    (plans, changes)
}

/// The routes that are resolved by iteration, and what changes of them.
fn iterating(
    config: &ServerConfig,
    snapshot: &ServerSnapshot,
    live: &ServerState,
    last_id: &mut u32,
    changes: &mut Vec<ChangeText>,
) -> Vec<RoutePlan> {
    let mut plans = Vec::new();
    for (domain, place) in domains(config) {
        let present = snapshot
            .view
            .routes
            .find_exact(domain.as_ref())
            .filter(|entry| snapshot.iteration.course(entry.route.id()) == RouteCourse::Iterate);
        let route = if let Some(entry) = present {
            Arc::clone(&entry.route)
        } else {
            *last_id += 1;
            changes.push(ChangeText(format!("recursion: {domain} is resolved by iteration")));
            Arc::new(ForwardRoute::new(*last_id, domain, live.route_services()))
        };
        let entry = RouteEntry { route, place };
        plans.push(RoutePlan { entry, upstreams: Vec::new(), terms: RouteTerms::default() });
    }
    plans
}

/// Gives a route that uses a changed list or name its new upstreams. What changed, in words.
pub(super) fn renew(
    config: &ServerConfig,
    forward: &ForwardEntry,
    lists: &UpstreamLists,
    withheld: &HashSet<ServerIdentity>,
    live: &ServerState,
) -> Vec<ChangeText> {
    let mut changes = Vec::new();
    let upstreams = upstreams_of(config, forward, lists, &live.upstream_names);
    if let Some(entry) = live.snapshot.load().view.routes.find_exact(forward.domain.as_ref()) {
        describe(&entry.route, false, &upstreams, &mut changes);
        set_upstreams(&entry.route, &upstreams, withheld, &terms_of(config, forward), live);
    }
    changes
}

/// The upstreams of a route at this moment, in order, each once.
fn upstreams_of(
    config: &ServerConfig,
    forward: &ForwardEntry,
    lists: &UpstreamLists,
    names: &UpstreamNames,
) -> Vec<ServerIdentity> {
    let mut servers = Vec::new();
    let mut add = |upstream: &UpstreamServer| match resolved_with(upstream, &forward.trust) {
        Some(server) if is_own_address(server.address, server.transport, &config.listen) => {
            tracing::warn!("{}", own_upstream(forward, server.address));
        }
        Some(server) if !servers.contains(&server) => servers.push(server),
        Some(_) => {}
        None => tracing::warn!("upstream {upstream}: there is no such interface; it is left out"),
    };
    for source in &forward.upstreams {
        match (source, source_of(source)) {
            (UpstreamSource::Server(upstream, _), _) => add(upstream),
            (UpstreamSource::Named(upstream, _), _) => {
                let name = UpstreamName::of(forward, &upstream.name);
                names.addresses(&name).into_iter().for_each(|ip| add(&upstream.at(ip)));
            }
            (_, Some(list)) => lists.upstreams(&list).iter().for_each(|(upstream, _)| add(upstream)),
            (_, None) => {}
        }
    }
    servers
}

/// Gives a route its upstreams, if they, those that are asked, or the terms differ.
fn set_upstreams(
    route: &ForwardRoute,
    upstreams: &[ServerIdentity],
    withheld: &HashSet<ServerIdentity>,
    terms: &RouteTerms,
    live: &ServerState,
) {
    let state = route.state();
    let asked = |upstream: &ServerIdentity| state.withheld.contains(upstream) == withheld.contains(upstream);
    let same = state.members.iter().map(|member| &member.identity).eq(upstreams)
        && upstreams.iter().all(asked)
        && state.terms == *terms;
    if !same {
        let new = state.members.is_empty();
        let (_, removed) = route.set_upstreams(upstreams, withheld, terms, live.route_services());
        // What was learnt below the domain came from others.
        if new || !removed.is_empty() {
            live.resolver.flush(route.domain().as_ref(), true);
        }
    }
}

/// Has every route that has this upstream not ask it, if `out`, or ask it again. The domains of those routes.
pub(super) fn withhold(
    upstream: &ServerIdentity,
    out: bool,
    withheld: &mut HashSet<ServerIdentity>,
    live: &ServerState,
) -> Vec<DomainName> {
    let mut domains = Vec::new();
    for (_, entry) in live.snapshot.load().view.routes.iter() {
        let state = entry.route.state();
        let members: Vec<ServerIdentity> =
            state.members.iter().map(|member| member.identity.clone()).collect();
        let meant: Vec<_> = members.iter().filter(|member| is_same_server(member, upstream)).collect();
        for member in &meant {
            if out {
                withheld.insert((*member).clone());
            } else {
                withheld.remove(*member);
            }
        }
        if !meant.is_empty() {
            set_upstreams(&entry.route, &members, withheld, &state.terms, live);
            domains.push(entry.route.domain().clone());
        }
    }
    domains
}

fn describe(route: &ForwardRoute, new: bool, upstreams: &[ServerIdentity], changes: &mut Vec<ChangeText>) {
    let domain = route.domain();
    if new {
        changes.push(ChangeText(format!("forward {domain}: added, upstreams {}", joined(upstreams))));
        return;
    }
    let state = route.state();
    let old: Vec<ServerIdentity> = state.members.iter().map(|member| member.identity.clone()).collect();
    let added: Vec<_> = upstreams.iter().filter(|server| !old.contains(server)).collect();
    let removed: Vec<_> = old.iter().filter(|server| !upstreams.contains(server)).collect();
    if !added.is_empty() {
        changes.push(ChangeText(format!("forward {domain}: upstreams added: {}", joined(&added))));
    }
    if !removed.is_empty() {
        changes.push(ChangeText(format!("forward {domain}: upstreams removed: {}", joined(&removed))));
    }
    if added.is_empty() && removed.is_empty() && old != upstreams {
        changes.push(ChangeText(format!("forward {domain}: upstreams in another order")));
    }
}

fn terms_of(config: &ServerConfig, forward: &ForwardEntry) -> RouteTerms {
    let trust = AnswerTrust {
        authentic: forward.trust_ad,
        no_private_addresses: forward.rebinding_protection,
        exempt: forward.rebinding_exempt.clone(),
    };
    let places_of_server = config.recursion.limits.under_way_per_server;
    RouteTerms { policy: policy_of(forward), trust, places_of_server }
}

fn policy_of(forward: &ForwardEntry) -> UpstreamPolicy {
    match forward.policy {
        rhumb_config::ForwardPolicy::Fastest => UpstreamPolicy::Fastest,
        rhumb_config::ForwardPolicy::InOrder => UpstreamPolicy::InOrder,
        rhumb_config::ForwardPolicy::RoundRobin => UpstreamPolicy::RoundRobin,
        rhumb_config::ForwardPolicy::Random => UpstreamPolicy::Random,
    }
}
