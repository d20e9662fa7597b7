//! What the metrics listener shows.

use std::sync::Arc;

use super::admin::Admin;
use super::status;
use crate::metrics::http::Pages;
use crate::metrics::{Samples, Source, ZoneSample, names};

/// The pages of the running server, and the values that are asked for at each scrape.
pub(crate) struct StatusPages(Arc<Admin>);

impl StatusPages {
    pub(crate) const fn new(admin: Arc<Admin>) -> Self {
        Self(admin)
    }
}

impl Pages for StatusPages {
    fn metrics(&self) -> String {
        self.0.live.metrics.render()
    }

    fn ready(&self) -> Result<Vec<String>, Vec<String>> {
        self.0.ready()
    }

    fn healthy(&self) -> Result<(), Vec<String>> {
        self.0.healthy()
    }

    fn status(&self) -> Vec<(String, Vec<(String, String)>)> {
        let status = status::whole(&self.0);
        let server = vec![
            ("version".to_owned(), status.version),
            ("up".to_owned(), format!("{} s", status.uptime)),
            ("configuration".to_owned(), status.config.unwrap_or_else(|| "built-in default".to_owned())),
            ("last reload".to_owned(), if status.last_reload.ok { "good" } else { "failed" }.to_owned()),
            ("zones".to_owned(), format!("{}, {} not loaded well", status.zones.total, status.zones.failed)),
            ("cache".to_owned(), format!("{} entries, {} bytes", status.cache.entries, status.cache.bytes)),
        ];
        let listeners = status.listeners.iter().map(|l| (l.address.clone(), l.transports.join(", ")));
        let routes = status.routes.iter().map(|route| {
            let upstream = |u: &super::server_status::UpstreamStatus| {
                format!("{} {}", u.address, if u.healthy { "healthy" } else { "down" })
            };
            (route.domain.clone(), route.upstreams.iter().map(upstream).collect::<Vec<_>>().join(", "))
        });
        let warnings = status.warnings.iter().map(|warning| (String::new(), warning.clone()));
        vec![
            ("Server".to_owned(), server),
            ("Listeners".to_owned(), listeners.collect()),
            ("Forwarding".to_owned(), routes.collect()),
            ("Warnings".to_owned(), warnings.collect()),
        ]
    }
}

impl Source for StatusPages {
    fn sample(&self, out: &mut Samples) {
        let live = &self.0.live;
        let figures = live.cache.figures();
        out.set(&names::CACHE_ENTRIES, &[], figures.entries);
        out.set(&names::CACHE_BYTES, &[], figures.bytes);
        out.set(&names::CACHE_SIZE, &[], figures.limit);
        out.set(&names::CACHE_EVICTIONS, &[], figures.evicted);
        let snapshot = live.snapshot.load();
        // Broken zones first: where there are more zones than series, theirs are on the page.
        for broken in [true, false] {
            for (_, entry) in snapshot.zones.iter() {
                let contents = entry.zone.load();
                let ok = entry.zone.trouble().is_none() && contents.is_some();
                if ok == broken {
                    continue;
                }
                out.zone(&ZoneSample {
                    origin: entry.zone.name(),
                    serial: contents.as_ref().map(|contents| contents.serial()),
                    records: contents.as_ref().map_or(0, |contents| contents.record_count()),
                    ok,
                    expires: entry.zone.expires(),
                });
            }
        }
    }
}
