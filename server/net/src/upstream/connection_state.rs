//! What is known of a connection, and the queries on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::connection_failure::ConnectionFailure;
use super::stream_server::StreamFailure;

/// How long a connection is kept on which nothing comes.
pub(super) const IDLE: Duration = Duration::from_secs(10);
/// A query that waits for so long while nothing at all comes makes the connection doubtful.
const DOUBT: Duration = Duration::from_millis(400);

/// How far a connection is.
const OPENING: u8 = 0;
const HANDSHAKE: u8 = 1;
const OPEN: u8 = 2;

/// A query, and where its reply goes.
pub(super) struct StreamQuery {
    /// The message, with an id of two bytes that its reply gets back.
    pub(super) message: Vec<u8>,
    pub(super) reply: oneshot::Sender<Result<Vec<u8>, StreamEnd>>,
    /// Its place on the connection.
    pub(super) place: ConnectionPlace,
}

/// Why a query got no reply on a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum StreamEnd {
    /// The connection carried others, and ended: the query may be sent again on another one.
    Closed {
        /// Whether any of them got its reply.
        useful: bool,
    },
    /// There is no connection to be had, or it ended without a reply to anything.
    Failed(StreamFailure),
}

impl From<ConnectionFailure> for StreamEnd {
    fn from(cause: ConnectionFailure) -> Self {
        Self::Failed(cause.into())
    }
}

/// A place among the queries that wait on a connection.
#[derive(Debug)]
pub(super) struct ConnectionPlace(Arc<ConnectionState>);

impl Drop for ConnectionPlace {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Relaxed);
    }
}

/// What is known of a connection beside its task.
#[derive(Debug)]
pub(super) struct ConnectionState {
    /// The most queries that may wait.
    pub(super) most: usize,
    begun: Instant,
    phase: AtomicU8,
    /// Queries that wait.
    waiting: AtomicUsize,
    /// When something came last, in milliseconds since it was begun.
    heard: AtomicU64,
    /// Whether nothing came while somebody waited.
    doubtful: AtomicBool,
    /// Whether the server closes connections after one reply.
    one_reply: AtomicBool,
    sent: AtomicU64,
    replies: AtomicU64,
}

impl ConnectionState {
    /// One that is being opened.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            begun: Instant::now(),
            phase: AtomicU8::new(OPENING),
            waiting: AtomicUsize::new(0),
            heard: AtomicU64::new(0),
            doubtful: AtomicBool::new(false),
            one_reply: AtomicBool::new(false),
            sent: AtomicU64::new(0),
            replies: AtomicU64::new(0),
        }
    }

    /// A place for one query more.
    pub(super) fn place(self: &Arc<Self>) -> ConnectionPlace {
        self.waiting.fetch_add(1, Relaxed);
        ConnectionPlace(Arc::clone(self))
    }

    /// Whether further queries may wait.
    pub(super) fn has_room(&self) -> bool {
        self.waiting.load(Relaxed) < self.most
    }

    /// The handshake begins.
    pub(super) fn begin_handshake(&self) {
        self.phase.store(HANDSHAKE, Relaxed);
    }

    /// Whether the server has not finished the handshake yet.
    pub(super) fn is_in_handshake(&self) -> bool {
        self.phase.load(Relaxed) == HANDSHAKE
    }

    /// Queries can be sent from now on.
    pub(super) fn opened(&self) {
        self.phase.store(OPEN, Relaxed);
        self.heard();
    }

    /// Whether queries can be sent, or could until it ended.
    pub(super) fn is_open(&self) -> bool {
        self.phase.load(Relaxed) == OPEN
    }

    /// Whether nothing came while somebody waited.
    pub(super) fn is_doubtful(&self) -> bool {
        self.doubtful.load(Relaxed)
    }

    /// A query sent at `sent` is waited for no longer.
    pub(super) fn gave_up(&self, sent: Instant) {
        let silent = self.heard.load(Relaxed) <= self.clock(sent);
        if silent && sent.elapsed() >= DOUBT && self.is_open() {
            self.doubtful.store(true, Relaxed);
        }
    }

    /// It ends; `unanswered`: replies were waited for.
    pub(super) fn ended(&self, unanswered: bool) {
        self.one_reply.store(unanswered && self.replies.load(Relaxed) == 1, Relaxed);
    }

    /// Whether the server closed it after one reply, others being waited for.
    pub(super) fn had_one_reply(&self) -> bool {
        self.one_reply.load(Relaxed)
    }

    /// A query is sent.
    pub(super) fn sending(&self) {
        self.sent.fetch_add(1, Relaxed);
    }

    /// A reply came.
    pub(super) fn replied(&self) {
        self.replies.fetch_add(1, Relaxed);
        self.heard();
    }

    fn heard(&self) {
        self.heard.store(self.clock(Instant::now()), Relaxed);
        self.doubtful.store(false, Relaxed);
    }

    fn clock(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.begun).as_millis()).unwrap_or(u64::MAX)
    }

    /// What the end of the connection means for the queries on it: they may be sent again where it carried others before.
    pub(super) fn end(&self, cause: ConnectionFailure) -> StreamEnd {
        let useful = self.replies.load(Relaxed) > 0;
        if useful || self.sent.load(Relaxed) > 1 { StreamEnd::Closed { useful } } else { cause.into() }
    }
}

/// Where the replies to queries that are waited for go.
pub(super) type UnansweredQueries = Vec<oneshot::Sender<Result<Vec<u8>, StreamEnd>>>;
