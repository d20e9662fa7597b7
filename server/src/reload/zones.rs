//! Which zones there are to be, and which of them have to be read.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use rhumb_config::{Config, DomainName, Place, ZoneSource};
use rhumb_wire::Name;

use super::words::Change;
use super::{Reloader, Strictness};
use crate::snapshot::{Trouble, Zone, ZoneEntry};
use crate::zone_events::{Ready, Refused, load};

/// A zone of the next snapshot.
#[derive(Debug)]
pub(super) struct ZonePlan {
    pub(super) entry: ZoneEntry,
    /// What its file gave, if it was read.
    pub(super) read: Option<Result<Ready, Refused>>,
}

/// A zone that the configuration asks for.
#[derive(Debug, Clone)]
struct Wanted {
    name: Name,
    file: Option<PathBuf>,
    place: Place,
}

impl Reloader {
    /// Reads what is new or has changed. Zones that stay as they are keep their object and are not read.
    pub(super) fn plan_zones(
        &mut self,
        config: &Config,
        strictness: Strictness,
        errors: &mut Vec<String>,
    ) -> (Vec<ZonePlan>, Vec<Change>) {
        let wanted = wanted_zones(config, errors);
        let snapshot = self.live.snapshot.load();
        let present: Vec<Option<ZoneEntry>> =
            wanted.iter().map(|zone| snapshot.zone_at(&zone.name).cloned()).collect();
        let stays = |zone: &Wanted, present: &Option<ZoneEntry>| {
            // A reload tells what is wrong, also with a file that was found wrong before.
            let settled =
                |entry: &ZoneEntry| strictness == Strictness::Start || entry.zone.trouble().is_none();
            present
                .as_ref()
                .is_some_and(|entry| entry.file == zone.file && settled(entry) && entry.zone.is_current())
        };
        let to_read: Vec<&Wanted> = wanted
            .iter()
            .zip(&present)
            .filter(|(zone, entry)| !stays(zone, entry))
            .map(|(zone, _)| zone)
            .collect();
        let mut read = self.early.zones.take().unwrap_or_else(|| read_all(&to_read));
        let mut changes = Vec::new();
        let mut plans = Vec::with_capacity(wanted.len());
        for (zone, present) in wanted.iter().zip(present) {
            let read = read.remove(&zone.name);
            describe(zone, present.as_ref(), read.as_ref(), &mut changes);
            if strictness != Strictness::Start
                && let Some(Err(refused)) = &read
            {
                errors.extend(refused.problems.iter().cloned());
            }
            let object = present.map_or_else(|| Arc::new(Zone::new(zone.name.clone())), |entry| entry.zone);
            let entry = ZoneEntry { zone: object, file: zone.file.clone(), place: zone.place.clone() };
            plans.push(ZonePlan { entry, read });
        }
        let kept: std::collections::HashSet<&Name> = wanted.iter().map(|zone| &zone.name).collect();
        for (name, _) in snapshot.zones.iter().filter(|(name, _)| !kept.contains(&name.to_name())) {
            changes.push(Change(format!("zone {name}: removed")));
        }
        (plans, changes)
    }
}

impl ZonePlan {
    /// Serves what was read.
    pub(super) fn publish(self) {
        match self.read {
            None => {}
            Some(Ok(ready)) => {
                for warning in &ready.warnings {
                    tracing::warn!("{warning}");
                }
                self.entry.zone.publish(ready.contents, ready.files, ready.expires);
            }
            Some(Err(refused)) => {
                for problem in &refused.problems {
                    tracing::error!("{problem}");
                }
                let trouble = refused.problems.first().cloned().unwrap_or_default();
                self.entry.zone.fail(Trouble(trouble.into()), refused.files);
            }
        }
    }
}

fn describe(
    zone: &Wanted,
    present: Option<&ZoneEntry>,
    read: Option<&Result<Ready, Refused>>,
    changes: &mut Vec<Change>,
) {
    let name = &zone.name;
    let serial = |entry: &ZoneEntry| entry.zone.contents().map(|contents| contents.serial());
    match (present, read) {
        (None, Some(Ok(ready))) => {
            changes.push(Change(format!("zone {name}: added, serial {}", ready.contents.serial())));
        }
        (None, _) => changes.push(Change(format!("zone {name}: added, but not loaded"))),
        (Some(old), Some(Ok(ready))) => {
            let new = ready.contents.serial();
            let from = serial(old).map_or_else(|| "none".to_owned(), |serial| serial.to_string());
            changes.push(Change(format!("zone {name}: loaded anew, serial {from} -> {new}")));
        }
        (Some(_), _) => {}
    }
}

