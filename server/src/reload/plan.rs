//! What a new configuration comes to, worked out aside: everything is checked and built before anything is changed.

use std::sync::Arc;

use rhumb_config::{Config, RateLimit, ServerSettings};

use super::routes::RoutePlan;
use super::zones::{Suspects, ZonesPlan};
use super::{Failure, Reloader};
use crate::change::{Change, differs};
use crate::listen::listeners::{Bound, Key};

/// How much may be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// The start: a zone that cannot be read is served as such.
    Start,
    /// A reload: nothing may be wrong.
    Reload,
    /// As a reload, but nothing is bound: only the words are wanted.
    Diff,
}

/// All parts of the next state, ready to be published, and what they change in words.
#[derive(Debug)]
pub struct Draft {
    /// The configuration.
    pub config: Arc<Config>,
    /// In words, one a change.
    pub changes: Vec<Change>,
    pub(super) bound: Vec<(Key, Bound)>,
    pub(super) zones: ZonesPlan,
    pub(super) routes: Vec<RoutePlan>,
}

impl Reloader {
    /// Builds everything that differs; of the zones, none but the suspects can where the configuration asks for the same.
    /// Errors: all of them, and nothing is changed.
    pub(super) fn plan(
        &mut self,
        config: &Arc<Config>,
        strictness: Strictness,
        suspects: &Suspects,
    ) -> Result<Draft, Failure> {
        let mut errors = Vec::new();
        let mut changes = Vec::new();
        self.compare_settings(config, &mut changes);
        let bound = if strictness == Strictness::Diff {
            Vec::new()
        } else {
            self.listeners.bind_missing(config).unwrap_or_else(|found| {
                errors.extend(found);
                Vec::new()
            })
        };
        changes.extend(self.listeners.changes(config));
        let (zones, words) = self.plan_zones(config, strictness, suspects, &mut errors);
        changes.extend(words);
        let (routes, words) = self.plan_routes(config, strictness);
        changes.extend(words);
        if !errors.is_empty() {
            return Err(Failure { errors });
        }
        Ok(Draft { config: Arc::clone(config), changes, bound, zones, routes })
    }

    fn compare_settings(&self, new: &Config, changes: &mut Vec<Change>) {
        let old = &self.config;
        differs(changes, "recursion.allow", &shown(&old.recursion.allow), &shown(&new.recursion.allow));
        let (cache, now) = (&old.cache, &new.cache);
        differs(changes, "cache.size", &cache.size, &now.size);
        differs(changes, "cache.serve-stale", &cache.serve_stale, &now.serve_stale);
        differs(changes, "cache.min-ttl", &cache.min_ttl, &now.min_ttl);
        differs(changes, "cache.max-ttl", &cache.max_ttl, &now.max_ttl);
        differs(changes, "cache.prefetch", &cache.prefetch, &now.prefetch);
        differs(changes, "log.level", &old.log.level, &new.log.level);
        differs(changes, "log.queries", &old.log.queries, &new.log.queries);
        compare_server(&old.server, &new.server, changes);
        let later = [
            ("log.format", old.log.format != new.log.format),
            ("metrics", old.metrics != new.metrics),
            ("control", old.control != new.control),
            ("user", old.user != new.user),
        ];
        for (key, _) in later.iter().filter(|(_, differs)| *differs) {
            changes.push(Change(format!("{key}: takes effect at the next start")));
        }
    }

    /// Follows the files that `config` names, so that what changes while they are read is seen.
    pub(super) fn follow(&mut self, config: &Config) {
        let paths = super::follow::paths(config, &self.included());
        if paths == self.followed {
            return;
        }
        if !self.watch.set(&paths) {
            tracing::warn!("looking at all followed files for the first time takes more than ten seconds");
        }
        self.followed = paths;
    }
}

fn compare_server(old: &ServerSettings, new: &ServerSettings, changes: &mut Vec<Change>) {
    let agent = |server: &ServerSettings| server.report_channel.as_ref().map(ToString::to_string);
    let nsid =
        |server: &ServerSettings| server.nsid.clone().map(|id| String::from_utf8_lossy(&id).into_owned());
    differs(changes, "server.nsid", &nsid(old), &nsid(new));
    differs(changes, "server.identity", &old.identity, &new.identity);
    differs(changes, "server.version", &old.version, &new.version);
    differs(changes, "server.cookies", &old.cookies, &new.cookies);
    if old.cookie_secrets != new.cookie_secrets {
        changes.push(Change("server.cookie-secrets: changed".to_owned()));
    }
    compare_limits(old.rate_limit.as_ref(), new.rate_limit.as_ref(), changes);
    differs(changes, "server.report-channel", &agent(old), &agent(new));
    differs(changes, "server.edns-size", &old.edns_size, &new.edns_size);
    differs(changes, "server.tcp-clients", &old.tcp_clients, &new.tcp_clients);
    differs(
        changes,
        "server.tcp-clients-per-network",
        &old.tcp_clients_per_network,
        &new.tcp_clients_per_network,
    );
    differs(changes, "server.tcp-idle", &old.tcp_idle, &new.tcp_idle);
    differs(changes, "server.tcp-first-query", &old.tcp_first, &new.tcp_first);
    differs(changes, "server.tcp-in-flight", &old.tcp_in_flight, &new.tcp_in_flight);
}

fn compare_limits(old: Option<&RateLimit>, new: Option<&RateLimit>, changes: &mut Vec<Change>) {
    let (old, new) = match (old, new) {
        (Some(old), Some(new)) => (old, new),
        (None, None) => return,
        (Some(_), None) => return changes.push(Change("server.rate-limit: removed".to_owned())),
        (None, Some(_)) => return changes.push(Change("server.rate-limit: added".to_owned())),
    };
    for (key, before, after) in [
        ("responses-per-second", old.responses_per_second, new.responses_per_second),
        ("errors-per-second", old.errors_per_second, new.errors_per_second),
        ("slip", old.slip, new.slip),
        ("ipv4-prefix", old.ipv4_prefix.into(), new.ipv4_prefix.into()),
        ("ipv6-prefix", old.ipv6_prefix.into(), new.ipv6_prefix.into()),
    ] {
        differs(changes, &format!("server.rate-limit.{key}"), &before, &after);
    }
    differs(changes, "server.rate-limit.exempt", &shown(&old.exempt), &shown(&new.exempt));
    differs(changes, "server.rate-limit.table-size", &old.table_size, &new.table_size);
}

fn shown(networks: &[impl ToString]) -> Vec<String> {
    networks.iter().map(ToString::to_string).collect()
}
