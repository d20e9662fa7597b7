//! What is reported.

use std::ffi::OsString;
use std::path::PathBuf;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchEvent {
    /// The file differs from before: written, replaced, gone, back, readable or unreadable. Path as followed.
    FileChanged(PathBuf),
    /// Files of a followed folder came, went or changed.
    FolderChanged {
        /// The folder as followed.
        path: PathBuf,
        /// Their names in the folder. Empty: it has to be listed anew, for it came or went, or files did of which only the
        /// number is known.
        names: Vec<OsString>,
    },
    /// The file can no longer change: what is mounted here was replaced on the host. Reported once.
    Stale {
        /// The file as followed.
        path: PathBuf,
        /// What was seen and what to do about it.
        reason: String,
    },
}
