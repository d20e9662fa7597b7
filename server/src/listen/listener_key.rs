//! What tells one listener from another.

use std::net::{IpAddr, SocketAddr};

use rhumb_net::{BindError, SocketKind, check_free};
use rhumb_wire::{Transport, TransportCarrier};

/// What makes a listener the same before and after a reload.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ListenerKey {
    pub(super) address: SocketAddr,
    pub(super) v6only: bool,
    pub(super) transport: Transport,
    /// Of those carried by datagrams.
    pub(super) datagrams: Option<DatagramSockets>,
}

/// The sockets for datagrams of a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct DatagramSockets {
    /// How many share the address.
    pub(super) count: usize,
    /// The receive buffer of each, in bytes; none where connections live by the socket, so that another size of it counts from the next
    /// start.
    pub(super) buffer: Option<u64>,
}

impl ListenerKey {
    pub(super) fn ip(&self) -> IpAddr {
        self.address.ip()
    }

    /// The index of the interface of a link-local address, otherwise 0.
    pub(super) fn scope(&self) -> u32 {
        match self.address {
            SocketAddr::V4(_) => 0,
            SocketAddr::V6(v6) => v6.scope_id(),
        }
    }

    /// How many threads serve it alone; 0 where tasks do.
    pub(super) fn threads(&self) -> usize {
        if self.transport.is_datagram() { self.datagrams.map_or(0, |sockets| sockets.count) } else { 0 }
    }

    /// Whether the two are the same to the kernel.
    pub(super) fn shares_socket_with(&self, other: &Self) -> bool {
        self.address == other.address && self.transport.carrier() == other.transport.carrier()
    }

    /// Errors: another socket has the address, or it cannot be bound at all.
    pub(super) fn check_free(&self) -> Result<(), BindError> {
        let kind = match self.transport.carrier() {
            TransportCarrier::Datagrams => SocketKind::Udp,
            TransportCarrier::Streams => SocketKind::Tcp,
        };
        check_free(kind, self.address, self.v6only)
    }
}

impl std::fmt::Display for ListenerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.transport, self.address)?;
        if self.v6only && self.address.ip().is_unspecified() { write!(f, " (IPv6 only)") } else { Ok(()) }
    }
}
