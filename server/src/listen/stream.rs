//! Queries on connections: pipelined, answered out of order, cut off where the other end does not keep up (RFC 7766).

mod answer;
mod arrival;
mod connection;
mod services;

use std::io;
use std::net::TcpListener as StdTcpListener;
use std::sync::Arc;
use std::time::Duration;

use rhumb_net::{AcceptEvent, AcceptedConnection, serve_connections, tcp_listener};
use rhumb_wire::Transport;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub use services::{ListenerServices, StreamServices};

pub(super) use arrival::ConnectionArrival;
pub(super) use connection::Connection;

use super::trusted_proxies::TrustedProxies;
use crate::metrics::RefuseReason;

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
        proxies: &Arc<TrustedProxies>,
        serving: &ListenerServices,
        serve: impl Fn(TcpStream, ConnectionArrival, StreamServices) -> F + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let ListenerServices { streams, runtime } = serving.clone();
        let _inside = runtime.enter();
        let listener = tcp_listener(listener)?;
        let (close, closed) = watch::channel(false);
        let admission = Admission { transport, proxies: Arc::clone(proxies), streams };
        runtime.spawn(accept(listener, admission, closed, serve));
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
    admission: Admission,
    mut closed: watch::Receiver<bool>,
    serve: impl Fn(TcpStream, ConnectionArrival, StreamServices) -> F,
) {
    let address = listener.local_addr().map_or_else(|error| error.to_string(), |address| address.to_string());
    let closed = async move {
        // An error means that the sender is gone: as good as closed.
        let _ = closed.wait_for(|closed| *closed).await;
    };
    let admit = |accepted: AcceptedConnection, _| {
        if let Some(arrival) = admission.admit(&accepted) {
            let connection = arrival.connection();
            let task =
                tokio::spawn(serve(accepted.stream, arrival, admission.streams.clone())).abort_handle();
            connection.ends_by(move || task.abort());
        }
        // Its task is not this listener's: it goes on when the listener is closed.
        None::<std::future::Ready<()>>
    };
    let event = |event: AcceptEvent<'_>| {
        if let AcceptEvent::Exhausted(error) = event {
            admission.streams.live.metrics.refused(RefuseReason::Descriptors);
            tracing::warn!(listener = %address, %error, "no connection accepted");
        }
    };
    if let Err(error) = serve_connections(listener, closed, Duration::ZERO, admit, event).await {
        tracing::error!(listener = %address, %error, "accepting ended");
    }
}

/// By what connections of a listener are admitted.
struct Admission {
    transport: Transport,
    proxies: Arc<TrustedProxies>,
    streams: StreamServices,
}

impl Admission {
    /// Counts a connection as long as what is given lives; none beyond the limits. The client of a proxy is counted once it is known;
    /// that of requests is another each time, and no connection is its own.
    fn admit(&self, accepted: &AcceptedConnection) -> Option<ConnectionArrival> {
        let StreamServices { admission, live, .. } = &self.streams;
        let ip = accepted.peer.ip();
        let permit = if self.proxies.is_shared(ip) {
            admission.admit_unnamed(&live.metrics)
        } else {
            admission.admit(ip, &live.metrics)
        }?;
        let open = live.metrics.clients().connection(self.transport);
        Some(ConnectionArrival::new((accepted.peer, accepted.local), &self.proxies, permit, open))
    }
}
