//! The zones that a configuration asks for.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rhumb_config::{Config, Place, ZoneSource};
use rhumb_wire::Name;

use crate::snapshot::{Origin, Source, zone_of_file};

/// A zone that the configuration asks for.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) name: Name,
    pub(super) origin: Arc<Origin>,
}

impl Wanted {
    /// Its file; none for the zone of the built-in default.
    pub(super) fn file(&self) -> Option<PathBuf> {
        self.origin.file(&self.name)
    }
}

/// What asks for zones: entries for one zone each, and folders.
#[derive(Debug, Default)]
pub(in crate::reload) struct Sources {
    /// The folders, in the order of the configuration.
    pub(super) folders: Vec<Arc<Origin>>,
    /// Whether every file in the folders is called as its zone is, so that a name says it all.
    pub(super) plain: bool,
}

/// All of them by name, each once: an entry for one zone goes before a folder that holds it too, and a folder before those
/// that come after it.
pub(super) fn wanted_zones(config: &Config, errors: &mut Vec<String>) -> (Vec<Wanted>, Sources) {
    let mut wanted = Vec::new();
    let mut sources = Sources { folders: Vec::new(), plain: true };
    for source in &config.zones {
        match source {
            ZoneSource::File { name, file, place } => {
                let source = Source::File(file.clone());
                wanted.push(single(name, source, place));
            }
            ZoneSource::BuiltIn { name, place } => {
                wanted.push(single(name, Source::BuiltIn, place));
            }
            ZoneSource::Directory { path, place } => {
                let origin = Origin { place: place.clone(), source: Source::Folder(path.clone()) };
                sources.folders.push(Arc::new(origin));
            }
        }
    }
    for origin in &sources.folders {
        let Source::Folder(path) = &origin.source else { continue };
        match in_folder(path, origin, &mut wanted) {
            Ok(plain) => sources.plain &= plain,
            Err(error) => errors.push(format!("{}: {}: {error}", origin.place, path.display())),
        }
    }
    // Those that come first are kept: the sort is stable.
    wanted.sort_by(|a, b| a.name.cmp(&b.name));
    wanted.dedup_by(|later, first| later.name == first.name);
    (wanted, sources)
}

fn single(name: &Name, source: Source, place: &Place) -> Wanted {
    Wanted { name: name.clone(), origin: Arc::new(Origin { place: place.clone(), source }) }
}

/// Adds the zones whose `NAME.zone` files are in a folder. A file whose name is no domain name is left alone, with a warning.
/// Says whether each is called just as its zone is.
fn in_folder(folder: &Path, origin: &Arc<Origin>, wanted: &mut Vec<Wanted>) -> std::io::Result<bool> {
    let mut odd = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        let file = Path::new(&name);
        match zone_of_file(file) {
            None => {}
            Some(Ok((name, true))) => wanted.push(Wanted { name, origin: Arc::clone(origin) }),
            Some(Ok((name, false))) => odd.push((name, folder.join(file))),
            Some(Err(error)) => warn_of_name(&folder.join(file), &error),
        }
    }
    // After those that are called as their zone is, whatever order the folder is listed in.
    odd.sort_by(|a, b| a.1.cmp(&b.1));
    let plain = odd.is_empty();
    for (name, path) in odd {
        let origin = Origin { place: origin.place.clone(), source: Source::File(path) };
        wanted.push(Wanted { name, origin: Arc::new(origin) });
    }
    Ok(plain)
}

/// Tells of a file that is called like a zone file, but by no zone's name.
pub(super) fn warn_of_name(path: &Path, error: &str) {
    tracing::warn!("{}: the file's name is no zone's: {error}", path.display());
}
