//! Connections of HTTP/1.1.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use rhumb_wire::Transport;
use rhumb_wire::doh::DohRejection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::activity::{ConnectionActivity, UnsentAnswer};
use super::bounds::{CLOSING_TIME, LAST_ANSWERS};
use super::connection::{HttpConnection, fault_of};
use super::request::read_query;
use super::response::{DohResponseHead, MAX_AGE, NO_STORE, rejection_text};
use crate::listen::exchange::{ExchangeAnswer, exchange};
use crate::listen::stream::StreamServices;

/// Bytes of the head of a request.
const HEAD: usize = 8 << 10;
/// Lines of a head; browsers send some twenty.
const HEADERS: usize = 64;

/// Serves requests until either end is done. The time for the first one began at `begun`.
pub(super) async fn serve_http1<S>(
    connection: HttpConnection,
    stream: S,
    streams: StreamServices,
    begun: Instant,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let idle = streams.live.snapshot.load().config.server.tcp_idle;
    let activity = ConnectionActivity::new(begun + streams.first_query_time(), idle);
    let (connection, of_requests) = (Arc::new(connection), Arc::clone(&activity));
    let stop = streams.stop.clone();
    let service = service_fn(move |request| {
        let connection = Arc::clone(&connection);
        let (activity, streams) = (Arc::clone(&of_requests), streams.clone());
        async move { Ok::<_, Infallible>(respond(&connection, request, &activity, &streams).await) }
    });
    let mut builder = http1::Builder::new();
    // The time that a head may take is that of the connection.
    builder.timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(HEAD).max_headers(HEADERS);
    run(builder.serve_connection(TokioIo::new(stream), service), &activity, stop).await;
}

/// Answers one request.
async fn respond(
    connection: &HttpConnection,
    request: Request<Incoming>,
    activity: &Arc<ConnectionActivity>,
    streams: &StreamServices,
) -> Response<Full<Bytes>> {
    let mut open = activity.request();
    let counters = streams.live.metrics.clients();
    counters.stream(Transport::Https);
    let refuse = |why: DohRejection, is_head: bool| {
        counters.stream_failed(Transport::Https, fault_of(why));
        response(DohResponseHead::of_rejection(why), Bytes::from(rejection_text(why)), is_head)
    };
    let is_head = request.method() == Method::HEAD;
    let (query, client) = match read_query(request, connection, activity).await {
        Ok(read) => read,
        Err(why) => return refuse(why, is_head),
    };
    let _open = connection.among.query();
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

fn answer(message: UnsentAnswer, is_head: bool) -> Response<Full<Bytes>> {
    let head = DohResponseHead::of_answer(message.as_ref());
    response(head, Bytes::from_owner(message), is_head)
}

/// A response; that to HEAD lacks the body alone (RFC 9110, section 9.3.2).
fn response(head: DohResponseHead, body: Bytes, is_head: bool) -> Response<Full<Bytes>> {
    let length = body.len();
    let mut response = Response::new(if is_head { Full::default() } else { Full::new(body) });
    *response.status_mut() = StatusCode::from_u16(head.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(head.content_type));
    let kept = match head.max_age {
        Some(seconds) => HeaderValue::try_from(format!("{MAX_AGE}{seconds}")).ok(),
        None => Some(HeaderValue::from_static(NO_STORE)),
    };
    if let Some(kept) = kept {
        headers.insert(CACHE_CONTROL, kept);
    }
    if let Some(methods) = head.allow {
        headers.insert(ALLOW, HeaderValue::from_static(methods));
    }
    if is_head {
        headers.insert(CONTENT_LENGTH, length.into());
    }
    response
}

/// Serves until the client has gone, rests for too long, asks for what there is not, or the server stops.
async fn run(http: impl GracefulConnection, activity: &ConnectionActivity, mut stop: watch::Receiver<bool>) {
    let mut http = pin!(http);
    let mut stopped = pin!(async {
        // A sender that is gone ends it as well.
        let _ = stop.wait_for(|stop| *stop).await;
    });
    let closing_time = loop {
        let due = activity.due();
        tokio::select! {
            // What is wrong with it is the client's business.
            _ = &mut http => return,
            () = &mut stopped => break LAST_ANSWERS,
            () = activity.abused() => {
                // It is told once, and not listened to until it is done.
                http.as_mut().graceful_shutdown();
                let _ = timeout(Duration::ZERO, http).await;
                return;
            }
            () = sleep_until(due) => if activity.due() <= Instant::now() { break CLOSING_TIME },
        }
    };
    http.as_mut().graceful_shutdown();
    let _ = timeout(closing_time, http).await;
}
