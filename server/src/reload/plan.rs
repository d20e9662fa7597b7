//! What a new configuration comes to, worked out aside: everything is checked and built before anything is changed.

use std::sync::Arc;

use rhumb_config::{Config, KeyChange, ValueChange};

use super::routes::RoutePlan;
use super::zones::{Suspects, ZonesPlan};
use super::{Failure, Reloader};
use crate::change::Change;
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
        let mut changes = key_changes(&self.config, config);
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

/// What differs between two configurations, but for what is said better by those who do it: listeners, zones and routes that
/// come and go, and the addresses of upstreams.
fn key_changes(old: &Config, new: &Config) -> Vec<Change> {
    let said_here = |change: &KeyChange| {
        let upstreams = change.key.starts_with("forward[") && change.key.ends_with("].upstreams");
        !upstreams && !matches!(change.change, ValueChange::EntryAdded | ValueChange::EntryRemoved)
    };
    let changes = rhumb_config::changes(old, new);
    changes.iter().filter(|change| said_here(change)).map(|change| Change(change.to_string())).collect()
}
