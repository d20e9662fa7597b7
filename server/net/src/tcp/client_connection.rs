//! One connection of a client: what it does, and how it is ended.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};

use tokio::time::Instant;

use super::client_network::ClientNetwork;

/// That something is open on a connection, instead of the time since when nothing is.
const BUSY: u64 = u64::MAX;

/// Who is told that a connection has asked something.
pub(super) trait FirstQueries: Send + Sync {
    /// Its first query has come.
    fn asked(&self, connection: &ClientConnection);
}

/// A connection among the others. Until its first query it counts as silent.
pub struct ClientConnection {
    first_queries: Arc<dyn FirstQueries>,
    pub(super) number: u64,
    pub(super) began: Instant,
    /// None while the client is not known.
    pub(super) network: OnceLock<ClientNetwork>,
    has_asked: AtomicBool,
    /// Queries that are open.
    open: AtomicUsize,
    /// Since when it rests, in milliseconds since it began, or [`BUSY`].
    rests: AtomicU64,
    end: OnceLock<Box<dyn Fn() + Send + Sync>>,
    ended: AtomicBool,
}

impl fmt::Debug for ClientConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientConnection").field("number", &self.number).finish_non_exhaustive()
    }
}

/// A query that is open. While there is one, its connection is not ended for another.
#[derive(Debug)]
#[must_use = "the query is open only while this lives"]
pub struct OpenQuery(Arc<ClientConnection>);

impl ClientConnection {
    pub(super) fn new(first_queries: Arc<dyn FirstQueries>, number: u64) -> Arc<Self> {
        Arc::new(Self {
            first_queries,
            number,
            began: Instant::now(),
            network: OnceLock::new(),
            has_asked: AtomicBool::new(false),
            open: AtomicUsize::new(0),
            rests: AtomicU64::new(BUSY),
            end: OnceLock::new(),
            ended: AtomicBool::new(false),
        })
    }

    /// By what it is ended where others need its place: at once where that is so already.
    pub fn ends_by(&self, end: impl Fn() + Send + Sync + 'static) {
        let end = self.end.get_or_init(|| Box::new(end));
        if self.ended.load(SeqCst) {
            end();
        }
    }

    /// A query has come. To be called for each one, on transports where it has a stream of its own.
    pub fn query(self: &Arc<Self>) -> OpenQuery {
        self.open.fetch_add(1, Relaxed);
        self.asks();
        OpenQuery(Arc::clone(self))
    }

    /// Queries have come, on transports where [`Self::rests_since`] tells when all are answered.
    pub fn asks(&self) {
        if !self.has_asked.load(Relaxed) && !self.has_asked.swap(true, Relaxed) {
            self.first_queries.asked(self);
        }
    }

    /// Since when it has rested; none while something is open on it.
    pub fn rests_since(&self, since: Option<Instant>) {
        let rests = since.map_or(BUSY, |since| self.millis(since));
        self.rests.store(rests, Relaxed);
    }

    /// How long it has rested. None: it does not.
    pub(super) fn rested(&self) -> Option<u64> {
        let rests = self.rests.load(Relaxed);
        let is_resting = rests != BUSY && self.open.load(Relaxed) == 0;
        is_resting.then(|| self.millis(Instant::now()).saturating_sub(rests))
    }

    /// Ends it: others need its place.
    pub(super) fn end(&self) {
        self.ended.store(true, SeqCst);
        if let Some(end) = self.end.get() {
            end();
        }
    }

    fn millis(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.began).as_millis()).unwrap_or(BUSY - 1)
    }
}

impl Drop for OpenQuery {
    fn drop(&mut self) {
        // First the time: of a query that comes meanwhile it says nothing.
        self.0.rests_since(Some(Instant::now()));
        self.0.open.fetch_sub(1, Relaxed);
    }
}
