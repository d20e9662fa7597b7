//! `rhumb check` and `rhumb check-zone`: read everything a start would read, and tell every error.

use std::path::Path;

use rhumb_config::Config;
use rhumb_wire::Name;

use super::{StartError, read_config};
use crate::forwarding::check_lists;
use crate::zone_events::{self, check_zones};

/// Reads the configuration, the zones and the lists. Gives the warnings of zones and what was found good, in words.
///
/// Errors: all of them, each with its place.
pub fn check(path: Option<&Path>) -> Result<(Vec<String>, String), StartError> {
    let config: Config = read_config(path, rhumb_config::load_with_zones)?;
    let (zones, warnings, mut errors) = check_zones(&config);
    errors.extend(check_lists(&config));
    if !errors.is_empty() {
        return Err(StartError::Configuration(errors));
    }
    let file =
        config.file.as_ref().map_or_else(|| "built-in default".into(), |file| file.display().to_string());
    let told = format!(
        "{file}: good; {} listeners, {zones} zones, {} forwarded domains",
        config.listen.len(),
        config.forward.len()
    );
    Ok((warnings, told))
}

/// Reads one zone file. Gives its warnings and what it holds, in words.
///
/// Errors: all of them, each with its place.
pub fn check_zone(origin: &str, file: &Path) -> Result<(Vec<String>, String), StartError> {
    let name: Name = origin
        .parse()
        .map_err(|error| StartError::Configuration(vec![format!("`{origin}` is no zone name: {error}")]))?;
    match zone_events::load_to_check(&name, file) {
        Ok(ready) => {
            let contents = ready.contents;
            let told = format!(
                "zone {name}: good; serial {}, {} records",
                contents.serial(),
                contents.record_count()
            );
            Ok((ready.warnings, told))
        }
        Err(refused) => Err(StartError::Configuration(refused.problems)),
    }
}
