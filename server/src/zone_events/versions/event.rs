//! What the thread of versions is asked to do.

use rhumb_wire::DomainName;
use tokio::sync::oneshot;

use crate::snapshot::ZoneEntry;
use crate::zone_events::outcome::{FileOutcome, PlannedRead};

/// What the thread is asked to do.
pub(in crate::zone_events) enum VersionEvent {
    /// Dynamic updates wait.
    Updates,
    /// Files of zones that are kept were read.
    Files(Vec<PlannedRead>, FilesDone),
    /// An operator asks for something.
    Command(VersionCommand, VersionReply),
}

/// What came of a zone whose file was read.
#[derive(Debug)]
pub(in crate::zone_events) struct PublishedFile {
    pub(in crate::zone_events) entry: ZoneEntry,
    pub(in crate::zone_events) outcome: FileOutcome,
}

/// Takes what came of files that come into force together.
pub(super) type FilesDone = Box<dyn FnOnce(Vec<PublishedFile>) + Send>;

/// What an operator asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionCommand {
    /// The zone gets this serial, or the next one on the way to it.
    SetSerial(DomainName, u32),
    /// Updates are refused.
    Freeze(DomainName),
    /// They are taken again.
    Thaw(DomainName),
}

impl VersionCommand {
    /// The zone.
    pub(super) const fn zone(&self) -> &DomainName {
        match self {
            Self::SetSerial(zone, _) | Self::Freeze(zone) | Self::Thaw(zone) => zone,
        }
    }
}

/// Takes what was done, or what is wrong.
pub(in crate::zone_events) type VersionReply = oneshot::Sender<Result<String, String>>;
