//! Which connections are let in, and what is told of those that are not, and of those that end for others.

use std::net::IpAddr;
use std::sync::Arc;

use rhumb_net::tcp::{ClientConnections, ClientPermit, ConnectionRefusal, DisplacedConnection};

use super::paced_log::PacedLog;
use crate::metrics::{DisplacedState, RefuseReason, ServerMetrics};

/// Lets the connections of all listeners in.
#[derive(Debug)]
pub struct ClientAdmission {
    /// Those that there are.
    pub connections: Arc<ClientConnections>,
    refusals: PacedLog<{ RefuseReason::COUNT }>,
    displacements: PacedLog<{ DisplacedState::COUNT }>,
}

impl ClientAdmission {
    /// Limits on the number of connections in all and of one network.
    pub fn new(most: usize, most_per_network: usize) -> Self {
        let connections = ClientConnections::new(most, most_per_network);
        Self { connections, refusals: PacedLog::new(), displacements: PacedLog::new() }
    }

    /// Lets a client in whose address is its own. None: there is no room.
    pub(super) fn admit(&self, ip: IpAddr, metrics: &ServerMetrics) -> Option<ClientPermit> {
        let admitted = self.connections.admit(Some(ip));
        self.tell(admitted, Some(ip), metrics)
    }

    /// Lets a client in that is known later, by what its proxy says.
    pub(super) fn admit_unnamed(&self, metrics: &ServerMetrics) -> Option<ClientPermit> {
        self.tell(self.connections.admit(None), None, metrics)
    }

    /// A client has become known. Whether there is room for it.
    pub(super) fn name(&self, permit: &ClientPermit, ip: IpAddr, metrics: &ServerMetrics) -> bool {
        let named = permit.count_for(ip).map(|displaced| ((), displaced));
        self.tell(named, Some(ip), metrics).is_some()
    }

    /// Counts and logs what became of it.
    fn tell<T>(
        &self,
        became: Result<(T, Option<DisplacedConnection>), ConnectionRefusal>,
        client: Option<IpAddr>,
        metrics: &ServerMetrics,
    ) -> Option<T> {
        let client = client.map(tracing::field::display);
        match became {
            Ok((admitted, None)) => Some(admitted),
            Ok((admitted, Some(DisplacedConnection { was_silent, limit }))) => {
                let state = if was_silent { DisplacedState::Silent } else { DisplacedState::Idle };
                metrics.clients().displaced(state);
                if self.displacements.is_due(state.index()) {
                    let state = state.as_str();
                    tracing::warn!(client, state, "{}: another connection was ended", key_of(limit));
                }
                Some(admitted)
            }
            Err(limit) => {
                let reason = match limit {
                    ConnectionRefusal::Total => RefuseReason::Total,
                    ConnectionRefusal::Network => RefuseReason::Client,
                };
                metrics.refused(reason);
                if self.refusals.is_due(reason.index()) {
                    tracing::warn!(client, "{}: a connection was refused", key_of(limit));
                }
                None
            }
        }
    }
}

/// What a limit is set by.
const fn key_of(limit: ConnectionRefusal) -> &'static str {
    match limit {
        ConnectionRefusal::Total => "server.tcp-clients is reached",
        ConnectionRefusal::Network => "server.tcp-clients-per-network is reached",
    }
}
