//! What the routing table and the interfaces say.
//!
//! Whether an address can be reached is asked of the kernel by connecting a datagram socket, which looks up
//! the route and sends nothing (connect(2), udp(7)). It is never guessed from the addresses that interfaces carry.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};

use nix::errno::Errno;
use nix::ifaddrs::{InterfaceAddress, getifaddrs};
use nix::net::if_::{InterfaceFlags, if_nametoindex};

use crate::local::unspecified;

/// Whether the kernel has a route to this address and a source address to use. A port of 0 is fine. A lack of
/// descriptors or memory says nothing about the route and counts as reachable; an unspecified address is not.
pub fn reachable(to: SocketAddr) -> bool {
    if to.ip().to_canonical().is_unspecified() {
        return false;
    }
    match connected(to) {
        Ok(_) => true,
        Err(error) => matches!(
            error.raw_os_error().map(Errno::from_raw),
            Some(Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM | Errno::EAGAIN)
        ),
    }
}

/// The address of this host that a packet to `to` would leave from; `None` if there is no route.
pub fn source_for(to: SocketAddr) -> Option<IpAddr> {
    let ip = connected(to).ok()?.local_addr().ok()?.ip();
    Some(ip.to_canonical())
}

/// The index of the interface of this name or number; `None` if the host has no such interface now (a number is
/// taken as it is: the interface may come later).
pub fn scope_id(name_or_number: &str) -> Option<u32> {
    match name_or_number.parse::<u32>() {
        Ok(index) => Some(index).filter(|index| *index != 0),
        Err(_) => if_nametoindex(name_or_number).ok(),
    }
}

/// All addresses of all interfaces: the address, its scope (the index of the interface for link-local addresses,
/// otherwise 0), and the interface's name.
pub fn local_addresses() -> io::Result<Vec<(IpAddr, u32, String)>> {
    let mut found = Vec::new();
    for entry in getifaddrs()? {
        let Some(address) = entry.address else { continue };
        if let Some(v4) = address.as_sockaddr_in() {
            found.push((v4.ip().into(), 0, entry.interface_name));
        } else if let Some(v6) = address.as_sockaddr_in6() {
            found.push((v6.ip().into(), v6.scope_id(), entry.interface_name));
        }
    }
    Ok(found)
}

/// Whether packets to this address are for this host, also where it is one of a whole prefix that is; asked by binding it. Where
/// that cannot be found out, as for want of descriptors, it is taken to be.
pub fn is_local(ip: IpAddr) -> bool {
    match UdpSocket::bind((ip, 0)) {
        Ok(_) => true,
        Err(error) => error.raw_os_error().map(Errno::from_raw) != Some(Errno::EADDRNOTAVAIL),
    }
}

/// Whether datagrams to this address are for every host of a network: 255.255.255.255, or the broadcast address of one of
/// this host's interfaces.
pub(crate) fn is_broadcast(ip: IpAddr) -> bool {
    let IpAddr::V4(v4) = ip else { return false };
    let broadcasts = |entry: InterfaceAddress| {
        // Point-to-point links have the address of the other end in the same place.
        entry.flags.contains(InterfaceFlags::IFF_BROADCAST)
            && entry.broadcast.and_then(|address| Some(address.as_sockaddr_in()?.ip())) == Some(v4)
    };
    v4.is_broadcast() || getifaddrs().is_ok_and(|mut entries| entries.any(broadcasts))
}

/// The networks of all interfaces that are up or down: an address of each, and the bits of its prefix. Link-local networks are among
/// them.
pub fn local_networks() -> io::Result<Vec<(IpAddr, u8)>> {
    let mut found = Vec::new();
    for entry in getifaddrs()? {
        let (Some(address), Some(mask)) = (entry.address, entry.netmask) else { continue };
        if let (Some(v4), Some(mask)) = (address.as_sockaddr_in(), mask.as_sockaddr_in()) {
            found.push((v4.ip().into(), mask.ip().to_bits().leading_ones() as u8));
        } else if let (Some(v6), Some(mask)) = (address.as_sockaddr_in6(), mask.as_sockaddr_in6()) {
            found.push((v6.ip().into(), mask.ip().to_bits().leading_ones() as u8));
        }
    }
    Ok(found)
}

fn connected(to: SocketAddr) -> io::Result<UdpSocket> {
    let mut to = to;
    if to.port() == 0 {
        // Some systems refuse to connect to port 0; nothing is sent to this one.
        to.set_port(53);
    }
    let socket = UdpSocket::bind((unspecified(&to.ip()), 0))?;
    socket.connect(to)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_reachable_and_its_own_source() {
        let to = "127.0.0.53:53".parse().unwrap();
        assert!(reachable(to));
        assert_eq!(source_for(to), Some("127.0.0.1".parse().unwrap()));
        assert!(reachable("127.0.0.1:0".parse().unwrap()));
    }

    #[test]
    fn addresses_of_this_host_are_told_from_others() {
        for (ip, local) in
            [("127.0.0.1", true), ("127.200.0.9", true), ("192.0.2.77", false), ("2001:db8::77", false)]
        {
            assert_eq!(is_local(ip.parse().unwrap()), local, "{ip}");
        }
    }

    #[test]
    fn unreachable() {
        // No scope, so no interface; and addresses that stand for no host.
        for to in ["[fe80::1]:53", "0.0.0.0:53", "[::]:53", "[::ffff:0.0.0.0]:53", "255.255.255.255:53"] {
            assert!(!reachable(to.parse().unwrap()), "{to}");
        }
        assert_eq!(source_for("[fe80::1]:53".parse().unwrap()), None);
    }

    #[test]
    fn scopes_by_name_and_number() {
        let index = scope_id("lo").unwrap();
        assert_eq!(scope_id(&index.to_string()), Some(index));
        for bad in ["", "0", "no-such-interface0", "lo\0", "-1"] {
            assert_eq!(scope_id(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn own_addresses_are_listed() {
        let all = local_addresses().unwrap();
        assert!(all.contains(&("127.0.0.1".parse().unwrap(), 0, "lo".to_string())), "{all:?}");
        for (ip, scope, _) in all {
            assert_eq!(scope != 0, crate::local::is_link_local(&ip), "{ip}");
        }
    }
}
