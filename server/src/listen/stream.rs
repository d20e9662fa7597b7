//! Queries on connections: pipelined, answered out of order, cut off where the other end does not keep up (RFC 7766).

mod answer;
mod connection;
mod services;

use std::time::Duration;

use rhumb_net::tcp::ConnectionRefusal;
use rhumb_net::{AcceptEvent, AcceptedConnection, serve_connections};
use rhumb_wire::Transport;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::metrics::RefuseReason;
use crate::query::QueryClient;

pub use services::Streams;

use connection::Connection;

/// Accepts connections until `closed` turns true or its sender is gone. Connections made before go on.
pub async fn accept(listener: TcpListener, streams: Streams, mut closed: watch::Receiver<bool>) {
    let address = listener.local_addr().map_or_else(|error| error.to_string(), |address| address.to_string());
    let closed = async move {
        // An error means that the sender is gone: as good as closed.
        let _ = closed.wait_for(|closed| *closed).await;
    };
    let serve = |accepted, _| {
        admit(accepted, &streams);
        // Its task is not this listener's: it goes on when the listener is closed.
        None::<std::future::Ready<()>>
    };
    let event = |event: AcceptEvent<'_>| {
        if let AcceptEvent::Exhausted(error) = event {
            tracing::warn!(listener = %address, %error, "no connection accepted");
        }
    };
    if let Err(error) = serve_connections(listener, closed, Duration::ZERO, serve, event).await {
        tracing::error!(listener = %address, %error, "accepting ended");
    }
}

fn admit(accepted: AcceptedConnection, streams: &Streams) {
    let permit = match streams.limits.admit(accepted.peer.ip()) {
        Ok(permit) => permit,
        Err(refusal) => {
            let reason = match refusal {
                ConnectionRefusal::Total => RefuseReason::Total,
                ConnectionRefusal::Network => RefuseReason::Client,
            };
            streams.live.metrics.refused(reason);
            return;
        }
    };
    let streams = streams.clone();
    tokio::spawn(async move {
        let _permit = permit;
        let _open = streams.live.metrics.connection();
        let client =
            QueryClient::Known { peer: accepted.peer, local: accepted.local, transport: Transport::Tcp };
        Connection::new(streams, client, accepted.stream).run().await;
    });
}
