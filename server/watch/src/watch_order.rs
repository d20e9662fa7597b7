//! Messages to the following thread.

use std::sync::mpsc::SyncSender;

use super::followed_path::FollowedPath;

/// What the following thread is asked to do.
pub(super) enum WatchOrder {
    /// Follow these and no others; reply when the first look at each is done.
    Follow(Vec<FollowedPath>, SyncSender<()>),
    /// Report at once what changed; reply whether that is all for every folder.
    Look(SyncSender<bool>),
    Stop,
}
