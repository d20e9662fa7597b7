//! Networks: an address and the length of its prefix.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use thiserror::Error;

use crate::digits::digits;

/// A network in CIDR form. The bits of the address behind the prefix are 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IpNetwork {
    /// The first address.
    pub addr: IpAddr,
    /// The bits of the address that count: up to 32 for IPv4, up to 128 for IPv6.
    pub prefix: u8,
}

impl IpNetwork {
    /// The network of this prefix that holds `address`; a prefix beyond the bits of the address counts as all of them.
    pub fn around(address: IpAddr, prefix: u8) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => {
                let prefix = prefix.min(32);
                let first = Ipv4Addr::from_bits(address.to_bits() & mask4(prefix));
                IpNetwork { addr: IpAddr::V4(first), prefix }
            }
            IpAddr::V6(address) => {
                let prefix = prefix.min(128);
                let first = Ipv6Addr::from_bits(address.to_bits() & mask6(prefix));
                IpNetwork { addr: IpAddr::V6(first), prefix }
            }
        }
    }

    /// Whether the network holds `address`. An IPv4-mapped IPv6 address counts as the IPv4 address in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.addr, address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(address)) => {
                (net.to_bits() ^ address.to_bits()) & mask4(self.prefix) == 0
            }
            (IpAddr::V6(net), IpAddr::V6(address)) => {
                (net.to_bits() ^ address.to_bits()) & mask6(self.prefix) == 0
            }
            _ => false,
        }
    }
}

fn mask4(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32_u32.saturating_sub(prefix.into())).unwrap_or(0)
}

fn mask6(prefix: u8) -> u128 {
    u128::MAX.checked_shl(128_u32.saturating_sub(prefix.into())).unwrap_or(0)
}

impl fmt::Display for IpNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.addr, self.prefix)
    }
}

/// Why a text is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum IpNetworkError {
    /// What stands before the slash is no address.
    #[error("is not a network")]
    Address,
    /// The prefix is not a number, or larger than the address has bits.
    #[error("has a prefix that is not a number from 0 to {0}")]
    Prefix(u8),
    /// Bits behind the prefix are set; holds the network that was probably meant.
    #[error("has bits set behind its prefix (the network is {0})")]
    HostBits(IpNetwork),
    /// An IPv4-mapped IPv6 address: clients are compared by their IPv4 address.
    #[error("is an IPv4-mapped network; write it in IPv4 form")]
    Mapped,
}

impl FromStr for IpNetwork {
    type Err = IpNetworkError;

    fn from_str(text: &str) -> Result<Self, IpNetworkError> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let addr: IpAddr = address.parse().map_err(|_| IpNetworkError::Address)?;
        let bits = if addr.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => bits,
            Some(prefix) => digits(prefix)
                .and_then(|prefix| u8::try_from(prefix).ok())
                .filter(|prefix| *prefix <= bits)
                .ok_or(IpNetworkError::Prefix(bits))?,
        };
        if addr != addr.to_canonical() {
            return Err(IpNetworkError::Mapped);
        }
        let network = IpNetwork::around(addr, prefix);
        if network.addr == addr { Ok(network) } else { Err(IpNetworkError::HostBits(network)) }
    }
}

/// Clients that are served: those of a network, or of every network that this host has an address in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientNetwork {
    /// A network.
    Network(IpNetwork),
    /// The networks of this host's interfaces, whatever they are at the moment; `local` in the file.
    Local,
}

impl fmt::Display for ClientNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClientNetwork::Network(network) => network.fmt(f),
            ClientNetwork::Local => f.write_str("local"),
        }
    }
}

impl FromStr for ClientNetwork {
    type Err = IpNetworkError;

    fn from_str(text: &str) -> Result<Self, IpNetworkError> {
        if text == "local" { Ok(ClientNetwork::Local) } else { text.parse().map(ClientNetwork::Network) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_its_own_addresses_only() {
        for (network, address, held) in [
            ("127.0.0.0/8", "127.0.0.1", true),
            ("127.0.0.0/8", "128.0.0.1", false),
            ("127.0.0.0/8", "::ffff:127.0.0.1", true),
            ("127.0.0.0/8", "::1", false),
            ("0.0.0.0/0", "255.255.255.255", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("::1", "::1", true),
            ("::1", "::2", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "2001:db8::1", true),
            ("::/0", "::ffff:192.0.2.1", false),
        ] {
            let parsed: IpNetwork = network.parse().unwrap();
            assert_eq!(parsed.contains(address.parse().unwrap()), held, "{network} {address}");
        }
    }

    #[test]
    fn refuses_what_is_no_network() {
        let meant = IpNetwork { addr: IpAddr::V4(Ipv4Addr::new(10, 0, 0, 0)), prefix: 8 };
        for (text, error) in [
            ("", IpNetworkError::Address),
            ("any", IpNetworkError::Address),
            ("10.0.0/8", IpNetworkError::Address),
            ("10.0.0.0/33", IpNetworkError::Prefix(32)),
            ("10.0.0.0/+8", IpNetworkError::Prefix(32)),
            ("10.0.0.0/", IpNetworkError::Prefix(32)),
            ("::/129", IpNetworkError::Prefix(128)),
            ("10.1.2.3/8", IpNetworkError::HostBits(meant)),
            ("::ffff:10.0.0.0/104", IpNetworkError::Mapped),
        ] {
            assert_eq!(text.parse::<IpNetwork>(), Err(error), "{text}");
        }
        assert!(IpNetworkError::HostBits(meant).to_string().contains("10.0.0.0/8"));
    }
}
