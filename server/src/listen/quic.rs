//! DNS over QUIC (RFC 9250).

mod connection;

use std::io;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use rhumb_net::quic::{IncomingQuic, QuicConnection, QuicEndpoint};
use rhumb_wire::Transport;
use rhumb_wire::doq::DoqErrorCode;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use super::handshakes::{HandshakeLog, label_of_group};
use super::open_listener::{ListenerOpening, ListenerTerms, OpenListener, TlsTerms};
use super::stream::StreamServices;
use crate::metrics::{HandshakeResult, RefuseReason, TlsVersionLabel};
use connection::DoqConnection;

/// How long a handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// From so many handshakes on, clients have to show first that their address is their own (RFC 9000, section 8.1.2).
const UNPROVEN: usize = 300;
/// With so many no more begin.
const MOST_HANDSHAKES: usize = 4000;
/// Long queries that are read at a time, over all connections of a listener.
const LONG_QUERIES: usize = 128;

/// A listener of QUIC.
#[derive(Debug)]
struct QuicService {
    entrance: Arc<QuicEntrance>,
    close: watch::Sender<bool>,
}

/// What the connections of a listener begin with.
#[derive(Debug)]
struct QuicEntrance {
    endpoint: QuicEndpoint,
    handshakes: AtomicUsize,
    log: HandshakeLog,
    long_queries: Arc<Semaphore>,
}

/// Serves what was bound. Errors: the runtime does not take the socket, or there is no certificate.
pub(super) fn open(socket: UdpSocket, opening: &ListenerOpening<'_>) -> io::Result<Box<dyn OpenListener>> {
    let TlsTerms { certificates, tickets, .. } = opening.terms.needed_tls()?;
    let runtime = &opening.serving.runtime;
    let _inside = runtime.enter();
    let entrance = Arc::new(QuicEntrance {
        endpoint: QuicEndpoint::open(socket, certificates, Transport::Quic.protocols(), tickets)?,
        handshakes: AtomicUsize::new(0),
        log: HandshakeLog::new(Transport::Quic),
        long_queries: Arc::new(Semaphore::new(LONG_QUERIES)),
    });
    let (close, closed) = watch::channel(false);
    runtime.spawn(Arc::clone(&entrance).accept(opening.serving.streams.clone(), closed));
    Ok(Box::new(QuicService { entrance, close }))
}

impl OpenListener for QuicService {
    fn set_terms(&self, terms: &ListenerTerms<'_>) {
        if let Some(tls) = &terms.tls {
            self.entrance.endpoint.set_certificates(&tls.certificates);
        }
    }

    fn close(self: Box<Self>) {
        // Nobody is listening any more where this fails.
        let _ = self.close.send(true);
    }
}

impl QuicEntrance {
    /// Takes clients until `closed` turns true or its sender is gone. Connections made before go on.
    async fn accept(self: Arc<Self>, streams: StreamServices, mut closed: watch::Receiver<bool>) {
        loop {
            let incoming = tokio::select! {
                _ = closed.wait_for(|closed| *closed) => break,
                incoming = self.endpoint.accept() => incoming,
            };
            let Some(incoming) = incoming else { return };
            let open = self.handshakes.load(Relaxed);
            if open >= UNPROVEN && incoming.may_retry() {
                incoming.retry();
            } else if open >= MOST_HANDSHAKES {
                incoming.refuse();
                streams.live.metrics.refused(RefuseReason::Total);
            } else {
                let handshake = OpenHandshake::new(&self);
                tokio::spawn(Arc::clone(&self).serve(incoming, handshake, streams.clone()));
            }
        }
        self.endpoint.stop_accepting();
    }

    /// Serves a connection to its end.
    async fn serve(
        self: Arc<Self>,
        incoming: IncomingQuic,
        handshake: OpenHandshake,
        streams: StreamServices,
    ) {
        let peer = incoming.peer();
        let metrics = &streams.live.metrics;
        let accepted = incoming.accept(Instant::now() + HANDSHAKE_TIMEOUT).await;
        drop(handshake);
        let connection = match accepted {
            Ok(connection) => connection,
            Err(error) => return self.log.failed(peer, &error, metrics),
        };
        let result = if connection.resumed() { HandshakeResult::Resumed } else { HandshakeResult::Full };
        metrics.clients().handshake(Transport::Quic, result);
        let group = label_of_group(connection.group());
        metrics.clients().session(Transport::Quic, TlsVersionLabel::V13, group);
        // Not before: until then its address may be another's, who would lose the share.
        let too_many = |connection: &QuicConnection| {
            connection.close(DoqErrorCode::ExcessiveLoad as u32, "too many connections");
        };
        let Some(permit) = streams.admission.admit(connection.peer().ip(), metrics) else {
            return too_many(&connection);
        };
        let (among, connection) = (permit.connection(), Arc::new(connection));
        let ended = Arc::clone(&connection);
        among.ends_by(move || too_many(&ended));
        let _open = metrics.clients().connection(Transport::Quic);
        let long_queries = Arc::clone(&self.long_queries);
        DoqConnection::new(connection, Arc::clone(among), streams.clone(), long_queries).run().await;
    }
}

/// A handshake that is under way.
#[derive(Debug)]
struct OpenHandshake(Arc<QuicEntrance>);

impl OpenHandshake {
    fn new(entrance: &Arc<QuicEntrance>) -> Self {
        entrance.handshakes.fetch_add(1, Relaxed);
        Self(Arc::clone(entrance))
    }
}

impl Drop for OpenHandshake {
    fn drop(&mut self) {
        self.0.handshakes.fetch_sub(1, Relaxed);
    }
}
