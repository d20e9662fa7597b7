//! Queries on connections: pipelined, answered out of order, cut off where the other end does not keep up (RFC 7766).

mod answer;
mod connection;
mod services;

use std::io;
use std::net::TcpListener as StdTcpListener;
use std::time::Duration;

use rhumb_net::tcp::{ConnectionPermit, ConnectionRefusal};
use rhumb_net::{AcceptEvent, AcceptedConnection, serve_connections, tcp_listener};
use rhumb_wire::Transport;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::metrics::{GaugeUnit, RefuseReason};

pub use services::{ListenerServices, StreamServices};

pub(super) use connection::Connection;

/// Accepts the connections of a listener.
#[derive(Debug)]
pub(super) struct StreamAcceptor {
    close: watch::Sender<bool>,
}

impl StreamAcceptor {
    /// Has `serve` serve each connection, in a task of its own. Errors: the runtime does not take the socket.
    pub(super) fn start<F: Future<Output = ()> + Send + 'static>(
        listener: StdTcpListener,
        transport: Transport,
        serving: &ListenerServices,
        serve: impl Fn(AcceptedConnection, StreamServices) -> F + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let ListenerServices { streams, runtime } = serving.clone();
        let _inside = runtime.enter();
        let listener = tcp_listener(listener)?;
        let (close, closed) = watch::channel(false);
        runtime.spawn(accept(listener, transport, streams, closed, serve));
        Ok(Self { close })
    }

    /// Connections made before go on.
    pub(super) fn close(self) {
        // Nobody is listening any more where this fails.
        let _ = self.close.send(true);
    }
}

/// Until `closed` turns true or its sender is gone.
async fn accept<F: Future<Output = ()> + Send + 'static>(
    listener: TcpListener,
    transport: Transport,
    streams: StreamServices,
    mut closed: watch::Receiver<bool>,
    serve: impl Fn(AcceptedConnection, StreamServices) -> F,
) {
    let address = listener.local_addr().map_or_else(|error| error.to_string(), |address| address.to_string());
    let closed = async move {
        // An error means that the sender is gone: as good as closed.
        let _ = closed.wait_for(|closed| *closed).await;
    };
    let admit = |accepted: AcceptedConnection, _| {
        if let Some(open) = admit(&accepted, transport, &streams) {
            let served = serve(accepted, streams.clone());
            tokio::spawn(async move {
                let _open = open;
                served.await;
            });
        }
        // Its task is not this listener's: it goes on when the listener is closed.
        None::<std::future::Ready<()>>
    };
    let event = |event: AcceptEvent<'_>| {
        if let AcceptEvent::Exhausted(error) = event {
            tracing::warn!(listener = %address, %error, "no connection accepted");
        }
    };
    if let Err(error) = serve_connections(listener, closed, Duration::ZERO, admit, event).await {
        tracing::error!(listener = %address, %error, "accepting ended");
    }
}

/// Counts a connection as long as what is given lives; none beyond the limits.
fn admit(
    accepted: &AcceptedConnection,
    transport: Transport,
    streams: &StreamServices,
) -> Option<(ConnectionPermit, GaugeUnit)> {
    match streams.limits.admit(accepted.peer.ip()) {
        Ok(permit) => Some((permit, streams.live.metrics.clients().connection(transport))),
        Err(refusal) => {
            let reason = match refusal {
                ConnectionRefusal::Total => RefuseReason::Total,
                ConnectionRefusal::Network => RefuseReason::Client,
            };
            streams.live.metrics.refused(reason);
            None
        }
    }
}
