//! Addresses with a scope.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use rhumb_wire::Transport;
use thiserror::Error;

/// Why a text is no address of an upstream or a listener.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AddressError {
    /// It is no IPv4 or IPv6 address.
    #[error("is not an IP address")]
    NotAnAddress,
    /// The part behind the last colon is no port.
    #[error("has a port that is not a number from 1 to 65535")]
    Port,
    /// A bracket is not closed, or what follows it is no port.
    #[error("has brackets that do not enclose an address before a port")]
    Brackets,
    /// A link-local IPv6 address is ambiguous without its interface (RFC 4007).
    #[error("is link-local and needs its interface, as in fe80::53%eth0")]
    ScopeMissing,
    /// Only link-local IPv6 addresses have a scope.
    #[error("is not link-local and must not have a scope (the part behind %)")]
    ScopeNotAllowed,
    /// The scope is neither an interface name nor an interface number.
    #[error("has a scope that is neither an interface name nor its number")]
    Scope,
    /// A text that cannot be the name of an interface (netdevice(7)).
    #[error("is not the name of an interface")]
    Interface,
    /// An IPv4-mapped IPv6 address; holds the IPv4 address in it.
    #[error("is an IPv4-mapped address (write {0})")]
    Mapped(Ipv4Addr),
    /// An address that no single host has.
    #[error("is {0} and belongs to no single host")]
    NoHost(&'static str),
    /// What stands before `://` is no transport.
    #[error("names a transport that there is not; known are {known}", known = Transport::NAMES.join(", "))]
    Transport,
    /// A transport where it cannot be chosen.
    #[error("names a transport; these servers are asked over udp, and over tcp where need be")]
    NotPlain,
    /// What stands before `@` is no host name, or the transport has none.
    #[error("has @, which stands between the name of a server with tls, https or quic and its address")]
    NameBeforeAddress,
    /// What stands behind `#` is no host name, or the transport checks no name.
    #[error("has behind # no host name that a certificate could have")]
    CertificateName,
    /// A path, which only HTTPS has.
    #[error("has a path, which only https:// has")]
    Path,
    /// A host name where the address should be.
    #[error("names a host without its address; write it behind @, as in tls://dns.example@192.0.2.53")]
    HostName,
}

/// An address of one host or of all (`::`, `0.0.0.0`), with its scope when it is link-local.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ScopedAddress {
    pub(crate) ip: IpAddr,
    pub(crate) scope: Option<String>,
}

impl fmt::Display for ScopedAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.scope {
            Some(scope) => write!(f, "{}%{scope}", self.ip),
            None => write!(f, "{}", self.ip),
        }
    }
}

impl FromStr for ScopedAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (address, scope) = match text.split_once('%') {
            Some((address, scope)) => (address, Some(scope)),
            None => (text, None),
        };
        let ip: IpAddr = address.parse().map_err(|_| AddressError::NotAnAddress)?;
        let link_local = match ip {
            IpAddr::V4(ip) if ip.is_broadcast() => return Err(AddressError::NoHost("the broadcast address")),
            IpAddr::V4(_) => false,
            IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
                Some(inner) => return Err(AddressError::Mapped(inner)),
                // fe80::/10, RFC 4291 section 2.5.6.
                None => ip.is_unicast_link_local(),
            },
        };
        if ip.is_multicast() {
            return Err(AddressError::NoHost("a multicast address"));
        }
        match scope {
            None if link_local => Err(AddressError::ScopeMissing),
            Some(_) if !link_local => Err(AddressError::ScopeNotAllowed),
            Some(scope) if !is_scope(scope) => Err(AddressError::Scope),
            scope => Ok(ScopedAddress { ip, scope: scope.map(str::to_owned) }),
        }
    }
}

/// The addresses of an entry of `listen:`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ListenAddresses {
    /// This one; `::` and `0.0.0.0` stand for every address, on one socket.
    One {
        /// The address.
        ip: IpAddr,
        /// The name or number of the interface of a link-local IPv6 address.
        scope: Option<String>,
    },
    /// Each address that the host has, on a socket of its own, those that come later too.
    EachOfHost,
    /// Each address of the interface of this name, likewise.
    EachOfInterface(String),
}

