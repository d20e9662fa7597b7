//! Which zones may differ from what is served, by the files that were reported.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rhumb_config::{ServerConfig, ZoneSource};
use rhumb_wire::DomainName;

use super::configured::warn_of_name;
use crate::snapshot::{ServerSnapshot, zone_of_file};

/// Files that came, went or changed.
#[derive(Debug, Default, Clone)]
pub struct FileChanges {
    /// Not every change was reported: any file may differ.
    pub all: bool,
    /// Files that are followed by themselves.
    pub files: Vec<PathBuf>,
    /// Folders of zones, and names of files in them; without a name, any may differ.
    pub folders: Vec<(PathBuf, Vec<OsString>)>,
}

impl FileChanges {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        !self.all && self.files.is_empty() && self.folders.is_empty()
    }
}

/// Zones that may differ from what is served.
#[derive(Debug, Default, Clone)]
pub(super) struct DirtyZones {
    /// Any may.
    pub(super) all: bool,
    /// These may.
    pub(super) names: HashSet<DomainName>,
}

impl DirtyZones {
    /// Any zone may differ.
    pub(super) fn every() -> Self {
        Self { all: true, names: HashSet::new() }
    }

    /// One zone may differ.
    pub(super) fn one(name: DomainName) -> Self {
        Self { all: false, names: HashSet::from([name]) }
    }

    /// The zones read from these files, or from files that include them; `including` are those that may include any.
    pub(super) fn of(
        changes: &FileChanges,
        config: &ServerConfig,
        snapshot: &ServerSnapshot,
        including: &HashSet<DomainName>,
    ) -> Self {
        let mut dirty = Self { all: changes.all, names: HashSet::new() };
        for (folder, files) in &changes.folders {
            dirty.add_files(folder, files, config);
        }
        for path in &changes.files {
            dirty.add_file(path, config, snapshot, including);
        }
        dirty
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.all && self.names.is_empty()
    }

    /// These and those.
    pub(super) fn extend(&mut self, other: Self) {
        self.all |= other.all;
        self.names.extend(other.names);
    }

    fn add_files(&mut self, folder: &Path, files: &[OsString], config: &ServerConfig) {
        self.all |= files.is_empty();
        let pattern = config.zones.iter().find_map(|source| match source {
            ZoneSource::Directory { path, pattern, .. } if path == folder => Some(pattern),
            _ => None,
        });
        // A folder that is followed no more has no zones.
        let Some(pattern) = pattern else { return };
        for file in files {
            match zone_of_file(Path::new(file), pattern) {
                None => {}
                Some(Ok((name, true))) => drop(self.names.insert(name)),
                // Which of several files has a zone is found by listing them.
                Some(Ok((_, false))) => self.all = true,
                Some(Err(error)) => warn_of_name(&folder.join(file), &error),
            }
        }
    }

    fn add_file(
        &mut self,
        path: &Path,
        config: &ServerConfig,
        snapshot: &ServerSnapshot,
        including: &HashSet<DomainName>,
    ) {
        for source in &config.zones {
            if let ZoneSource::File { name, file, .. } = source
                && file == path
            {
                self.names.insert(name.clone());
            }
        }
        for name in including {
            if snapshot.view.zone_at(name).is_some_and(|entry| entry.zone.includes(path)) {
                self.names.insert(name.clone());
            }
        }
    }
}
