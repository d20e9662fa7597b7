//! The state of the server at the moment of one query, or of a batch of them.

use std::cell::Cell;
use std::fmt;
use std::ptr;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use rhumb_cache::AnswerCache;
use rhumb_zones::ZoneContents;

use crate::snapshot::{ServedZone, ServerSnapshot, ServerState};

/// What a query is answered by: the snapshot, the cache, and the time.
pub struct QueryContext<'m> {
    /// Settings, access, zones and routes.
    pub snapshot: &'m Arc<ServerSnapshot>,
    /// What was learnt from upstreams.
    pub cache: &'m AnswerCache,
    pub(super) server: &'m ServerState,
    /// Seconds of a clock that never goes back.
    pub now: u32,
    /// Microseconds of the same clock.
    pub micros: u64,
    /// The zone that was asked last, and its contents: most queries of a batch are for the same, and finding out that
    /// contents are still the same costs as much as a look-up in them.
    last: Cell<Option<(&'m ServedZone, Loaded)>>,
}

type Loaded = arc_swap::Guard<Option<Arc<ZoneContents>>>;

impl fmt::Debug for QueryContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryContext").field("micros", &self.micros).finish_non_exhaustive()
    }
}

impl<'m> QueryContext<'m> {
    /// The moment at which queries came in.
    #[inline]
    pub fn of(live: &'m ServerState, snapshot: &'m Arc<ServerSnapshot>, begun: Instant) -> Self {
        let micros = live.clock.micros_at(begun);
        let now = (micros / 1_000_000) as u32;
        Self { snapshot, cache: &live.cache, server: live, now, micros, last: Cell::new(None) }
    }

    /// Whether the zone asked last is one to look ahead in.
    pub fn was_large(&self) -> bool {
        let last = self.last.take();
        let large =
            last.as_ref().and_then(|(_, loaded)| loaded.as_deref()).is_some_and(ZoneContents::is_large);
        self.last.set(last);
        large
    }

    /// Answers from the contents that `zone` has at this moment, the same for the whole of a batch; none if it was never
    /// loaded.
    #[inline]
    pub(super) fn with_contents<R>(
        &self,
        zone: &'m ServedZone,
        answer: impl FnOnce(Option<&ZoneContents>) -> R,
    ) -> R {
        let loaded = match self.last.take() {
            Some((last, loaded)) if ptr::eq(last, zone) => loaded,
            _ => zone.load(),
        };
        let answered = answer(loaded.as_deref());
        self.last.set(Some((zone, loaded)));
        answered
    }
}

/// Seconds since 1970, for cookies, whose time other servers share. They wrap in the year 2106.
pub(super) fn unix_seconds() -> u32 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as u32)
}
