//! Queries on connections: pipelined, answered out of order, cut off where the other end does not keep up (RFC 7766).

mod answer;
mod connection;

use std::sync::Arc;

use rhumb_net::tcp::{Accepted, Acceptor, Limits, Refusal};
use tokio::sync::watch;

use self::connection::Connection;
use crate::metrics::RefuseReason;
use crate::query::QueryClient;
use crate::recursion::Door;
use crate::snapshot::ServerState;
use rhumb_wire::Transport;

/// What connections of all listeners have in common.
#[derive(Debug, Clone)]
pub struct Streams {
    /// The server's state.
    pub live: Arc<ServerState>,
    /// Where queries go that have to wait.
    pub door: Door,
    /// How many connections there may be.
    pub limits: Arc<Limits>,
    /// True once the server stops: connections end when their answers are written.
    pub stop: watch::Receiver<bool>,
}

/// Accepts connections until `closed` turns true or its sender is gone. Connections made before go on.
pub async fn accept(acceptor: Acceptor, streams: Streams, mut closed: watch::Receiver<bool>) {
    loop {
        let accepted = tokio::select! {
            accepted = acceptor.accept() => accepted,
            _ = closed.wait_for(|closed| *closed) => return,
        };
        match accepted {
            Ok(accepted) => admit(accepted, &streams),
            Err(error) => {
                tracing::error!(listener = %acceptor.address(), %error, "accepting ended");
                return;
            }
        }
    }
}

fn admit(accepted: Accepted, streams: &Streams) {
    let permit = match streams.limits.admit(accepted.peer.ip()) {
        Ok(permit) => permit,
        Err(refusal) => {
            let reason = match refusal {
                Refusal::Total => RefuseReason::Total,
                Refusal::Network => RefuseReason::Client,
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
