//! A forwarded domain: the upstreams it has at the moment, and where their answers are kept.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use rhumb_cache::{AnswerOrigin, LiveOrigins};
use rhumb_config::FilePlace;
use rhumb_resolver::{RemoteServer, ServerIdentity, ServerStore, UpstreamPolicy, UpstreamPool};
use rhumb_wire::{DomainName, NameRef};
use tokio::sync::watch;

use crate::metrics::{self, ServerMetrics};

/// Seconds between two looks for circles.
const CIRCLE_CHECKS: u32 = 30;

/// A route that outlives snapshots and the lists of its upstreams.
#[derive(Debug)]
pub struct ForwardRoute {
    id: u32,
    domain: DomainName,
    counters: Arc<metrics::ForwardedDomain>,
    state: ArcSwap<RouteState>,
    /// Held by whoever makes the next state of the present one.
    changing: Mutex<()>,
    serial: AtomicU64,
    /// When its upstreams were last looked at for circles, in seconds of the server's clock.
    circle_checked: AtomicU32,
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
    /// The upstreams that are asked, and how one is chosen.
    pub pool: Arc<UpstreamPool>,
    /// What is believed of them.
    pub terms: RouteTerms,
    /// Upstreams of the route that are not asked, for they ask this server again.
    pub excluded: Vec<ServerIdentity>,
    /// Upstreams of the route that are not asked, for an operator has taken them out.
    pub withheld: Vec<ServerIdentity>,
    /// What belongs to each upstream on this route, those that are not asked among them, in the order of the configuration.
    pub members: Vec<RouteUpstream>,
    /// Under which origin failures of the whole route are kept.
    pub failures: AnswerOrigin,
}

/// How the upstreams of a route are asked, and what of their answers is believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouteTerms {
    /// Which upstream is asked first.
    pub policy: UpstreamPolicy,
    /// What is believed of their answers.
    pub trust: AnswerTrust,
    /// Queries to one of them that are under way at a time.
    pub places_of_server: usize,
}

/// What is believed of the answers of a route's upstreams.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnswerTrust {
    /// AD is passed on.
    pub authentic: bool,
    /// Private addresses are not (DNS rebinding).
    pub no_private_addresses: bool,
    /// But for names at or below these.
    pub exempt: Vec<DomainName>,
}

impl AnswerTrust {
    /// Whether an answer for `name` may not hold private addresses.
    pub fn guards(&self, name: NameRef<'_>) -> bool {
        self.no_private_addresses && !self.exempt.iter().any(|domain| name.is_at_or_below(domain.as_ref()))
    }
}

/// An upstream on a route.
#[derive(Debug, Clone)]
pub struct RouteUpstream {
    /// Which server it is.
    pub identity: ServerIdentity,
    /// Under which origin its answers are kept.
    pub origin: AnswerOrigin,
    /// Its counters.
    pub counters: Arc<metrics::UpstreamMetrics>,
}

/// What the upstreams of all routes have in common.
#[derive(Debug, Clone, Copy)]
pub struct RouteServices<'c> {
    /// Which origins live.
    pub origins: &'c LiveOrigins,
    /// One object a server, so that health is shared between routes.
    pub servers: &'c ServerStore,
    /// Where counters come from.
    pub metrics: &'c ServerMetrics,
}

/// A route, and what asked for it.
#[derive(Debug, Clone)]
pub struct RouteEntry {
    /// The route.
    pub route: Arc<ForwardRoute>,
    /// Where the configuration asks for it.
    pub place: FilePlace,
}

impl ForwardRoute {
    /// A route without upstreams. `id` is given to no other route as long as the process lives.
    pub fn new(id: u32, domain: DomainName, services: RouteServices<'_>) -> Self {
        let terms = RouteTerms::default();
        let pool = Arc::new(UpstreamPool::new(terms.policy, []));
        let failures = services.origins.allocate();
        let (excluded, withheld, members) = (Vec::new(), Vec::new(), Vec::new());
        let state = RouteState { serial: 0, pool, terms, excluded, withheld, members, failures };
        Self {
            id,
            counters: services.metrics.domain(&domain.to_string()),
            domain,
            state: ArcSwap::from_pointee(state),
            changing: Mutex::default(),
            serial: AtomicU64::new(0),
            circle_checked: AtomicU32::new(0),
            changed: watch::Sender::new(0),
        }
    }

