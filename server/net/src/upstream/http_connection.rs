//! Queries as requests of HTTP/2 (RFC 8484).

use std::sync::Arc;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper::header::{ACCEPT, CONTENT_TYPE};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::client::TlsStream;

use super::connection_failure::ConnectionFailure;
use super::connection_state::{ConnectionState, StreamEnd, StreamQuery, UnansweredQueries};
use super::request_connection::{self, RequestFailure};
use super::stream_server::StreamServer;
use crate::tls::client::{TlsFailure, TlsServer};

/// What messages are called (RFC 8484 section 6).
const MESSAGE: &str = "application/dns-message";
/// The most bytes of headers that are taken.
const HEADERS: u32 = 16 << 10;
/// The most bytes of a message.
const LONGEST: usize = u16::MAX as usize;
/// The port that URIs need not name.
const PORT: u16 = 443;

/// What requests are sent to.
#[derive(Clone, Debug)]
pub(super) struct RequestTarget(Arc<str>);

impl RequestTarget {
    /// The path at the name of the server, or at its address where it has none.
    pub(super) fn new(server: &StreamServer, tls: &TlsServer, path: &str) -> Self {
        let ip = server.address.ip().to_canonical();
        let bracketed = if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() };
        let host = tls.name.as_deref().unwrap_or(&bracketed);
        let port = server.address.port();
        let port = if port == PORT { String::new() } else { format!(":{port}") };
        Self(format!("https://{host}{port}{path}").into())
    }

    fn request(&self, message: Vec<u8>) -> Result<Request<Full<Bytes>>, RequestFailure> {
        Request::builder()
            .method(Method::POST)
            .uri(&*self.0)
            .header(CONTENT_TYPE, MESSAGE)
            .header(ACCEPT, MESSAGE)
            .body(Full::new(message.into()))
            .map_err(|_| RequestFailure::Final(ConnectionFailure::NoMessage))
    }
}

/// Sends queries and gives out replies until the connection ends. Those that have no reply then are in `unanswered`.
pub(super) async fn carry(
    session: TlsStream<TcpStream>,
    target: &RequestTarget,
    queries: &mut mpsc::Receiver<StreamQuery>,
    state: &Arc<ConnectionState>,
    unanswered: &mut UnansweredQueries,
) -> StreamEnd {
    if session.get_ref().1.alpn_protocol() != Some(b"h2") {
        return ConnectionFailure::Session(TlsFailure::Incompatible).into();
    }
    let mut builder = Builder::new(TokioExecutor::new());
    builder.timer(TokioTimer::new()).max_header_list_size(HEADERS);
    let Ok((sender, connection)) = builder.handshake(TokioIo::new(session)).await else {
        return ConnectionFailure::Closed.into();
    };
    state.opened();
    let ended = async {
        // How it ended is of no use to those who wait.
        let _ = connection.await;
        ConnectionFailure::Closed
    };
    let request = |message| exchange(sender.clone(), target.request(message));
    request_connection::carry(ended, request, queries, state, unanswered).await
}

async fn exchange(
    mut sender: SendRequest<Full<Bytes>>,
    request: Result<Request<Full<Bytes>>, RequestFailure>,
) -> Result<Vec<u8>, RequestFailure> {
    let response = sender.send_request(request?).await.map_err(|_| RequestFailure::Cut)?;
    message_of(response).await
}

/// The message in a response.
async fn message_of(response: Response<Incoming>) -> Result<Vec<u8>, RequestFailure> {
    if response.status() != StatusCode::OK {
        return Err(RequestFailure::Final(ConnectionFailure::HttpStatus(response.status().as_u16())));
    }
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
    if !kind.is_some_and(|kind| kind.eq_ignore_ascii_case(MESSAGE)) {
        return Err(RequestFailure::Final(ConnectionFailure::NoMessage));
    }
    let body = Limited::new(response.into_body(), LONGEST).collect().await;
    body.map(|body| body.to_bytes().to_vec()).map_err(|_| RequestFailure::Cut)
}
