//! The zones that a configuration asks for.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rhumb_config::{DigestCheck, NamedRemote, ServedTerms, ServerConfig, ZoneFilePattern, ZoneSource};
use rhumb_wire::DomainName;
use rhumb_zones::file::ZoneReadOptions;
use rhumb_zones::verify::DigestPolicy;

use super::other_files::OtherFiles;
use crate::snapshot::{
    AllowedClients, NotifyTarget, SecondaryOrigin, ZoneFile, ZoneOrigin, ZoneUpdateRule, ZoneVersioning,
    zone_of_file,
};

/// A zone that the configuration asks for.
#[derive(Debug, Clone)]
pub(super) struct ConfiguredZone {
    pub(super) name: DomainName,
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
    /// What is most likely not meant to be, with its place.
    pub(super) warnings: Vec<String>,
}

/// Lists the zones of `config`: an entry for one zone goes before a folder that holds it too, and a folder before those
/// that come after it.
pub(super) fn configured_zones(config: &ServerConfig) -> ConfiguredZones {
    let mut zones = Vec::new();
    let mut errors = Vec::new();
    let (mut unreadable, mut warnings) = (Vec::new(), Vec::new());
    let mut sources = ZoneFolders { folders: Vec::new(), plain: true };
    let origin = |entry| Arc::new(origin(entry, &config.remotes));
    for source in &config.zones {
        match source {
            ZoneSource::File { name, .. } | ZoneSource::BuiltIn { name, .. } => {
                zones.push(ConfiguredZone { name: name.clone(), origin: origin(source) });
            }
            ZoneSource::Secondary(zone) => {
                zones.push(ConfiguredZone { name: zone.name.clone(), origin: origin(source) });
            }
            ZoneSource::Directory { .. } => sources.folders.push(origin(source)),
        }
    }
    if let Some(zone) = config.recursion.local_root.as_ref().and_then(|root| root.transferred.as_deref()) {
        let source = ZoneSource::Secondary(Box::new(zone.clone()));
        zones.push(ConfiguredZone { name: zone.name.clone(), origin: origin(&source) });
    }
    for origin in &sources.folders {
        let ZoneFile::Folder(path, pattern) = &origin.source else { continue };
        let before = zones.len();
        match in_folder(path, pattern, origin, &mut zones) {
            Ok((plain, others)) => {
                sources.plain &= plain;
                warnings.extend(others.warning(path, pattern, &origin.place, zones.len() - before));
            }
            Err(error) => {
                errors.push(format!("{}: {}: {error}", origin.place, path.display()));
                unreadable.push(path.clone());
            }
        }
    }
    // Those that come first are kept: the sort is stable.
    zones.sort_by(|a, b| a.name.cmp(&b.name));
    zones.dedup_by(|later, first| later.name == first.name);
    ConfiguredZones { zones, folders: sources, unreadable, errors, warnings }
}

/// What an entry of the configuration says of its zones.
fn origin(entry: &ZoneSource, remotes: &[NamedRemote]) -> ZoneOrigin {
    let source = match entry {
        ZoneSource::File { file, .. } => ZoneFile::File(file.clone()),
        ZoneSource::Directory { path, pattern, .. } => ZoneFile::Folder(path.clone(), pattern.clone()),
        ZoneSource::Secondary(_) => ZoneFile::Primaries,
        ZoneSource::BuiltIn { .. } => ZoneFile::BuiltIn,
    };
    let served = entry.served().cloned().unwrap_or_default();
    let ServedTerms { transfer_to, notify, parent_notify, update, include_folders, versions } = served;
    let versioning = ZoneVersioning::of(&versions, !update.is_empty());
    let update = update.iter().filter_map(ZoneUpdateRule::of).collect();
    let secondary = match entry {
        ZoneSource::Secondary(zone) => Some(Box::new(SecondaryOrigin::of(zone, remotes))),
        _ => None,
    };
    let notify = NotifyTarget::of(notify.as_deref(), &transfer_to, remotes);
    let transfer_to = transfer_to.iter().filter_map(|rule| AllowedClients::of(rule, remotes)).collect();
    let reading = ZoneReadOptions { include_folders, digest: digest_policy(versions.digest) };
    let place = entry.place().clone();
    ZoneOrigin { place, source, transfer_to, notify, parent_notify, update, versioning, reading, secondary }
}

const fn digest_policy(check: DigestCheck) -> DigestPolicy {
    match check {
        DigestCheck::Verify => DigestPolicy::Verify,
        DigestCheck::Require => DigestPolicy::Require,
        DigestCheck::Ignore => DigestPolicy::Ignore,
    }
}

/// Adds the zones whose files are in a folder. A file whose name is no domain name is left alone, with a warning. Says whether
/// each is called just as its zone is, and which files are called otherwise.
fn in_folder(
    folder: &Path,
    pattern: &ZoneFilePattern,
    origin: &Arc<ZoneOrigin>,
    zones: &mut Vec<ConfiguredZone>,
) -> std::io::Result<(bool, OtherFiles)> {
    let (mut odd, mut others) = (Vec::new(), OtherFiles::default());
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        let file = Path::new(&name);
        match zone_of_file(file, pattern) {
            None => others.add(&name),
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
    Ok((plain, others))
}

/// Warns of a file that is called like a zone file, but by no zone's name.
pub(super) fn warn_of_name(path: &Path, error: &str) {
    tracing::warn!("{}: the file's name is no zone's: {error}", path.display());
}
