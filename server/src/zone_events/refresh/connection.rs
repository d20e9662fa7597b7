//! Connections to primaries, kept for a while for the next zone.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rhumb_net::tls::client::TlsServer;
use rhumb_net::upstream::{ServerConnector, ServerStream, UpstreamConnection};
use tokio::time::sleep_until;

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
    idle: Arc<Mutex<IdleConnections>>,
}

/// Connections that nobody uses now, and since when.
#[derive(Debug, Default)]
struct IdleConnections {
    by_ends: HashMap<ConnectionEnds, Vec<(PrimaryConnection, Instant)>>,
    /// Whether a task closes them at their time.
    is_watched: bool,
}

impl IdleConnections {
    /// Closes those whose time is over. When that of the next one is.
    fn close_old(&mut self, now: Instant) -> Option<Instant> {
        self.by_ends.retain(|_, connections| {
            connections.retain(|(_, since)| now < *since + KEPT);
            !connections.is_empty()
        });
        self.by_ends.values().flatten().map(|(_, since)| *since + KEPT).min()
    }
}

/// Closes connections at their time, until there are none.
async fn close_idle(idle: Arc<Mutex<IdleConnections>>) {
    loop {
        let next = {
            let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
            let next = idle.close_old(Instant::now());
            idle.is_watched = next.is_some();
            next
        };
        let Some(next) = next else { return };
        sleep_until(next.into()).await;
    }
}

fn ends(to: &PrimaryServer) -> ConnectionEnds {
    (to.address, to.tls.clone(), to.source)
}

impl PrimaryConnections {
    /// A connection to a primary, and whether it was used before: the primary may have closed it meanwhile.
    ///
    /// Errors: there is none, and none can be made.
    pub(super) async fn take(&self, to: &PrimaryServer) -> Result<(PrimaryConnection, bool), RefreshFailure> {
        let kept = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.close_old(Instant::now());
            idle.by_ends.get_mut(&ends(to)).and_then(Vec::pop)
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

    /// Keeps a connection on which everything that was asked has been answered. It is closed if nobody takes it for ten seconds: there are
    /// primaries that serve one connection at a time.
    pub(super) fn keep(&self, to: &PrimaryServer, connection: PrimaryConnection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let connections = idle.by_ends.entry(ends(to)).or_default();
        if connections.len() < MOST_KEPT {
            connections.push((connection, Instant::now()));
        }
        if !std::mem::replace(&mut idle.is_watched, true) {
            drop(tokio::spawn(close_idle(Arc::clone(&self.idle))));
        }
    }
}
