//! One connection on which several queries wait at a time (RFC 7766 section 6.2.1.1).

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};

use super::connection::{UpstreamConnection, tcp_stream};
use super::connection_failure::ConnectionFailure;
use super::connection_state::{ConnectionState, IDLE, StreamEnd, StreamQuery, UnansweredQueries};
use super::stream_server::{StreamCarriage, StreamFailure, StreamServer};
use super::{http_connection, message_connection, quic_connection};
use crate::tls::client::{ClientConfigs, TlsFailure, open_session};

/// How long a connection is made for, its handshake included.
const CONNECT: Duration = Duration::from_secs(4);
/// Queries that wait on one connection, those among them that are waited for no longer; fewer over TCP, where others get connections
/// of their own.
const MOST: usize = 1024;
const MOST_OVER_TCP: usize = 128;

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
        let query = StreamQuery { message: message.to_vec(), reply, place: self.state.place() };
        self.queries.try_send(query).ok().map(|()| received)
    }

    /// Whether it has ended.
    pub(super) fn is_closed(&self) -> bool {
        self.queries.is_closed()
    }

    /// Whether further queries may go on it.
    pub(super) fn takes_more(&self) -> bool {
        self.state.has_room() && !self.is_closed() && !self.is_doubtful()
    }

    /// Whether the way to the server may be dead without its saying so.
    pub(super) fn is_doubtful(&self) -> bool {
        self.state.is_doubtful()
    }

    /// Whether the server has not finished the handshake yet.
    pub(super) fn is_in_handshake(&self) -> bool {
        !self.is_closed() && self.state.is_in_handshake()
    }

    /// Whether it carries queries.
    pub(super) fn is_established(&self) -> bool {
        !self.is_closed() && self.state.is_open()
    }

    /// Whether the server closed it after one reply, others being waited for.
    pub(super) fn had_one_reply(&self) -> bool {
        self.state.had_one_reply()
    }

    /// A query sent at `sent` is waited for no longer.
    pub(super) fn gave_up(&self, sent: Instant) {
        self.state.gave_up(sent);
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
    state.ended(!unanswered.is_empty());
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
        state.begin_handshake();
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
        state.opened();
        let connection = UpstreamConnection::over(stream, IDLE);
        return message_connection::carry(connection, queries, state, unanswered).await;
    };
    state.begin_handshake();
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
    state.opened();
    message_connection::carry(UpstreamConnection::over(session, IDLE), queries, state, unanswered).await
}
