//! DNS over HTTPS (RFC 8484), by HTTP/2 and HTTP/1.1.

mod activity;
mod connection;
mod forwarded;
mod request;
mod response;

use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rhumb_config::HttpListener;
use rhumb_net::AcceptedConnection;
use tokio::time::{Instant, timeout_at};

use super::handshakes::ListenerHandshakes;
use super::open_listener::{ListenerOpening, ListenerTerms, OpenListener};
use super::stream::{StreamAcceptor, StreamServices};
use crate::metrics::RefuseReason;
use connection::{HttpConnection, HttpVersion};

/// What ALPN calls HTTP/2 (RFC 9113, section 3.1).
const HTTP2: &[u8] = b"h2";
/// What a connection of HTTP/2 begins with (RFC 9113, section 3.4); no request of HTTP/1.1 begins so.
const PREFACE: &[u8] = b"PRI ";

/// A listener of HTTP, encrypted or behind proxies.
#[derive(Debug)]
struct HttpsService {
    entrance: Arc<HttpEntrance>,
    acceptor: StreamAcceptor,
}

/// What the connections of a listener begin with.
#[derive(Debug)]
struct HttpEntrance {
    /// None where proxies encrypt.
    handshakes: Option<ListenerHandshakes>,
    terms: ArcSwap<HttpListener>,
}

/// Serves what was bound. Errors: the runtime does not take the socket, or there is no certificate where one is needed.
pub(super) fn open(
    listener: TcpListener,
    opening: &ListenerOpening<'_>,
) -> io::Result<Box<dyn OpenListener>> {
    let http = &opening.terms.entry.http;
    let handshakes = http.tls.then(|| ListenerHandshakes::of(opening)).transpose()?;
    let entrance = Arc::new(HttpEntrance { handshakes, terms: ArcSwap::from_pointee(http.clone()) });
    let of_connections = Arc::clone(&entrance);
    let serve = move |accepted, streams| Arc::clone(&of_connections).serve(accepted, streams);
    let acceptor = StreamAcceptor::start(listener, opening.key.transport, opening.serving, serve)?;
    Ok(Box::new(HttpsService { entrance, acceptor }))
}

impl OpenListener for HttpsService {
    fn set_terms(&self, terms: &ListenerTerms<'_>) {
        if let Some(handshakes) = &self.entrance.handshakes {
            handshakes.set_terms(terms);
        }
        self.entrance.terms.store(Arc::new(terms.entry.http.clone()));
    }

    fn close(self: Box<Self>) {
        self.acceptor.close();
    }
}

impl HttpEntrance {
    /// Serves a connection to its end. The time for the first query includes the handshake.
    async fn serve(self: Arc<Self>, accepted: AcceptedConnection, streams: StreamServices) {
        let begun = Instant::now();
        let (peer, local) = (accepted.peer, accepted.local);
        let terms = self.terms.load_full();
        let is_proxy = terms.proxies.iter().any(|network| network.contains(peer.ip()));
        let connection = HttpConnection { peer, local, terms, is_proxy };
        if let Some(handshakes) = &self.handshakes {
            let Some(stream) = handshakes.accept(accepted, &streams, begun).await else { return };
            let is_http2 = stream.get_ref().1.alpn_protocol() == Some(HTTP2);
            return connection.serve(stream, HttpVersion::of(is_http2), streams, begun).await;
        }
        if !is_proxy {
            streams.live.metrics.refused(RefuseReason::NotAllowed);
            return;
        }
        let first = begun + streams.live.snapshot.load().config.server.tcp_first;
        let mut start = [0; PREFACE.len()];
        if let Ok(Ok(_)) = timeout_at(first, accepted.stream.peek(&mut start)).await {
            let is_http2 = start == PREFACE;
            connection.serve(accepted.stream, HttpVersion::of(is_http2), streams, begun).await;
        }
    }
}
