//! What outlives every snapshot: the place where the present one stands, the cache, the counters, the clock.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use rhumb_cache::{AnswerCache, CacheLimits};
use rhumb_config::{CacheSettings, CookieSecret, ServerConfig};
use rhumb_net::tcp::ConnectionLimits;
use rhumb_net::upstream::{KeptStreams, QuerySockets};
use rhumb_resolver::exchange::QueryPlaces;
use rhumb_resolver::{ResolverState, ServerStore};
use rhumb_zones::NameTable;

use super::access::{ClientAccess, LocalNetworks};
use super::announcements::ZoneAnnouncements;
use super::askers::ZoneAskers;
use super::built_in::built_in_zones;
use super::circle_checks::CircleChecks;
use super::designated::DesignatedResolver;
use super::folders::UnreadableFolders;
use super::frozen::FrozenZones;
use super::iteration_plan::IterationPlan;
use super::live_anchors::LiveAnchors;
use super::local_root::LocalRootState;
use super::log_interval::LogInterval;
use super::own_lookups::OwnLookups;
use super::parent_notices::ParentNotices;
use super::published::{QuerySettings, ServerSnapshot};
use super::refreshes::ZoneRefreshes;
use super::route::RouteServices;
use super::running_lookups::RunningLookups;
use super::updates::UpdateQueue;
use super::upstream_names::UpstreamNames;
use super::view::SnapshotView;
use crate::metrics::ServerMetrics;
use crate::query_log::QueryLog;

/// The running server's state. Shared by all threads.
#[derive(Debug)]
pub struct ServerState {
    /// What every query is answered by; replaced by one swap.
    pub snapshot: ArcSwap<ServerSnapshot>,
    /// What was learnt from upstreams.
    pub cache: AnswerCache,
    /// What was learnt from authoritative servers.
    pub resolver: ResolverState,
    /// The trust anchors that are followed.
    pub anchors: LiveAnchors,
    /// The copy of the root on this host.
    pub local_root: LocalRootState,
    /// What is being looked up.
    pub lookups: Arc<RunningLookups>,
    /// The upstreams in use, by address.
    pub servers: ServerStore,
    /// The addresses of upstreams that have a name alone.
    pub upstream_names: UpstreamNames,
    /// The sockets of queries to other servers by UDP.
    pub datagrams: QuerySockets,
    /// The connections to other servers.
    pub streams: KeptStreams,
    /// The queries to other servers that are under way.
    pub under_way: Arc<QueryPlaces>,
    /// The counters.
    pub metrics: Arc<ServerMetrics>,
    /// What cookies are made with where nothing is configured: random, the same until the end of the process.
    pub cookie_secret: Option<CookieSecret>,
    /// Checks for circles through upstreams.
    pub circles: CircleChecks,
    /// The encrypted listeners that clients are told of.
    pub designated: ArcSwap<Vec<DesignatedResolver>>,
    /// Folders of zones that cannot be listed.
    pub folders: UnreadableFolders,
    /// The way of answers to the log of queries.
    pub query_log: QueryLog,
    /// The networks of this host's interfaces.
    pub local_networks: Arc<LocalNetworks>,
    /// How many zone transfers to others there may be: each holds a version of a zone and what its client has not read yet.
    pub transfers: Arc<ConnectionLimits>,
    /// Zones of which other servers are to be told.
    pub announcements: ZoneAnnouncements,
    /// What parents were told of zones.
    pub parents: ParentNotices,
    /// What this server asks itself.
    pub own_lookups: OwnLookups,
    /// Zones of other servers: what is asked of them, and how they are.
    pub refreshes: ZoneRefreshes,
    /// Dynamic updates that wait.
    pub updates: UpdateQueue,
    /// Who has asked for transfers.
    pub askers: ZoneAskers,
    /// Zones whose updates are held back.
    pub frozen: FrozenZones,
    /// How often refused updates are logged.
    pub update_log: LogInterval,
    /// How often refused announcements are logged.
    pub notify_log: LogInterval,
    /// How often announcements of child zones are logged.
    pub child_log: LogInterval,
    /// How often bad signatures are logged.
    pub tsig_log: LogInterval,
    /// The clock of TTLs.
    pub clock: ServerClock,
    /// Held while a snapshot is made of the one before.
    installing: Mutex<()>,
}

