//! DNS over TLS (RFC 7858): a handshake, then a connection like any other.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use rhumb_net::AcceptedConnection;
use rhumb_wire::Transport;
use tokio::time::Instant;

use super::handshakes::ListenerHandshakes;
use super::open_listener::{ListenerOpening, ListenerTerms, OpenListener};
use super::stream::{Connection, StreamAcceptor, StreamServices};
use crate::query::QueryClient;

/// A listener whose connections begin with a handshake.
#[derive(Debug)]
struct TlsService {
    handshakes: Arc<ListenerHandshakes>,
    acceptor: StreamAcceptor,
}

/// Serves what was bound. Errors: the runtime does not take the socket, or there is no certificate.
pub(super) fn open(
    listener: TcpListener,
    opening: &ListenerOpening<'_>,
) -> io::Result<Box<dyn OpenListener>> {
    let handshakes = Arc::new(ListenerHandshakes::of(opening)?);
    let of_connections = Arc::clone(&handshakes);
    let serve = move |accepted, streams| serve(Arc::clone(&of_connections), accepted, streams);
    let acceptor = StreamAcceptor::start(listener, opening.key.transport, opening.serving, serve)?;
    Ok(Box::new(TlsService { handshakes, acceptor }))
}

/// Serves a connection to its end. The time for the first query includes the handshake.
async fn serve(handshakes: Arc<ListenerHandshakes>, accepted: AcceptedConnection, streams: StreamServices) {
    let begun = Instant::now();
    let client = QueryClient::Known { peer: accepted.peer, local: accepted.local, transport: Transport::Tls };
    if let Some(stream) = handshakes.accept(accepted, &streams, begun).await {
        Connection::new(streams, client, stream, begun).run().await;
    }
}

impl OpenListener for TlsService {
    fn set_terms(&self, terms: &ListenerTerms<'_>) {
        self.handshakes.set_terms(terms);
    }

    fn close(self: Box<Self>) {
        self.acceptor.close();
    }
}
