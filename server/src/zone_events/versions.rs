//! Versions of zones that are kept: on the disk before they are served (RFC 2136 section 3.5).
//!
//! One thread makes them, of updates, of files and by commands. It alone waits for the disk: the zone thread goes on reading other zones
//! meanwhile. What comes at one time is written at one time, whatever zones it is of.

mod batch;
mod commands;
mod file_versions;
mod kept;
mod merge;
mod recent_updates;
mod thread;
mod updates;

pub use commands::VersionCommand;
pub(super) use commands::VersionReply;
pub(super) use file_versions::{FileOutcome, PublishedFile, file_origin};
pub(super) use kept::{KeptBefore, is_kept, kept_before};
pub(super) use thread::{VersionEvent, VersionThread};