impl ServerState {
    /// Before the first configuration is published: nothing is answered but by refusal.
    pub fn new(config: &Arc<ServerConfig>, metrics: Arc<ServerMetrics>) -> Self {
        let snapshot = ServerSnapshot {
            serial: 0,
            config: Arc::clone(config),
            settings: QuerySettings::default(),
            iteration: IterationPlan::default(),
            view: SnapshotView {
                allow: ClientAccess::default(),
                zones: NameTable::build([]),
                built_in: Arc::new(built_in_zones(&[])),
                domain_needed: false,
                routes: NameTable::build([]),
            },
        };
        Self {
            snapshot: ArcSwap::from_pointee(snapshot),
            cache: AnswerCache::new(&cache_limits(&config.cache)),
            resolver: ResolverState::new(config.cache.size / 2),
            anchors: LiveAnchors::default(),
            local_root: LocalRootState::default(),
            lookups: Arc::default(),
            servers: ServerStore::default(),
            upstream_names: UpstreamNames::default(),
            datagrams: QuerySockets::default(),
            streams: KeptStreams::default(),
            under_way: Arc::default(),
            metrics,
            cookie_secret: random_secret(),
            circles: CircleChecks::default(),
            designated: ArcSwap::default(),
            folders: UnreadableFolders::default(),
            query_log: QueryLog::default(),
            local_networks: Arc::default(),
            transfers: ConnectionLimits::new(config.transfers.out, config.transfers.out_per_network),
            announcements: ZoneAnnouncements::default(),
            parents: ParentNotices::default(),
            own_lookups: OwnLookups::default(),
            refreshes: ZoneRefreshes::default(),
            updates: UpdateQueue::default(),
            askers: ZoneAskers::default(),
            frozen: FrozenZones::default(),
            update_log: LogInterval::default(),
            notify_log: LogInterval::default(),
            child_log: LogInterval::default(),
            tsig_log: LogInterval::default(),
            clock: ServerClock::start(),
            installing: Mutex::default(),
        }
    }

    /// Makes current what `next` makes of the present snapshot, which comes back; one at a time. Validation goes by the trust anchors of
    /// this moment.
    pub fn install(&self, next: impl FnOnce(&ServerSnapshot) -> ServerSnapshot) -> Arc<ServerSnapshot> {
        let _one_at_a_time = self.installing.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.snapshot.load_full();
        let mut new = next(&old);
        new.serial = old.serial + 1;
        if let Some(anchors) = self.anchors.trusted() {
            new.iteration.trust(&anchors);
        }
        let old = self.snapshot.swap(Arc::new(new));
        self.anchors.installed();
        old
    }

    /// Has the cache keep to the limits of `config`; where names are resolved by iteration half of it is for what leads to answers.
    pub fn limit_caches(&self, config: &ServerConfig, iterates: bool) {
        let mut limits = cache_limits(&config.cache);
        let records = if iterates { limits.size / 2 } else { 0 };
        limits.size -= records;
        self.resolver.set_limits(records, (limits.min_ttl, limits.max_ttl));
        self.cache.set_limits(&limits);
    }

    /// What a change of upstreams needs.
    pub fn route_services(&self) -> RouteServices<'_> {
        RouteServices { origins: self.cache.origins(), servers: &self.servers, metrics: &self.metrics }
    }
}

fn random_secret() -> Option<CookieSecret> {
    let mut bytes = [0; 16];
    match rhumb_net::random(&mut bytes) {
        Ok(()) => Some(CookieSecret::new(bytes)),
        Err(error) => {
            tracing::error!(%error, "no random numbers: there are no cookies unless secrets are configured");
            None
        }
    }
}

/// What the clock shows at the start: so long ago something may have been learnt that is of use, and zero can stand for never. An answer
/// is kept for 30 days at most, and as long beyond its TTL.
const CLOCK_START: Duration = Duration::from_hours(24 * 61);

/// Seconds since long before the start, never going back.
#[derive(Debug, Clone, Copy)]
pub struct ServerClock {
    started: Instant,
}

impl ServerClock {
    /// Starts now.
    pub fn start() -> Self {
        Self { started: Instant::now() }
    }

    fn since_zero(&self, instant: Instant) -> Duration {
        CLOCK_START + instant.saturating_duration_since(self.started)
    }

    /// The seconds at `instant`.
    #[inline]
    pub fn at(&self, instant: Instant) -> u32 {
        self.since_zero(instant).as_secs() as u32
    }

    /// The microseconds at `instant`.
    #[inline]
    pub fn micros_at(&self, instant: Instant) -> u64 {
        let since = self.since_zero(instant);
        since.as_secs() * 1_000_000 + u64::from(since.subsec_micros())
    }

    /// The seconds now, and since 1970 by the system's clock.
    pub fn with_wall_clock(&self) -> (u32, u32) {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        (self.now(), unix as u32)
    }

    /// The seconds now.
    pub fn now(&self) -> u32 {
        self.at(Instant::now())
    }
}

/// The limits of the cache, out of the configuration.
pub fn cache_limits(settings: &CacheSettings) -> CacheLimits {
    let seconds = |duration: Duration| u32::try_from(duration.as_secs()).unwrap_or(u32::MAX);
    CacheLimits {
        size: settings.size,
        serve_stale: seconds(settings.serve_stale),
        min_ttl: seconds(settings.min_ttl),
        max_ttl: seconds(settings.max_ttl),
        prefetch: settings.prefetch,
    }
}
