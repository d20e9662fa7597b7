//! What `status` tells of following the configuration.

use std::path::PathBuf;
use std::time::SystemTime;

use crate::metrics::ReloadResult;

/// How the last reload went.
#[derive(Debug, Clone)]
pub struct LastReload {
    /// When.
    pub when: SystemTime,
    /// How.
    pub result: ReloadResult,
    /// Every error, where it failed.
    pub errors: Vec<String>,
}

/// A list of upstreams.
#[derive(Debug, Clone)]
pub struct ListFact {
    /// Its file.
    pub path: PathBuf,
    /// How many upstreams it gives.
    pub upstreams: usize,
    /// Why the last good list was kept, if it was.
    pub kept: Option<String>,
}

/// Everything at one moment.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// How the last reload went; none since the start.
    pub last_reload: Option<LastReload>,
    /// The lists of upstreams.
    pub lists: Vec<ListFact>,
    /// The listeners: address, transport, threads.
    pub listeners: Vec<(String, &'static str, usize)>,
    /// What an operator should look at.
    pub warnings: Vec<String>,
}
