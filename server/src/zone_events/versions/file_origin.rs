//! What a file makes of a zone.

use std::sync::Arc;

use rhumb_zones::journal::ChangeCause;
use rhumb_zones::{VersionOrigin, ZoneContents};

use crate::zone_events::state::StateVersion;
use crate::zone_events::wall_clock::unix_time;

/// What a file makes of a zone.
pub(super) struct FileVersion {
    /// What is to be written.
    pub(super) version: Option<StateVersion>,
    /// What is noted of the file.
    pub(super) note: Option<Arc<ZoneContents>>,
}

/// By the file.
pub(in crate::zone_events) fn file_origin() -> VersionOrigin {
    VersionOrigin { cause: ChangeCause::File, time: unix_time(), who: "".into() }
}
