//! How listeners of each transport are bound and opened.

use std::io;

use rhumb_net::udp::{DatagramSocket, SocketOptions};
use rhumb_net::{self as net, BindError};
use rhumb_wire::Transport;

use super::listener_key::{DatagramSockets, ListenerKey};
use super::open_listener::{BoundListener, ListenerOpening, OpenListener};
use super::{https, quic, tcp, tls, udp};

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

/// Binds the sockets of a listener; those for datagrams ask for this many bytes to receive into. Errors: the address cannot be had.
pub(super) fn bind(key: &ListenerKey, receive_buffer: u64) -> Result<BoundListener, BindError> {
    let Some(DatagramSockets { count, .. }) = key.datagrams else {
        return net::tcp::bind(key.address, key.v6only, BACKLOG).map(BoundListener::Streams);
    };
    let options = SocketOptions {
        address: key.address,
        v6only: key.v6only,
        receive_buffer: usize::try_from(receive_buffer).unwrap_or(usize::MAX),
    };
    if !key.transport.is_datagram() {
        return net::quic::bind(&options).map(BoundListener::Datagram);
    }
    let sockets = (0..count).map(|_| DatagramSocket::bind(&options));
    sockets.collect::<Result<_, _>>().map(BoundListener::Datagrams)
}

/// Serves what was bound. Errors: the system gives no threads or random bytes.
pub(super) fn open(bound: BoundListener, opening: &ListenerOpening<'_>) -> io::Result<Box<dyn OpenListener>> {
    use BoundListener::{Datagram, Datagrams, Streams};
    match (opening.key.transport, bound) {
        (Transport::Udp, Datagrams(sockets)) => udp::open(sockets, opening),
        (Transport::Tcp, Streams(listener)) => tcp::open(listener, opening),
        (Transport::Tls, Streams(listener)) => tls::open(listener, opening),
        (Transport::Https, Streams(listener)) => https::open(listener, opening),
        (Transport::Quic, Datagram(socket)) => quic::open(socket, opening),
        (transport, _) => Err(io::Error::other(format!("{transport} is not served"))),
    }
}
