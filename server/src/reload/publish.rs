//! The one swap.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use rhumb_config::{Config, CookieSecret};
use rhumb_zones::Table;

use super::routes::set_upstreams;
use super::zones::{ZonesPlan, publish_zone};
use super::{Draft, Facts, ListFact, Reloader, Report};
use crate::cookies::ServerCookies;
use crate::rate_limit::RateLimit;
use crate::snapshot::{QuerySettings, Snapshot, ZoneEntry, cache_limits};

impl Reloader {
    /// Puts `draft` in force. Nothing can go wrong any more.
    pub(super) fn publish(&mut self, draft: Draft) -> Report {
        let old = self.live.snapshot.load_full();
        for route in &draft.routes {
            set_upstreams(&route.entry.route, &route.upstreams, route.policy, &self.live);
        }
        let routes = draft.routes.iter().map(|plan| (plan.entry.route.domain().clone(), plan.entry.clone()));
        let routes = Table::build(routes);
        let zones = draft.zones.table.clone().unwrap_or_else(|| old.zones.clone());
        // New zones are filled before they can be seen, old ones change by their own swap.
        let read = self.publish_zones(draft.zones, &zones);
        let serial = old.serial + 1;
        self.live.snapshot.store(Arc::new(Snapshot {
            serial,
            settings: settings(&draft.config, &old.settings, self.live.cookie_secret.as_ref()),
            allow: draft.config.recursion.allow.clone(),
            config: Arc::clone(&draft.config),
            zones,
            built_in: Arc::clone(&old.built_in),
            routes,
        }));
        self.retire_routes(&old);
        self.live.cache.set_limits(&cache_limits(&draft.config.cache));
        (self.set_log)(&draft.config);
        if let Some(metrics) = &draft.config.metrics {
            self.live.metrics.set_zone_series(metrics.zone_series);
        }
        self.listeners.publish(draft.bound, &draft.config);
        self.listeners.limit(&draft.config.server);
        self.drop_lists(&draft.config);
        self.retired.snapshot(old);
        Report { changes: draft.changes, serial, read }
    }

    /// Serves what was read. Gives the number of zones whose files were.
    fn publish_zones(&mut self, plan: ZonesPlan, zones: &Table<ZoneEntry>) -> usize {
        let read = plan.read.len();
        for name in &plan.gone {
            self.special.remove(name);
        }
        for (entry, read) in plan.read {
            let size = read.as_ref().map_or(0, |ready| ready.contents.memory());
            self.retired.freed(size);
            if let Some(old) = publish_zone(&entry, read) {
                self.retired.contents(old);
            }
            self.sort_special(&entry);
        }
        if let Some(sources) = plan.sources {
            self.sources = sources;
            for (_, entry) in zones.iter() {
                self.sort_special(entry);
            }
        }
        read
    }

    /// What was learnt through routes that are gone is dropped.
    fn retire_routes(&self, old: &Snapshot) {
        let new = self.live.snapshot.load();
        for (domain, entry) in old.routes.iter() {
            let stays =
                new.routes.find_exact(domain).is_some_and(|now| Arc::ptr_eq(&now.route, &entry.route));
            if !stays {
                entry.route.retire(self.live.cache.origins());
            }
        }
    }

    /// What `status` tells is brought up to date.
    pub(super) fn state_facts(&self) {
        let lists = self.lists.values().map(|(list, _)| ListFact {
            path: list.path().to_owned(),
            upstreams: list.upstreams().len(),
            kept: match list.state() {
                super::lists::State::Ok => None,
                super::lists::State::Kept { why, .. } => Some(why.clone()),
            },
        });
        let lists: Vec<ListFact> = lists.collect();
        let listeners = self.listeners.describe();
        self.facts.rcu(|facts| Facts {
            lists: lists.clone(),
            listeners: listeners.clone(),
            ..Facts::clone(facts)
        });
    }
}

/// The values that a query looks at. Rates that were counted under `old` go on; `random` makes cookies where no secret is given.
fn settings(config: &Config, old: &QuerySettings, random: Option<&CookieSecret>) -> QuerySettings {
    let server = &config.server;
    let secrets = match server.cookie_secrets.as_slice() {
        [] => random.map_or(&[][..], std::slice::from_ref),
        given => given,
    };
    let limits = server.rate_limit.as_ref();
    QuerySettings {
        edns_size: server.edns_size,
        nsid: server.nsid.clone().map(Vec::into_boxed_slice),
        identity: server.identity.clone().map(String::into_boxed_str),
        version: server.version.clone().map(String::into_boxed_str),
        cookies: ServerCookies::new(secrets).filter(|_| server.cookies),
        rate_limit: limits.map(|limits| RateLimit::new(limits, old.rate_limit.as_ref(), random_key())),
        report_channel: server.report_channel.clone(),
        tcp_idle: u16::try_from(server.tcp_idle.as_secs()).unwrap_or(u16::MAX),
        log_queries: config.log.queries,
    }
}

/// A key that nobody outside can foresee.
fn random_key() -> [u8; 16] {
    let half = |n: u8| RandomState::new().hash_one(n);
    (u128::from(half(0)) << 64 | u128::from(half(1))).to_ne_bytes()
}
