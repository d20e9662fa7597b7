//! What is followed.

use std::path::PathBuf;

use super::name_pattern::NamePattern;

/// What is followed, by the path the configuration names (relative ones start at the working folder).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum FollowedPath {
    /// One file, which need not exist.
    File(PathBuf),
    /// The files of a folder whose names match, not those of the folders within it.
    Folder(PathBuf, NamePattern),
}
