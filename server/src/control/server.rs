//! The server's side: accepting, who may, and the bounds of a connection, which is one request.

use std::convert::Infallible;
use std::io::{self, Write as _};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::UnixStream;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep, timeout};

use super::command::ControlService;
use super::socket::Listener;

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

/// Serves the control socket until `stop` turns true or its sender is gone; then its file goes.
pub async fn serve(listener: Listener, service: Arc<dyn ControlService>, stop: watch::Receiver<bool>) {
    if let Err(error) = serve_within(listener, service, stop, LIMITS).await {
        tracing::error!(%error, "control: the socket cannot be served");
    }
}

/// Errors: the runtime does not take the socket.
async fn serve_within(
    listener: Listener,
    service: Arc<dyn ControlService>,
    mut stop: watch::Receiver<bool>,
    limits: Limits,
) -> io::Result<()> {
    let accepting = listener.accepting()?;
    let permits = Arc::new(Semaphore::new(limits.clients));
    let mut connections = JoinSet::new();
    let mut stopped = pin!(async move {
        // An error means that the sender is gone: as good as a stop.
        let _ = stop.wait_for(|stop| *stop).await;
    });
    loop {
        tokio::select! {
            () = &mut stopped => break,
            Some(ended) = connections.join_next() => note(ended),
            accepted = accepting.accept() => match accepted {
                Ok((stream, _)) => {
                    if let Some((stream, permit)) = admit(stream, &listener, &permits) {
                        connections.spawn(connection(stream, Arc::clone(&service), permit, limits));
                    }
                }
                Err(error) => if let Some(pause) = rhumb_net::pause_after(&error) {
                    tracing::warn!(%error, "control: no connection accepted");
                    tokio::select! {
                        () = &mut stopped => break,
                        () = sleep(pause) => {}
                    }
                }
            },
        }
    }
    drop(accepting);
    drop(listener);
    let drained = async {
        while let Some(ended) = connections.join_next().await {
            note(ended);
        }
    };
    // Past the time, dropping the set ends what is left.
    let _ = timeout(DRAIN, drained).await;
    Ok(())
}

/// Lets a client in if it may act and there is room; else tells it so. Nothing of it has been read by then.
fn admit(
    stream: UnixStream,
    listener: &Listener,
    permits: &Arc<Semaphore>,
) -> Option<(UnixStream, ClientPermit)> {
    let refused = match rhumb_net::peer::credentials(&stream) {
        Ok(peer) if listener.admits(peer.uid) => match Arc::clone(permits).try_acquire_owned() {
            Ok(permit) => return Some((stream, Arc::new(permit))),
            Err(_) => reply::full(),
        },
        Ok(peer) => {
            tracing::warn!(
                uid = peer.uid,
                pid = peer.pid,
                "control: a client of another account was refused"
            );
            reply::not_admitted()
        }
        Err(error) => {
            tracing::warn!(%error, "control: a client without credentials was refused");
            reply::not_admitted()
        }
    };
    // It fits into the socket's buffer; a client that has gone already misses it.
    let _ = stream.into_std().and_then(|mut stream| stream.write_all(&refused));
    None
}

fn note(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "control: a connection panicked");
    }
}

/// One connection, which is one request. Its head, its body, its command and its response have their times one by one.
async fn connection(
    stream: UnixStream,
    service: Arc<dyn ControlService>,
    permit: ClientPermit,
    limits: Limits,
) {
    let read_by = Instant::now() + limits.read;
    let acted = Notify::new();
    let service = service_fn(|request| {
        let (service, permit, acted) = (Arc::clone(&service), Arc::clone(&permit), &acted);
        async move {
            let commands = service.commands();
            let response = match request::read(request, &commands, read_by, limits.body_bytes).await {
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
