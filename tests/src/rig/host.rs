//! Hosts of a test network: a namespace with interfaces and addresses.

use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::ops::Deref;

use crate::failure::{Context, Failure};
use crate::rig::netns::Namespace;

/// One host; clones are the same host. Everything of [`Namespace`] works on it.
#[derive(Clone)]
pub struct Host(Namespace);

impl Deref for Host {
    type Target = Namespace;

    fn deref(&self) -> &Namespace {
        &self.0
    }
}

impl Host {
    /// A host that has only its loopback addresses. Interfaces get no address of their own accord, and the addresses
    /// given to them are good at once, without duplicate address detection.
    pub fn new() -> Result<Self, Failure> {
        let namespace = Namespace::new()?;
        namespace.sysctl("net/ipv6/conf/default/accept_dad", "0")?;
        namespace.sysctl("net/ipv6/conf/default/addr_gen_mode", "1")?;
        namespace.sysctl("net/ipv6/conf/default/accept_ra", "0")?;
        Ok(Self(namespace))
    }

    /// A server with `192.0.2.1` and `2001:db8::1`, and a client with `.2` and `::2`, on one wire between their `eth0`.
    pub fn pair() -> Result<(Self, Self), Failure> {
        let (server, client) = (Self::new()?, Self::new()?);
        server.wire("eth0", &client, "eth0")?;
        server.address("eth0", "192.0.2.1/24")?.address("eth0", "2001:db8::1/64")?;
        client.address("eth0", "192.0.2.2/24")?.address("eth0", "2001:db8::2/64")?;
        // Without a link-local address there is no neighbour discovery for packets from other interfaces' addresses.
        server.address("eth0", "fe80::1/64")?;
        client.address("eth0", "fe80::2/64")?;
        Ok((server, client))
    }

    /// Connects an interface of this host with one of another, both up.
    pub fn wire(&self, interface: &str, other: &Self, other_interface: &str) -> Result<(), Failure> {
        self.ip(&format!(
            "link add {interface} type veth peer name {other_interface} netns {}",
            other.name()
        ))?;
        self.ip(&format!("link set {interface} up"))?;
        other.ip(&format!("link set {other_interface} up"))
    }

    /// Gives an interface an address with its prefix length, such as `192.0.2.1/24`.
    pub fn address(&self, interface: &str, address: &str) -> Result<&Self, Failure> {
        let nodad = if address.contains(':') { "nodad" } else { "" };
        self.ip(&format!("address add {address} dev {interface} {nodad}"))?;
        Ok(self)
    }

    /// Takes an address away again.
    pub fn no_address(&self, interface: &str, address: &str) -> Result<&Self, Failure> {
        self.ip(&format!("address del {address} dev {interface}"))?;
        Ok(self)
    }

    /// Adds a route: `198.51.100.0/24 via 192.0.2.1`, `local 203.0.113.0/24 dev lo`.
    pub fn route(&self, route: &str) -> Result<&Self, Failure> {
        let family = if route.contains(':') { "-6" } else { "-4" };
        self.ip(&format!("{family} route add {route}"))?;
        Ok(self)
    }

    /// A socket address; `fe80::1%eth0` gets the scope this host has for the interface.
    pub fn socket_address(&self, address: &str, port: u16) -> Result<SocketAddr, Failure> {
        if let Some((ip, interface)) = address.split_once('%') {
            let ip: Ipv6Addr = ip.parse().context(address)?;
            let scope = self.interface_index(interface)?;
            return Ok(SocketAddr::V6(SocketAddrV6::new(ip, port, 0, scope)));
        }
        Ok(SocketAddr::new(address.parse::<IpAddr>().context(address)?, port))
    }
}
