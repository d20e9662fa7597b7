//! DNS over TCP (RFC 7766).

use std::io;
use std::net::TcpListener;

use rhumb_net::AcceptedConnection;
use rhumb_wire::Transport;
use tokio::time::Instant;

use super::open_listener::{ListenerOpening, ListenerTerms, OpenListener};
use super::stream::{Connection, StreamAcceptor, StreamServices};
use crate::query::QueryClient;

/// A listener without encryption.
#[derive(Debug)]
struct TcpService(StreamAcceptor);

/// Serves what was bound. Errors: the runtime does not take the socket.
pub(super) fn open(
    listener: TcpListener,
    opening: &ListenerOpening<'_>,
) -> io::Result<Box<dyn OpenListener>> {
    let acceptor = StreamAcceptor::start(listener, opening.key.transport, opening.serving, serve)?;
    Ok(Box::new(TcpService(acceptor)))
}

async fn serve(accepted: AcceptedConnection, streams: StreamServices) {
    let AcceptedConnection { stream, peer, local } = accepted;
    let client = QueryClient::Known { peer, local, transport: Transport::Tcp };
    Connection::new(streams, client, stream, Instant::now()).run().await;
}

impl OpenListener for TcpService {
    fn set_terms(&self, _: &ListenerTerms<'_>) {}

    fn close(self: Box<Self>) {
        self.0.close();
    }
}
