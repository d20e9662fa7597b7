//! Following files and folders through symbolic links. It knows nothing of what is in them.
//!
//! Two ways at once. inotify on every folder that the path passes, symlinks included, finds a change within a
//! tenth of a second; comparing what the path leads to every few seconds finds it where inotify sees nothing
//! (network and FUSE mounts, files bound into a container). Either way alone is enough.
//!
//! A file is not reported while its writer has it open. inotify reports when it is closed; where it does not, two looks
//! half a second apart have to find the same.

mod event_queue;
mod file_follower;
mod file_signature;
mod file_watch;
mod folder_contents;
mod folder_entries;
mod folder_events;
mod folder_listing;
mod followed_file;
mod followed_folder;
mod followed_path;
mod link_chain;
mod link_targets;
mod local_folder;
mod name_pattern;
mod needed_folders;
mod open_writers;
#[cfg(test)]
mod tests;
mod touched_paths;
mod unreported_changes;
mod watch_event;
mod watch_order;
mod watched_folders;
mod writer_hold;

pub use file_follower::FileFollower;
pub use file_watch::FileWatch;
pub use followed_path::FollowedPath;
pub use name_pattern::NamePattern;
pub use open_writers::{OpenWriters, WriterState};
pub use watch_event::WatchEvent;
