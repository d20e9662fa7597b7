//! Datagram sockets for one query each.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket as StdSocket};

use nix::errno::Errno;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use crate::local::{canonical, unspecified};
use crate::random;
use crate::udp::unfragmented;

/// The first port drawn: those below are for servers, and some need privilege.
const FIRST_PORT: u16 = 1024;
/// How many ports are drawn from: all the others.
const PORTS: u16 = u16::MAX - FIRST_PORT + 1;
/// How many ports may be taken already before it is given up: even with half of all in use, this many in a row
/// are a matter of millions of queries.
const TRIES: u32 = 24;

/// A socket connected to one server, from an unpredictable port.
#[derive(Debug)]
pub struct QuerySocket {
    socket: UdpSocket,
    to: SocketAddr,
}

impl QuerySocket {
    /// Opens a socket towards `to` (with the scope of a link-local address) from a port drawn uniformly from 1024 to
    /// 65 535, and from the address `source` where one is given. Sends nothing. Fails if there is no route, no free port in
    /// two dozen tries, or no descriptor, or if `source` is no address of this host. Needs a tokio runtime with I/O.
    pub fn open(to: SocketAddr, source: Option<IpAddr>) -> io::Result<Self> {
        let to = canonical(to);
        let socket = connected(to, source)?;
        unfragmented(&socket, to.is_ipv4(), to.is_ipv6())?;
        let socket = UdpSocket::from_std(StdSocket::from(socket))?;
        Ok(Self { socket, to })
    }

    /// The address and port it sends from.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Sends one datagram.
    pub async fn send(&self, message: &[u8]) -> io::Result<()> {
        self.socket.send(message).await.map(drop)
    }

    /// Receives one datagram and says its length; the end of one larger than `buffer` is lost. An ICMP error is
    /// an error here (`ConnectionRefused` if no socket is bound there).
    pub async fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let (length, from) = self.socket.recv_from(buffer).await?;
            // Between bind and connect a datagram of anyone may have been queued.
            if same(from, self.to) {
                return Ok(length);
            }
        }
    }
}

/// A socket that does not block, bound to a port drawn at random, and to `source` where that is given, and connected to `to`.
pub(super) fn connected(to: SocketAddr, source: Option<IpAddr>) -> io::Result<Socket> {
    let socket = bound(to, source.unwrap_or_else(|| unspecified(&to.ip())))?;
    // Connected, the kernel takes datagrams of that address and port only, and passes on ICMP errors.
    socket.connect(&to.into())?;
    Ok(socket)
}

/// A socket bound to a port of `source` drawn at random.
fn bound(to: SocketAddr, source: IpAddr) -> io::Result<Socket> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..TRIES {
        let socket = Socket::new(Domain::for_address(to), Type::DGRAM.nonblocking(), Some(Protocol::UDP))?;
        if to.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        let port = FIRST_PORT + random::below(PORTS)?;
        match socket.bind(&SocketAddr::new(source, port).into()) {
            Ok(()) => return Ok(socket),
            Err(error) if taken(&error) => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

/// The port is another's, or kept from this process by a security policy.
fn taken(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error().map(Errno::from_raw),
        Some(Errno::EADDRINUSE | Errno::EACCES | Errno::EPERM)
    )
}

/// The flow label may differ, and the scope where none was given.
pub(super) fn same(from: SocketAddr, to: SocketAddr) -> bool {
    from.ip() == to.ip() && from.port() == to.port()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_drawn_uniformly_from_all() {
        let draw = |_| FIRST_PORT + random::below(PORTS).unwrap();
        let ports: Vec<u16> = (0..129_024).map(draw).collect();
        assert!(ports.iter().all(|port| *port >= 1024));
        // 126 buckets of 512 ports, 1024 expected in each: 125 degrees of freedom, p = 0.00001 at about 202.
        let mut buckets = [0_u32; 126];
        for port in &ports {
            buckets[usize::from((port - FIRST_PORT) / 512)] += 1;
        }
        let chi: f64 = buckets.iter().map(|n| (f64::from(*n) - 1024.0).powi(2) / 1024.0).sum();
        assert!(chi < 202.0, "{chi}");
        let follows = ports.windows(2).filter(|pair| pair[1] == pair[0].wrapping_add(1)).count();
        assert!(follows < 20, "{follows} of 2 expected");
    }
}
