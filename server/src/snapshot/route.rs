//! A forwarded domain: the upstreams it has at the moment, and where their answers are kept.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use rhumb_cache::{Origin, Origins};
use rhumb_config::FilePlace;
use rhumb_resolver::{ServerIdentity, ServerStore, UpstreamPolicy, UpstreamPool};
use rhumb_wire::Name;
use tokio::sync::watch;

use crate::metrics::{self, Metrics};

/// A route that outlives snapshots and the lists of its upstreams.
#[derive(Debug)]
pub struct Route {
    id: u32,
    domain: Name,
    counters: Arc<metrics::ForwardedDomain>,
    state: ArcSwap<RouteState>,
    serial: AtomicU64,
    changed: watch::Sender<u64>,
}

/// A file that upstreams of a route come from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ListSource {
    /// One upstream a line.
    List(PathBuf),
    /// The `nameserver` lines of a resolv.conf.
    ResolvConf(PathBuf),
}

/// The upstreams of a route from one change to the next.
#[derive(Debug)]
pub struct RouteState {
    /// Counts the changes of this route.
    pub serial: u64,
    /// The upstreams and how one is chosen.
    pub pool: UpstreamPool,
    /// What belongs to each upstream on this route, in the order of the pool.
    pub members: Vec<RouteUpstream>,
    /// Under which origin failures of the whole route are kept.
    pub failures: Origin,
}

/// An upstream on a route.
#[derive(Debug, Clone)]
pub struct RouteUpstream {
    /// Which server it is.
    pub identity: ServerIdentity,
    /// Under which origin its answers are kept.
    pub origin: Origin,
    /// Its counters.
    pub counters: Arc<metrics::Upstream>,
}

/// What the upstreams of all routes have in common.
#[derive(Debug, Clone, Copy)]
pub struct RouteServices<'c> {
    /// Which origins live.
    pub origins: &'c Origins,
    /// One object a server, so that health is shared between routes.
    pub servers: &'c ServerStore,
    /// Where counters come from.
    pub metrics: &'c Metrics,
}

/// A route, and what asked for it.
#[derive(Debug, Clone)]
pub struct RouteEntry {
    /// The route.
    pub route: Arc<Route>,
    /// Where the configuration asks for it.
    pub place: FilePlace,
}

impl Route {
    /// A route without upstreams. `id` is given to no other route as long as the process lives.
    pub fn new(id: u32, domain: Name, policy: UpstreamPolicy, services: RouteServices<'_>) -> Self {
        let pool = UpstreamPool::new(policy, []);
        let state =
            RouteState { serial: 0, pool, members: Vec::new(), failures: services.origins.allocate() };
        Self {
            id,
            counters: services.metrics.domain(&domain.to_string()),
            domain,
            state: ArcSwap::from_pointee(state),
            serial: AtomicU64::new(0),
            changed: watch::Sender::new(0),
        }
    }

    /// Its number, under which the cache keeps its answers.
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// The domain it covers.
    pub const fn domain(&self) -> &Name {
        &self.domain
    }

    /// What is counted of it.
    pub fn counters(&self) -> &metrics::ForwardedDomain {
        &self.counters
    }

    /// The upstreams at this moment.
    pub fn state(&self) -> Arc<RouteState> {
        self.state.load_full()
    }

    /// Told the new serial at each change.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Replaces the upstreams. Those that stay keep their health and what was learnt from them; what was learnt from the
    /// others, and every failure, is gone from this moment. Gives the servers added and removed.
    pub fn set_upstreams(
        &self,
        upstreams: &[ServerIdentity],
        policy: UpstreamPolicy,
        services: RouteServices<'_>,
    ) -> (Vec<ServerIdentity>, Vec<ServerIdentity>) {
        let old = self.state.load_full();
        let mut added = Vec::new();
        let member = |identity: &ServerIdentity| {
            old.member(identity).cloned().unwrap_or_else(|| {
                added.push(identity.clone());
                let counters = services.metrics.upstream(&identity.to_string());
                RouteUpstream { identity: identity.clone(), origin: services.origins.allocate(), counters }
            })
        };
        let members = upstreams.iter().map(member).collect();
        let pool =
            UpstreamPool::new(policy, upstreams.iter().map(|identity| services.servers.server(identity)));
        let serial = self.serial.fetch_add(1, Ordering::Relaxed) + 1;
        self.state.store(Arc::new(RouteState {
            serial,
            pool,
            members,
            failures: services.origins.allocate(),
        }));
        services.origins.retire(old.failures);
        let mut removed = Vec::new();
        for member in old.members.iter().filter(|member| !upstreams.contains(&member.identity)) {
            services.origins.retire(member.origin);
            removed.push(member.identity.clone());
        }
        self.changed.send_replace(serial);
        (added, removed)
    }

    /// Ends the route: nothing learnt through it is served any more.
    pub fn retire(&self, origins: &Origins) {
        let state = self.state.load();
        origins.retire(state.failures);
        for member in &state.members {
            origins.retire(member.origin);
        }
    }
}

impl RouteState {
    /// What belongs to an upstream.
    pub fn member(&self, identity: &ServerIdentity) -> Option<&RouteUpstream> {
        self.members.iter().find(|member| member.identity == *identity)
    }

    /// Whether some upstream of this state is no longer in `newer`.
    pub fn lost_in(&self, newer: &Self) -> bool {
        self.members.iter().any(|member| newer.member(&member.identity).is_none())
    }
}
