//! A configuration comes into force.

use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;
use std::sync::Arc;

use rhumb_config::{CookieSecret, ServerConfig, TsigKeyEntry};

use super::local_root;
use super::request::{ReloadFailure, ReloadReply, ReloadReport};
use super::warnings::overlaps;
use crate::change::{ChangeText, ReadStrictness};
use crate::cookies::ServerCookies;
use crate::forwarding::{ForwardingRoutes, check_trust};
use crate::listen::BoundListener;
use crate::listen::OpenListeners;
use crate::listen::listener_key::ListenerKey;
use crate::rate_limit::RateLimit;
use crate::snapshot::{
    ClientAccess, QuerySettings, ServerSnapshot, ServerState, SnapshotView, built_in_zones,
};
use crate::trust_anchors::follow_configured;
use crate::zone_events::{ZoneWriter, ZonesPlan};

/// A configuration that was read, while its zones are.
#[derive(Debug)]
pub(super) struct PendingReload {
    pub(super) config: Arc<ServerConfig>,
    pub(super) strictness: ReadStrictness,
    pub(super) replies: Vec<ReloadReply>,
    /// What changes in settings and listeners.
    pub(super) changes: Vec<ChangeText>,
    pub(super) bound: Vec<(ListenerKey, BoundListener)>,
    /// What keeps it from coming into force.
    pub(super) errors: Vec<String>,
}

/// The parts of the server that a configuration changes.
pub(super) struct ServerParts {
    pub(super) live: Arc<ServerState>,
    pub(super) listeners: OpenListeners,
    pub(super) forwarding: ForwardingRoutes,
    pub(super) zones: ZoneWriter,
    pub(super) set_log: Box<dyn Fn(&ServerConfig) + Send>,
}

impl ServerParts {
    /// Puts a configuration in force: by one swap of the snapshot what a query looks at; before it the upstreams of each route,
    /// which change by a swap of their own whenever a list does; after it what no single query sees, such as limits.
    ///
    /// Errors: the zone thread failed.
    pub(super) fn publish(
        &mut self,
        pending: PendingReload,
        plan: ZonesPlan,
    ) -> Result<ReloadReport, ReloadFailure> {
        let PendingReload { config, mut changes, bound, .. } = pending;
        self.forwarding.read_lists(&config);
        let (routes, route_changes) = self.forwarding.plan(&config);
        changes.extend(plan.changes.iter().cloned());
        changes.extend(route_changes);
        let (broken, of_zones, read_count) = (plan.broken.clone(), plan.warnings.clone(), plan.read_count);
        follow_configured(&self.live.anchors, &config);
        local_root::follow(&self.live, &config);
        let iteration = self.forwarding.plan_iteration(&config, &routes);
        let iterates = iteration.settings.is_some();
        let routes = self.forwarding.apply(&routes);
        let access = self.access(&config);
        let (live, next) = (Arc::clone(&self.live), Arc::clone(&config));
        let built_in = Arc::new(built_in_zones(&config.recursion.local_names_to_upstreams));
        let install = Box::new(move |zones| {
            live.install(|old| ServerSnapshot {
                serial: old.serial,
                settings: settings(&next, &old.settings, live.cookie_secret.as_ref()),
                iteration,
                view: SnapshotView {
                    allow: access,
                    zones: Option::unwrap_or_else(zones, || old.view.zones.clone()),
                    domain_needed: next.recursion.domain_needed,
                    built_in,
                    routes,
                },
                config: next,
            })
        });
        let old = self.zones.commit(plan, install).ok_or_else(ReloadFailure::internal)?;
        self.forwarding.retire(&old, &config);
        let serial = old.serial + 1;
        drop(old);
        self.live.limit_caches(&config, iterates);
        self.live.transfers.set(config.transfers.out, config.transfers.out_per_network);
        (self.set_log)(&config);
        if let Some(metrics) = &config.metrics {
            self.live.metrics.set_zone_series(metrics.zone_series);
        }
        self.listeners.publish(bound, &config);
        self.listeners.limit(&config.server);
        let mut warnings = self.warnings(&config);
        warnings.extend(of_zones);
        Ok(ReloadReport { changes, serial, read_count, broken, warnings })
    }

    /// Who may ask for what the zones do not hold.
    fn access(&self, config: &ServerConfig) -> ClientAccess {
        let local = &self.live.local_networks;
        let access = ClientAccess::new(&config.recursion, local);
        if access.follows_local() {
            local.refresh();
        }
        access
    }

    /// What is accepted and worth a look, of the configuration in force.
    fn warnings(&self, config: &ServerConfig) -> Vec<String> {
        let snapshot = self.live.snapshot.load();
        let zones = snapshot.view.zones.iter().map(|(name, _)| name);
        let of_trust = check_trust(config).0;
        config
            .warnings
            .iter()
            .map(ToString::to_string)
            .chain(overlaps(zones, config))
            .chain(of_trust)
            .collect()
    }
}

/// The values that a query looks at. Rates that were counted under `old` go on; `random` makes cookies where no secret is given.
fn settings(config: &ServerConfig, old: &QuerySettings, random: Option<&CookieSecret>) -> QuerySettings {
    let server = &config.server;
    let secrets = match server.cookie_secrets.as_slice() {
        [] => random.map_or(&[][..], std::slice::from_ref),
        given => given,
    };
    let limits = server.rate_limit.as_ref();
    QuerySettings {
        edns_size: server.edns_size,
        rotates: server.rotate_addresses,
        nsid: server.nsid.clone().map(Vec::into_boxed_slice),
        identity: server.identity.clone().map(String::into_boxed_str),
        version: server.version.clone().map(String::into_boxed_str),
        cookies: ServerCookies::new(secrets).filter(|_| server.cookies),
        rate_limit: limits.map(|limits| RateLimit::new(limits, old.rate_limit.as_ref(), random_key())),
        report_channel: server.report_channel.clone(),
        keys: Arc::new(config.keys.iter().filter_map(TsigKeyEntry::key).collect()),
        tcp_idle: u16::try_from(server.tcp_idle.as_secs()).unwrap_or(u16::MAX),
        query_log: NonZeroU32::new(config.log.query_sample).filter(|_| config.log.queries),
    }
}

/// A key that nobody outside can foresee.
fn random_key() -> [u8; 16] {
    let half = |n: u8| RandomState::new().hash_one(n);
    (u128::from(half(0)) << 64 | u128::from(half(1))).to_ne_bytes()
}