/// The zones that the configuration asks for; an entry for one zone goes before a folder that holds it too.
fn wanted_zones(config: &Config, errors: &mut Vec<String>) -> Vec<Wanted> {
    let mut wanted: HashMap<Name, Wanted> = HashMap::new();
    let mut folders = Vec::new();
    for source in &config.zones {
        let (name, file, place) = match source {
            ZoneSource::File { name, file, place } => (name, Some(file.clone()), place),
            ZoneSource::BuiltIn { name, place } => (name, None, place),
            ZoneSource::Directory { path, place } => {
                folders.push((path, place));
                continue;
            }
        };
        if let Some(name) = to_name(name, place, errors) {
            wanted.insert(name.clone(), Wanted { name, file, place: place.clone() });
        }
    }
    for (path, place) in folders {
        match zone_files(path) {
            Ok(files) => {
                for (name, file) in files {
                    wanted.entry(name.clone()).or_insert(Wanted {
                        name,
                        file: Some(file),
                        place: place.clone(),
                    });
                }
            }
            Err(error) => errors.push(format!("{place}: {}: {error}", path.display())),
        }
    }
    let mut wanted: Vec<Wanted> = wanted.into_values().collect();
    wanted.sort_by(|a, b| a.name.cmp(&b.name));
    wanted
}

fn to_name(name: &DomainName, place: &Place, errors: &mut Vec<String>) -> Option<Name> {
    name.as_str().parse().map_err(|error| errors.push(format!("{place}: {name}: {error}"))).ok()
}

/// The `NAME.zone` files of a folder. A file whose name is no domain name is left alone, with a warning.
fn zone_files(folder: &Path) -> std::io::Result<Vec<(Name, PathBuf)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(stem) =
            path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".zone"))
        else {
            continue;
        };
        if stem.starts_with('.') {
            continue;
        }
        match stem.parse::<Name>() {
            Ok(name) => found.push((Name::from(name.as_ref().to_lowercase().as_ref()), path)),
            Err(error) => tracing::warn!("{}: the file's name is no zone's: {error}", path.display()),
        }
    }
    Ok(found)
}

/// Reads zones on as many threads as there are cores.
fn read_all(zones: &[&Wanted]) -> HashMap<Name, Result<Ready, Refused>> {
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get).min(zones.len());
    let next = AtomicUsize::new(0);
    let done = Mutex::new(HashMap::with_capacity(zones.len()));
    let work = || {
        while let Some(zone) = zones.get(next.fetch_add(1, Ordering::Relaxed)) {
            let read = load(&zone.name, zone.file.as_deref());
            done.lock().unwrap_or_else(PoisonError::into_inner).insert(zone.name.clone(), read);
        }
    };
    if threads <= 1 {
        work();
    } else {
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            for worker in workers {
                // Joined one by one, for a scope ends before its threads do. One that panicked left its zone unread.
                let _ = worker.join();
            }
        });
    }
    done.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Reads every zone that `config` names, for the start. What is wrong with the configuration is found again by the plan.
pub(super) fn read_early(config: &Config) -> HashMap<Name, Result<Ready, Refused>> {
    let wanted = wanted_zones(config, &mut Vec::new());
    read_all(&wanted.iter().collect::<Vec<_>>())
}

/// Reads every zone that `config` names, for `rhumb check`: how many there are, and what should be looked at and what is
/// wrong with them, in words.
pub fn check_zones(config: &Config) -> (usize, Vec<String>, Vec<String>) {
    let (mut warnings, mut errors) = (Vec::new(), Vec::new());
    let wanted = wanted_zones(config, &mut errors);
    let read = read_all(&wanted.iter().collect::<Vec<_>>());
    for zone in &wanted {
        match read.get(&zone.name) {
            Some(Ok(ready)) => warnings.extend(ready.warnings.iter().cloned()),
            Some(Err(refused)) => errors.extend(refused.problems.iter().cloned()),
            None => {}
        }
    }
    (wanted.len(), warnings, errors)
}
