//! What the thread of versions knows.

use std::collections::HashSet;
use std::sync::Arc;

use rhumb_wire::DomainName;
use rhumb_zones::ZoneContents;

use super::recent_updates::RecentUpdates;
use crate::snapshot::{ServerState, ZoneEntry};
use crate::zone_events::state::StateStore;

/// Takes a zone that has a new version, and the contents that it had.
pub(super) type ReplacedZone = Box<dyn Fn(ZoneEntry, Option<Arc<ZoneContents>>) + Send>;

/// What the thread knows.
pub(super) struct VersionThread {
    pub(super) live: Arc<ServerState>,
    pub(super) store: Option<StateStore>,
    pub(super) replaced: ReplacedZone,
    pub(super) recent_updates: RecentUpdates,
    /// Zones that are served as they could not be kept: they are kept whole the next time.
    pub(super) unkept: HashSet<DomainName>,
}
