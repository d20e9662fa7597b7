//! The state of the server at the moment of one query, or of a batch of them.

use std::sync::Arc;

use rhumb_cache::Cache;

use crate::snapshot::Snapshot;

/// What a query is answered by: the snapshot, the cache, and the time.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'m> {
    /// Settings, access, zones and routes.
    pub snapshot: &'m Arc<Snapshot>,
    /// What was learnt from upstreams.
    pub cache: &'m Cache,
    /// Seconds of a clock that never goes back.
    pub now: u32,
}
