//! Packet information: the control messages that carry the address a datagram was sent to, and the one its answer
//! is to leave from (ip(7), ipv6(7), RFC 3542 section 6).
//!
//! One small table has what differs between systems. Only its Linux side has been run here.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsFd;

use nix::libc::{self, c_int};

use crate::local::{LocalAddress, is_link_local};
use crate::sys;

/// Room for control messages, in bytes: a dual-stack socket is given one of each family (32 and 40 bytes on Linux).
pub(crate) const SPACE: usize = 96;

/// Control messages, aligned as cmsg(3) asks.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub(crate) struct ControlData(pub(crate) [u8; SPACE]);

/// How the address lies in the data of a control message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Layout {
    /// `struct in_pktinfo`: interface, address to answer from, address in the packet.
    Info4,
    /// `struct in_addr` alone, received and sent alike.
    #[cfg_attr(
        any(target_os = "linux", target_os = "android", target_vendor = "apple"),
        expect(dead_code, reason = "the BSDs")
    )]
    Address4,
    /// `struct in6_pktinfo`: address, interface.
    Info6,
}

struct Variant {
    level: c_int,
    /// The option that asks for the control message.
    ask: c_int,
    /// The type of the control message, in both directions.
    kind: c_int,
    layout: Layout,
}

#[cfg(any(target_os = "linux", target_os = "android"))]
const V4: Variant =
    Variant { level: libc::IPPROTO_IP, ask: libc::IP_PKTINFO, kind: libc::IP_PKTINFO, layout: Layout::Info4 };
/// macOS has Linux's structure. Not run here.
#[cfg(target_vendor = "apple")]
const V4: Variant =
    Variant { level: libc::IPPROTO_IP, ask: libc::IP_PKTINFO, kind: libc::IP_PKTINFO, layout: Layout::Info4 };
/// On the BSDs `IP_SENDSRCADDR` is the same number as `IP_RECVDSTADDR`. Not run here.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
const V4: Variant = Variant {
    level: libc::IPPROTO_IP,
    ask: libc::IP_RECVDSTADDR,
    kind: libc::IP_SENDSRCADDR,
    layout: Layout::Address4,
};
/// RFC 3542, everywhere.
const V6: Variant = Variant {
    level: libc::IPPROTO_IPV6,
    ask: libc::IPV6_RECVPKTINFO,
    kind: libc::IPV6_PKTINFO,
    layout: Layout::Info6,
};

/// The alignment of control messages; macOS has four bytes. Others than Linux not run here.
const ALIGN: usize = if cfg!(target_vendor = "apple") { 4 } else { size_of::<usize>() };
/// The size of a control message's header with its padding.
const HEADER: usize = align(size_of::<libc::cmsghdr>());
/// Where the level lies in the header, behind the length: a `size_t` for Linux's kernel, otherwise four bytes.
const LEVEL: usize =
    if cfg!(any(target_os = "linux", target_os = "android")) { size_of::<usize>() } else { 4 };

const fn align(length: usize) -> usize {
    length.next_multiple_of(ALIGN)
}

/// A control message with packet information: where its data begins, and how it is laid out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct PacketInfo {
    data: usize,
    layout: Layout,
}

/// Asks for packet information: of IPv4, of IPv6, or of both on a dual-stack socket.
pub(crate) fn ask(fd: impl AsFd, v4: bool, v6: bool) -> io::Result<()> {
    for variant in [v4.then_some(V4), v6.then_some(V6)].into_iter().flatten() {
        sys::set_option(fd.as_fd(), variant.level, variant.ask, 1)?;
    }
    Ok(())
}

impl ControlData {
    pub(crate) const fn empty() -> Self {
        Self([0; SPACE])
    }

    /// Looks for packet information in the first `length` bytes. Where a dual-stack socket gave both kinds for
    /// an IPv4 datagram it takes IPv4's: it alone says where a broadcast is to be answered from.
    #[inline]
    pub(crate) fn find(&self, length: usize) -> Option<PacketInfo> {
        let mut found = None;
        let mut at = 0;
        let end = length.min(SPACE);
        while at + HEADER <= end {
            let size = self.length(at);
            let inside = size.min(end - at);
            let kind = (self.number(at + LEVEL), self.number(at + LEVEL + 4));
            if kind == (V4.level, V4.kind) && inside >= HEADER + V4.layout.size() {
                return Some(PacketInfo { data: at + HEADER, layout: V4.layout });
            }
            if kind == (V6.level, V6.kind) && inside >= HEADER + V6.layout.size() {
                found = Some(PacketInfo { data: at + HEADER, layout: V6.layout });
            }
            if !(HEADER..=SPACE).contains(&size) {
                break;
            }
            at += align(size);
        }
        found
    }

