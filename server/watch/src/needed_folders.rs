//! Which folders are to be watched, and what in each of them matters.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::link_chain::{FileIdentity, LinkChain};

/// Folders watched at most; paths beyond them are compared only.
const MAX_FOLDERS: usize = 2048;

/// What matters in a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct NameInterest {
    /// Any name at all.
    any: bool,
    names: HashSet<OsString>,
    /// Other paths of the same folder: inotify has one watch for it.
    pub(super) aliases: Vec<PathBuf>,
}

impl NameInterest {
    /// Whether a name matters.
    pub(super) fn covers(&self, name: &OsStr) -> bool {
        self.any || self.names.contains(name)
    }
}

/// The folders that followed paths need.
#[derive(Debug, Default)]
pub(super) struct NeededFolders(BTreeMap<PathBuf, (Option<FileIdentity>, NameInterest)>);

impl NeededFolders {
    /// Adds the folders of a chain, each for the name looked up in it.
    pub(super) fn chain(&mut self, chain: &LinkChain) {
        for step in &chain.steps {
            let (identity, interest) = self.0.entry(step.folder.clone()).or_default();
            *identity = Some(step.identity);
            interest.names.insert(step.name().to_owned());
        }
    }

    /// Adds a folder for every name in it.
    pub(super) fn whole(&mut self, folder: &Path, folder_identity: FileIdentity) {
        let (identity, interest) = self.0.entry(folder.to_owned()).or_default();
        *identity = Some(folder_identity);
        interest.any = true;
    }

    /// The folders by one path each, the first in order, with all the interest in them.
    pub(super) fn distinct(self) -> BTreeMap<PathBuf, (FileIdentity, NameInterest)> {
        let mut first: HashMap<FileIdentity, PathBuf> = HashMap::new();
        let mut folders: BTreeMap<PathBuf, (FileIdentity, NameInterest)> = BTreeMap::new();
        for (path, (identity, interest)) in self.0 {
            let Some(identity) = identity else { continue };
            let known = first.entry(identity).or_insert_with(|| path.clone());
            if let Some((_, merged)) = folders.get_mut(known) {
                merged.any |= interest.any;
                merged.names.extend(interest.names);
                merged.aliases.push(path);
            } else if folders.len() < MAX_FOLDERS {
                folders.insert(path, (identity, interest));
            }
        }
        folders
    }
}
