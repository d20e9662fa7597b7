//! The small HTTP server of `metrics.listen`: `/metrics`, `/health`, `/ready` and a status page on `/`.
//!
//! Made to be left open to a whole network: a connection serves one request, the request has no body, and every
//! connection has a bound on its octets, its time and its number.

use std::convert::Infallible;
use std::future::{poll_fn, ready};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rhumb_net::tcp::{ClientConnection, ClientConnections, ClientPermit};
use rhumb_net::{AcceptEvent, AcceptedConnection, serve_connections};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

mod page;

/// What the pages show, asked for at each request.
pub trait HttpPages: Send + Sync {
    /// The text of `/metrics`, format 0.0.4.
    fn metrics(&self) -> String;
    /// Whether `/ready` says yes: sentences on what does not work, and does not make the server unready, one each. Errors: each
    /// reason why it is not ready.
    fn ready(&self) -> Result<Vec<String>, Vec<String>>;
    /// Whether `/health` says yes. Errors: each reason why the server should be started anew.
    fn healthy(&self) -> Result<(), Vec<String>>;
    /// The status page, in HTML without scripts and without other sources.
    fn status(&self) -> String;
}

#[derive(Debug, Clone, Copy)]
struct Limits {
    /// Connections at a time; for the next, one that has asked nothing or is answered ends.
    connections: usize,
    /// Octets of a request's head.
    head_bytes: usize,
    /// From accepting a connection to the end of its request's head.
    head: Duration,
    /// From there to the last octet of the response.
    write: Duration,
}

const LIMITS: Limits = Limits {
    connections: 32,
    head_bytes: 8 * 1024,
    head: Duration::from_secs(5),
    write: Duration::from_secs(10),
};

/// Header lines of a request; Prometheus sends six.
const MAX_HEADERS: usize = 64;
/// How long to read on after the response, and how much: closing with octets unread would reset the connection, and the
/// client might lose the response.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: u64 = 64 * 1024;
/// How long open connections may go on once the server stops.
const DRAIN: Duration = Duration::from_secs(1);

/// Serves the pages until `stop` turns true or its sender is gone.
pub async fn serve(listener: TcpListener, pages: Arc<dyn HttpPages>, stop: watch::Receiver<bool>) {
    serve_within(listener, pages, stop, LIMITS).await;
}

async fn serve_within(
    listener: TcpListener,
    pages: Arc<dyn HttpPages>,
    mut stop: watch::Receiver<bool>,
    limits: Limits,
) {
    let stopped = async move {
        // An error means that the sender is gone: as good as a stop.
        let _ = stop.wait_for(|stop| *stop).await;
    };
    // One network may take all places, and loses its own first where another comes.
    let places = ClientConnections::new(limits.connections, limits.connections);
    let serve = |accepted: AcceptedConnection, _| {
        // Without a future the connection is closed.
        let (permit, _) = places.admit(Some(accepted.peer.ip())).ok()?;
        Some(within(permit, accepted.stream, Arc::clone(&pages), limits))
    };
    let event = |event: AcceptEvent<'_>| match event {
        AcceptEvent::Exhausted(error) => tracing::warn!(%error, "metrics: no connection accepted"),
        AcceptEvent::Panicked(error) => tracing::error!(%error, "metrics: a page panicked"),
    };
    if let Err(error) = serve_connections(listener, stopped, DRAIN, serve, event).await {
        tracing::error!(%error, "metrics: accepting ended");
    }
}

/// One connection, until it is over or another needs its place.
async fn within(permit: ClientPermit, stream: TcpStream, pages: Arc<dyn HttpPages>, limits: Limits) {
    let displaced = Arc::new(Notify::new());
    let end = Arc::clone(&displaced);
    permit.connection().ends_by(move || end.notify_one());
    tokio::select! {
        () = connection(permit.connection(), stream, pages, limits) => {}
        () = displaced.notified() => {}
    }
}

/// One connection, which is one request.
async fn connection(
    place: &Arc<ClientConnection>,
    stream: TcpStream,
    pages: Arc<dyn HttpPages>,
    limits: Limits,
) {
    let (asked, open) = (Notify::new(), Mutex::new(None));
    let service = service_fn(|request| {
        asked.notify_one();
        // From here to the end of the response the place is not taken away.
        *open.lock().unwrap_or_else(PoisonError::into_inner) = Some(place.query());
        ready(Ok::<_, Infallible>(page::answer(pages.as_ref(), &request)))
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(limits.head_bytes)
        .max_headers(MAX_HEADERS)
        .keep_alive(false);
    let mut http = builder.serve_connection(TokioIo::new(stream), service);
    let served = tokio::select! {
        served = poll_fn(|context| http.poll_without_shutdown(context)) => served,
        () = async { asked.notified().await; sleep(limits.write).await } => return,
    };
    if served.is_err_and(|error| error.is_timeout()) {
        return;
    }
    let stream = http.into_parts().io.into_inner();
    drop(open);
    let _ = timeout(LINGER, linger(stream)).await;
}

/// Says that nothing more comes, and waits for the client to say so too.
async fn linger(mut stream: TcpStream) -> io::Result<()> {
    stream.shutdown().await?;
    tokio::io::copy(&mut stream.take(LINGER_BYTES), &mut tokio::io::sink()).await.map(drop)
}

#[cfg(test)]
mod tests;
