//! One connection on which several queries wait at a time (RFC 7766 section 6.2.1.1).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};

use super::connection::{UpstreamConnection, tcp_stream};
use super::connection_failure::ConnectionFailure;
use super::stream_server::{StreamCarriage, StreamFailure, StreamServer};
use super::{http_connection, message_connection, quic_connection};
use crate::tls::client::{ClientConfigs, TlsFailure, open_session};

/// How long a connection is made for, its handshake included, and how long one is kept on which nothing comes.
const CONNECT: Duration = Duration::from_secs(4);
pub(super) const IDLE: Duration = Duration::from_secs(10);
/// Queries that wait on one connection, those among them that are waited for no longer; fewer over TCP, where others get connections
/// of their own.
const MOST: usize = 1024;
const MOST_OVER_TCP: usize = 128;
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
    opened: Instant,
    phase: AtomicU8,
    /// Queries that wait.
    waiting: AtomicUsize,
    /// When something came last, in milliseconds since it was opened.
    heard: AtomicU64,
    /// Whether nothing came while somebody waited.
    doubtful: AtomicBool,
    /// Whether the server closes connections after one reply.
    one_reply: AtomicBool,
    sent: AtomicU64,
    replies: AtomicU64,
}

impl ConnectionState {
    fn new(most: usize) -> Self {
        Self {
            most,
            opened: Instant::now(),
            phase: AtomicU8::new(OPENING),
            waiting: AtomicUsize::new(0),
            heard: AtomicU64::new(0),
            doubtful: AtomicBool::new(false),
            one_reply: AtomicBool::new(false),
            sent: AtomicU64::new(0),
            replies: AtomicU64::new(0),
        }
    }

    pub(super) fn in_handshake(&self) {
        self.phase.store(HANDSHAKE, Relaxed);
    }

    pub(super) fn is_open(&self) {
        self.phase.store(OPEN, Relaxed);
        self.heard();
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
        u64::try_from(now.saturating_duration_since(self.opened).as_millis()).unwrap_or(u64::MAX)
    }

    /// What the end of the connection means for the queries on it: they may be sent again where it carried others before.
    pub(super) fn end(&self, cause: ConnectionFailure) -> StreamEnd {
        let useful = self.replies.load(Relaxed) > 0;
        if useful || self.sent.load(Relaxed) > 1 { StreamEnd::Closed { useful } } else { cause.into() }
    }
}

/// The way to a connection that is open, or being opened.
#[derive(Clone, Debug)]
pub(super) struct SharedConnection {
    queries: mpsc::Sender<StreamQuery>,
    state: Arc<ConnectionState>,
}

impl SharedConnection {
    /// Begins to open a connection. It ends once nothing came for [`IDLE`], and once this and all its clones are gone.
    pub(super) fn open(server: &StreamServer, configs: &Arc<ClientConfigs>) -> Self {
        let most = if server.carriage == StreamCarriage::Tcp { MOST_OVER_TCP } else { MOST };
        let (queries, receiver) = mpsc::channel(most);
        let state = Arc::new(ConnectionState::new(most));
        tokio::spawn(serve(server.clone(), Arc::clone(configs), receiver, Arc::clone(&state)));
        Self { queries, state }
    }

    /// Has a message sent; where its reply comes. None: the connection has ended or takes no more.
    pub(super) fn send(&self, message: &[u8]) -> Option<oneshot::Receiver<Result<Vec<u8>, StreamEnd>>> {
        let (reply, received) = oneshot::channel();
        self.state.waiting.fetch_add(1, Relaxed);
        let place = ConnectionPlace(Arc::clone(&self.state));
        self.queries.try_send(StreamQuery { message: message.to_vec(), reply, place }).ok().map(|()| received)
    }

    /// Whether it has ended.
    pub(super) fn is_closed(&self) -> bool {
        self.queries.is_closed()
    }

    /// Whether further queries may go on it.
    pub(super) fn takes_more(&self) -> bool {
        let room = self.state.waiting.load(Relaxed) < self.state.most;
        room && !self.is_closed() && !self.is_doubtful()
    }

    /// Whether the way to the server may be dead without its saying so.
    pub(super) fn is_doubtful(&self) -> bool {
        self.state.doubtful.load(Relaxed)
    }

