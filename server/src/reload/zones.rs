//! Which zones there are to be, and which of them have to be read.

mod reading;
mod suspects;
mod wanted;

use std::collections::{HashMap, HashSet};
use std::fs;
use std::sync::Arc;

use rhumb_config::Config;
use rhumb_wire::Name;
use rhumb_zones::{Contents, Table};

use super::{Reloader, Strictness};
use crate::change::Change;
use crate::snapshot::{Snapshot, Source, Trouble, Zone, ZoneEntry};
use reading::{Read, read_all};
use wanted::{Wanted, wanted_zones};

pub(super) use reading::EarlyZones;
pub use reading::check_zones;
pub(super) use suspects::Suspects;
pub(super) use wanted::Sources;

/// The zones of the next snapshot.
#[derive(Debug)]
pub(super) struct ZonesPlan {
    /// Those that were read, with what their files gave.
    pub(super) read: Vec<(ZoneEntry, Read)>,
    /// All of them; none: they are those that there are.
    pub(super) table: Option<Table<ZoneEntry>>,
    /// What asks for them, if all were looked at.
    pub(super) sources: Option<Sources>,
    /// Those that are no more.
    pub(super) gone: Vec<Name>,
}

/// A zone that is to be there, and what is there.
struct Pair {
    wanted: Wanted,
    present: Option<ZoneEntry>,
    read: Option<Read>,
}

impl Pair {
    /// Whether it stays as it is, with no look at its file.
    fn stays(&self, strictness: Strictness) -> bool {
        // A reload tells what is wrong, also with a file that was found wrong before.
        let settled = |entry: &ZoneEntry| strictness == Strictness::Start || entry.zone.trouble().is_none();
        self.present.as_ref().is_some_and(|entry| {
            let same = Arc::ptr_eq(&entry.origin, &self.wanted.origin) || entry.file() == self.wanted.file();
            same && settled(entry) && entry.is_current()
        })
    }

    /// The entry of the next snapshot, and whether it is another than the present one.
    fn entry(wanted: &Wanted, present: Option<&ZoneEntry>) -> (ZoneEntry, bool) {
        match present {
            Some(entry) if entry.origin == wanted.origin => (entry.clone(), false),
            Some(entry) => {
                let origin = Arc::clone(&wanted.origin);
                (ZoneEntry { zone: Arc::clone(&entry.zone), origin }, true)
            }
            None => {
                let (zone, origin) = (Arc::new(Zone::new(wanted.name.clone())), Arc::clone(&wanted.origin));
                (ZoneEntry { zone, origin }, true)
            }
        }
    }
}

impl Reloader {
    /// Reads what is new or has changed. Zones that stay as they are keep their object and are not read; where only the
    /// suspects can differ, only they are looked at.
    pub(super) fn plan_zones(
        &mut self,
        config: &Config,
        strictness: Strictness,
        suspects: &Suspects,
        errors: &mut Vec<String>,
    ) -> (ZonesPlan, Vec<Change>) {
        let snapshot = self.live.snapshot.load_full();
        let few = !suspects.all && self.sources.plain && snapshot.config.zones == config.zones;
        let (mut pairs, gone, sources) = if few {
            let (pairs, gone) = self.suspected(&snapshot, strictness, suspects);
            (pairs, gone, None)
        } else {
            let (pairs, gone, sources) = all(config, &snapshot, errors);
            (pairs, gone, Some(sources))
        };
        self.read_pairs(&mut pairs, strictness);
        let changes = describe_all(&pairs, &gone, strictness, errors);
        (next_zones(pairs, gone, sources, &snapshot), changes)
    }

    /// The suspects; on a reload also what it always looks at.
    fn suspected(
        &self,
        snapshot: &Snapshot,
        strictness: Strictness,
        suspects: &Suspects,
    ) -> (Vec<Pair>, Vec<Name>) {
        let always = if strictness == Strictness::Start { None } else { Some(&self.special) };
        let names: HashSet<&Name> = suspects.names.iter().chain(always.into_iter().flatten()).collect();
        let (mut pairs, mut gone) = (Vec::new(), Vec::new());
        for name in names {
            let present = snapshot.zone_at(name).cloned();
            match self.wanted_one(name, present.as_ref()) {
                Some(wanted) => pairs.push(Pair { wanted, present, read: None }),
                None if present.is_some() => gone.push(name.clone()),
                None => {}
            }
        }
        pairs.sort_by(|a, b| a.wanted.name.cmp(&b.wanted.name));
        gone.sort();
        (pairs, gone)
    }

    /// What the present configuration asks for under this name, its folders looked into.
    fn wanted_one(&self, name: &Name, present: Option<&ZoneEntry>) -> Option<Wanted> {
        let single = present.filter(|entry| !matches!(entry.origin.source, Source::Folder(_)));
        let origin =
            match single {
                Some(entry) => &entry.origin,
                None => self.sources.folders.iter().find(|origin| {
                    origin.file(name).is_some_and(|file| fs::symlink_metadata(file).is_ok())
                })?,
            };
        Some(Wanted { name: name.clone(), origin: Arc::clone(origin) })
    }

