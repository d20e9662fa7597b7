//! The local end of a datagram or connection.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The address a datagram was sent to, and thus the one its answer leaves from.
///
/// For a multicast or broadcast datagram it is the address of this host that the kernel answers such a one from,
/// or the unspecified address where the kernel is to choose.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct LocalAddress {
    /// The address. An IPv4 address is shown as such, also when it came through an IPv6 socket.
    pub ip: IpAddr,
    /// The index of the interface, for IPv6 link-local addresses. For all others 0: an answer bound to an
    /// interface would go round the routing table.
    pub interface: u32,
}

impl LocalAddress {
    /// The local end with this address and scope: the scope is kept for link-local addresses only, and a
    /// v4-mapped address (RFC 4291, section 2.5.5.2) becomes the IPv4 address.
    pub fn new(ip: IpAddr, scope: u32) -> Self {
        let ip = ip.to_canonical();
        let interface = if is_link_local(&ip) { scope } else { 0 };
        Self { ip, interface }
    }
}

impl From<SocketAddr> for LocalAddress {
    fn from(address: SocketAddr) -> Self {
        let scope = match address {
            SocketAddr::V4(_) => 0,
            SocketAddr::V6(v6) => v6.scope_id(),
        };
        Self::new(address.ip(), scope)
    }
}

impl fmt::Display for LocalAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.interface {
            0 => self.ip.fmt(f),
            index => write!(f, "{}%{index}", self.ip),
        }
    }
}

/// Whether a scope belongs to this address (RFC 4007): it is of `fe80::/10`.
pub(crate) fn is_link_local(ip: &IpAddr) -> bool {
    matches!(ip, IpAddr::V6(v6) if v6.is_unicast_link_local())
}

/// The socket address with a v4-mapped one turned into IPv4.
pub(crate) fn canonical(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V6(v6) => match v6.ip().to_ipv4_mapped() {
            Some(v4) => SocketAddr::from((v4, v6.port())),
            None => address,
        },
        SocketAddr::V4(_) => address,
    }
}

/// The socket address as an IPv6 socket takes it: IPv4 becomes v4-mapped.
pub(crate) fn mapped(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(v4) => SocketAddr::from((v4.ip().to_ipv6_mapped(), v4.port())),
        SocketAddr::V6(_) => address,
    }
}

/// The unspecified address of the same family.
pub(crate) fn unspecified(ip: &IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => IpAddr::from([0; 4]),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scope_is_kept_for_link_local_only() {
        for (ip, interface) in [("fe80::1", 3), ("2001:db8::1", 0), ("::1", 0), ("192.0.2.1", 0)] {
            assert_eq!(LocalAddress::new(ip.parse().unwrap(), 3).interface, interface, "{ip}");
        }
    }

    #[test]
    fn mapped_is_shown_as_ipv4() {
        let local = LocalAddress::new("::ffff:192.0.2.1".parse().unwrap(), 7);
        assert_eq!(local, LocalAddress { ip: "192.0.2.1".parse().unwrap(), interface: 0 });
        let address: SocketAddr = "192.0.2.1:53".parse().unwrap();
        assert_eq!(canonical(mapped(address)), address);
        assert!(mapped(address).is_ipv6());
    }

    #[test]
    fn displayed_with_its_scope() {
        assert_eq!(LocalAddress::new("fe80::1".parse().unwrap(), 2).to_string(), "fe80::1%2");
        assert_eq!(LocalAddress::new("192.0.2.1".parse().unwrap(), 2).to_string(), "192.0.2.1");
    }
}
