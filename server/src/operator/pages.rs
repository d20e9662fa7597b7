//! What the metrics listener shows.

use std::sync::Arc;

use rhumb_config::{ServerConfig, ZoneSource};
use rhumb_net::upstream::CarriageKind;
use rhumb_wire::Transport;

use super::admin::ServerAdmin;
use super::anchor_status::sample_anchors;
use super::zone_samples::sample_zones;
use super::{page, status};
use crate::log_lines::STDERR;
use crate::metrics::http::HttpPages;
use crate::metrics::{MetricSamples, SampleSource, names};
use crate::snapshot::{ForwardRoute, RouteCourse, ServerState};

/// A number this wide is exact in an `f64`.
const HASH_BITS: u64 = (1 << 48) - 1;

/// The pages of the running server, and the values that are asked for at each scrape.
pub(crate) struct StatusPages(Arc<ServerAdmin>);

impl StatusPages {
    pub(crate) const fn new(admin: Arc<ServerAdmin>) -> Self {
        Self(admin)
    }
}

impl HttpPages for StatusPages {
    fn metrics(&self) -> String {
        self.0.live.metrics.render()
    }

    fn ready(&self) -> Result<Vec<String>, Vec<String>> {
        self.0.ready()
    }

    fn healthy(&self) -> Result<(), Vec<String>> {
        self.0.healthy()
    }

    fn status(&self) -> String {
        page::html(&status::whole(&self.0))
    }
}

/// How many upstreams a forwarded domain has, and how many of them answer.
fn sample_route(route: &ForwardRoute, course: RouteCourse, out: &mut MetricSamples) {
    let (domain, state) = (route.domain().to_string(), route.state());
    let healthy = state.pool.upstreams().iter().filter(|upstream| upstream.is_healthy()).count();
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    out.set(&names::DOMAIN_UPSTREAMS, &[&domain], count(state.pool.upstreams().len()));
    out.set(&names::DOMAIN_HEALTHY, &[&domain], count(healthy));
    let fallback = !course.needs_upstreams();
    out.set(&names::DOMAIN_FALLBACK, &[&domain], u64::from(fallback));
}

const fn transport_of(kind: CarriageKind) -> Transport {
    match kind {
        CarriageKind::Tcp => Transport::Tcp,
        CarriageKind::Tls => Transport::Tls,
        CarriageKind::Https => Transport::Https,
        CarriageKind::Quic => Transport::Quic,
    }
}

/// Which folders of zones could be listed at the last look.
fn sample_folders(live: &ServerState, config: &ServerConfig, out: &mut MetricSamples) {
    let unreadable = live.folders.list();
    for source in &config.zones {
        if let ZoneSource::Directory { path, .. } = source {
            let ok = !unreadable.iter().any(|(folder, _)| folder == path);
            out.set(&names::ZONE_FOLDER_OK, &[&path.display().to_string()], u64::from(ok));
        }
    }
}

impl SampleSource for StatusPages {
    fn sample(&self, out: &mut MetricSamples) {
        let live = &self.0.live;
        let figures = live.cache.figures();
        out.set(&names::UNDER_WAY, &[], u64::try_from(live.under_way.taken()).unwrap_or(u64::MAX));
        for (kind, open) in live.streams.open_connections() {
            let transport = transport_of(kind).name();
            out.set(&names::UPSTREAM_CONNECTIONS, &[transport], u64::try_from(open).unwrap_or(u64::MAX));
        }
        out.set(&names::CACHE_ENTRIES, &[], figures.entries);
        out.set(&names::CACHE_BYTES, &[], figures.bytes);
        out.set(&names::CACHE_SIZE, &[], figures.limit);
        out.set(&names::CACHE_EVICTIONS, &[], figures.evicted);
        out.set(&names::LOG_DROPPED, &[], STDERR.dropped());
        out.set(&names::QUERY_LOG_DROPPED, &[], live.query_log.dropped());
        let snapshot = live.snapshot.load();
        out.set(&names::CONFIG_HASH, &[], self.0.config_hash.of(&snapshot) & HASH_BITS);
        for (_, entry) in snapshot.view.routes.iter() {
            let course = snapshot.iteration.course(entry.route.id());
            if course != RouteCourse::Iterate {
                sample_route(&entry.route, course, out);
            }
        }
        sample_anchors(live, out);
        if snapshot.config.recursion.local_root.is_some() {
            out.set(&names::LOCAL_ROOT_OK, &[], u64::from(live.local_root.trouble(&snapshot.view).is_none()));
        }
        sample_folders(live, &snapshot.config, out);
        sample_zones(live, out);
    }
}
