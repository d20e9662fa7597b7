//! Zones read at once by the caller: before privileges are given up, and for `rhumb check`.

use std::collections::HashMap;
use std::iter::Peekable;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;
use std::vec::IntoIter;

use rhumb_config::ServerConfig;
use rhumb_wire::DomainName;

use super::configured::{ConfiguredZone, configured_zones};
use super::load::{ZoneRead, files_read, load, own_mark};
use crate::snapshot::{CONFIRM, FileRead, ZoneFile, early_writer};

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

/// What was found of zones before privileges were given up.
#[derive(Debug)]
pub struct PreloadedZones {
    /// Those that were read, by name.
    read: Peekable<IntoIter<(ConfiguredZone, ZoneRead)>>,
    /// Files that changed a moment ago and had no writer any more.
    at_rest: HashMap<DomainName, Vec<FileRead>>,
}

impl Default for PreloadedZones {
    fn default() -> Self {
        Self { read: Vec::new().into_iter().peekable(), at_rest: HashMap::new() }
    }
}

impl PreloadedZones {
    /// Reads nothing, but looks which files are complete: later the kernel tells so of the user's own files alone.
    pub fn look_at(config: &ServerConfig) -> Self {
        let now = SystemTime::now();
        let at_rest = configured_zones(config).zones.into_iter().filter_map(|zone| {
            let file = FileRead::now(zone.file()?);
            let is_at_rest = file.changed_within(CONFIRM, now) && early_writer(&file) == Some(false);
            is_at_rest.then(|| (zone.name, vec![file]))
        });
        Self { at_rest: at_rest.collect(), ..Self::default() }
    }

    /// Reads every zone that `config` names, on this thread, but those whose files are being written. What is wrong with the
    /// configuration is found again by the plan.
    pub fn read(config: &ServerConfig) -> Self {
        let with_file = |zone: &ConfiguredZone| zone.origin.source != ZoneFile::Primaries;
        let zones = configured_zones(config).zones.into_iter().filter(with_file).filter_map(|zone| {
            let read = load(&zone.name, zone.file().as_deref(), &zone.origin.reading);
            let is_open = files_read(&read).iter().any(|file| early_writer(file) == Some(true));
            (!is_open).then_some((zone, read))
        });
        Self { read: zones.collect::<Vec<_>>().into_iter().peekable(), ..Self::default() }
    }

    /// The files that are known to be complete as they were.
    pub(super) fn take_at_rest(&mut self) -> HashMap<DomainName, Vec<FileRead>> {
        std::mem::take(&mut self.at_rest)
    }

    /// What the file of this zone gave, if it is what it was then. Zones have to be asked for in the order of their names.
    pub(super) fn take(&mut self, zone: &ConfiguredZone) -> Option<ZoneRead> {
        while self.read.next_if(|(other, _)| other.name < zone.name).is_some() {}
        let (other, read) = self.read.next_if(|(other, _)| other.name == zone.name)?;
        let mark = own_mark(files_read(&read));
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

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::io::Write;

    use super::*;

    #[test]
    fn files_without_a_writer_are_known_to_be_complete() {
        let folder = std::env::temp_dir().join(format!("rhumb-preload-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (closed, open) = (folder.join("closed"), folder.join("open"));
        fs::write(&closed, "").unwrap();
        let mut writer = File::create(&open).unwrap();
        writer.write_all(b"; half").unwrap();
        let text = "zones: [{ name: closed.test, file: closed }, { name: open.test, file: open }, { name: no.test, file: no }]\n";
        let config = rhumb_config::parse(text, &folder.join("x.yaml")).unwrap();
        let at_rest = PreloadedZones::look_at(&config).take_at_rest();
        // Not every file system tells.
        if rhumb_net::has_writer(&closed).is_some() {
            let expected = HashMap::from([("closed.test".parse().unwrap(), vec![FileRead::now(closed)])]);
            assert_eq!(at_rest, expected);
        }
        drop(writer);
        fs::remove_dir_all(folder).unwrap();
    }
}
