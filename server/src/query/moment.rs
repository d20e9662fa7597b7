//! The state of the server at the moment of one query, or of a batch of them.

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use rhumb_cache::Cache;

use crate::snapshot::{Live, Snapshot};

/// What a query is answered by: the snapshot, the cache, and the time.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'m> {
    /// Settings, access, zones and routes.
    pub snapshot: &'m Arc<Snapshot>,
    /// What was learnt from upstreams.
    pub cache: &'m Cache,
    /// Seconds of a clock that never goes back.
    pub now: u32,
    /// Microseconds of the same clock.
    pub micros: u64,
}

impl<'m> Moment<'m> {
    /// The moment at which queries came in.
    #[inline]
    pub fn of(live: &'m Live, snapshot: &'m Arc<Snapshot>, begun: Instant) -> Self {
        let micros = live.clock.micros_at(begun);
        Self { snapshot, cache: &live.cache, now: (micros / 1_000_000) as u32, micros }
    }
}

/// Seconds since 1970, for cookies, whose time other servers share. They wrap in the year 2106.
pub(super) fn unix_seconds() -> u32 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as u32)
}
