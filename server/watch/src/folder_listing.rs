//! A folder being listed, over several turns of the following thread.

use std::fs::{self, DirEntry, ReadDir};
use std::path::Path;
use std::time::Duration;

use super::file_signature::FileStamp;
use super::link_targets::LinkTargets;

/// What has been found so far.
pub(super) struct FolderListing {
    /// `None`: it cannot be listed, or not to its end.
    entries: Option<ReadDir>,
    /// The folder's stamp before it was listed.
    pub(super) stamp: Option<FileStamp>,
    /// Whether every file is compared.
    pub(super) every: bool,
    /// The ways that symlinks lead.
    pub(super) targets: LinkTargets,
    /// Time spent on it.
    pub(super) spent: Duration,
}

impl FolderListing {
    /// Opens the folder.
    pub(super) fn begin(folder: &Path, every: bool) -> Self {
        let stamp = fs::metadata(folder).ok().as_ref().map(FileStamp::of);
        let entries = stamp.and_then(|_| fs::read_dir(folder).ok());
        Self { entries, stamp, every, targets: LinkTargets::default(), spent: Duration::ZERO }
    }

    /// The next name.
    pub(super) fn next(&mut self) -> Option<DirEntry> {
        let next = self.entries.as_mut()?.next()?.ok();
        if next.is_none() {
            self.entries = None;
        }
        next
    }

    /// Once there is no next name: whether all were listed.
    pub(super) const fn whole(&self) -> bool {
        self.entries.is_some()
    }

    /// The folder's device.
    pub(super) fn device(&self) -> u64 {
        self.stamp.map_or(0, |stamp| stamp.device())
    }
}
