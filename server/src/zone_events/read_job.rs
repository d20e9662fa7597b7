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
    /// Its files as they were when they were found incomplete. Not read while one of them is open.
    pub(super) seen: Vec<FileRead>,
}

/// A zone with a file that is not complete.
#[derive(Debug)]
pub(super) struct IncompleteZone {
    pub(super) file: PathBuf,
    /// Whether a program is known to have it open.
    pub(super) is_open: bool,
    /// All files, as they were before they were read.
    pub(super) files: Vec<FileRead>,
}

/// What reading a zone gave.
#[derive(Debug)]
pub(super) enum ZoneReadOutcome {
    /// What its files say.
    Read(ZoneRead),
    /// Its files are what they were.
    Unchanged,
    /// A file is not complete.
    Incomplete(IncompleteZone),
    /// The file was given up as one that does not respond, and now it has.
    Late,
}
