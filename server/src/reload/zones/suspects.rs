//! Which zones may differ from what is served.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rhumb_config::ZoneSource;
use rhumb_wire::Name;

use super::super::Reloader;
use super::wanted::warn_of_name;
use crate::snapshot::{Source, ZoneEntry, zone_of_file};

/// Zones that may differ from what is served.
#[derive(Debug, Default, Clone)]
pub(in crate::reload) struct Suspects {
    /// Any may.
    pub(in crate::reload) all: bool,
    /// These may.
    pub(in crate::reload) names: HashSet<Name>,
}

impl Suspects {
    /// Whether there is none.
    pub(in crate::reload) fn is_empty(&self) -> bool {
        !self.all && self.names.is_empty()
    }

    /// Adds the zones of files in a folder that came, went or changed; with no name, any may have.
    pub(in crate::reload) fn add_files(&mut self, folder: &Path, files: Vec<OsString>) {
        self.all |= files.is_empty();
        for file in files {
            match zone_of_file(Path::new(&file)) {
                None => {}
                Some(Ok((name, true))) => drop(self.names.insert(name)),
                // Which of several files has a zone is found by listing them.
                Some(Ok((_, false))) => self.all = true,
                Some(Err(error)) => warn_of_name(&folder.join(file), &error),
            }
        }
    }
}

impl Reloader {
    /// Adds the zones that are read from this file, or include it.
    pub(in crate::reload) fn suspect(&mut self, path: &Path) {
        for source in &self.config.zones {
            if let ZoneSource::File { name, file, .. } = source
                && file == path
            {
                self.pending.zones.names.insert(name.clone());
            }
        }
        let snapshot = self.live.snapshot.load();
        for name in &self.special {
            if snapshot.zone_at(name).is_some_and(|entry| entry.zone.includes(path)) {
                self.pending.zones.names.insert(name.clone());
            }
        }
    }

    /// Notes of a zone whether every reload has to look at it.
    pub(in crate::reload) fn sort_special(&mut self, entry: &ZoneEntry) {
        let special = !matches!(entry.origin.source, Source::Folder(_))
            || entry.zone.trouble().is_some()
            || !entry.zone.included().is_empty();
        if special {
            self.special.insert(entry.zone.name().clone());
        } else {
            self.special.remove(entry.zone.name());
        }
    }

    /// The files that zones include.
    pub(in crate::reload) fn included(&self) -> Vec<PathBuf> {
        let snapshot = self.live.snapshot.load();
        self.special
            .iter()
            .filter_map(|name| snapshot.zone_at(name))
            .flat_map(|entry| entry.zone.included())
            .collect()
    }
}