    /// Whether the server has not finished the handshake yet.
    pub(super) fn is_in_handshake(&self) -> bool {
        !self.is_closed() && self.state.phase.load(Relaxed) == HANDSHAKE
    }

    /// Whether it carries queries.
    pub(super) fn is_established(&self) -> bool {
        !self.is_closed() && self.state.phase.load(Relaxed) == OPEN
    }

    /// Whether the server closed it after one reply, others being waited for.
    pub(super) fn had_one_reply(&self) -> bool {
        self.state.one_reply.load(Relaxed)
    }

    /// A query sent at `sent` is waited for no longer.
    pub(super) fn gave_up(&self, sent: Instant) {
        let silent = self.state.heard.load(Relaxed) <= self.state.clock(sent);
        if silent && sent.elapsed() >= DOUBT && self.state.phase.load(Relaxed) == OPEN {
            self.state.doubtful.store(true, Relaxed);
        }
    }
}

async fn serve(
    server: StreamServer,
    configs: Arc<ClientConfigs>,
    mut queries: mpsc::Receiver<StreamQuery>,
    state: Arc<ConnectionState>,
) {
    let mut unanswered = Vec::new();
    let end = carry(&server, &configs, &mut queries, &state, &mut unanswered).await;
    let one_reply = state.replies.load(Relaxed) == 1 && !unanswered.is_empty();
    state.one_reply.store(one_reply, Relaxed);
    // Before anyone is told, so that whoever asks again does so on another connection.
    queries.close();
    while let Ok(query) = queries.try_recv() {
        unanswered.push(query.reply);
    }
    let mut shared = false;
    for reply in unanswered {
        let told = match end {
            StreamEnd::Closed { .. } => end,
            StreamEnd::Failed(failure) => StreamEnd::Failed(StreamFailure { shared, ..failure }),
        };
        // Only one that is still waited for counts.
        shared |= reply.send(Err(told)).is_ok();
    }
}

/// Where the replies to queries that are waited for go.
pub(super) type UnansweredQueries = Vec<oneshot::Sender<Result<Vec<u8>, StreamEnd>>>;

/// Opens the connection and sends queries on it until it ends. Those that have no reply then are in `unanswered`.
async fn carry(
    server: &StreamServer,
    configs: &ClientConfigs,
    queries: &mut mpsc::Receiver<StreamQuery>,
    state: &Arc<ConnectionState>,
    unanswered: &mut UnansweredQueries,
) -> StreamEnd {
    let begun = Instant::now();
    if let StreamCarriage::Quic(quic) = &server.carriage {
        state.in_handshake();
        let opened = timeout(CONNECT, quic_connection::open(server, quic, configs)).await;
        return match opened.unwrap_or(Err(ConnectionFailure::Session(TlsFailure::Stalled))) {
            Ok(connection) => quic_connection::carry(connection, queries, state, unanswered).await,
            Err(failure) => failure.into(),
        };
    }
    let stream = match timeout(CONNECT, tcp_stream(server.address, server.source)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return ConnectionFailure::from(error).into(),
        Err(_) => return ConnectionFailure::Timeout.into(),
    };
    let (StreamCarriage::Tls(tls) | StreamCarriage::Https(tls, _)) = &server.carriage else {
        state.is_open();
        let connection = UpstreamConnection::over(stream, IDLE);
        return message_connection::carry(connection, queries, state, unanswered).await;
    };
    state.in_handshake();
    let left = CONNECT.saturating_sub(begun.elapsed());
    let opened = timeout(left, open_session(configs, tls, (server.address, stream))).await;
    let session = match opened.unwrap_or(Err(TlsFailure::Stalled)) {
        Ok(session) => session,
        Err(failure) => return ConnectionFailure::Session(failure).into(),
    };
    if let StreamCarriage::Https(_, path) = &server.carriage {
        let target = http_connection::RequestTarget::new(server, tls, path);
        return http_connection::carry(session, &target, queries, state, unanswered).await;
    }
    state.is_open();
    message_connection::carry(UpstreamConnection::over(session, IDLE), queries, state, unanswered).await
}
