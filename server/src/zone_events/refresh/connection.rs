//! Connections to primaries, kept for a while for the next zone.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rhumb_net::tls::client::TlsServer;
use rhumb_net::upstream::{ServerConnector, ServerStream, UpstreamConnection};

use super::failure::RefreshFailure;
use crate::snapshot::PrimaryServer;

/// How long a primary may take to accept a connection, a handshake included.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a step of a transfer may take; whether it gets on is judged by the bytes that come.
const STEP: Duration = Duration::from_mins(5);
/// How long a connection is kept without use.
const KEPT: Duration = Duration::from_secs(10);
/// Connections kept to one primary.
const MOST_KEPT: usize = 4;

/// A connection to a primary.
pub(super) type PrimaryConnection = UpstreamConnection<ServerStream>;

/// Where a connection leads, whose certificate was shown there, and the address that it was to leave from.
type ConnectionEnds = (SocketAddr, Option<Arc<TlsServer>>, Option<IpAddr>);

/// Connections to primaries, and those that nobody uses now.
#[derive(Debug, Default)]
pub(super) struct PrimaryConnections {
    connector: ServerConnector,
    idle: Mutex<HashMap<ConnectionEnds, Vec<(PrimaryConnection, Instant)>>>,
}

fn ends(to: &PrimaryServer) -> ConnectionEnds {
    (to.address, to.tls.clone(), to.source)
}

impl PrimaryConnections {
    /// A connection to a primary, and whether it was used before: the primary may have closed it meanwhile.
    ///
    /// Errors: there is none, and none can be made.
    pub(super) async fn take(&self, to: &PrimaryServer) -> Result<(PrimaryConnection, bool), RefreshFailure> {
        let now = Instant::now();
        let kept = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.retain(|_, connections| {
                connections.retain(|(_, since)| now < *since + KEPT);
                !connections.is_empty()
            });
            idle.get_mut(&ends(to)).and_then(Vec::pop)
        };
        match kept {
            Some((connection, _)) => Ok((connection, true)),
            None => Ok((self.connect(to).await?, false)),
        }
    }

    /// A new connection.
    ///
    /// Errors: it cannot be made.
    pub(super) async fn connect(&self, to: &PrimaryServer) -> Result<PrimaryConnection, RefreshFailure> {
        let made = self.connector.connect(to.address, to.source, to.tls.as_deref(), CONNECT).await?;
        Ok(made.keeping_for(STEP))
    }

    /// Keeps a connection on which everything that was asked has been answered.
    pub(super) fn keep(&self, to: &PrimaryServer, connection: PrimaryConnection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let connections = idle.entry(ends(to)).or_default();
        if connections.len() < MOST_KEPT {
            connections.push((connection, Instant::now()));
        }
    }
}
