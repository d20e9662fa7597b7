//! Versions that files make.

use std::sync::Arc;

use rhumb_wire::DomainName;
use rhumb_zones::{ZoneContents, ZoneDifference, ZoneVersion};

use super::event::PublishedFile;
use super::file_origin::{FileVersion, file_origin};
use super::kept::{KeptBefore, KeptZone, is_merged, kept_zone};
use super::merge::merge_file;
use super::thread::VersionThread;
use crate::snapshot::{NewContents, ZoneEntry};
use crate::zone_events::load::{LoadedZone, ZoneRefusal};
use crate::zone_events::outcome::{FileOutcome, PlannedRead};
use crate::zone_events::publish::publish_zone;
use crate::zone_events::state::{PendingWrite, StateChange, StateError, StateStore, StateVersion};

/// A version of a file that is being written.
pub(super) struct BegunFile {
    entry: ZoneEntry,
    /// The version that it replaces.
    version: u32,
    loaded: LoadedZone,
    /// What is noted of the file, where that is not all that is kept.
    note: Option<Arc<ZoneContents>>,
}

impl VersionThread {
    /// Has the version written that a file makes; at once served and given back where nothing is to be written.
    #[allow(clippy::result_large_err, reason = "both ways are usual")]
    pub(super) fn begin_file(
        &mut self,
        planned: PlannedRead,
    ) -> Result<(BegunFile, Option<PendingWrite>), PublishedFile> {
        let PlannedRead { entry, version, read } = planned;
        let (store, mut loaded) = match (self.store.clone(), read) {
            (Some(store), Ok(loaded)) => (store, loaded),
            (_, read) => {
                if read.is_err() {
                    self.serve_kept(&entry);
                }
                return Err(published(entry, version, read));
            }
        };
        let before = loaded.before.take();
        let has_past = is_merged(&entry.origin, entry.zone.name(), &store);
        // Signatures hold of what the file has alone.
        let is_merged = has_past && !loaded.contents.is_signed();
        if !is_merged && entry.zone.version() != version {
            return Err(PublishedFile { entry, outcome: FileOutcome::Stale });
        }
        let made = if is_merged {
            let is_kept = !self.unkept.contains(&entry.zone.name().as_ref().to_lowercase());
            merge_file(&entry, before, &mut loaded, &store, is_kept)
        } else {
            self.plain_file(&entry, before, &mut loaded, &store)
        };
        let version = entry.zone.version();
        match made {
            Ok(FileVersion { version: kept, note }) => {
                let note =
                    note.or_else(|| has_past.then(|| Arc::clone(&loaded.contents)).filter(|_| !is_merged));
                let write = kept.map(|kept| store.begin(&by_file(entry.zone.name(), kept)));
                Ok((BegunFile { entry, version, loaded, note }, write))
            }
            Err(problem) => {
                self.serve_kept(&entry);
                let refusal = ZoneRefusal { problems: vec![problem], files: loaded.files };
                Err(published(entry, version, Err(refusal)))
            }
        }
    }

    /// Has it written what the file holds.
    pub(super) fn begin_note(&self, file: &BegunFile) -> Option<PendingWrite> {
        let files = self.store.as_ref()?.files()?;
        let note = StateVersion::Whole(Arc::clone(file.note.as_ref()?));
        Some(files.begin(&by_file(file.entry.zone.name(), note)))
    }

    /// Serves what a file makes of a zone. Where that cannot be kept, it is served if it is all in the file.
    pub(super) fn serve_file(&mut self, file: BegunFile, result: Result<(), StateError>) -> PublishedFile {
        let BegunFile { entry, version, loaded, note } = file;
        let name = entry.zone.name().as_ref().to_lowercase();
        match result {
            Ok(()) => {
                self.unkept.remove(&name);
                published(entry, version, Ok(loaded))
            }
            Err(error) if note.is_none() => {
                tracing::error!("zone {name}: served as its file has it, but not kept: {error}");
                self.unkept.insert(name);
                published(entry, version, Ok(loaded))
            }
            Err(error) => {
                self.serve_kept(&entry);
                let refusal = ZoneRefusal { problems: vec![error.to_string()], files: loaded.files };
                published(entry, version, Err(refusal))
            }
        }
    }

    /// A zone that its file alone changes: what it is served as, with its history.
    fn plain_file(
        &self,
        entry: &ZoneEntry,
        before: Option<Box<KeptBefore>>,
        loaded: &mut LoadedZone,
        store: &StateStore,
    ) -> Result<FileVersion, String> {
        let name = entry.zone.name();
        let served = entry.zone.contents();
        let (kept, difference) = match before {
            Some(before) => (before.zone, before.difference),
            None if served.is_some() => (None, None),
            None => (kept_zone(name, store)?, None),
        };
        let (base, mut versions, origin) = match (served, kept) {
            (Some(served), _) => (served, Vec::new(), None),
            (None, Some(KeptZone { contents, versions, origin })) => (contents, versions, Some(origin)),
            (None, None) => {
                let version = Some(StateVersion::Whole(Arc::clone(&loaded.contents)));
                return Ok(FileVersion { version, note: None });
            }
        };
        let compare = || ZoneDifference::between(&base, &loaded.contents).map(Arc::new);
        let Some(difference) = difference.or_else(compare) else {
            return Err("the zone has no SOA".to_owned());
        };
        let is_unkept = self.unkept.contains(&name.as_ref().to_lowercase());
        let follows = !is_unkept && store.serial(name) == Some(base.serial());
        // What is larger than the zone is no saving.
        let is_short = difference.memory() < loaded.contents.memory();
        let version = match difference.is_empty() {
            true if follows => None,
            false if follows && is_short => Some(StateVersion::Difference(Arc::clone(&difference))),
            _ => Some(StateVersion::Whole(Arc::clone(&loaded.contents))),
        };
        if difference.is_empty() {
            loaded.origin = origin;
        } else {
            versions.push(ZoneVersion { difference, origin: file_origin() });
        }
        loaded.versions = Some(versions);
        Ok(FileVersion { version, note: None })
    }

    /// Serves a zone as it was kept, where nothing is served and its file is of no use.
    fn serve_kept(&self, entry: &ZoneEntry) {
        let Some(store) = self.store.as_ref().filter(|_| entry.zone.contents().is_none()) else { return };
        let name = entry.zone.name();
        match kept_zone(name, store) {
            Ok(Some(KeptZone { contents, versions, origin })) => {
                tracing::warn!("zone {name}: served as it was kept, serial {}", contents.serial());
                let limits = entry.origin.versioning.history;
                // There is no other version of a zone that is not served.
                let _ = entry
                    .zone
                    .publish(entry.zone.version(), NewContents::kept(contents, versions, origin, limits));
            }
            Ok(None) => {}
            Err(error) => tracing::error!("zone {name}: {error}"),
        }
    }
}

fn by_file(name: &DomainName, version: StateVersion) -> StateChange {
    let origin = file_origin();
    StateChange { zone: name.clone(), origin, expires: 0, version }
}

fn published(entry: ZoneEntry, version: u32, read: crate::zone_events::load::ZoneRead) -> PublishedFile {
    let version = if read.is_err() { entry.zone.version() } else { version };
    let outcome = publish_zone(&entry, version, read);
    PublishedFile { entry, outcome }
}
