//! DNS over HTTPS (RFC 8484), by HTTP/2 and HTTP/1.1.

mod activity;
mod bounds;
mod connection;
mod forwarded;
mod http1;
mod http2;
mod http_date;
mod request;
mod response;

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rhumb_config::HttpListener;
use rhumb_wire::Transport;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout_at};

use super::handshakes::ListenerHandshakes;
use super::open_listener::{ListenerOpening, ListenerTerms, OpenListener};
use super::stream::{ConnectionArrival, StreamAcceptor, StreamServices};
use super::trusted_proxies::TrustedProxies;
use crate::metrics::RefuseReason;
use connection::HttpConnection;
use http1::serve_http1;
use http2::Http2Service;

/// What ALPN calls HTTP/2 (RFC 9113, section 3.1).
const HTTP2: &[u8] = b"h2";
/// What a connection of HTTP/2 begins with (RFC 9113, section 3.4); no request of HTTP/1.1 begins so.
const PREFACE: &[u8] = b"PRI ";
/// How long after a part of that the rest is looked for again.
const PAUSE: Duration = Duration::from_millis(10);

/// A listener of HTTP, encrypted or behind proxies.
#[derive(Debug)]
struct HttpsService {
    entrance: Arc<HttpEntrance>,
    proxies: Arc<TrustedProxies>,
    acceptor: StreamAcceptor,
}

/// What the connections of a listener begin with.
#[derive(Debug)]
struct HttpEntrance {
    terms: ArcSwap<HttpTerms>,
}

/// What a connection is served by.
#[derive(Debug)]
struct HttpTerms {
    /// None where proxies encrypt.
    handshakes: Option<Arc<ListenerHandshakes>>,
    http: Arc<HttpListener>,
}

impl HttpTerms {
    /// Errors: there is no certificate where one is needed.
    fn new(terms: &ListenerTerms<'_>, before: Option<&Self>) -> io::Result<Self> {
        let handshakes = match before.and_then(|before| before.handshakes.as_ref()) {
            _ if !terms.entry.http.tls => None,
            Some(known) => {
                known.set_terms(terms);
                Some(Arc::clone(known))
            }
            None => Some(Arc::new(ListenerHandshakes::new(Transport::Https, terms)?)),
        };
        Ok(Self { handshakes, http: Arc::new(terms.entry.http.clone()) })
    }
}

/// Serves what was bound. Errors: the runtime does not take the socket, or there is no certificate where one is needed.
pub(super) fn open(
    listener: TcpListener,
    opening: &ListenerOpening<'_>,
) -> io::Result<Box<dyn OpenListener>> {
    let terms = ArcSwap::from_pointee(HttpTerms::new(&opening.terms, None)?);
    let entrance = Arc::new(HttpEntrance { terms });
    let of_connections = Arc::clone(&entrance);
    let serve = move |stream, arrival, streams| Arc::clone(&of_connections).serve(stream, arrival, streams);
    let proxies = TrustedProxies::new(Transport::Https, opening.terms.entry);
    let acceptor = StreamAcceptor::start(listener, Transport::Https, &proxies, opening.serving, serve)?;
    Ok(Box::new(HttpsService { entrance, proxies, acceptor }))
}

impl OpenListener for HttpsService {
    fn set_terms(&self, terms: &ListenerTerms<'_>) {
        match HttpTerms::new(terms, Some(&self.entrance.terms.load())) {
            Ok(terms) => self.entrance.terms.store(Arc::new(terms)),
            Err(error) => tracing::error!("{}: {error}; it is served as before", terms.entry.place),
        }
        self.proxies.set(terms.entry);
    }

    fn close(self: Box<Self>) {
        self.acceptor.close();
    }
}

impl HttpEntrance {
    /// Serves a connection to its end. The time for the first query includes the handshake.
    async fn serve(
        self: Arc<Self>,
        mut stream: TcpStream,
        mut arrival: ConnectionArrival,
        streams: StreamServices,
    ) {
        let begun = Instant::now();
        let first = begun + streams.first_query_time();
        let terms = self.terms.load_full();
        let is_proxy = terms.http.proxies.iter().any(|network| network.contains(arrival.connected()));
        let connection = |arrival: &ConnectionArrival| HttpConnection {
            peer: arrival.peer(),
            local: arrival.local(),
            among: arrival.connection(),
            terms: Arc::clone(&terms.http),
            is_proxy,
        };
        if let Some(handshakes) = &terms.handshakes {
            if !arrival.introduce_outside(&mut stream, &streams, first).await {
                return;
            }
            let session = handshakes.accept(stream, arrival.peer(), &streams, begun).await;
            let session = session.map(|(session, _)| session);
            let Some(mut stream) = session else { return };
            if arrival.introduce_inside(&mut stream, &streams, first).await {
                let is_http2 = stream.protocol() == Some(HTTP2);
                serve_version(connection(&arrival), stream, is_http2, streams, begun).await;
            }
            return;
        }
        if !is_proxy {
            streams.live.metrics.refused(RefuseReason::NotAllowed);
            return;
        }
        if !arrival.introduce(&mut stream, &streams, first).await {
            return;
        }
        if let Some(is_http2) = is_http2(&stream, first).await {
            serve_version(connection(&arrival), stream, is_http2, streams, begun).await;
        }
    }
}

/// Whether what the client begins with is HTTP/2. None: there is too little of it by then.
async fn is_http2(stream: &TcpStream, by: Instant) -> Option<bool> {
    let mut start = [0; PREFACE.len()];
    while Instant::now() < by {
        let count = timeout_at(by, stream.peek(&mut start)).await.ok()?.ok()?;
        let start = start.get(..count).unwrap_or_default();
        if start.is_empty() || start == PREFACE || !PREFACE.starts_with(start) {
            return Some(start == PREFACE);
        }
        // What was looked at stays there, so that nothing tells when there is more.
        sleep(PAUSE).await;
    }
    None
}

/// Serves requests until either end is done. The time for the first one began at `begun`.
async fn serve_version<S>(
    connection: HttpConnection,
    stream: S,
    is_http2: bool,
    streams: StreamServices,
    begun: Instant,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    if is_http2 {
        Http2Service::new(connection, stream, streams, begun).run().await;
    } else {
        serve_http1(connection, stream, streams, begun).await;
    }
}
