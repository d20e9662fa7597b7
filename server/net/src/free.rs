//! Whether an address and port are free.

use std::net::SocketAddr;

use socket2::{Domain, Protocol, Socket, Type};

use crate::bind::BindError;
use crate::local::canonical;
use crate::socket_kind::SocketKind;
use crate::udp::addresses_to_come;

/// Whether no socket is bound to `address`, asked by binding it for a moment without sharing it: sockets of one user that all have
/// `SO_REUSEPORT` would share it unnoticed (socket(7)). `v6only` is meant as in [`crate::tcp::bind`].
///
/// Errors: one is, or it cannot be bound for another reason.
pub fn check_free(transport: SocketKind, address: SocketAddr, v6only: bool) -> Result<(), BindError> {
    let wanted = address;
    let address = canonical(address);
    let failed = |step| move |error| BindError::new(transport, wanted, step, error);
    let (kind, protocol) = match transport {
        SocketKind::Udp => (Type::DGRAM, Protocol::UDP),
        SocketKind::Tcp => (Type::STREAM, Protocol::TCP),
    };
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol)).map_err(failed("socket"))?;
    if address.is_ipv6() {
        socket.set_only_v6(v6only).map_err(failed("set IPV6_V6ONLY"))?;
    }
    if transport == SocketKind::Tcp {
        // Connections of an earlier process that linger do not count.
        socket.set_reuse_address(true).map_err(failed("set SO_REUSEADDR"))?;
    }
    addresses_to_come(&socket, address.is_ipv4() || !v6only, address.is_ipv6());
    socket.bind(&address.into()).map_err(failed("bind"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{tcp, udp};

    #[test]
    fn a_port_that_is_shared_is_not_free() {
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let options = udp::SocketOptions { address: any, v6only: false, receive_buffer: 65_536 };
        let first = udp::DatagramSocket::bind(&options).unwrap();
        let taken = first.address();
        assert!(
            udp::DatagramSocket::bind(&udp::SocketOptions { address: taken, ..options }).is_ok(),
            "shared"
        );
        let error = check_free(SocketKind::Udp, taken, false).unwrap_err();
        assert_eq!(error.errno(), Some(nix::libc::EADDRINUSE));
        drop(first);
        assert!(check_free(SocketKind::Udp, taken, false).is_ok());
        let listener = tcp::bind(any, false, 8).unwrap();
        let taken = listener.local_addr().unwrap();
        assert!(check_free(SocketKind::Tcp, taken, false).is_err());
        drop(listener);
        assert!(check_free(SocketKind::Tcp, taken, false).is_ok());
    }
}
