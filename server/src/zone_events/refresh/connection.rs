//! Connections to primaries, kept for a while for the next zone.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rhumb_net::upstream::UpstreamConnection;

use super::failure::RefreshFailure;
use crate::snapshot::PrimaryServer;

/// How long a primary may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a step of a transfer may take; whether it gets on is judged by the bytes that come.
const STEP: Duration = Duration::from_mins(5);
/// How long a connection is kept without use.
const KEPT: Duration = Duration::from_secs(10);
/// Connections kept to one primary.
const MOST_KEPT: usize = 4;

/// Where a connection leads, and the address that it was to leave from.
type ConnectionEnds = (SocketAddr, Option<IpAddr>);

/// Connections that nobody uses now.
#[derive(Debug, Default)]
pub(super) struct IdleConnections {
    idle: Mutex<HashMap<ConnectionEnds, Vec<(UpstreamConnection, Instant)>>>,
}

impl IdleConnections {
    /// A connection to a primary, and whether it was used before: the primary may have closed it meanwhile.
    ///
    /// Errors: there is none, and none can be made.
    pub(super) async fn take(
        &self,
        to: &PrimaryServer,
    ) -> Result<(UpstreamConnection, bool), RefreshFailure> {
        let now = Instant::now();
        let kept = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.retain(|_, connections| {
                connections.retain(|(_, since)| now < *since + KEPT);
                !connections.is_empty()
            });
            idle.get_mut(&(to.address, to.source)).and_then(Vec::pop)
        };
        match kept {
            Some((connection, _)) => Ok((connection, true)),
            None => Ok((Self::connect(to).await?, false)),
        }
    }

    /// A new connection.
    ///
    /// Errors: it cannot be made.
    pub(super) async fn connect(to: &PrimaryServer) -> Result<UpstreamConnection, RefreshFailure> {
        let made = UpstreamConnection::connect(to.address, to.source, CONNECT).await;
        made.map(|connection| connection.keeping_for(STEP)).map_err(RefreshFailure::Connect)
    }

    /// Keeps a connection on which everything that was asked has been answered.
    pub(super) fn keep(&self, to: &PrimaryServer, connection: UpstreamConnection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let connections = idle.entry((to.address, to.source)).or_default();
        if connections.len() < MOST_KEPT {
            connections.push((connection, Instant::now()));
        }
    }
}
