//! The server's side of TCP: listening, counting connections.

mod client_connection;
mod client_connections;
mod client_network;
mod connection_table;
mod limits;

use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

pub use client_connection::{ClientConnection, OpenQuery};
pub use client_connections::{ClientConnections, ClientPermit};
pub use connection_table::DisplacedConnection;
pub use limits::{ConnectionLimits, ConnectionPermit, ConnectionRefusal};

use crate::local::canonical;
use crate::udp::addresses_to_come;
use crate::{BindError, SocketKind};

/// Binds a listening socket, ready for tokio (it does not block). `v6only` says whether `::` leaves IPv4 to another
/// socket; `backlog` is how many connections wait to be accepted, which the kernel caps at `net.core.somaxconn`.
///
/// The address may be bound while connections of an earlier process linger, by several sockets of the same user at
/// once, and before the host has it. TCP Fast Open stays off: a query in the first segment may arrive twice, and
/// an update is not to be done twice.
pub fn bind(address: SocketAddr, v6only: bool, backlog: u32) -> Result<TcpListener, BindError> {
    let wanted = address;
    let address = canonical(address);
    let failed = |step| move |error| BindError::new(SocketKind::Tcp, wanted, step, error);
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))
        .map_err(failed("socket"))?;
    if address.is_ipv6() {
        socket.set_only_v6(v6only).map_err(failed("set IPV6_V6ONLY"))?;
    }
    socket.set_reuse_address(true).map_err(failed("set SO_REUSEADDR"))?;
    socket.set_reuse_port(true).map_err(failed("set SO_REUSEPORT"))?;
    addresses_to_come(&socket, address.is_ipv4() || !v6only, address.is_ipv6());
    socket.bind(&address.into()).map_err(failed("bind"))?;
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX)).map_err(failed("listen"))?;
    socket.set_nonblocking(true).map_err(failed("set O_NONBLOCK"))?;
    Ok(socket.into())
}

#[cfg(test)]
mod connection_tests;
#[cfg(test)]
mod tests;
