//! The encrypted listeners of a configuration, without a running server.

use std::path::Path;

use rhumb_wire::DomainName;

use super::start_error::{StartError, read_config};
use crate::listen::designated_as;
use crate::snapshot::DesignatedResolver;

/// Reads the configuration, and gives the encrypted listeners whose certificates are for `name`.
///
/// Errors: the configuration, a certificate, or that there is no such listener.
pub fn encrypted_listeners(
    path: Option<&Path>,
    name: &DomainName,
) -> Result<Vec<DesignatedResolver>, StartError> {
    let config = read_config(path, rhumb_config::load)?;
    designated_as(&config, name).map_err(StartError::Configuration)
}
