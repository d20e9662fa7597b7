//! The files of the state, by their numbers.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::folder::StateFolder;

/// A file of the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum StateFile {
    /// A log, counted from the first on.
    Log(u64),
    /// The file of a large zone, by the sequence of the record that ends it.
    Zone(u64),
}

impl StateFile {
    /// Where it is.
    pub(super) fn path(self, folder: &StateFolder) -> PathBuf {
        match self {
            Self::Log(number) => folder.logs().join(format!("{number:016x}.log")),
            Self::Zone(number) => folder.zones().join(format!("{number:016x}.zone")),
        }
    }

    /// Removes it. What is left behind is of no use, and found again at the next start.
    pub(super) fn remove(self, folder: &StateFolder) {
        let path = self.path(folder);
        if let Err(error) = fs::remove_file(&path) {
            tracing::warn!("{}: {error}", path.display());
        }
    }
}

/// Has the disk take the names in a folder.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// The files of a folder that are called by a number and this ending, in order; those that were not finished are removed.
pub(super) fn numbered_files(folder: &Path, ending: &str) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let (stem, found) = (path.file_stem().and_then(OsStr::to_str), path.extension());
        if found == Some(OsStr::new("part")) {
            fs::remove_file(&path)?;
        } else if let Some(stem) = stem.filter(|_| found == Some(OsStr::new(ending))) {
            numbers.extend(u64::from_str_radix(stem, 16).ok());
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}
