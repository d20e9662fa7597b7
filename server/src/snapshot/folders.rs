//! Folders of zones that cannot be listed: what is served of them stays as it is.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// The folders that could not be listed when they were looked at last, each with why, its place included.
#[derive(Debug, Default)]
pub struct UnreadableFolders(Mutex<Vec<(PathBuf, String)>>);

impl UnreadableFolders {
    /// All folders were looked at, and these could not be listed. Logs each when that begins, and when it ends.
    pub fn note(&self, now: Vec<(PathBuf, String)>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, why) in now.iter().filter(|(path, _)| !known.iter().any(|(other, _)| other == path)) {
            tracing::error!("{why}; the zones of this folder stay as they are");
        }
        for (path, _) in known.iter().filter(|(path, _)| !now.iter().any(|(other, _)| other == path)) {
            tracing::info!("{}: can be read again", path.display());
        }
        *known = now;
    }

    /// Those of the last look.
    pub fn list(&self) -> Vec<(PathBuf, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
