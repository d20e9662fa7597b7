//! A forwarded domain: the upstreams it has at the moment, and where their answers are kept.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use rhumb_cache::{Origin, Origins};
use rhumb_config::Place;
use rhumb_resolver::{Policy, Pool, Registry};
use rhumb_wire::Name;
use tokio::sync::watch;

use crate::metrics::{self, Metrics};

/// A route that outlives snapshots and the lists of its upstreams.
#[derive(Debug)]
pub struct Route {
    id: u32,
    domain: Name,
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
    pub pool: Pool,
    /// What belongs to each upstream on this route, in the order of the pool.
    pub members: Vec<Member>,
    /// Under which origin failures of the whole route are kept.
    pub failures: Origin,
}

/// An upstream on a route.
#[derive(Debug, Clone)]
pub struct Member {
    /// Its address.
    pub address: SocketAddr,
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
    /// One object an address, so that health is shared between routes.
    pub registry: &'c Registry,
    /// Where counters come from.
    pub metrics: &'c Metrics,
}

/// A route, and what asked for it.
#[derive(Debug, Clone)]
pub struct RouteEntry {
    /// The route.
    pub route: Arc<Route>,
    /// Where the configuration asks for it.
    pub place: Place,
}

impl Route {
    /// A route without upstreams. `id` is given to no other route as long as the process lives.
    pub fn new(id: u32, domain: Name, policy: Policy, origins: &Origins) -> Self {
        let pool = Pool::new(policy, []);
        let state = RouteState { serial: 0, pool, members: Vec::new(), failures: origins.allocate() };
        Self {
            id,
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

    /// The upstreams at this moment.
    pub fn state(&self) -> Arc<RouteState> {
        self.state.load_full()
    }

    /// Told the new serial at each change.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Replaces the upstreams. Those that stay keep their health and what was learnt from them; what was learnt from the
    /// others, and every failure, is gone from this moment. Gives the addresses added and removed.
    pub fn set_upstreams(
        &self,
        addresses: &[SocketAddr],
        policy: Policy,
        common: RouteServices<'_>,
    ) -> (Vec<SocketAddr>, Vec<SocketAddr>) {
        let old = self.state.load_full();
        let mut added = Vec::new();
        let member = |address: &SocketAddr| {
            old.member(*address).cloned().unwrap_or_else(|| {
                added.push(*address);
                let counters = common.metrics.upstream(&address.to_string());
                Member { address: *address, origin: common.origins.allocate(), counters }
            })
        };
        let members = addresses.iter().map(member).collect();
        let pool = Pool::new(policy, addresses.iter().map(|address| common.registry.upstream(*address)));
        let serial = self.serial.fetch_add(1, Ordering::Relaxed) + 1;
        self.state.store(Arc::new(RouteState { serial, pool, members, failures: common.origins.allocate() }));
        common.origins.retire(old.failures);
        let mut removed = Vec::new();
        for member in old.members.iter().filter(|member| !addresses.contains(&member.address)) {
            common.origins.retire(member.origin);
            removed.push(member.address);
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
    /// What belongs to the upstream at `address`.
    pub fn member(&self, address: SocketAddr) -> Option<&Member> {
        self.members.iter().find(|member| member.address == address)
    }

    /// Whether some upstream of this state is no longer in `newer`.
    pub fn lost_in(&self, newer: &Self) -> bool {
        self.members.iter().any(|member| newer.member(member.address).is_none())
    }
}
