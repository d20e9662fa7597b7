//! DNS over TLS (RFC 7858): a handshake, then a connection like any other.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use rhumb_net::AcceptedConnection;
use rhumb_net::tls::{CertificatePair, HandshakeError, TlsAcceptor};
use rhumb_wire::Transport;
use tokio::time::Instant;

use super::stream::{Connection, Streams};
use crate::metrics::HandshakeResult;
use crate::query::QueryClient;

/// Seconds between two lines of the log about failures of the same cause.
const LOG_EVERY: u64 = 60;

/// What the connections of a listener begin with.
#[derive(Debug)]
pub(super) struct TlsListener {
    acceptor: TlsAcceptor,
    began: Instant,
    /// When each cause was last logged, in seconds since the listener began, from 1; 0 where it never was.
    logged: [AtomicU64; HandshakeResult::COUNT],
}

impl TlsListener {
    pub(super) fn new(acceptor: TlsAcceptor) -> Self {
        Self { acceptor, began: Instant::now(), logged: Default::default() }
    }

    /// Later handshakes show this certificate.
    pub(super) fn set_certificate(&self, certificate: &CertificatePair) {
        self.acceptor.set_certificate(certificate);
    }

    /// Serves a connection to its end. The time for the first query includes the handshake.
    pub(super) async fn serve(self: Arc<Self>, accepted: AcceptedConnection, streams: Streams) {
        let begun = Instant::now();
        let within = streams.live.snapshot.load().config.server.tcp_first;
        let AcceptedConnection { stream, peer, local } = accepted;
        match self.acceptor.accept(stream, begun + within).await {
            Ok(session) => {
                let resumed = session.resumed;
                let result = if resumed { HandshakeResult::Resumed } else { HandshakeResult::Full };
                streams.live.metrics.handshake(result);
                let client = QueryClient::Known { peer, local, transport: Transport::Tls };
                Connection::new(streams, client, session.stream, begun).run().await;
            }
            Err(error) => {
                let cause = cause_of(&error);
                streams.live.metrics.handshake(cause);
                if self.is_due(cause) {
                    tracing::info!(client = %peer, "no TLS session: {error}");
                }
            }
        }
    }

    /// Whether a failure of this cause is to be logged now.
    fn is_due(&self, cause: HandshakeResult) -> bool {
        let now = self.began.elapsed().as_secs() + 1;
        let due = |last: u64| (last == 0 || now >= last + LOG_EVERY).then_some(now);
        self.logged.get(cause.index()).is_some_and(|last| last.fetch_update(Relaxed, Relaxed, due).is_ok())
    }
}

const fn cause_of(error: &HandshakeError) -> HandshakeResult {
    match error {
        HandshakeError::Timeout => HandshakeResult::Timeout,
        HandshakeError::Closed => HandshakeResult::Closed,
        HandshakeError::NotTls(_) => HandshakeResult::NotTls,
        HandshakeError::Version(_) => HandshakeResult::Version,
        HandshakeError::Cipher(_) => HandshakeResult::Cipher,
        HandshakeError::Protocol => HandshakeResult::Protocol,
        HandshakeError::Alert(_) => HandshakeResult::Alert,
        HandshakeError::Other(_) => HandshakeResult::Other,
    }
}
