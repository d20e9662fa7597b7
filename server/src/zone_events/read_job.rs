//! What the reading threads are given, and what they give back.

use std::path::PathBuf;
use std::sync::Arc;

use super::configured::ConfiguredZone;
use super::load::ZoneRead;
use crate::snapshot::{FileRead, ServedZone, ZoneEntry};

/// Why a zone is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ReadReason {
    /// For a plan: its number, and the zone's place in it.
    Planned { plan: u64, index: usize },
    /// Its file changed.
    Changed { version: u32 },
}

/// A zone to be read.
#[derive(Debug, Clone)]
pub(super) struct ReadJob {
    pub(super) reason: ReadReason,
    pub(super) zone: ConfiguredZone,
    /// Not read if the files of this are what they were.
    pub(super) kept: Option<ZoneEntry>,
    /// The zone that it is to replace the contents of.
    pub(super) base: Option<Arc<ServedZone>>,
    /// Its files as they were when they were found incomplete.
    pub(super) seen: Vec<FileRead>,
}

/// What reading a zone gave.
#[derive(Debug)]
pub(super) enum ZoneReadOutcome {
    /// What its files say.
    Read(ZoneRead),
    /// Its files are what they were.
    Unchanged,
    /// A file is not complete. All files, as they were before they were read.
    Incomplete { file: PathBuf, files: Vec<FileRead> },
    /// The file was given up as one that does not respond, and now it has.
    Late,
}
