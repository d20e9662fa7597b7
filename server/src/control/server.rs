//! The server's side: accepting, who may, and the bounds of a connection, which is one request.

use std::convert::Infallible;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rhumb_net::{AcceptEvent, StreamListener, serve_connections};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, sleep};

use super::command::ControlService;
use super::socket::{ControlAccess, ControlListener};

mod body;
mod perform;
mod reply;
mod request;

#[derive(Debug, Clone, Copy)]
struct Limits {
    /// Clients at a time, with the commands of those that have gone; the next is told so and closed.
    clients: usize,
    /// Octets of a request's head.
    head_bytes: usize,
    /// Octets of a request's body.
    body_bytes: usize,
    /// From accepting a connection to the last octet of its request.
    read: Duration,
    /// From the end of the command to the last octet of the response.
    write: Duration,
}

const LIMITS: Limits = Limits {
    clients: 16,
    head_bytes: 8 * 1024,
    body_bytes: 64 * 1024,
    read: Duration::from_secs(5),
    write: Duration::from_secs(5),
};

/// Header lines of a request; curl sends four.
const MAX_HEADERS: usize = 32;
/// How long open connections may go on once the server stops.
const DRAIN: Duration = Duration::from_secs(1);

/// A client's permit to be served, one of [`Limits::clients`]; kept by its command, which may outlast its connection.
type ClientPermit = Arc<OwnedSemaphorePermit>;

/// A client that is served.
struct AdmittedClient {
    permit: ClientPermit,
    access: ControlAccess,
}

/// Serves the control socket until `stop` turns true or its sender is gone; then its file goes.
pub async fn serve(listener: ControlListener, service: Arc<dyn ControlService>, stop: watch::Receiver<bool>) {
    if let Err(error) = serve_within(listener, service, stop, LIMITS).await {
        tracing::error!(%error, "control: the socket cannot be served");
    }
}

/// Errors: the runtime does not take the socket.
async fn serve_within(
    listener: ControlListener,
    service: Arc<dyn ControlService>,
    mut stop: watch::Receiver<bool>,
    limits: Limits,
) -> io::Result<()> {
    let socket = listener.accepting()?;
    let permits = Arc::new(Semaphore::new(limits.clients));
    let stopped = async move {
        // An error means that the sender is gone: as good as a stop.
        let _ = stop.wait_for(|stop| *stop).await;
    };
    let serve = |(stream, access), _| match admit(&permits, access) {
        Ok(client) => Some(connection(stream, Arc::clone(&service), client, limits)),
        Err(refused) => {
            refuse(stream, &refused);
            None
        }
    };
    let event = |event: AcceptEvent<'_>| match event {
        AcceptEvent::Exhausted(error) => tracing::warn!(%error, "control: no connection accepted"),
        AcceptEvent::Panicked(error) => tracing::error!(%error, "control: a connection panicked"),
    };
    serve_connections(AdmittingListener { socket, listener }, stopped, DRAIN, serve, event).await
}

/// The control socket, whose file goes when it is closed.
struct AdmittingListener {
    socket: UnixListener,
    listener: ControlListener,
}

impl StreamListener for AdmittingListener {
    /// A client, and what it may do; none: nothing.
    type Stream = (UnixStream, Option<ControlAccess>);

    async fn accept_one(&self) -> io::Result<Self::Stream> {
        let stream = self.socket.accept_one().await?;
        let access = match rhumb_net::peer::credentials(&stream) {
            Ok(peer) => {
                let access = self.listener.access(peer.uid);
                if access.is_none() {
                    let (uid, pid) = (peer.uid, peer.pid);
                    tracing::warn!(uid, pid, "control: a client of another account was refused");
                }
                access
            }
            Err(error) => {
                tracing::warn!(%error, "control: a client without credentials was refused");
                None
            }
        };
        Ok((stream, access))
    }
}

/// Gives a client that may do something its place. Errors: the reply to one that may not, or for which there is no place.
fn admit(permits: &Arc<Semaphore>, access: Option<ControlAccess>) -> Result<AdmittedClient, Vec<u8>> {
    let access = access.ok_or_else(reply::not_admitted)?;
    let permit = Arc::clone(permits).try_acquire_owned().map_err(|_| reply::full())?;
    Ok(AdmittedClient { permit: Arc::new(permit), access })
}

/// Replies before anything was read. It fits into the socket's buffer; a client that has gone already misses it.
fn refuse(stream: UnixStream, reply: &[u8]) {
    let _ = stream.into_std().and_then(|mut stream| stream.write_all(reply));
}

/// One connection, which is one request. Its head, its body, its command and its response have their times one by one.
async fn connection(
    stream: UnixStream,
    service: Arc<dyn ControlService>,
    client: AdmittedClient,
    limits: Limits,
) {
    let AdmittedClient { permit, access } = client;
    let read_by = Instant::now() + limits.read;
    let acted = Notify::new();
    let service = service_fn(|request| {
        let (service, permit, acted) = (Arc::clone(&service), Arc::clone(&permit), &acted);
        async move {
            let commands = service.commands();
            let response = match request::read(request, &commands, access, read_by, limits.body_bytes).await {
                Ok(request) => perform::perform(request, service, permit).await,
                Err(refusal) => refusal.into_reply(),
            };
            acted.notify_one();
            Ok::<_, Infallible>(response)
        }
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.read)
        .max_buf_size(limits.head_bytes)
        .max_headers(MAX_HEADERS)
        .keep_alive(false);
    tokio::select! {
        // What is wrong with a connection has been told to the client or can no longer be told.
        _ = builder.serve_connection(TokioIo::new(stream), service) => {}
        () = async { acted.notified().await; sleep(limits.write).await } => {}
    }
}

#[cfg(test)]
mod tests;
