//! What is followed, and what is done when it changes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rhumb_config::{Config, UpstreamSource, ZoneSource};

use super::watch::{Event, Followed};
use super::{Draft, Facts, Reloader, Strictness};
use crate::snapshot::Live;

/// More warnings than this are not kept; the log has them all.
const WARNINGS: usize = 100;

/// The files and folders that `config` and the zones served by it depend on.
pub(super) fn paths(config: &Config, live: &Live, more: &[&Path]) -> Vec<Followed> {
    let mut paths: Vec<Followed> = more.iter().map(|path| Followed::File((*path).to_owned())).collect();
    paths.extend(config.file.clone().map(Followed::File));
    for source in config.forward.iter().flat_map(|forward| &forward.upstreams) {
        if let UpstreamSource::List(path, _) | UpstreamSource::ResolvConf(path, _) = source {
            paths.push(Followed::File(path.clone()));
        }
    }
    let mut folders: Vec<&PathBuf> = Vec::new();
    for source in &config.zones {
        match source {
            ZoneSource::File { file, .. } => paths.push(Followed::File(file.clone())),
            ZoneSource::Directory { path, .. } => {
                folders.push(path);
                paths.push(Followed::Directory(path.clone()));
            }
            ZoneSource::BuiltIn { .. } => {}
        }
    }
    // Included files that no folder above covers.
    for (_, entry) in live.snapshot.load().zones.iter() {
        for file in entry.zone.files().iter().filter(|file| Some(file.path()) != entry.file.as_ref()) {
            paths.push(Followed::File(file.path().clone()));
        }
    }
    paths
}

impl Reloader {
    /// Follows what the present configuration and its zones depend on, and brings `status` up to date.
    pub(super) fn follow_present(&self) {
        let config = Arc::clone(&self.config);
        self.follow(&config, &[]);
        self.state_facts();
    }

    pub(super) fn happened(&mut self, event: Event) {
        match event {
            Event::Changed(path) if self.config.file.as_deref() == Some(&path) => {
                tracing::info!("{}: changed", path.display());
                // The outcome is told by the log, the metrics and `status`.
                let _ = self.reload();
            }
            Event::Changed(path) => {
                self.list_changed(&path);
                if self.is_of_a_zone(&path) {
                    self.zones_changed();
                }
                self.state_facts();
            }
            Event::Directory { path, names } => {
                tracing::debug!("{}: {} zone files changed", path.display(), names.len());
                self.zones_changed();
                self.state_facts();
            }
            Event::Stale { path, why } => self.warn(&format!("{}: {why}", path.display())),
        }
    }

    fn is_of_a_zone(&self, path: &Path) -> bool {
        let snapshot = self.live.snapshot.load();
        let named = self
            .config
            .zones
            .iter()
            .any(|source| matches!(source, ZoneSource::File { file, .. } if file == path));
        named
            || snapshot
                .zones
                .iter()
                .any(|(_, entry)| entry.zone.files().iter().any(|file| file.path() == path))
    }

    /// Reads the zones whose files changed. One that cannot be read keeps what it served.
    fn zones_changed(&mut self) {
        let config = Arc::clone(&self.config);
        let mut errors = Vec::new();
        let (zones, changes) = self.plan_zones(&config, Strictness::Start, &mut errors);
        for error in &errors {
            tracing::error!("{error}");
        }
        if !errors.is_empty() {
            return;
        }
        let (routes, _) = self.plan_routes(&config, Strictness::Diff);
        for change in &changes {
            tracing::info!("{change}");
        }
        self.publish(Draft { config, changes, bound: Vec::new(), zones, routes });
        self.follow_present();
    }

    fn warn(&self, warning: &str) {
        tracing::warn!("{warning}");
        self.facts.rcu(|facts| {
            let mut facts = Facts::clone(facts);
            if facts.warnings.len() < WARNINGS && !facts.warnings.iter().any(|known| known == warning) {
                facts.warnings.push(warning.to_owned());
            }
            facts
        });
    }
}
