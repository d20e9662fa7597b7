//! What is not answered here goes to upstreams: the forwarded domains, and the lists that name their upstreams.

mod check;
mod iteration;
mod list_file;
mod lists;
mod own_address;
mod resolved;
mod routes;
mod source;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use rhumb_config::{ServerConfig, UpstreamServer, UpstreamSource};
use rhumb_resolver::{IterationSettings, NameServer, ServerIdentity};
use rhumb_watch::OpenWriters;
use rhumb_wire::DomainName;
use rhumb_zones::NameTable;

use crate::change::{ChangeText, joined};
use crate::snapshot::{IterationPlan, RouteEntry, ServerSnapshot, ServerState};

pub use check::{check_lists, check_trust};
pub use lists::ListState;
pub use resolved::resolved_server;
pub use routes::RoutePlan;
pub use source::PreloadedLists;

use lists::UpstreamLists;

/// The routes of a configuration and the lists they depend on. The one place that changes upstreams.
#[derive(Debug)]
pub struct ForwardingRoutes {
    live: Arc<ServerState>,
    lists: UpstreamLists,
    last_route: u32,
    /// Upstreams that an operator has taken out.
    withheld: HashSet<ServerIdentity>,
}

impl ForwardingRoutes {
    /// Without lists and routes.
    pub fn new(live: Arc<ServerState>, preloaded: PreloadedLists, writers: OpenWriters) -> Self {
        Self { live, lists: UpstreamLists::new(preloaded, writers), last_route: 0, withheld: HashSet::new() }
    }

    /// Reads every list that `config` names.
    pub fn read_lists(&mut self, config: &ServerConfig) {
        self.lists.read(config, &self.live.metrics);
    }

    /// Works out each route's upstreams from the lists as last read. A route whose domain stays keeps its object.
    pub fn plan(&mut self, config: &ServerConfig) -> (Vec<RoutePlan>, Vec<ChangeText>) {
        let (plans, mut changes) = routes::plan(config, &self.lists, &self.live, &mut self.last_route);
        let (old, new) = (&self.live.snapshot.load().config.recursion, &config.recursion);
        if old.root_hints == new.root_hints && old.root_servers != new.root_servers {
            let servers: Vec<_> = new.root_servers.iter().map(|server| &server.name).collect();
            changes
                .push(ChangeText(format!("recursion.root-hints: the root is asked of {}", joined(&servers))));
        }
        (plans, changes)
    }

    /// How these routes resolve what they are asked. Where iteration will go about it otherwise than it does now, what it learnt
    /// is forgotten.
    pub fn plan_iteration(&self, config: &ServerConfig, plans: &[RoutePlan]) -> IterationPlan {
        let routes: Vec<_> = plans.iter().map(RoutePlan::number).collect();
        let plan = iteration::plan(config, &routes, &self.live.anchors);
        let old = self.live.snapshot.load();
        let made = |plan: &IterationPlan| (plan.dns64, plan.rebinding_protection);
        if made(&old.iteration) != made(&plan) {
            for plan in plans {
                plan.forget(&self.live);
            }
        }
        let others = beside_root(&old.iteration) != beside_root(&plan);
        if others {
            self.live.resolver.clear();
        } else if servers_of_root(&old.iteration) != servers_of_root(&plan) {
            self.live.resolver.forget_root();
        }
        let changes = |id| plan.recalling(plan.course(id)).is_some() && others;
        for route in plans {
            let (_, id) = route.number();
            if changes(id) || old.iteration.course(id) != plan.course(id) {
                route.forget(&self.live);
            }
        }
        plan
    }

    /// Gives every route its upstreams. The routes of the next snapshot.
    pub fn apply(&mut self, plans: &[RoutePlan]) -> NameTable<RouteEntry> {
        self.withheld.retain(|upstream| plans.iter().any(|plan| plan.has(upstream)));
        for plan in plans {
            plan.apply(&self.withheld, &self.live);
        }
        NameTable::build(plans.iter().map(RoutePlan::entry))
    }

    /// Drops what was learnt through routes of `old` that are gone, and the lists that `config` does not name.
    pub fn retire(&mut self, old: &ServerSnapshot, config: &ServerConfig) {
        let new = self.live.snapshot.load();
        for (domain, entry) in old.view.routes.iter() {
            let stays =
                new.view.routes.find_exact(domain).is_some_and(|now| Arc::ptr_eq(&now.route, &entry.route));
            if !stays {
                entry.route.retire(self.live.cache.origins());
                self.live.resolver.flush(domain, true);
            }
        }
        self.lists.keep_named(config);
        self.live.upstream_names.follow(config);
    }

    /// Gives the routes whose upstreams have names those that they have now.
    pub fn names_changed(&self, config: &ServerConfig) {
        for forward in &config.forward {
            if forward.upstreams.iter().any(|source| matches!(source, UpstreamSource::Named(..))) {
                for change in routes::renew(config, forward, &self.lists, &self.withheld, &self.live) {
                    tracing::info!("{change}");
                }
            }
        }
    }

    /// Reads the lists of this file again and gives the routes that use them their new upstreams.
    pub fn file_changed(&mut self, config: &ServerConfig, path: &Path) {
        let changed = self.lists.read_file(path);
        for forward in &config.forward {
            if forward.upstreams.iter().filter_map(source::source_of).any(|list| changed.contains(&list)) {
                for change in routes::renew(config, forward, &self.lists, &self.withheld, &self.live) {
                    tracing::info!(list = %path.display(), "{change}");
                }
            }
        }
        let snapshot = self.live.snapshot.load();
        let is_listed = |upstream: &ServerIdentity| {
            snapshot.view.routes.iter().any(|(_, entry)| entry.route.state().member(upstream).is_some())
        };
        self.withheld.retain(is_listed);
    }

    /// Takes an upstream out, or back, until it is on no list any more. The domains it is for.
    ///
    /// Errors: no domain has such an upstream, in words.
    pub fn withhold(&mut self, upstream: &UpstreamServer, out: bool) -> Result<Vec<DomainName>, String> {
        let unknown =
            || format!("no domain has the upstream {upstream}; `rhumb status` shows those there are");
        let identity = resolved_server(upstream).ok_or_else(unknown)?;
        let domains = routes::withhold(&identity, out, &mut self.withheld, &self.live);
        if domains.is_empty() { Err(unknown()) } else { Ok(domains) }
    }

    /// How each list is.
    pub fn lists(&self) -> Vec<ListState> {
        self.lists.states()
    }
}

/// How iteration goes about its work, but for the servers of the root, which change nothing of what was learnt.
fn beside_root(plan: &IterationPlan) -> [Option<IterationSettings>; 2] {
    [&plan.settings, &plan.validating].map(|settings| {
        let settings = settings.as_deref()?;
        Some(IterationSettings { root: Vec::new(), ..settings.clone() })
    })
}

fn servers_of_root(plan: &IterationPlan) -> Option<&[NameServer]> {
    plan.settings.as_deref().map(|settings| settings.root.as_slice())
}
