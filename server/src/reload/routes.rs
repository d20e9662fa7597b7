//! The forwarded domains, and the lists of their upstreams.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use rhumb_config::{Config, Forward, UpstreamServer, UpstreamSource};
use rhumb_resolver::{ServerIdentity, UpstreamPolicy};

use super::lists::{Kind, ListFile, Outcome, State};
use super::{Reloader, Strictness};
use crate::change::{Change, joined};
use crate::snapshot::{ListSource, Route, RouteEntry};

/// A route of the next snapshot.
#[derive(Debug)]
pub(super) struct RoutePlan {
    pub(super) entry: RouteEntry,
    pub(super) upstreams: Vec<ServerIdentity>,
    pub(super) policy: UpstreamPolicy,
}

impl Reloader {
    /// Reads the lists and works out each route's upstreams. A route whose domain stays keeps its object.
    pub(super) fn plan_routes(
        &mut self,
        config: &Config,
        strictness: Strictness,
    ) -> (Vec<RoutePlan>, Vec<Change>) {
        let mut changes = Vec::new();
        let snapshot = self.live.snapshot.load_full();
        if strictness != Strictness::Diff {
            self.read_lists(config);
        }
        let mut plans = Vec::new();
        for forward in &config.forward {
            let domain = forward.domain.clone();
            let policy = policy_of(forward);
            let upstreams = self.upstreams_of(forward);
            let present = snapshot.routes.find_exact(domain.as_ref());
            let route = if let Some(entry) = present {
                Arc::clone(&entry.route)
            } else {
                self.next_route += 1;
                Arc::new(Route::new(self.next_route, domain, policy, self.live.cache.origins()))
            };
            describe(&route, present.is_none(), &upstreams, &mut changes);
            plans.push(RoutePlan {
                entry: RouteEntry { route, place: forward.place.clone() },
                upstreams,
                policy,
            });
        }
        for (domain, _) in snapshot.routes.iter() {
            if !plans.iter().any(|plan| plan.entry.route.domain().as_ref() == domain) {
                changes.push(Change(format!("forward {domain}: removed")));
            }
        }
        (plans, changes)
    }

    fn read_lists(&mut self, config: &Config) {
        for source in config.forward.iter().flat_map(|forward| &forward.upstreams).filter_map(list_of) {
            let metrics = &self.live.metrics;
            let early = self.early.lists.remove(&source);
            let (list, counters) = self.lists.entry(source.clone()).or_insert_with(|| {
                let (path, kind) = opened(&source);
                let list = early.unwrap_or_else(|| ListFile::new(path.to_owned(), kind));
                (list, metrics.list(&path.display().to_string()))
            });
            list.refresh();
            counters.set_ok(*list.state() == State::Ok);
        }
    }

    /// Forgets the lists that `config` does not name.
    pub(super) fn drop_lists(&mut self, config: &Config) {
        let named: Vec<ListSource> =
            config.forward.iter().flat_map(|forward| &forward.upstreams).filter_map(list_of).collect();
        self.lists.retain(|source, _| named.contains(source));
    }

    /// The upstreams of a route at this moment, in order, each once.
    fn upstreams_of(&self, forward: &Forward) -> Vec<ServerIdentity> {
        let mut servers = Vec::new();
        let mut add = |upstream: &UpstreamServer| match resolved(upstream) {
            Some(server) if !servers.contains(&server) => servers.push(server),
            Some(_) => {}
            None => tracing::warn!("upstream {upstream}: there is no such interface; it is left out"),
        };
        for source in &forward.upstreams {
            match (source, list_of(source)) {
                (UpstreamSource::Server(upstream, _), _) => add(upstream),
                (_, Some(list)) => {
                    let upstreams = self.lists.get(&list).map(|(list, _)| Arc::clone(list.upstreams()));
                    upstreams.iter().flat_map(|list| list.iter()).for_each(|(upstream, _)| add(upstream));
                }
                (_, None) => {}
            }
        }
        servers
    }

