//! One received datagram, as the kernel left it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use nix::libc;

use crate::local::LocalAddress;
use crate::pktinfo::{ControlData, PacketInfo};
use crate::sockaddr::RawAddress;

/// A received datagram. The addresses are converted when asked for: an answer needs none of them.
#[derive(Clone, Copy)]
pub struct ReceivedDatagram<'a> {
    /// The message.
    pub bytes: &'a [u8],
    pub(super) peer: &'a RawAddress,
    pub(super) destination: DatagramDestination<'a>,
    pub(super) flags: libc::c_int,
}

/// What the address that a datagram was sent to is known from.
#[derive(Clone, Copy)]
pub(super) enum DatagramDestination<'a> {
    /// Its socket, which is bound to that address alone.
    Bound(&'a LocalAddress),
    /// Its packet information.
    Packet(&'a ControlData, PacketInfo),
    /// Nothing.
    Unknown,
}

impl ReceivedDatagram<'_> {
    /// Who sent it. An IPv4 sender is shown as such, also through an IPv6 socket; an IPv6 link-local one has its
    /// scope.
    #[inline]
    pub fn peer(&self) -> SocketAddr {
        self.peer.address().unwrap_or_else(|| SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)))
    }

    /// The address of the sender alone.
    #[inline]
    pub fn peer_ip(&self) -> IpAddr {
        self.peer.ip().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }

    /// Whether the sender has an IPv4 address.
    #[inline]
    pub fn peer_is_ipv4(&self) -> bool {
        self.peer.is_ipv4()
    }

    /// The port of the sender.
    #[inline]
    pub fn peer_port(&self) -> u16 {
        self.peer.port()
    }

    /// The address it was sent to, which its answer leaves from. The unspecified address if the kernel did not say
    /// ([`ReceivedDatagram::destination_unknown`]) or if the kernel is to choose (IPv6 multicast).
    #[inline]
    pub fn local(&self) -> LocalAddress {
        match self.destination {
            DatagramDestination::Bound(local) => *local,
            DatagramDestination::Packet(control, found) => control.local(found),
            DatagramDestination::Unknown => {
                LocalAddress { ip: IpAddr::V4(Ipv4Addr::UNSPECIFIED), interface: 0 }
            }
        }
    }

    /// Whether the message was larger than the buffer for it, and its end is lost.
    #[inline]
    pub fn truncated(&self) -> bool {
        self.flags & libc::MSG_TRUNC != 0
    }

    /// Whether the kernel did not say the address it was sent to. It cannot be answered then: a batch does not
    /// send such an answer, which would leave from an address of the kernel's choice.
    #[inline]
    pub fn destination_unknown(&self) -> bool {
        matches!(self.destination, DatagramDestination::Unknown)
    }
}

impl std::fmt::Debug for ReceivedDatagram<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReceivedDatagram")
            .field("length", &self.bytes.len())
            .field("peer", &self.peer())
            .field("local", &self.local())
            .field("truncated", &self.truncated())
            .finish_non_exhaustive()
    }
}
