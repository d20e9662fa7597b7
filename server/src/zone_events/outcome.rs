//! What a plan of zones comes to.

use std::sync::Arc;

use rhumb_wire::DomainName;
use rhumb_zones::{NameTable, ZoneContents};
use tokio::sync::oneshot;

use super::configured::ZoneFolders;
use super::load::ZoneRead;
use crate::change::ChangeText;
use crate::snapshot::ZoneEntry;

/// What a plan is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanPurpose {
    /// To be put in force. Files that were found broken are read again, so that what is wrong is reported again.
    Reload,
    /// The same at the start: zones whose files are being written come later, and hold up no other.
    Start,
    /// To say what would change. Of large files that differ nothing more is said, so that the answer comes at once.
    Diff,
}

/// A zone whose file cannot be served. It keeps the contents it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenZone {
    /// The zone.
    pub name: DomainName,
    /// The serial that is served; none if nothing is.
    pub serial: Option<u32>,
    /// What is wrong, each with its place.
    pub problems: Vec<String>,
}

/// Takes what came of reading a zone again: the serial in force, or what is wrong.
pub type ZoneReadReply = oneshot::Sender<Result<u32, Vec<String>>>;

/// The zones of the next snapshot, read and not yet in force.
#[derive(Debug)]
pub struct ZonesPlan {
    /// What changes, in words.
    pub changes: Vec<ChangeText>,
    /// Zones that keep what they serve.
    pub broken: Vec<BrokenZone>,
    /// What is most likely not meant to be, with its place.
    pub warnings: Vec<String>,
    /// Zones whose files were read.
    pub read_count: usize,
    pub(super) next: NextZones,
}

/// What is done when a plan is put in force.
#[derive(Debug)]
pub(super) struct NextZones {
    pub(super) read: Vec<PlannedRead>,
    /// All zones; none: they are those that there are.
    pub(super) table: Option<NameTable<ZoneEntry>>,
    /// The folders, if all were listed.
    pub(super) folders: Option<ZoneFolders>,
    pub(super) gone: Vec<DomainName>,
}

/// What a zone's file gave, and the version that it replaces.
#[derive(Debug)]
pub(super) struct PlannedRead {
    pub(super) entry: ZoneEntry,
    pub(super) version: u32,
    pub(super) read: ZoneRead,
}

/// Whether it is in force.
#[derive(Debug)]
pub(super) enum FileOutcome {
    /// It is, or the zone keeps what it has because the file is refused: the contents that are served no more, and whether the serial is newer.
    Done { old: Option<Arc<ZoneContents>>, is_newer: bool },
    /// Something else is served than when it was read: the file has to be looked at again.
    Stale,
}