    /// Its number, under which the cache keeps its answers.
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// The domain it covers.
    pub const fn domain(&self) -> &DomainName {
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

    /// Replaces the upstreams; those that are `withheld` are members and not asked. Those that stay keep their health and what
    /// was learnt from them; what was learnt from the others, and every failure, is gone from this moment; of all of them, where
    /// other answers are believed now. Gives the servers added and removed.
    pub fn set_upstreams(
        &self,
        upstreams: &[ServerIdentity],
        withheld: &HashSet<ServerIdentity>,
        terms: &RouteTerms,
        services: RouteServices<'_>,
    ) -> (Vec<ServerIdentity>, Vec<ServerIdentity>) {
        let _changing = self.change();
        let old = self.state.load_full();
        let mut added = Vec::new();
        let member = |identity: &ServerIdentity| match old.member(identity) {
            Some(known) if old.terms.trust == terms.trust => known.clone(),
            Some(known) => RouteUpstream { origin: services.origins.allocate(), ..known.clone() },
            None => {
                added.push(identity.clone());
                let counters = services.metrics.upstream(&identity.to_string());
                RouteUpstream { identity: identity.clone(), origin: services.origins.allocate(), counters }
            }
        };
        let members: Vec<_> = upstreams.iter().map(member).collect();
        let excluded: Vec<_> =
            old.excluded.iter().filter(|server| upstreams.contains(server)).cloned().collect();
        let withheld: Vec<_> =
            upstreams.iter().filter(|server| withheld.contains(*server)).cloned().collect();
        for member in &members {
            member.counters.set_taken_out(withheld.contains(&member.identity));
        }
        let pool = pool_of(upstreams, &excluded, &withheld, terms, services);
        let stays = |origin| members.iter().any(|member| member.origin == origin);
        let gone: Vec<_> =
            old.members.iter().map(|member| member.origin).filter(|&origin| !stays(origin)).collect();
        let serial = self.serial.fetch_add(1, Ordering::Relaxed) + 1;
        self.state.store(Arc::new(RouteState {
            serial,
            pool,
            terms: terms.clone(),
            excluded,
            withheld,
            members,
            failures: services.origins.allocate(),
        }));
        services.origins.retire(old.failures);
        for origin in gone {
            services.origins.retire(origin);
        }
        let identities = old.members.iter().map(|member| member.identity.clone());
        let removed = identities.filter(|identity| !upstreams.contains(identity)).collect();
        self.changed.send_replace(serial);
        (added, removed)
    }

    /// Whether the caller is to look at its upstreams for circles, `now` in seconds: one caller in [`CIRCLE_CHECKS`] seconds.
    pub fn claim_circle_check(&self, now: u32) -> bool {
        let last = self.circle_checked.load(Ordering::Relaxed);
        let due = last == 0 || now.saturating_sub(last) >= CIRCLE_CHECKS;
        due && self.circle_checked.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Asks an upstream no more; look-ups that wait for it begin anew. Whether it was asked before.
    pub fn exclude(&self, server: &ServerIdentity, services: RouteServices<'_>) -> bool {
        let _changing = self.change();
        let mut excluded = self.state.load().excluded.clone();
        if excluded.contains(server) || self.state.load().member(server).is_none() {
            return false;
        }
        excluded.push(server.clone());
        self.set_excluded(excluded, services);
        true
    }

    /// Asks an upstream again.
    pub fn include(&self, server: &ServerIdentity, services: RouteServices<'_>) {
        let _changing = self.change();
        let mut excluded = self.state.load().excluded.clone();
        excluded.retain(|other| other != server);
        self.set_excluded(excluded, services);
    }

    /// Drops what was learnt through it. Its upstreams stay, and look-ups under way go on; what they find is not kept.
    pub fn forget(&self, services: RouteServices<'_>) {
        let _changing = self.change();
        let old = self.state.load_full();
        let member =
            |known: &RouteUpstream| RouteUpstream { origin: services.origins.allocate(), ..known.clone() };
        let serial = self.serial.fetch_add(1, Ordering::Relaxed) + 1;
        self.state.store(Arc::new(RouteState {
            serial,
            pool: Arc::clone(&old.pool),
            terms: old.terms.clone(),
            excluded: old.excluded.clone(),
            withheld: old.withheld.clone(),
            members: old.members.iter().map(member).collect(),
            failures: services.origins.allocate(),
        }));
        old.retire(services.origins);
        self.changed.send_replace(serial);
    }

    fn change(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_excluded(&self, excluded: Vec<ServerIdentity>, services: RouteServices<'_>) {
        let old = self.state.load_full();
        let upstreams: Vec<_> = old.members.iter().map(|member| member.identity.clone()).collect();
        let withheld = old.withheld.clone();
        let pool = pool_of(&upstreams, &excluded, &withheld, &old.terms, services);
        let serial = self.serial.fetch_add(1, Ordering::Relaxed) + 1;
        let (terms, members) = (old.terms.clone(), old.members.clone());
        let failures = services.origins.allocate();
        self.state.store(Arc::new(RouteState { serial, pool, terms, excluded, withheld, members, failures }));
        services.origins.retire(old.failures);
        self.changed.send_replace(serial);
    }

    /// Ends the route: nothing learnt through it is served any more.
    pub fn retire(&self, origins: &LiveOrigins) {
        self.state.load().retire(origins);
    }
}

impl RouteState {
    /// Ends all that was learnt by it.
    fn retire(&self, origins: &LiveOrigins) {
        origins.retire(self.failures);
        for member in &self.members {
            origins.retire(member.origin);
        }
    }

    /// What belongs to an upstream.
    pub fn member(&self, identity: &ServerIdentity) -> Option<&RouteUpstream> {
        self.members.iter().find(|member| member.identity == *identity)
    }

    /// Whether questions may go to this upstream.
    pub fn is_asked(&self, identity: &ServerIdentity) -> bool {
        self.pool.upstreams().iter().any(|server| server.identity() == identity)
    }

    /// Whether some upstream that this state asks is no longer asked in `newer`.
    pub fn lost_in(&self, newer: &Self) -> bool {
        let asked = |server: &RemoteServer| {
            newer.pool.upstreams().iter().any(|other| other.identity() == server.identity())
        };
        self.pool.upstreams().iter().any(|server| !asked(server))
    }
}

/// The upstreams that are asked.
fn pool_of(
    upstreams: &[ServerIdentity],
    excluded: &[ServerIdentity],
    withheld: &[ServerIdentity],
    terms: &RouteTerms,
    services: RouteServices<'_>,
) -> Arc<UpstreamPool> {
    let asked =
        upstreams.iter().filter(|identity| !excluded.contains(identity) && !withheld.contains(identity));
    let servers = asked.map(|identity| services.servers.server(identity));
    Arc::new(
        UpstreamPool::new(terms.policy, servers)
            .trusting_ad(terms.trust.authentic)
            .with_places(terms.places_of_server),
    )
}
