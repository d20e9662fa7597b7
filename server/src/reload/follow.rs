//! What is followed, and what is done when it changes.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use rhumb_config::{Config, UpstreamSource, ZoneSource};
use rhumb_watch::{Event, Followed, NamePattern};

use super::zones::Suspects;
use super::{Draft, Facts, Reloader, Strictness};
use crate::snapshot::ZONE_SUFFIX;

/// More warnings than this are not kept; the log has them all.
const WARNINGS: usize = 100;

/// What was told of the files followed and not yet acted on.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// The configuration's own file differs.
    pub(super) config: bool,
    /// Other files that differ.
    files: HashSet<PathBuf>,
    /// Zones whose files may differ.
    pub(super) zones: Suspects,
}

/// The files and folders that `config` names, and those that zones include.
pub(super) fn paths(config: &Config, included: &[PathBuf]) -> Vec<Followed> {
    let mut paths: Vec<Followed> = config.file.clone().map(Followed::File).into_iter().collect();
    for source in config.forward.iter().flat_map(|forward| &forward.upstreams) {
        if let UpstreamSource::List(path, _) | UpstreamSource::ResolvConf(path, _) = source {
            paths.push(Followed::File(path.clone()));
        }
    }
    for source in &config.zones {
        match source {
            ZoneSource::File { file, .. } => paths.push(Followed::File(file.clone())),
            ZoneSource::Directory { path, .. } => {
                paths.push(Followed::Directory(path.clone(), NamePattern::ending_in(ZONE_SUFFIX)));
            }
            ZoneSource::BuiltIn { .. } => {}
        }
    }
    // Of a set, so that their order means nothing.
    let mut included = included.to_vec();
    included.sort();
    included.dedup();
    paths.extend(included.into_iter().map(Followed::File));
    paths
}

impl Reloader {
    /// Follows what the present configuration and its zones depend on, and brings `status` up to date.
    pub(super) fn follow_present(&mut self) {
        let config = Arc::clone(&self.config);
        self.follow(&config);
        self.state_facts();
    }

    /// Notes what was told until now.
    pub(super) fn collect(&mut self) {
        for event in self.watch.take() {
            match event {
                Event::Changed(path) => {
                    self.pending.config |= self.config.file.as_deref() == Some(&path);
                    self.suspect(&path);
                    self.pending.files.insert(path);
                }
                Event::Directory { path, names } => {
                    tracing::debug!("{}: {} zone files changed", path.display(), names.len());
                    self.pending.zones.add_files(&path, names);
                }
                Event::Stale { path, why } => self.warn(&format!("{}: {why}", path.display())),
            }
        }
    }

    /// Looks at the files followed. Gives the zones that may differ, all of them where the kernel does not tell.
    pub(super) fn look(&mut self) -> Suspects {
        let certain = self.watch.look();
        self.collect();
        Suspects { all: self.pending.zones.all || !certain, names: self.pending.zones.names.clone() }
    }

    /// Acts on what was told.
    pub(super) fn catch_up(&mut self) {
        self.collect();
        if std::mem::take(&mut self.pending.config) {
            if let Some(file) = &self.config.file {
                tracing::info!("{}: changed", file.display());
            }
            // The outcome is told by the log, the metrics and `status`.
            let _ = self.reload();
        }
        let files = std::mem::take(&mut self.pending.files);
        for file in &files {
            self.list_changed(file);
        }
        let zones = std::mem::take(&mut self.pending.zones);
        if !zones.is_empty() {
            self.zones_changed(&zones);
        }
        if !files.is_empty() || !zones.is_empty() {
            self.state_facts();
        }
    }

    /// Reads the zones whose files changed. One that cannot be read keeps what it served.
    fn zones_changed(&mut self, suspects: &Suspects) {
        let config = Arc::clone(&self.config);
        let mut errors = Vec::new();
        let (zones, changes) = self.plan_zones(&config, Strictness::Start, suspects, &mut errors);
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