    /// Reads one list again and gives the routes that use it their new upstreams.
    pub(super) fn list_changed(&mut self, path: &Path) {
        let mut changed = Vec::new();
        for (source, (list, counters)) in &mut self.lists {
            if opened(source).0 != path {
                continue;
            }
            let outcome = list.refresh();
            counters.set_ok(!matches!(outcome, Outcome::KeptLastGood(_)));
            if outcome == Outcome::Changed {
                counters.changed();
                changed.push(source.clone());
            }
        }
        let snapshot = self.live.snapshot.load_full();
        let config = Arc::clone(&self.config);
        for forward in &config.forward {
            if !forward.upstreams.iter().filter_map(list_of).any(|list| changed.contains(&list)) {
                continue;
            }
            let upstreams = self.upstreams_of(forward);
            if let Some(entry) = snapshot.routes.find_exact(forward.domain.as_ref()) {
                let mut words = Vec::new();
                describe(&entry.route, false, &upstreams, &mut words);
                set_upstreams(&entry.route, &upstreams, policy_of(forward), &self.live);
                for change in words {
                    tracing::info!(list = %path.display(), "{change}");
                }
            }
        }
    }
}

/// Gives a route its upstreams, if they or the policy differ.
pub(super) fn set_upstreams(
    route: &Route,
    upstreams: &[ServerIdentity],
    policy: UpstreamPolicy,
    live: &crate::snapshot::ServerState,
) {
    let state = route.state();
    let same =
        state.members.iter().map(|member| &member.identity).eq(upstreams) && state.pool.policy() == policy;
    if !same {
        route.set_upstreams(upstreams, policy, live.route_services());
    }
}

fn describe(route: &Route, new: bool, upstreams: &[ServerIdentity], changes: &mut Vec<Change>) {
    let domain = route.domain();
    if new {
        changes.push(Change(format!("forward {domain}: added, upstreams {}", joined(upstreams))));
        return;
    }
    let state = route.state();
    let old: Vec<ServerIdentity> = state.members.iter().map(|member| member.identity.clone()).collect();
    let added: Vec<_> = upstreams.iter().filter(|server| !old.contains(server)).collect();
    let removed: Vec<_> = old.iter().filter(|server| !upstreams.contains(server)).collect();
    if !added.is_empty() {
        changes.push(Change(format!("forward {domain}: upstreams added: {}", joined(&added))));
    }
    if !removed.is_empty() {
        changes.push(Change(format!("forward {domain}: upstreams removed: {}", joined(&removed))));
    }
    if added.is_empty() && removed.is_empty() && old != upstreams {
        changes.push(Change(format!("forward {domain}: upstreams in another order")));
    }
}

fn policy_of(forward: &Forward) -> UpstreamPolicy {
    match forward.policy {
        rhumb_config::Policy::Fastest => UpstreamPolicy::Fastest,
        rhumb_config::Policy::InOrder => UpstreamPolicy::InOrder,
        rhumb_config::Policy::RoundRobin => UpstreamPolicy::RoundRobin,
        rhumb_config::Policy::Random => UpstreamPolicy::Random,
    }
}

fn list_of(source: &UpstreamSource) -> Option<ListSource> {
    match source {
        UpstreamSource::Server(..) => None,
        UpstreamSource::List(path, _) => Some(ListSource::List(path.clone())),
        UpstreamSource::ResolvConf(path, _) => Some(ListSource::ResolvConf(path.clone())),
    }
}

fn opened(source: &ListSource) -> (&Path, Kind) {
    match source {
        ListSource::List(path) => (path, Kind::List),
        ListSource::ResolvConf(path) => (path, Kind::ResolvConf),
    }
}

fn resolved(upstream: &UpstreamServer) -> Option<ServerIdentity> {
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

/// Reads every list that `config` names, for the start.
pub(super) fn read_early(config: &Config) -> HashMap<ListSource, ListFile> {
    let sources = config.forward.iter().flat_map(|forward| &forward.upstreams).filter_map(list_of);
    let read = sources.map(|source| {
        let (path, kind) = opened(&source);
        let mut list = ListFile::new(path.to_owned(), kind);
        list.refresh();
        (source, list)
    });
    read.collect()
}

/// Reads every list that `config` names, for `rhumb check`: what is wrong with each, in words.
pub fn check_lists(config: &Config) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut wrong = Vec::new();
    for source in config.forward.iter().flat_map(|forward| &forward.upstreams) {
        let Some(list) = list_of(source) else { continue };
        if !seen.insert(list.clone()) {
            continue;
        }
        let (path, kind) = opened(&list);
        let mut file = ListFile::new(path.to_owned(), kind);
        if let Outcome::KeptLastGood(why) = file.refresh() {
            wrong.push(format!("{}: {} {why}", source.place(), path.display()));
        }
        wrong
            .extend(file.bad_lines().iter().map(|(line, what)| format!("{}:{line}: {what}", path.display())));
    }
    wrong
}
