//! The zones that a configuration asks for.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rhumb_config::{Config, FilePlace, TransferRule, ZoneSource};
use rhumb_wire::Name;

use crate::snapshot::{ZoneFile, ZoneOrigin, zone_of_file};

/// A zone that the configuration asks for.
#[derive(Debug, Clone)]
pub(super) struct ConfiguredZone {
    pub(super) name: Name,
    pub(super) origin: Arc<ZoneOrigin>,
}

impl ConfiguredZone {
    /// Its file; none for the zone of the built-in default.
    pub(super) fn file(&self) -> Option<PathBuf> {
        self.origin.file(&self.name)
    }
}

/// The folders of zones.
#[derive(Debug, Default)]
pub(super) struct ZoneFolders {
    /// In the order of the configuration.
    pub(super) folders: Vec<Arc<ZoneOrigin>>,
    /// Whether every file in them is called as its zone is, so that a name says it all.
    pub(super) plain: bool,
}

/// All zones that a configuration asks for.
#[derive(Debug)]
pub(super) struct ConfiguredZones {
    /// By name, each once.
    pub(super) zones: Vec<ConfiguredZone>,
    pub(super) folders: ZoneFolders,
    /// The folders that could not be listed.
    pub(super) unreadable: Vec<PathBuf>,
    /// What is wrong, with its place.
    pub(super) errors: Vec<String>,
}

/// Lists the zones of `config`: an entry for one zone goes before a folder that holds it too, and a folder before those
/// that come after it.
pub(super) fn configured_zones(config: &Config) -> ConfiguredZones {
    let mut zones = Vec::new();
    let mut errors = Vec::new();
    let mut unreadable = Vec::new();
    let mut sources = ZoneFolders { folders: Vec::new(), plain: true };
    for source in &config.zones {
        match source {
            ZoneSource::File { name, file, transfer_to, place } => {
                let source = ZoneFile::File(file.clone());
                zones.push(single(name, source, place, transfer_to));
            }
            ZoneSource::BuiltIn { name, place } => {
                zones.push(single(name, ZoneFile::BuiltIn, place, &[]));
            }
            ZoneSource::Directory { path, transfer_to, place } => {
                let source = ZoneFile::Folder(path.clone());
                let origin = ZoneOrigin { place: place.clone(), source, transfer_to: transfer_to.clone() };
                sources.folders.push(Arc::new(origin));
            }
        }
    }
    for origin in &sources.folders {
        let ZoneFile::Folder(path) = &origin.source else { continue };
        match in_folder(path, origin, &mut zones) {
            Ok(plain) => sources.plain &= plain,
            Err(error) => {
                errors.push(format!("{}: {}: {error}", origin.place, path.display()));
                unreadable.push(path.clone());
            }
        }
    }
    // Those that come first are kept: the sort is stable.
    zones.sort_by(|a, b| a.name.cmp(&b.name));
    zones.dedup_by(|later, first| later.name == first.name);
    ConfiguredZones { zones, folders: sources, unreadable, errors }
}

fn single(name: &Name, source: ZoneFile, place: &FilePlace, transfer_to: &[TransferRule]) -> ConfiguredZone {
    let origin = ZoneOrigin { place: place.clone(), source, transfer_to: transfer_to.to_vec() };
    ConfiguredZone { name: name.clone(), origin: Arc::new(origin) }
}

/// Adds the zones whose `NAME.zone` files are in a folder. A file whose name is no domain name is left alone, with a warning.
/// Says whether each is called just as its zone is.
fn in_folder(
    folder: &Path,
    origin: &Arc<ZoneOrigin>,
    zones: &mut Vec<ConfiguredZone>,
) -> std::io::Result<bool> {
    let mut odd = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        let file = Path::new(&name);
        match zone_of_file(file) {
            None => {}
            Some(Ok((name, true))) => zones.push(ConfiguredZone { name, origin: Arc::clone(origin) }),
            Some(Ok((name, false))) => odd.push((name, folder.join(file))),
            Some(Err(error)) => warn_of_name(&folder.join(file), &error),
        }
    }
    // After those that are called as their zone is, whatever order the folder is listed in.
    odd.sort_by(|a, b| a.1.cmp(&b.1));
    let plain = odd.is_empty();
    for (name, path) in odd {
        let origin = ZoneOrigin { source: ZoneFile::File(path), ..ZoneOrigin::clone(origin) };
        zones.push(ConfiguredZone { name, origin: Arc::new(origin) });
    }
    Ok(plain)
}

/// Warns of a file that is called like a zone file, but by no zone's name.
pub(super) fn warn_of_name(path: &Path, error: &str) {
    tracing::warn!("{}: the file's name is no zone's: {error}", path.display());
}
