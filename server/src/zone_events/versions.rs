//! Versions of zones that are kept: on the disk before they are served (RFC 2136 section 3.5).
//!
//! One thread makes them, of updates, of files and by commands. It alone waits for the disk: the zone thread goes on reading other zones
//! meanwhile. What comes at one time is written at one time, whatever zones it is of.

mod base;
mod batch;
mod commands;
mod event;
mod file_origin;
mod file_versions;
pub(super) mod kept;
mod merge;
mod recent_updates;
mod run;
mod thread;
mod updates;

pub use event::VersionCommand;
pub(super) use event::{PublishedFile, VersionEvent, VersionReply};
pub(super) use file_origin::file_origin;
pub(super) use kept::{is_kept, kept_before};
pub(super) use run::start_thread;
pub use updates::UPDATE_LIMITS;
