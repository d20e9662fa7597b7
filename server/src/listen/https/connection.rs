//! One connection, from its first request to its end.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use rhumb_config::HttpListener;
use rhumb_net::LocalAddress;
use rhumb_wire::Transport;
use rhumb_wire::doh::DohRejection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::activity::ConnectionActivity;
use super::forwarded::client_of;
use super::request::read_query;
use super::response::{AnswerBody, answer, rejection};
use crate::listen::exchange::{ExchangeAnswer, exchange};
use crate::listen::stream::StreamServices;
use crate::metrics::StreamFault;
use crate::query::QueryClient;

/// Requests of HTTP/2 at a time.
const STREAMS: u32 = 100;
/// Bytes of the head of a request.
const HEAD: u32 = 8 << 10;
/// Header lines of a request of HTTP/1.1; browsers send some twenty.
const HEADERS: usize = 64;
/// Bytes of a body, and of all bodies of a connection, that a client may send before they are read.
const STREAM_WINDOW: u32 = 16 << 10;
const CONNECTION_WINDOW: u32 = 64 << 10;
/// Bytes of answers that are held for one stream of HTTP/2 beside the answer itself.
const SEND_BUFFER: usize = 16 << 10;
/// Streams of HTTP/2 that ended by an error of the client, or that it reset before they were looked at, and then the connection ends
/// (CVE-2023-44487, CVE-2025-8671).
const RESETS: usize = 50;
/// How long a connection has to say that it ends.
const FAREWELL: Duration = Duration::from_secs(1);

/// The versions of HTTP that are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HttpVersion {
    /// HTTP/1.1 (RFC 9112).
    One,
    /// HTTP/2 (RFC 9113).
    Two,
}

impl HttpVersion {
    pub(super) const fn of(is_http2: bool) -> Self {
        if is_http2 { Self::Two } else { Self::One }
    }
}

/// A connection, and what is known of who made it.
#[derive(Debug)]
pub(super) struct HttpConnection {
    pub(super) peer: SocketAddr,
    pub(super) local: LocalAddress,
    pub(super) terms: Arc<HttpListener>,
    /// Whether its word is taken for which client asks.
    pub(super) is_proxy: bool,
}

impl HttpConnection {
    /// Serves requests until either end is done. The time for the first one began at `begun`.
    pub(super) async fn serve<S>(
        self,
        stream: S,
        version: HttpVersion,
        streams: StreamServices,
        begun: Instant,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let idle = streams.live.snapshot.load().config.server.tcp_idle;
        let activity = ConnectionActivity::new(begun + streams.first_query_time(), idle);
        let (connection, of_requests) = (Arc::new(self), Arc::clone(&activity));
        let stop = streams.stop.clone();
        let service = service_fn(move |request| {
            let connection = Arc::clone(&connection);
            let (activity, streams) = (Arc::clone(&of_requests), streams.clone());
            async move { Ok::<_, Infallible>(connection.respond(request, &activity, &streams).await) }
        });
        let stream = TokioIo::new(stream);
        match version {
            HttpVersion::One => run(http1().serve_connection(stream, service), &activity, stop).await,
            HttpVersion::Two => run(http2().serve_connection(stream, service), &activity, stop).await,
        }
    }

    /// Answers one request.
    async fn respond(
        &self,
        request: Request<Incoming>,
        activity: &Arc<ConnectionActivity>,
        streams: &StreamServices,
    ) -> Response<AnswerBody> {
        let mut open = activity.request();
        let counters = streams.live.metrics.clients();
        counters.stream(Transport::Https);
        let refuse = |why: DohRejection, is_head: bool| {
            counters.stream_failed(Transport::Https, fault_of(why));
            rejection(why, is_head)
        };
        let is_head = request.method() == Method::HEAD;
        let client = self.client(request.headers());
        let read = match client {
            Ok(client) => read_query(request, &self.terms.paths, activity).await.map(|query| (query, client)),
            Err(rejection) => Err(rejection),
        };
        let (query, client) = match read {
            Ok(read) => read,
            Err(why) => return refuse(why, is_head),
        };
        activity.room().await;
        match exchange(&query, &client, streams).await {
            ExchangeAnswer::Message(message) => {
                open.answered();
                answer(activity.unsent(message), is_head)
            }
            ExchangeAnswer::Unanswered => {
                open.answered();
                refuse(DohRejection::Unanswered, is_head)
            }
            // More than one message is for transports that have room for them, and refused before it comes to this.
            ExchangeAnswer::Dropped | ExchangeAnswer::Messages(_) => refuse(DohRejection::Query, is_head),
        }
    }

    /// Who asks. Errors: a proxy does not say it in words that can be read.
    fn client(&self, headers: &HeaderMap) -> Result<QueryClient<'static>, DohRejection> {
        let named = if self.is_proxy {
            let is_proxy = |ip: IpAddr| self.terms.proxies.iter().any(|network| network.contains(ip));
            client_of(headers, is_proxy).map_err(|_| DohRejection::Client)?
        } else {
            None
        };
        let peer = named.map_or(self.peer, |ip| SocketAddr::new(ip, self.peer.port()));
        Ok(QueryClient::Known { peer, local: self.local, transport: Transport::Https })
    }
}

const fn fault_of(why: DohRejection) -> StreamFault {
    match why {
        DohRejection::Path | DohRejection::Method | DohRejection::MediaType | DohRejection::Client => {
            StreamFault::Request
        }
        DohRejection::Variable | DohRejection::Length | DohRejection::Query => StreamFault::Message,
        DohRejection::Late => StreamFault::Late,
        DohRejection::Unanswered => StreamFault::Unanswered,
    }
}

fn http1() -> http1::Builder {
    let mut builder = http1::Builder::new();
    // The time that a head may take is that of the connection.
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_buf_size(HEAD as usize)
        .max_headers(HEADERS);
    builder
}

fn http2() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEAD)
        .header_table_size(HEAD)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .max_pending_accept_reset_streams(RESETS)
        .max_local_error_reset_streams(RESETS);
    builder
}

/// Serves until the client has gone, rests for too long, asks for what there is not, or the server stops.
async fn run(http: impl GracefulConnection, activity: &ConnectionActivity, mut stop: watch::Receiver<bool>) {
    let mut http = pin!(http);
    let mut stopped = pin!(async {
        // A sender that is gone ends it as well.
        let _ = stop.wait_for(|stop| *stop).await;
    });
    loop {
        let due = activity.due();
        tokio::select! {
            // What is wrong with it is the client's business.
            _ = &mut http => return,
            () = &mut stopped => break,
            () = activity.abused() => {
                // It is told once, and not listened to until it is done.
                http.as_mut().graceful_shutdown();
                let _ = timeout(Duration::ZERO, http).await;
                return;
            }
            () = sleep_until(due) => if activity.due() <= Instant::now() { break },
        }
    }
    http.as_mut().graceful_shutdown();
    let _ = timeout(FAREWELL, http).await;
}
