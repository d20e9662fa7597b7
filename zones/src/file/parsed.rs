//! What comes of reading a zone.

use std::path::PathBuf;

use super::problem::FileProblem;
use crate::contents::ZoneContents;

/// A zone that could not be read.
#[derive(Debug)]
pub struct UnreadZone {
    /// Everything that is wrong, and the warnings that may explain it.
    pub problems: Vec<FileProblem>,
    /// The files that were read or would have been, the zone's own first; a file that is not there by each of the paths
    /// that it was looked for at.
    pub files: Vec<PathBuf>,
}

/// A zone that was read.
#[derive(Debug)]
pub struct ParsedZone {
    /// What is to be served.
    pub contents: ZoneContents,
    /// What should be looked at.
    pub warnings: Vec<FileProblem>,
    /// How many records were left out, each with a warning: more than are among the warnings that are kept.
    pub left_out: u64,
    /// The files that were read, the zone's own first.
    pub files: Vec<PathBuf>,
}
