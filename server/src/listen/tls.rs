//! DNS over TLS (RFC 7858): a handshake, then a connection like any other.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use rhumb_wire::Transport;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::handshakes::ListenerHandshakes;
use super::open_listener::{ListenerOpening, ListenerTerms, OpenListener};
use super::stream::{Connection, ConnectionArrival, StreamAcceptor, StreamServices};
use super::trusted_proxies::TrustedProxies;
use crate::query::QueryClient;

/// A listener whose connections begin with a handshake.
#[derive(Debug)]
struct TlsService {
    handshakes: Arc<ListenerHandshakes>,
    proxies: Arc<TrustedProxies>,
    acceptor: StreamAcceptor,
}

/// Serves what was bound. Errors: the runtime does not take the socket, or there is no certificate.
pub(super) fn open(
    listener: TcpListener,
    opening: &ListenerOpening<'_>,
) -> io::Result<Box<dyn OpenListener>> {
    let handshakes = Arc::new(ListenerHandshakes::new(Transport::Tls, &opening.terms)?);
    let of_connections = Arc::clone(&handshakes);
    let serve = move |stream, arrival, streams| serve(Arc::clone(&of_connections), stream, arrival, streams);
    let proxies = TrustedProxies::new(Transport::Tls, opening.terms.entry);
    let acceptor = StreamAcceptor::start(listener, Transport::Tls, &proxies, opening.serving, serve)?;
    Ok(Box::new(TlsService { handshakes, proxies, acceptor }))
}

/// Serves a connection to its end. The time for the first query includes the handshake.
async fn serve(
    handshakes: Arc<ListenerHandshakes>,
    mut stream: TcpStream,
    mut arrival: ConnectionArrival,
    streams: StreamServices,
) {
    let begun = Instant::now();
    let first = begun + streams.first_query_time();
    if !arrival.introduce_outside(&mut stream, &streams, first).await {
        return;
    }
    let Some((mut stream, names)) = handshakes.accept(stream, arrival.peer(), &streams, begun).await else {
        return;
    };
    // The certificate is that of a proxy which has yet to say whom it speaks for.
    let names = if arrival.owes_header() { Arc::default() } else { names };
    if arrival.introduce_inside(&mut stream, &streams, first).await {
        let client = QueryClient::known(arrival.peer(), arrival.local(), Transport::Tls);
        Connection::new(streams, client, stream, begun, arrival.connection()).named(names).run().await;
    }
}

impl OpenListener for TlsService {
    fn set_terms(&self, terms: &ListenerTerms<'_>) {
        self.handshakes.set_terms(terms);
        self.proxies.set(terms.entry);
    }

    fn close(self: Box<Self>) {
        self.acceptor.close();
    }
}
