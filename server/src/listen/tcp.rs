//! DNS over TCP (RFC 7766).

use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use rhumb_wire::Transport;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::open_listener::{ListenerOpening, ListenerTerms, OpenListener};
use super::stream::{Connection, ConnectionArrival, StreamAcceptor, StreamServices};
use super::trusted_proxies::TrustedProxies;
use crate::query::QueryClient;

/// A listener without encryption.
#[derive(Debug)]
struct TcpService {
    proxies: Arc<TrustedProxies>,
    acceptor: StreamAcceptor,
}

/// Serves what was bound. Errors: the runtime does not take the socket.
pub(super) fn open(
    listener: TcpListener,
    opening: &ListenerOpening<'_>,
) -> io::Result<Box<dyn OpenListener>> {
    let proxies = TrustedProxies::new(Transport::Tcp, opening.terms.entry);
    let acceptor = StreamAcceptor::start(listener, Transport::Tcp, &proxies, opening.serving, serve)?;
    Ok(Box::new(TcpService { proxies, acceptor }))
}

/// Serves a connection to its end.
async fn serve(mut stream: TcpStream, mut arrival: ConnectionArrival, streams: StreamServices) {
    let begun = Instant::now();
    let first = begun + streams.first_query_time();
    if !arrival.introduce(&mut stream, &streams, first).await {
        return;
    }
    let client = QueryClient::known(arrival.peer(), arrival.local(), Transport::Tcp);
    Connection::new(streams, client, stream, begun, arrival.connection()).run().await;
}

impl OpenListener for TcpService {
    fn set_terms(&self, terms: &ListenerTerms<'_>) {
        self.proxies.set(terms.entry);
    }

    fn close(self: Box<Self>) {
        self.acceptor.close();
    }
}
