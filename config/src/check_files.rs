//! Whether the files that a configuration names are there and can be read.

use std::fs;
use std::path::Path;

use crate::config::Config;
use crate::errors::{Error, Place};
use crate::node::Spot;
use crate::positions::{Position, Positions};
use crate::sections::{UpstreamSource, ZoneSource};

/// Looks at every zone file, zone directory and upstream file: an error for each that is missing, of another kind,
/// or unreadable to this process. The contents are not judged. [`load`](crate::load) does this too.
///
/// The errors carry the place of the entry that names the file.
pub fn check_files(config: &Config) -> Vec<Error> {
    check(config, &Positions::of_config(config))
}

/// The same with the exact places of the file's tree.
pub(crate) fn check(config: &Config, positions: &Positions) -> Vec<Error> {
    let mut errors = Vec::new();
    for zone in &config.zones {
        let (key, complaint) = match zone {
            ZoneSource::File { file, .. } => ("file", readable_file(file, "a zone file")),
            ZoneSource::Directory { path, .. } => ("directory", readable_folder(path)),
            ZoneSource::BuiltIn { .. } => continue,
        };
        if let Some(message) = complaint {
            let position = positions.zone(zone.place());
            errors.push(error(zone.place(), position, format!("zones[{}].{key}", position.index), message));
        }
    }
    for forward in &config.forward {
        let entry = positions.forward(&forward.place).index;
        for upstream in &forward.upstreams {
            let (key, complaint) = match upstream {
                UpstreamSource::Server(..) => continue,
                UpstreamSource::List(path, _) => ("list", readable_file(path, "a list of upstreams")),
                UpstreamSource::ResolvConf(path, _) => {
                    ("resolv-conf", readable_file(path, "a file in the form of resolv.conf"))
                }
            };
            if let Some(message) = complaint {
                let position = positions.upstream(upstream.place());
                let path = format!("forward[{entry}].upstreams[{}].{key}", position.index);
                errors.push(error(upstream.place(), position, path, message));
            }
        }
    }
    errors
}

fn error(place: &Place, position: Position, key: String, message: String) -> Error {
    let Spot { line, column } = position.value;
    Error { place: Place { file: place.file.clone(), line, column }, key, message }
}

/// What is wrong with a file that should be regular and readable. Nothing but a regular file is opened: a pipe would
/// hold the caller up.
fn readable_file(path: &Path, accepted: &str) -> Option<String> {
    let shown = path.display();
    match fs::metadata(path) {
        Err(error) => Some(format!("`{shown}` cannot be read: {error}; accepted: {accepted} that exists")),
        Ok(found) if !found.is_file() => Some(format!("`{shown}` is not a file; accepted: {accepted}")),
        Ok(_) => fs::File::open(path).err().map(|error| {
            format!("`{shown}` cannot be read: {error}; accepted: {accepted} that this user may read")
        }),
    }
}

fn readable_folder(path: &Path) -> Option<String> {
    let shown = path.display();
    match fs::read_dir(path) {
        Ok(_) => None,
        Err(error) => Some(format!(
            "`{shown}` cannot be read: {error}; accepted: a folder that exists, with NAME.zone files"
        )),
    }
}