impl ListenAddresses {
    /// Whether it is a loopback address, which other hosts cannot reach.
    pub fn is_loopback(&self) -> bool {
        matches!(self, Self::One { ip, .. } if ip.is_loopback())
    }

    /// Whether it is `::` or `0.0.0.0`.
    pub fn is_wildcard(&self) -> bool {
        matches!(self, Self::One { ip, .. } if ip.is_unspecified())
    }
}

/// The word that stands for each address of the host.
const EACH: &str = "all";

/// What the key `address` takes: an address, or [`EACH`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AddressOrAll {
    Address(ScopedAddress),
    All,
}

impl fmt::Display for AddressOrAll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::All => f.write_str(EACH),
        }
    }
}

impl FromStr for AddressOrAll {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text == EACH { Ok(Self::All) } else { text.parse().map(Self::Address) }
    }
}

/// The name of an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InterfaceName(pub(crate) String);

impl fmt::Display for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for InterfaceName {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let number = text.bytes().all(|byte| byte.is_ascii_digit());
        if number || !is_scope(text) { Err(AddressError::Interface) } else { Ok(Self(text.to_owned())) }
    }
}

/// A number above 0, or a name as Linux allows it: up to 15 bytes, no slash, no blank (netdevice(7)), and none of the
/// characters that part an address from what is behind it.
fn is_scope(scope: &str) -> bool {
    if scope.bytes().all(|byte| byte.is_ascii_digit()) {
        return scope.parse::<u32>().is_ok_and(|number| number > 0);
    }
    scope.len() <= 15
        && !matches!(scope, "." | "..")
        && scope.bytes().all(|byte| {
            byte.is_ascii_graphic() && !matches!(byte, b'/' | b':' | b'%' | b'[' | b']' | b'#' | b'@')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_addresses_with_their_scopes() {
        for text in ["0.0.0.0", "::", "192.0.2.1", "2001:db8::1", "fe80::1%eth0", "fe80::1%2", "127.0.0.1"] {
            assert_eq!(text.parse::<ScopedAddress>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn refuses_what_is_no_address() {
        for (text, error) in [
            ("", AddressError::NotAnAddress),
            ("300.1.1.1", AddressError::NotAnAddress),
            ("fe80::53", AddressError::ScopeMissing),
            ("febf::53", AddressError::ScopeMissing),
            ("2001:db8::53%eth0", AddressError::ScopeNotAllowed),
            ("192.0.2.53%eth0", AddressError::ScopeNotAllowed),
            ("fe80::53%", AddressError::Scope),
            ("fe80::53%0", AddressError::Scope),
            ("fe80::53%a/b", AddressError::Scope),
            ("fe80::53%#", AddressError::Scope),
            ("fe80::53%a-name-that-is-too-long", AddressError::Scope),
            ("::ffff:192.0.2.53", AddressError::Mapped(Ipv4Addr::new(192, 0, 2, 53))),
            ("255.255.255.255", AddressError::NoHost("the broadcast address")),
            ("ff02::1", AddressError::NoHost("a multicast address")),
            ("224.0.0.1", AddressError::NoHost("a multicast address")),
        ] {
            assert_eq!(text.parse::<ScopedAddress>(), Err(error), "{text}");
        }
    }

    #[test]
    fn all_is_each_address_and_interfaces_have_names() {
        assert_eq!("all".parse(), Ok(AddressOrAll::All));
        assert_eq!("::1".parse(), Ok(AddressOrAll::Address("::1".parse().unwrap())));
        assert_eq!("ALL".parse::<AddressOrAll>(), Err(AddressError::NotAnAddress));
        for (name, good) in
            [("br0", true), ("wg-1.2", true), ("", false), ("1", false), ("a b", false), ("a/b", false)]
        {
            assert_eq!(name.parse::<InterfaceName>().is_ok(), good, "{name}");
        }
    }
}
