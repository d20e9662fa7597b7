//! Zones read at once by the caller: before privileges are given up, and for `rhumb check`.

use std::iter::Peekable;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::vec::IntoIter;

use rhumb_config::ServerConfig;
use rhumb_wire::DomainName;

use super::configured::{ConfiguredZone, configured_zones};
use super::load::{ZoneRead, load, own_mark};
use crate::snapshot::ZoneFile;

/// Reads zones on as many threads as there are cores. What each gave, in their order; none where a thread panicked.
fn read_all(zones: &[ConfiguredZone]) -> Vec<Option<ZoneRead>> {
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get).min(zones.len());
    let next = AtomicUsize::new(0);
    let mut read = Vec::new();
    read.resize_with(zones.len(), || None);
    let done = Mutex::new(read);
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(zone) = zones.get(at) else { return };
            if zone.origin.source == ZoneFile::Primaries {
                continue;
            }
            let read = load(&zone.name, zone.file().as_deref(), &zone.origin.reading);
            if let Some(slot) = done.lock().unwrap_or_else(PoisonError::into_inner).get_mut(at) {
                *slot = Some(read);
            }
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

/// Zones that were read before privileges were given up, by name.
#[derive(Debug)]
pub struct PreloadedZones(Peekable<IntoIter<(ConfiguredZone, ZoneRead)>>);

impl Default for PreloadedZones {
    fn default() -> Self {
        Self(Vec::new().into_iter().peekable())
    }
}

impl PreloadedZones {
    /// Reads every zone that `config` names, on this thread. What is wrong with the configuration is found again by the plan.
    pub fn read(config: &ServerConfig) -> Self {
        let with_file = |zone: &ConfiguredZone| zone.origin.source != ZoneFile::Primaries;
        let zones = configured_zones(config).zones.into_iter().filter(with_file).map(|zone| {
            let read = load(&zone.name, zone.file().as_deref(), &zone.origin.reading);
            (zone, read)
        });
        Self(zones.collect::<Vec<_>>().into_iter().peekable())
    }

    /// What the file of this zone gave, if it is what it was then. Zones have to be asked for in the order of their names.
    pub(super) fn take(&mut self, zone: &ConfiguredZone) -> Option<ZoneRead> {
        while self.0.next_if(|(other, _)| other.name < zone.name).is_some() {}
        let (other, read) = self.0.next_if(|(other, _)| other.name == zone.name)?;
        let mark = match &read {
            Ok(loaded) => own_mark(&loaded.files),
            Err(refusal) => own_mark(&refusal.files),
        };
        let file = zone.file();
        let current = other.file() == file && file.is_none_or(|file| mark.is_current(&file));
        current.then_some(read)
    }
}

/// Reads every zone that `config` names, for `rhumb check`: their names, and what should be looked at and what is
/// wrong with them, in words.
pub fn check_zones(config: &ServerConfig) -> (Vec<DomainName>, Vec<String>, Vec<String>) {
    let configured = configured_zones(config);
    let (mut warnings, mut errors) = (configured.warnings, configured.errors);
    for read in read_all(&configured.zones) {
        match read {
            Some(Ok(loaded)) => warnings.extend(loaded.warnings),
            Some(Err(refusal)) => errors.extend(refusal.problems),
            None => {}
        }
    }
    (configured.zones.into_iter().map(|zone| zone.name).collect(), warnings, errors)
}
