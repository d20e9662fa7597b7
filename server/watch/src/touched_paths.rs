//! Which paths inotify named.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::link_chain::{ChainStep, LinkChain};

/// Touched paths kept one by one; beyond, everything counts as touched.
const MAX_TOUCHED: usize = 4096;

/// What inotify saw since it was last asked.
#[derive(Debug, Default)]
pub(super) struct TouchedPaths {
    paths: HashSet<PathBuf>,
    /// There were too many: anything may have changed.
    all: bool,
    /// Events were lost: anything may have changed, and files may have been closed unseen.
    incomplete: bool,
    /// A watch has died with its folder.
    disarmed: bool,
}

impl TouchedPaths {
    pub(super) fn is_empty(&self) -> bool {
        !self.all && !self.disarmed && self.paths.is_empty()
    }

    /// Whether a chain passes a touched path.
    pub(super) fn hits(&self, chain: &LinkChain) -> bool {
        self.all || (!self.paths.is_empty() && chain.steps.iter().any(|step| self.hits_step(step)))
    }

    fn hits_step(&self, step: &ChainStep) -> bool {
        self.paths.contains(&step.place) || self.paths.contains(&step.folder)
    }

    /// Whether every event arrived, so that a file without an open writer is known to be closed.
    pub(super) const fn is_complete(&self) -> bool {
        !self.incomplete
    }

    /// Whether watches have to be set anew.
    pub(super) const fn needs_arming(&self) -> bool {
        self.all || self.disarmed
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.paths.iter().map(PathBuf::as_path)
    }

    pub(super) fn add(&mut self, path: PathBuf) {
        self.all |= self.paths.len() >= MAX_TOUCHED;
        if !self.all {
            self.paths.insert(path);
        }
    }

    pub(super) fn note_lost_events(&mut self) {
        self.all = true;
        self.incomplete = true;
    }

    pub(super) fn note_dead_watch(&mut self) {
        self.disarmed = true;
    }
}
