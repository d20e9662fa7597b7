//! `rhumb check` and `rhumb check-zone`: read everything a start would read, and tell every error.

use std::path::{Path, PathBuf};

use rhumb_config::ServerConfig;
use rhumb_wire::DomainName;
use rhumb_zones::file::ZoneReadOptions;

use super::privilege;
use super::start_error::{StartError, read_config};
use crate::forwarding::{check_lists, check_trust};
use crate::listen::check_certificates;
use crate::operator::show::counted;
use crate::reload::{check_local_root, overlaps};
use crate::zone_events::{self, check_zones};

/// Reads the configuration, the zones and the lists. Gives the warnings and what was found good, in words.
///
/// Errors: all of them, each with its place.
pub fn check(path: Option<&Path>) -> Result<(Vec<String>, String), StartError> {
    let config: ServerConfig = read_config(path, rhumb_config::load_with_zones)?;
    let mut warnings: Vec<String> = config.warnings.iter().map(ToString::to_string).collect();
    let (zones, of_zones, mut errors) = check_zones(&config);
    let (of_lists, wrong_lists) = check_lists(&config);
    errors.extend(wrong_lists);
    let (of_trust, wrong_trust) = check_trust(&config);
    errors.extend(wrong_trust);
    let (of_root, wrong_root) = check_local_root(&config);
    errors.extend(wrong_root);
    let (of_certificates, wrong_certificates) = check_certificates(&config);
    errors.extend(wrong_certificates);
    if !errors.is_empty() {
        return Err(StartError::Configuration(errors));
    }
    warnings.extend(check_host(&config));
    warnings.extend(overlaps(zones.iter().map(DomainName::as_ref), &config));
    warnings
        .extend(of_zones.into_iter().chain(of_lists).chain(of_trust).chain(of_certificates).chain(of_root));
    let file =
        config.file.as_ref().map_or_else(|| "built-in default".into(), |file| file.display().to_string());
    let told = format!(
        "{file}: good; {}, {}, {}",
        counted(config.listen.len() as u64, "listener", "listeners"),
        counted(zones.len() as u64, "zone", "zones"),
        counted(config.forward.len() as u64, "forwarded domain", "forwarded domains")
    );
    Ok((warnings, told))
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

/// Reads one zone file, which may include files from its own folder and `include_folders`. Gives its warnings and what it holds, in words.
///
/// Errors: all of them, each with its place.
pub fn check_zone(
    origin: &str,
    file: &Path,
    include_folders: Vec<PathBuf>,
) -> Result<(Vec<String>, String), StartError> {
    let name: DomainName = origin
        .parse()
        .map_err(|error| StartError::Configuration(vec![format!("`{origin}` is no zone name: {error}")]))?;
    match zone_events::load_to_check(
        &name,
        file,
        &ZoneReadOptions { include_folders, ..ZoneReadOptions::default() },
    ) {
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
            Ok((ready.warnings, told))
        }
        Err(refused) => Err(StartError::Configuration(refused.problems)),
    }
}
