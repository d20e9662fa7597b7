//! The connections of clients: how many there may be, and what is told of those that end for others.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::client_connection::{ClientConnection, FirstQueries};
use super::client_network::ClientNetwork;
use super::connection_table::{ConnectionTable, Displaced, DisplacedConnection};
use super::limits::ConnectionRefusal;

/// Counts connections. Where there are as many as there may be, in all or from one network, one that has asked nothing or that rests is
/// ended for the next; a connection is refused only where something is open on all others.
#[derive(Debug)]
pub struct ClientConnections {
    table: Mutex<ConnectionTable>,
}

/// A connection that was counted; dropping it makes room for another.
#[derive(Debug)]
#[must_use = "the connection counts only while this lives"]
pub struct ClientPermit {
    connection: Arc<ClientConnection>,
    all: Arc<ClientConnections>,
}

impl ClientConnections {
    /// Limits on the number of connections in all and of one network: one IPv4 address, one IPv6 /56.
    pub fn new(most: usize, most_per_network: usize) -> Arc<Self> {
        Arc::new(Self { table: Mutex::new(ConnectionTable::new(most, most_per_network)) })
    }

    /// Counts a connection from this address, none where its client is not known yet, and tells what was ended for it. Errors: the limit
    /// that is reached, by connections that are all of use.
    pub fn admit(
        self: &Arc<Self>,
        ip: Option<IpAddr>,
    ) -> Result<(ClientPermit, Option<DisplacedConnection>), ConnectionRefusal> {
        let all = Arc::clone(self);
        let entered = self.table().enter(all, ip.map(ClientNetwork::of));
        let (connection, displaced) = entered?;
        Ok((ClientPermit { connection, all: Arc::clone(self) }, end(displaced)))
    }

    /// Changes the limits; connections beyond the new ones stay until they end.
    pub fn set(&self, most: usize, most_per_network: usize) {
        let mut table = self.table();
        table.most = most;
        table.most_per_network = most_per_network;
    }

    /// How many connections there are.
    pub fn open(&self) -> usize {
        self.table().open()
    }

    /// Which share of the connections that may be is not there, from 0 to 1.
    #[allow(clippy::cast_precision_loss, reason = "connections far below 2^52")]
    pub fn free_share(&self) -> f64 {
        let table = self.table();
        (1.0 - table.open() as f64 / table.most.max(1) as f64).max(0.0)
    }

    /// No step under the lock leaves the counts half done, so those of a thread that panicked are as good.
    fn table(&self) -> MutexGuard<'_, ConnectionTable> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FirstQueries for ClientConnections {
    fn asked(&self, connection: &ClientConnection) {
        self.table().asked(connection);
    }
}

impl ClientPermit {
    /// The connection.
    pub const fn connection(&self) -> &Arc<ClientConnection> {
        &self.connection
    }

    /// Counts a connection whose client was not known as one from this address; else as [`ClientConnections::admit`].
    pub fn count_for(&self, ip: IpAddr) -> Result<Option<DisplacedConnection>, ConnectionRefusal> {
        if self.connection.network.get().is_some() {
            return Ok(None);
        }
        let displaced = self.all.table().name(&self.connection, ClientNetwork::of(ip))?;
        Ok(end(displaced))
    }
}

impl Drop for ClientPermit {
    fn drop(&mut self) {
        self.all.table().leave(&self.connection);
    }
}

/// Ends a connection without the lock, which it may need as it ends.
fn end(displaced: Displaced) -> Option<DisplacedConnection> {
    let (connection, displaced) = displaced?;
    connection.end();
    Some(displaced)
}
