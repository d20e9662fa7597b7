//! Which of the files that are followed the present user cannot read.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use rhumb_config::{CertificateSource, RootHints, ServerConfig, TrustAnchors, UpstreamSource, ZoneSource};

/// Zone files of a folder that are tried; those of one folder mostly have one owner.
const TRIED: usize = 100;

/// The first file or folder that is there and that this user may not read. One that is missing is no fault of permissions.
pub(super) fn unreadable(config: &ServerConfig) -> Option<PathBuf> {
    let mut paths: Vec<PathBuf> = config.sources.files.clone();
    paths.extend(config.keys.iter().filter_map(|key| key.secret_file.clone()));
    if let RootHints::File(path) = &config.recursion.root_hints {
        paths.push(path.clone());
    }
    if let TrustAnchors::File(path) = &config.recursion.trust_anchors {
        paths.push(path.clone());
    }
    paths.extend(config.recursion.local_root.iter().filter_map(|local| local.file.clone()));
    for source in config.forward.iter().flat_map(|forward| &forward.upstreams) {
        if let UpstreamSource::List(path, _) | UpstreamSource::ResolvConf(path, _) = source {
            paths.push(path.clone());
        }
    }
    for source in config.listen.iter().flat_map(|listen| &listen.certificates) {
        if let CertificateSource::Files { certificate, key } = source {
            paths.extend([certificate.clone(), key.clone()]);
        }
    }
    paths.extend(config.listen.iter().filter_map(|listen| listen.client_ca.clone()));
    for source in &config.zones {
        match source {
            ZoneSource::File { file, .. } => paths.push(file.clone()),
            ZoneSource::Directory { path, .. } => match std::fs::read_dir(path) {
                Ok(entries) => paths.extend(entries.flatten().take(TRIED).map(|entry| entry.path())),
                Err(error) if is_denied(&error) => return Some(path.clone()),
                Err(_) => {}
            },
            ZoneSource::Secondary(_) | ZoneSource::BuiltIn { .. } => {}
        }
    }
    paths.into_iter().find(|path| !may_read(path))
}

fn may_read(path: &Path) -> bool {
    // A pipe that has no writer would be waited for.
    match std::fs::metadata(path)
        .and_then(|found| if found.is_file() { File::open(path).map(drop) } else { Ok(()) })
    {
        Ok(()) => true,
        Err(error) => !is_denied(&error),
    }
}

fn is_denied(error: &io::Error) -> bool {
    error.kind() == ErrorKind::PermissionDenied
}