    /// The address to answer from.
    #[inline]
    pub(crate) fn local(&self, found: PacketInfo) -> LocalAddress {
        match found.layout {
            Layout::Info4 => LocalAddress { ip: self.source4(found.data).into(), interface: 0 },
            Layout::Address4 => {
                LocalAddress { ip: Ipv4Addr::from(self.field::<4>(found.data)).into(), interface: 0 }
            }
            Layout::Info6 => {
                let ip = Ipv6Addr::from(self.field::<16>(found.data));
                let ip = if ip.is_multicast() { Ipv6Addr::UNSPECIFIED } else { ip };
                LocalAddress::new(ip.into(), u32::from_ne_bytes(self.field(found.data + 16)))
            }
        }
    }

    /// Makes the control message of a query that of its answer, in place. Gives where it begins and its size.
    #[inline]
    pub(crate) fn rewrite_for_reply(&mut self, found: PacketInfo) -> (usize, usize) {
        let data = found.data;
        match found.layout {
            Layout::Info4 => {
                let source = self.source4(data);
                self.put(data, &[0; 4]);
                self.put(data + 4, &source.octets());
            }
            Layout::Address4 => {}
            Layout::Info6 => {
                let ip = Ipv6Addr::from(self.field::<16>(data));
                if ip.is_multicast() {
                    self.put(data, &[0; 20]);
                } else if !ip.is_unicast_link_local() {
                    self.put(data + 16, &[0; 4]);
                }
            }
        }
        (data - HEADER, align(HEADER + found.layout.size()))
    }

    /// Writes the control message that makes a datagram leave from this address; says its size. The unspecified
    /// address leaves the choice to the kernel and takes no message.
    pub(crate) fn write(&mut self, local: &LocalAddress) -> usize {
        if local.ip.is_unspecified() {
            return 0;
        }
        let variant = if local.ip.is_ipv4() { V4 } else { V6 };
        let size = HEADER + variant.layout.size();
        self.0 = [0; SPACE];
        self.put_length(size);
        self.put(LEVEL, &variant.level.to_ne_bytes());
        self.put(LEVEL + 4, &variant.kind.to_ne_bytes());
        match (local.ip, variant.layout) {
            (IpAddr::V4(ip), Layout::Info4) => self.put(HEADER + 4, &ip.octets()),
            (IpAddr::V4(ip), _) => self.put(HEADER, &ip.octets()),
            (IpAddr::V6(ip), _) => {
                self.put(HEADER, &ip.octets());
                if is_link_local(&local.ip) {
                    self.put(HEADER + 16, &local.interface.to_ne_bytes());
                }
            }
        }
        align(size)
    }

    /// The kernel's own choice for an answer differs from the address in the packet for broadcast and multicast
    /// only, where the latter cannot be a source; it has none for packets that bypassed the routing table.
    fn source4(&self, data: usize) -> Ipv4Addr {
        let chosen = Ipv4Addr::from(self.field::<4>(data + 4));
        if chosen.is_unspecified() { Ipv4Addr::from(self.field::<4>(data + 8)) } else { chosen }
    }

    fn length(&self, at: usize) -> usize {
        if LEVEL == 4 {
            u32::from_ne_bytes(self.field(at)) as usize
        } else {
            usize::from_ne_bytes(self.field(at))
        }
    }

    fn put_length(&mut self, size: usize) {
        if LEVEL == 4 {
            self.put(0, &(size as u32).to_ne_bytes());
        } else {
            self.put(0, &size.to_ne_bytes());
        }
    }

    fn number(&self, at: usize) -> c_int {
        c_int::from_ne_bytes(self.field(at))
    }

    /// `N` bytes from `at` on; beyond the end they read as zero.
    #[inline]
    fn field<const N: usize>(&self, at: usize) -> [u8; N] {
        self.0.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
    }

    #[inline]
    fn put(&mut self, at: usize, bytes: &[u8]) {
        if let Some(place) = self.0.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    }
}

impl Layout {
    const fn size(self) -> usize {
        match self {
            Self::Info4 => 12,
            Self::Address4 => 4,
            Self::Info6 => 20,
        }
    }
}

#[cfg(test)]
#[path = "pktinfo/tests.rs"]
mod tests;
