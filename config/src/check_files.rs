//! Whether the files that a configuration names are there and can be read; those with secrets are read.

use std::fmt::Display;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rhumb_wire::tsig::TsigAlgorithm;
use zeroize::Zeroizing;

use crate::anchor_file;
use crate::config::ServerConfig;
use crate::errors::{ConfigFinding, FilePlace};
use crate::key_file;
use crate::node::YamlPlace;
use crate::positions::{ListPosition, ListPositions};
use crate::regular_file::{FileError, open_regular_file, read_regular_file};
use crate::root_hints;
use crate::sections::{MD5_WARNING, RootHints, TrustAnchors, TsigKeyEntry, UpstreamSource, ZoneSource};

/// The most bytes of a file with a secret.
const MOST_KEY_FILE: usize = 64 << 10;

/// What the files of a configuration gave.
#[derive(Default)]
pub(crate) struct FileFindings {
    pub(crate) errors: Vec<ConfigFinding>,
    pub(crate) warnings: Vec<ConfigFinding>,
}

/// Looks at every zone file and folder: an error for each that is missing, of another kind, or unreadable to this process. The
/// contents are not judged.
pub(crate) fn zones(config: &ServerConfig, positions: &ListPositions) -> Vec<ConfigFinding> {
    let mut errors = Vec::new();
    for zone in &config.zones {
        let (key, complaint) = match zone {
            ZoneSource::File { file, .. } => {
                ("file", open_regular_file(file).err().map(|error| wrong(file, &error, "a zone file")))
            }
            ZoneSource::Directory { path, .. } => ("directory", readable_folder(path)),
            ZoneSource::Secondary(_) | ZoneSource::BuiltIn { .. } => continue,
        };
        if let Some(message) = complaint {
            let position = positions.zone(zone.place());
            errors.push(finding(zone.place(), position, format!("zones[{}].{key}", position.index), message));
        }
    }
    errors
}

/// Looks at every file of upstreams. One that is missing may come: that is a warning.
pub(crate) fn lists(config: &ServerConfig, positions: &ListPositions) -> FileFindings {
    let mut findings = FileFindings::default();
    for forward in &config.forward {
        let entry = positions.forward(&forward.place).index;
        for upstream in &forward.upstreams {
            let (key, path, accepted) = match upstream {
                UpstreamSource::Server(..) | UpstreamSource::Named(..) => continue,
                UpstreamSource::List(path, _) => ("list", path, "a list of upstreams"),
                UpstreamSource::ResolvConf(path, _) => {
                    ("resolv-conf", path, "a file in the form of resolv.conf")
                }
            };
            let Err(error) = open_regular_file(path) else { continue };
            let position = positions.upstream(upstream.place());
            let key = format!("forward[{entry}].upstreams[{}].{key}", position.index);
            let at = |message| finding(upstream.place(), position, key, message);
            if error.is_missing() {
                let message = format!("`{}` does not exist; it is waited for", path.display());
                findings.warnings.push(at(message));
            } else {
                findings.errors.push(at(wrong(path, &error, accepted)));
            }
        }
    }
    findings
}

/// Reads the servers of the root out of the file that names them.
pub(crate) fn root_hints(config: &mut ServerConfig) -> Option<ConfigFinding> {
    let RootHints::File(path) = &config.recursion.root_hints else { return None };
    match root_hints::read(path) {
        Ok(servers) => config.recursion.root_servers = servers,
        Err(error) => return Some(of_file(config, path, "recursion.root-hints", &error)),
    }
    None
}

/// Reads the trusted keys out of the file that they stand in.
pub(crate) fn trust_anchors(config: &mut ServerConfig) -> Option<ConfigFinding> {
    let TrustAnchors::File(path) = &config.recursion.trust_anchors else { return None };
    match anchor_file::read(path) {
        Ok(keys) => config.recursion.trusted_keys = keys,
        Err(error) => return Some(of_file(config, path, "recursion.trust-anchors.file", &error)),
    }
    None
}

/// What is wrong with a file that a key of the configuration names.
fn of_file(config: &ServerConfig, path: &Path, key: &str, error: &dyn Display) -> ConfigFinding {
    let file = config.file.as_deref().unwrap_or(path);
    let place = FilePlace { file: file.into(), line: 1, column: 1 };
    ConfigFinding { place, key: key.to_owned(), message: format!("`{}` {error}", path.display()) }
}

/// Reads the secrets that stand in files of their own into the keys of `config`. An error for each that cannot be had.
pub(crate) fn keys(config: &mut ServerConfig, positions: &ListPositions) -> FileFindings {
    let mut findings = FileFindings::default();
    for key in &mut config.keys {
        let Some(path) = key.secret_file.clone() else { continue };
        let position = positions.key(&key.place);
        let at = |key: &TsigKeyEntry, message| {
            finding(&key.place, position, format!("keys[{}].secret-file", position.index), message)
        };
        match read_key(key, &path) {
            Ok(()) if key.algorithm == Some(TsigAlgorithm::HmacMd5) => {
                findings.warnings.push(at(key, format!("`{}`: {MD5_WARNING}", path.display())));
            }
            Ok(()) => {}
            Err(message) => findings.errors.push(at(key, message)),
        }
    }
    findings
}

/// Reads the secret of a key, and its algorithm where the entry gives none.
fn read_key(key: &mut TsigKeyEntry, path: &Path) -> Result<(), String> {
    let (contents, found) = read_regular_file(path, MOST_KEY_FILE)
        .map_err(|error| wrong(path, &error, "a file with a secret"))?;
    let contents = Zeroizing::new(contents);
    let shown = path.display();
    let mode = found.permissions().mode() & 0o7777;
    if mode & 0o007 != 0 {
        return Err(format!(
            "`{shown}` is open to every user (mode {mode:04o}); chmod 640 and the server's group keep it closed"
        ));
    }
    let file = key_file::parse(&contents).map_err(|error| format!("`{shown}` {error}"))?;
    if let Some(name) = file.name.filter(|name| *name != key.name) {
        return Err(format!("`{shown}` has the key {name}, not {}", key.name));
    }
    match (key.algorithm, file.algorithm) {
        (Some(given), Some(found)) if given != found => {
            return Err(format!("`{shown}` has a key of {found}, the entry says {given}"));
        }
        (None, found) => key.algorithm = found,
        _ => {}
    }
    key.secret = Some(file.secret);
    Ok(())
}

fn finding(place: &FilePlace, position: ListPosition, key: String, message: String) -> ConfigFinding {
    let YamlPlace { line, column, .. } = position.value;
    ConfigFinding { place: FilePlace { file: place.file.clone(), line, column }, key, message }
}

fn wrong(path: &Path, error: &FileError, accepted: &str) -> String {
    format!("`{}` {error}; accepted: {accepted} that this user may read", path.display())
}

fn readable_folder(path: &Path) -> Option<String> {
    let error = fs::read_dir(path).err()?;
    let shown = path.display();
    Some(format!("`{shown}` cannot be read: {error}; accepted: a folder that exists, with NAME.zone files"))
}