    fn read_pairs(&mut self, pairs: &mut [Pair], strictness: Strictness) {
        if let Some(mut early) = self.early.zones.take() {
            for pair in pairs.iter_mut() {
                pair.read = early.take(&pair.wanted);
            }
        }
        let mut open: Vec<&mut Pair> =
            pairs.iter_mut().filter(|pair| pair.read.is_none() && !pair.stays(strictness)).collect();
        let read = read_all(&open.iter().map(|pair| &pair.wanted).collect::<Vec<_>>());
        for (pair, read) in open.iter_mut().zip(read) {
            pair.read = read;
        }
    }
}

/// Every zone that is to be there, and the names of those that are no more.
fn all(config: &Config, snapshot: &Snapshot, errors: &mut Vec<String>) -> (Vec<Pair>, Vec<Name>, Sources) {
    let (wanted, sources) = wanted_zones(config, errors);
    let pairs: Vec<Pair> = wanted
        .into_iter()
        .map(|wanted| {
            let present = snapshot.zone_at(&wanted.name).cloned();
            Pair { wanted, present, read: None }
        })
        .collect();
    let kept: HashSet<&Name> =
        pairs.iter().filter(|pair| pair.present.is_some()).map(|pair| &pair.wanted.name).collect();
    let mut gone = Vec::new();
    if kept.len() < snapshot.zones.len() {
        let names = snapshot.zones.iter().map(|(_, entry)| entry.zone.name());
        gone.extend(names.filter(|name| !kept.contains(name)).cloned());
    }
    (pairs, gone, sources)
}

fn next_zones(pairs: Vec<Pair>, gone: Vec<Name>, sources: Option<Sources>, snapshot: &Snapshot) -> ZonesPlan {
    let mut changed: HashMap<Name, Option<ZoneEntry>> =
        gone.iter().map(|name| (name.clone(), None)).collect();
    let (mut entries, mut read) = (Vec::new(), Vec::new());
    let (all, mut differs) = (sources.is_some(), !gone.is_empty());
    for pair in pairs {
        let (entry, other) = Pair::entry(&pair.wanted, pair.present.as_ref());
        differs |= other;
        if all {
            entries.push(entry.clone());
        } else if other {
            changed.insert(pair.wanted.name, Some(entry.clone()));
        }
        read.extend(pair.read.map(|read| (entry, read)));
    }
    let table = differs.then(|| {
        if !all {
            return snapshot.zones.with(changed);
        }
        // In the order of their names.
        Table::build(entries.into_iter().map(|entry| (entry.zone.name().clone(), entry)))
    });
    ZonesPlan { read, table, sources, gone }
}

/// Serves what was read from now on. Gives what was served until now.
pub(super) fn publish_zone(entry: &ZoneEntry, read: Read) -> Option<Arc<Contents>> {
    match read {
        Ok(ready) => {
            for warning in &ready.warnings {
                tracing::warn!("{warning}");
            }
            entry.zone.publish(ready.contents, ready.file, ready.included, ready.expires)
        }
        Err(refused) => {
            for problem in &refused.problems {
                tracing::error!("{problem}");
            }
            let trouble = refused.problems.first().cloned().unwrap_or_default();
            entry.zone.fail(Trouble(trouble.into()), refused.file);
            None
        }
    }
}

fn describe_all(
    pairs: &[Pair],
    gone: &[Name],
    strictness: Strictness,
    errors: &mut Vec<String>,
) -> Vec<Change> {
    let mut changes = Vec::new();
    for pair in pairs {
        changes.extend(describe(pair));
        if strictness != Strictness::Start
            && let Some(Err(refused)) = &pair.read
        {
            errors.extend(refused.problems.iter().cloned());
        }
    }
    changes.extend(gone.iter().map(|name| Change(format!("zone {name}: removed"))));
    changes
}

fn describe(pair: &Pair) -> Option<Change> {
    let name = &pair.wanted.name;
    match (&pair.present, &pair.read) {
        (None, Some(Ok(ready))) => {
            Some(Change(format!("zone {name}: added, serial {}", ready.contents.serial())))
        }
        (None, _) => Some(Change(format!("zone {name}: added, but not loaded"))),
        (Some(old), Some(Ok(ready))) => {
            let serial = old.zone.contents().map(|contents| contents.serial());
            let from = serial.map_or_else(|| "none".to_owned(), |serial| serial.to_string());
            let new = ready.contents.serial();
            Some(Change(format!("zone {name}: loaded anew, serial {from} -> {new}")))
        }
        (Some(_), _) => None,
    }
}
