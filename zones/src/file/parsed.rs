//! What comes of reading a zone.

use std::path::PathBuf;

use super::problem::FileProblem;
use crate::contents::ZoneContents;

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
