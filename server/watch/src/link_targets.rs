//! Where symlinks in a followed folder lead: `available/` beside `enabled/`, the `..data` of a ConfigMap.

use std::collections::HashSet;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use super::link_chain::{LinkChain, walk_chain};
use super::needed_folders::NeededFolders;
use super::touched_paths::TouchedPaths;

/// Ways watched at most; the files at the end of others are compared only.
const MAX_TARGETS: usize = 64;

/// The ways that symlinks in a folder lead, one for each folder they lead into.
#[derive(Default, PartialEq, Eq)]
pub(super) struct LinkTargets {
    any: bool,
    folders: HashSet<PathBuf>,
    chains: Vec<LinkChain>,
}

impl LinkTargets {
    /// Adds the way of a symlink.
    pub(super) fn add(&mut self, place: &Path) {
        self.any = true;
        if self.chains.len() >= MAX_TARGETS {
            return;
        }
        let Ok(target) = fs::read_link(place) else { return };
        let folder = target.parent().unwrap_or(&target);
        if !self.folders.contains(folder) {
            self.folders.insert(folder.to_owned());
            self.chains.push(walk_chain(place));
        }
    }

    /// Notes that there is a symlink, if this is one; the next listing adds its way.
    pub(super) fn note(&mut self, metadata: &Metadata) {
        self.any |= metadata.is_symlink();
    }

    /// Adds the folders to watch: those passed for their names, the last for every name.
    pub(super) fn need(&self, needed: &mut NeededFolders) {
        for chain in &self.chains {
            needed.chain(chain);
            if let Some(last) = chain.steps.last() {
                needed.whole(&last.folder, last.identity);
            }
        }
    }

    /// Whether a touched place lies on a way.
    pub(super) fn hit(&self, touched: &TouchedPaths) -> bool {
        self.chains.iter().any(|chain| touched.hits(chain))
    }

    /// Whether something in `folder` can change what the symlinks of the folder `home` lead to.
    pub(super) fn concern(&self, home: &Path, folder: &Path) -> bool {
        let mut last = self.chains.iter().filter_map(|chain| chain.steps.last());
        self.any && (folder == home || last.any(|last| last.folder == folder))
    }
}
