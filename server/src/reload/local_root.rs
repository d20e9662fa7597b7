//! The copy of the root zone on this host (RFC 8806): read, and followed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::UNIX_EPOCH;

use rhumb_config::ServerConfig;
use rhumb_wire::DomainName;
use rhumb_zones::file::ZoneReadOptions;

use crate::snapshot::{FileRead, LocalRootCopy, ServerState};
use crate::zone_events::{LoadedZone, load};

/// Reads the copy that `config` names, unless it is read already; without one none is used.
pub(super) fn follow(live: &ServerState, config: &ServerConfig) {
    match file_of(config) {
        None => live.local_root.set(None),
        Some(file) => {
            if live.local_root.copy().is_none_or(|copy| copy.file.as_ref() != Some(file)) {
                live.local_root.set(None);
                read_into(live, file);
            }
        }
    }
}

fn file_of(config: &ServerConfig) -> Option<&PathBuf> {
    config.recursion.local_root.as_ref()?.file.as_ref()
}

/// Reads the copy again if this is its file.
pub(super) fn file_changed(live: &ServerState, config: &ServerConfig, path: &Path) {
    if file_of(config).is_some_and(|file| file == path) {
        read_into(live, path);
    }
}

/// Reads the copy that `config` names: warnings, and what is wrong with it, in words. One that is missing may come.
pub fn check_local_root(config: &ServerConfig) -> (Vec<String>, Vec<String>) {
    let Some(file) = file_of(config) else { return Default::default() };
    if !file.exists() {
        let waited =
            format!("recursion.local-root.file: `{}` does not exist; it is waited for", file.display());
        return (vec![waited], Vec::new());
    }
    (Vec::new(), read(file).err().unwrap_or_default())
}

fn read_into(live: &ServerState, file: &Path) {
    match read(file) {
        Ok(copy) => {
            let serial = copy.contents.serial();
            tracing::info!("{}: serial {serial} of the root is at hand", file.display());
            live.local_root.set(Some(copy));
        }
        Err(problems) => {
            for problem in &problems {
                tracing::error!("local root: {problem}");
            }
            let why = problems.into_iter().next().unwrap_or_else(|| format!("{}: is wrong", file.display()));
            live.local_root.set_trouble(why);
        }
    }
}

/// Errors: what is wrong with the file, each with its place.
fn read(file: &Path) -> Result<LocalRootCopy, Vec<String>> {
    let loaded = load(&DomainName::root(), Some(file), &ZoneReadOptions::default());
    let LoadedZone { contents, files, .. } = loaded.map_err(|refused| refused.problems)?;
    if files.iter().any(FileRead::is_changing) {
        // The change is reported once it is over, and has it read again.
        return Err(vec![format!("{}: it changed while it was read", file.display())]);
    }
    let failed = |error: std::io::Error| vec![format!("{}: {error}", file.display())];
    let changed = fs::metadata(file).and_then(|found| found.modified()).map_err(failed)?;
    let changed = changed.duration_since(UNIX_EPOCH).unwrap_or_default();
    let expire = contents.soa_timers().map(|timers| timers.expire).unwrap_or_default();
    let until = changed.saturating_add(expire).as_secs();
    Ok(LocalRootCopy { file: Some(file.to_owned()), contents, until, is_bogus: AtomicBool::new(false) })
}
