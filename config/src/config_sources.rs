//! The files that a configuration is made of.

use std::path::PathBuf;

use crate::include_pattern::IncludePattern;

/// The files that a configuration is made of, and the folders in which more may come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigSources {
    /// The file itself, and those that are included, also those that are missing or wrong.
    pub files: Vec<PathBuf>,
    /// Folders, and which files in them are included.
    pub folders: Vec<(PathBuf, IncludePattern)>,
}
