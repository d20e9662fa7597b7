//! Reading the configuration for a start, and why a start fails.

use std::path::Path;

use rhumb_config::{ConfigErrors, ConfigFinding, ServerConfig};

use crate::zone_events::StateFolderError;

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration; each error has its place.
    #[error("{}", .0.join("\n"))]
    Configuration(Vec<String>),
    /// The system said no.
    #[error("{0}")]
    System(String),
}

impl From<StateFolderError> for StartError {
    fn from(error: StateFolderError) -> Self {
        Self::System(error.to_string())
    }
}

impl StartError {
    pub(super) fn system(what: &str) -> impl Fn(String) -> Self + '_ {
        move |error| Self::System(format!("{what}: {error}"))
    }
}

/// Reads the configuration at `path`, or the built-in default, by a way of reading.
pub(super) fn read_config(
    path: Option<&Path>,
    load: impl FnOnce(&Path) -> Result<ServerConfig, ConfigErrors>,
) -> Result<ServerConfig, StartError> {
    read_config_warning(path, load, &mut Vec::new())
}

/// The same, with the warnings that a refused configuration gets in `warnings`; one that is read has its own.
pub(super) fn read_config_warning(
    path: Option<&Path>,
    load: impl FnOnce(&Path) -> Result<ServerConfig, ConfigErrors>,
    warnings: &mut Vec<String>,
) -> Result<ServerConfig, StartError> {
    let Some(path) = path else { return Ok(rhumb_config::built_in()) };
    // The folder of a relative path would be another once the server has moved.
    let path = std::path::absolute(path).map_err(|error| StartError::System(error.to_string()))?;
    load(&path).map_err(|refused| {
        warnings.extend(in_words(&refused.warnings));
        StartError::Configuration(in_words(&refused.errors))
    })
}

/// Findings as they are shown.
pub(super) fn in_words(findings: &[ConfigFinding]) -> Vec<String> {
    findings.iter().map(ToString::to_string).collect()
}
