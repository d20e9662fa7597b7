//! How a datagram socket is set up.

use std::io;
use std::net::SocketAddr;

use nix::libc;
use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, Protocol, Socket, Type};

use crate::bind::BindError;
use crate::local::{LocalAddress, canonical};
use crate::route::is_broadcast;
use crate::socket_kind::SocketKind;
use crate::{pktinfo, sys};

/// How long a receive blocks at most, where shutdown(2) does not end one that waits.
#[cfg(not(target_os = "linux"))]
const RECEIVE_TIMEOUT: std::time::Duration = std::time::Duration::from_millis(500);

/// The send buffer, in bytes: several whole batches of large answers.
const SEND_BUFFER: usize = 1 << 20;

/// What to bind.
#[derive(Clone, Debug)]
pub struct SocketOptions {
    /// The address and port; an IPv6 link-local address carries its scope. Port 0 lets the kernel choose.
    pub address: SocketAddr,
    /// For `::`: whether to leave IPv4 to another socket (`IPV6_V6ONLY`). It is set either way.
    pub v6only: bool,
    /// The receive buffer to ask for, in bytes. Without `CAP_NET_ADMIN` the kernel grants no more than
    /// `net.core.rmem_max`.
    pub receive_buffer: usize,
}

impl SocketOptions {
    /// The address that every datagram is sent to: the one bound, unless that is the wildcard, or a multicast or broadcast
    /// address, which no answer can leave from. A link-local address is bound on its interface alone.
    pub(super) fn bound_to(&self) -> Option<LocalAddress> {
        let local = LocalAddress::from(canonical(self.address));
        let shared = local.ip.is_unspecified() || local.ip.is_multicast() || is_broadcast(local.ip);
        (!shared).then_some(local)
    }

    /// Whether IPv4 comes through the socket. Through an IPv6 one it does only if that is the wildcard one, but the options
    /// of IPv4 harm no other.
    pub(super) fn serves_v4(&self) -> bool {
        canonical(self.address).is_ipv4() || !self.v6only
    }

    /// Binds a socket that says of each datagram where it was sent to, unless it is bound to that address alone.
    pub(super) fn bind(&self) -> Result<(Socket, SocketAddr), BindError> {
        self.bind_with(
            |socket, v4, v6| {
                if self.bound_to().is_none() { pktinfo::ask(socket, v4, v6) } else { Ok(()) }
            },
        )
    }

    /// Binds a socket for those who ask it for that themselves. It does not block.
    pub(crate) fn bind_plain(&self) -> Result<std::net::UdpSocket, BindError> {
        let (socket, _) = self.bind_with(|socket, _, _| socket.set_nonblocking(true))?;
        Ok(socket.into())
    }

    fn bind_with(
        &self,
        prepare: impl FnOnce(&Socket, bool, bool) -> io::Result<()>,
    ) -> Result<(Socket, SocketAddr), BindError> {
        let address = canonical(self.address);
        let failed = |step| move |error| BindError::new(SocketKind::Udp, self.address, step, error);
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))
            .map_err(failed("socket"))?;
        if address.is_ipv6() {
            socket.set_only_v6(self.v6only).map_err(failed("set IPV6_V6ONLY"))?;
        }
        socket.set_reuse_port(true).map_err(failed("set SO_REUSEPORT"))?;
        let v4 = self.serves_v4();
        prepare(&socket, v4, address.is_ipv6()).map_err(failed("ask for packet info"))?;
        // With a limit the kernel would set a timer for each wait.
        #[cfg(not(target_os = "linux"))]
        socket.set_read_timeout(Some(RECEIVE_TIMEOUT)).map_err(failed("set SO_RCVTIMEO"))?;
        buffers(&socket, self.receive_buffer);
        unfragmented(&socket, v4, address.is_ipv6()).map_err(failed("set path MTU discovery"))?;
        addresses_to_come(&socket, v4, address.is_ipv6());
        socket.bind(&address.into()).map_err(failed("bind"))?;
        let bound = socket.local_addr().map_err(failed("getsockname"))?;
        Ok((socket, bound.as_socket().unwrap_or(address)))
    }
}

/// Asks for buffers, with privilege beyond the host's maximum if there is such; what is granted is enough to run.
fn buffers(socket: &Socket, receive: usize) {
    #[cfg(target_os = "linux")]
    {
        let _ = setsockopt(socket, sockopt::RcvBufForce, &receive)
            .or_else(|_| setsockopt(socket, sockopt::RcvBuf, &receive));
        let _ = setsockopt(socket, sockopt::SndBufForce, &SEND_BUFFER)
            .or_else(|_| setsockopt(socket, sockopt::SndBuf, &SEND_BUFFER));
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = setsockopt(socket, sockopt::RcvBuf, &receive);
        let _ = setsockopt(socket, sockopt::SndBuf, &SEND_BUFFER);
    }
}

/// RFC 9715: no path MTU learnt from ICMP counts, which anyone can send; IPv6 is never fragmented here.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn unfragmented(socket: &Socket, v4: bool, v6: bool) -> io::Result<()> {
    let wanted = [
        (v4, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_OMIT),
        (v6, libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, libc::IPV6_PMTUDISC_OMIT),
        (v6, libc::IPPROTO_IPV6, libc::IPV6_DONTFRAG, 1),
    ];
    for (_, level, option, value) in wanted.into_iter().filter(|(applies, ..)| *applies) {
        match sys::set_option(socket, level, option, value) {
            // Kernels built elsewhere (gVisor) lack some of these; the size of the answers bounds them too.
            Err(error) if error.raw_os_error() == Some(libc::ENOPROTOOPT) => {}
            other => other?,
        }
    }
    Ok(())
}

/// RFC 9715, as far as these systems go: no fragments over IPv6. Not run here.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn unfragmented(socket: &Socket, _v4: bool, v6: bool) -> io::Result<()> {
    if v6 { sys::set_option(socket, libc::IPPROTO_IPV6, libc::IPV6_DONTFRAG, 1) } else { Ok(()) }
}

/// Lets the socket bind an address that the host does not have yet, and answer from addresses of a prefix that is
/// routed to the host as a whole. Where that is not to be had, the addresses of the host still work.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn addresses_to_come(socket: &Socket, v4: bool, v6: bool) {
    if v4 {
        let _ = socket.set_freebind_v4(true);
    }
    if v6 {
        let _ = socket.set_freebind_v6(true);
    }
}

/// Other systems have no such option that needs no privilege.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn addresses_to_come(_socket: &Socket, _v4: bool, _v6: bool) {}
