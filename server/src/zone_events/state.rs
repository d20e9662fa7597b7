//! Versions of zones on the disk: one log for all zones, and a file for each large one.
//!
//! A version is on the disk before it is served. One thread at a time writes: it takes all that waits, writes it at once, has the disk
//! take it (fdatasync(2)) and tells all who waited. A thread that waits for the disk anyway does so itself. A log of 64 MiB is followed by
//! the next. What is no longer the last version of a zone is left behind: once half of the logs is, the oldest are written anew and
//! removed (`compaction`). A large zone that comes whole is written to a file of its own, which is its own commitment: synced, renamed,
//! its folder synced.

mod checkpoint;
mod compaction;
mod encode;
mod files;
mod folder;
mod frozen;
mod index;
mod log;
mod log_writer;
mod read;
mod scan;
mod shared;
mod signatures;
mod state_error;
mod store;
mod writer;

pub(super) use encode::{StateChange, StateVersion};
pub use folder::{StateFolder, StateFolderError};
pub(super) use frozen::{read_frozen, write_frozen};
pub(super) use signatures::MOST_SIGNATURES;
pub(super) use state_error::StateError;
pub(super) use store::PendingWrite;
pub use store::StateStore;
