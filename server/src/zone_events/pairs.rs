//! The zones that a configuration asks for beside those that are served.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use rhumb_config::ServerConfig;
use rhumb_wire::DomainName;
use rhumb_zones::NameTable;

use super::configured::{ConfiguredZone, ConfiguredZones, ZoneFolders, configured_zones};
use super::load::ZoneRead;
use super::outcome::{NextZones, PlannedRead};
use crate::snapshot::{ServedZone, ServerSnapshot, ZoneEntry, ZoneFile};

/// A zone that is to be there, and what is there.
#[derive(Debug)]
pub(super) struct ZonePair {
    pub(super) wanted: ConfiguredZone,
    pub(super) present: Option<ZoneEntry>,
    /// The version that is served as the zone is looked at.
    pub(super) version: u32,
    pub(super) read: Option<ZoneRead>,
    /// Its file is not complete: it is read later.
    pub(super) incomplete: bool,
}

impl ZonePair {
    fn new(wanted: ConfiguredZone, present: Option<ZoneEntry>) -> Self {
        let version = present.as_ref().map_or(0, |entry| entry.zone.version());
        Self { wanted, present, version, read: None, incomplete: false }
    }

    /// What is there, if it stays as it is unless its files have changed. A broken zone stays too, unless `reread_broken`.
    pub(super) fn kept_entry(&self, reread_broken: bool) -> Option<&ZoneEntry> {
        self.present.as_ref().filter(|entry| {
            let (old, new) = (&entry.origin, &self.wanted.origin);
            let same = || entry.file() == self.wanted.file() && old.reading == new.reading;
            (Arc::ptr_eq(old, new) || same()) && (!reread_broken || entry.zone.trouble().is_none())
        })
    }

    /// The zone whose next version is read.
    pub(super) fn base(&self) -> Option<Arc<ServedZone>> {
        self.present.as_ref().map(|entry| Arc::clone(&entry.zone))
    }

    /// Whether nothing but its contents can change.
    pub(super) fn keeps_entry(&self) -> bool {
        self.present.as_ref().is_some_and(|entry| entry.origin == self.wanted.origin)
    }

    /// Whether it is not to be served yet.
    pub(super) const fn is_later(&self) -> bool {
        self.incomplete && self.present.is_none()
    }

    /// The entry of the next snapshot.
    fn entry(&self) -> ZoneEntry {
        match &self.present {
            Some(entry) if entry.origin == self.wanted.origin => entry.clone(),
            Some(entry) => {
                ZoneEntry { zone: Arc::clone(&entry.zone), origin: Arc::clone(&self.wanted.origin) }
            }
            None => ZoneEntry {
                zone: Arc::new(ServedZone::new(self.wanted.name.clone())),
                origin: Arc::clone(&self.wanted.origin),
            },
        }
    }
}

/// Zones looked at, and those that are gone.
#[derive(Debug, Default)]
pub(super) struct PairedZones {
    /// By name.
    pub(super) pairs: Vec<ZonePair>,
    pub(super) gone: Vec<DomainName>,
    /// The folders, if all zones were looked at.
    pub(super) folders: Option<ZoneFolders>,
    /// What is most likely not meant to be in these folders, with its place.
    pub(super) warnings: Vec<String>,
    /// The folders that could not be listed, each with why.
    pub(super) unreadable: Vec<(PathBuf, String)>,
}

/// Every zone of `config`. Zones of folders that cannot be listed are neither looked at nor gone; the errors say which.
pub(super) fn pair_all(config: &ServerConfig, snapshot: &ServerSnapshot) -> (PairedZones, Vec<String>) {
    let ConfiguredZones { zones, folders, unreadable, errors, warnings } = configured_zones(config);
    let pairs: Vec<ZonePair> = zones
        .into_iter()
        .map(|wanted| {
            let present = snapshot.view.zone_at(&wanted.name).cloned();
            ZonePair::new(wanted, present)
        })
        .collect();
    let kept: HashSet<&DomainName> =
        pairs.iter().filter(|pair| pair.present.is_some()).map(|pair| &pair.wanted.name).collect();
    let mut gone = Vec::new();
    if kept.len() < snapshot.view.zones.len() {
        let entries = snapshot.view.zones.iter().map(|(_, entry)| entry);
        let missing =
            entries.filter(|entry| !kept.contains(entry.zone.name()) && !lies_in(entry, &unreadable));
        gone.extend(missing.map(|entry| entry.zone.name().clone()));
    }
    let unreadable = unreadable.into_iter().zip(errors.iter().cloned()).collect();
    (PairedZones { pairs, gone, folders: Some(folders), warnings, unreadable }, errors)
}

/// Whether the zone's file lies in one of these folders.
fn lies_in(entry: &ZoneEntry, folders: &[PathBuf]) -> bool {
    !folders.is_empty()
        && entry.file().is_some_and(|file| folders.iter().any(|folder| file.parent() == Some(folder)))
}

/// The zones of these names; what asks for them is as it was.
pub(super) fn pair_names(
    names: &HashSet<&DomainName>,
    snapshot: &ServerSnapshot,
    folders: &ZoneFolders,
) -> PairedZones {
    let (mut pairs, mut gone) = (Vec::new(), Vec::new());
    for name in names {
        let present = snapshot.view.zone_at(name).cloned();
        match wanted_one(name, present.as_ref(), folders) {
            Some(wanted) => pairs.push(ZonePair::new(wanted, present)),
            None if present.is_some() => gone.push((*name).clone()),
            None => {}
        }
    }
    pairs.sort_by(|a, b| a.wanted.name.cmp(&b.wanted.name));
    gone.sort();
    PairedZones { pairs, gone, ..PairedZones::default() }
}

/// What the configuration asks for under this name, its folders looked into.
fn wanted_one(
    name: &DomainName,
    present: Option<&ZoneEntry>,
    folders: &ZoneFolders,
) -> Option<ConfiguredZone> {
    let single = present.filter(|entry| !matches!(entry.origin.source, ZoneFile::Folder(..)));
    let origin = match single {
        Some(entry) => &entry.origin,
        None => folders.folders.iter().find(|origin| {
            // A file that may not be looked at is there all the same.
            origin.file(name).is_some_and(|file| match fs::symlink_metadata(file) {
                Ok(_) => true,
                Err(error) => error.kind() == std::io::ErrorKind::PermissionDenied,
            })
        })?,
    };
    Some(ConfiguredZone { name: name.clone(), origin: Arc::clone(origin) })
}

/// What putting these zones in force comes to.
pub(super) fn next_zones(paired: PairedZones, snapshot: &ServerSnapshot) -> NextZones {
    let PairedZones { pairs, gone, folders, .. } = paired;
    let mut changed: HashMap<DomainName, Option<ZoneEntry>> =
        gone.iter().map(|name| (name.clone(), None)).collect();
    let (mut entries, mut read) = (Vec::new(), Vec::new());
    let (all, mut differs) = (folders.is_some(), !gone.is_empty());
    for pair in pairs {
        let entry = pair.entry();
        let other = !pair.keeps_entry();
        differs |= other;
        if all {
            entries.push(entry.clone());
        } else if other {
            changed.insert(pair.wanted.name, Some(entry.clone()));
        }
        read.extend(pair.read.map(|read| PlannedRead { entry, version: pair.version, read }));
    }
    let table = differs.then(|| {
        if !all {
            return snapshot.view.zones.with(changed);
        }
        // In the order of their names.
        NameTable::build(entries.into_iter().map(|entry| (entry.zone.name().clone(), entry)))
    });
    NextZones { read, table, folders, gone }
}
