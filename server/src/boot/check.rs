//! `rhumb check` and `rhumb check-zone`: read everything a start would read, and tell every error.

use std::path::{Path, PathBuf};

use rhumb_config::ServerConfig;
use rhumb_wire::DomainName;
use rhumb_zones::file::ZoneReadOptions;

use super::privilege;
use super::start_error::{StartError, in_words, read_config_warning};
use crate::forwarding::{check_lists, check_trust};
use crate::listen::check_certificates;
use crate::operator::show::counted;
use crate::reload::{check_local_root, overlaps};
use crate::zone_events::{self, check_zones};

/// What a check found.
#[derive(Debug)]
pub struct CheckReport {
    /// What is worth a look, with its place.
    pub warnings: Vec<String>,
    /// What was found good, in words; or all errors, each with its place.
    pub verdict: Result<String, StartError>,
}

/// Reads the configuration, the zones and the lists.
pub fn check(path: Option<&Path>) -> CheckReport {
    let mut warnings = Vec::new();
    let verdict = read_config_warning(path, rhumb_config::load_with_zones, &mut warnings)
        .and_then(|config| check_all(&config, &mut warnings));
    CheckReport { warnings, verdict }
}

/// Checks what a configuration names. Gives what was found good. Errors: all of them.
fn check_all(config: &ServerConfig, warnings: &mut Vec<String>) -> Result<String, StartError> {
    warnings.extend(in_words(&config.warnings));
    let (zones, of_zones, mut errors) = check_zones(config);
    let (of_lists, wrong_lists) = check_lists(config);
    errors.extend(wrong_lists);
    let (of_trust, wrong_trust) = check_trust(config);
    errors.extend(wrong_trust);
    let (of_root, wrong_root) = check_local_root(config);
    errors.extend(wrong_root);
    let (of_certificates, wrong_certificates) = check_certificates(config);
    errors.extend(wrong_certificates);
    warnings.extend(check_host(config));
    warnings.extend(overlaps(zones.iter().map(DomainName::as_ref), config));
    warnings
        .extend(of_zones.into_iter().chain(of_lists).chain(of_trust).chain(of_certificates).chain(of_root));
    if !errors.is_empty() {
        return Err(StartError::Configuration(errors));
    }
    let file =
        config.file.as_ref().map_or_else(|| "built-in default".into(), |file| file.display().to_string());
    Ok(format!(
        "{file}: good; {}, {}, {}",
        counted(config.listen.len() as u64, "listener", "listeners"),
        counted(zones.len() as u64, "zone", "zones"),
        counted(config.forward.len() as u64, "forwarded domain", "forwarded domains")
    ))
}

/// What the configuration asks of this host and the host does not have, in words.
fn check_host(config: &ServerConfig) -> Vec<String> {
    let Some(file) = &config.file else { return Vec::new() };
    let user = config.user.as_deref().and_then(privilege::fault_of_user);
    let user = user.map(|fault| format!("{}: user: {fault}; a start as root fails", file.display()));
    let group = config.control.read_group.as_deref().map(privilege::find_group);
    let group = group.and_then(Result::err);
    let group = group.map(|fault| format!("{}: control.read-group: {fault}; a start fails", file.display()));
    user.into_iter().chain(group).collect()
}

/// Reads one zone file, which may include files from its own folder and `include_folders`.
pub fn check_zone(name: &DomainName, file: &Path, include_folders: Vec<PathBuf>) -> CheckReport {
    let options = ZoneReadOptions { include_folders, ..ZoneReadOptions::default() };
    match zone_events::load_to_check(name, file, &options) {
        Ok(ready) => {
            let contents = ready.contents;
            let left_out = match ready.left_out {
                0 => String::new(),
                count => format!(", {count} left out"),
            };
            let told = format!(
                "zone {name}: good; serial {}, {} records{left_out}",
                contents.serial(),
                contents.record_count()
            );
            CheckReport { warnings: ready.warnings, verdict: Ok(told) }
        }
        Err(refused) => {
            CheckReport { warnings: Vec::new(), verdict: Err(StartError::Configuration(refused.problems)) }
        }
    }
}
