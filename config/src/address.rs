//! Addresses with a scope, and the addresses of upstreams.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use thiserror::Error;

use crate::digits::digits;

/// The port of DNS over UDP and TCP.
pub(crate) const DNS_PORT: u16 = 53;

/// Forms of an upstream, for messages.
pub(crate) const UPSTREAM_FORMS: &str =
    "an address such as 192.0.2.53, 192.0.2.53:5353, 2001:db8::53, \"[2001:db8::53]:53\" or fe80::53%eth0";

/// Where an upstream is reached over plain DNS.
///
/// As text: `192.0.2.53`, `192.0.2.53:5353`, `2001:db8::53`, `[2001:db8::53]:5353`, `fe80::53%eth0`,
/// `[fe80::53%eth0]:5353`. Port 53 is not shown.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UpstreamAddress {
    /// The address; never IPv4-mapped, unspecified, broadcast or multicast.
    pub ip: IpAddr,
    /// The name or number of the interface of a link-local IPv6 address; `None` for every other address.
    pub scope: Option<String>,
    /// The port, never 0.
    pub port: u16,
}

impl fmt::Display for UpstreamAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bracketed = self.ip.is_ipv6() && self.port != DNS_PORT;
        if bracketed {
            f.write_str("[")?;
        }
        write!(f, "{}", self.ip)?;
        if let Some(scope) = &self.scope {
            write!(f, "%{scope}")?;
        }
        if bracketed {
            f.write_str("]")?;
        }
        if self.port != DNS_PORT {
            write!(f, ":{}", self.port)?;
        }
        Ok(())
    }
}

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
    /// An IPv4-mapped IPv6 address; holds the IPv4 address in it.
    #[error("is an IPv4-mapped address (write {0})")]
    Mapped(Ipv4Addr),
    /// An address that no single host has.
    #[error("is {0} and belongs to no single host")]
    NoHost(&'static str),
    /// A transport of the contract that this version does not offer.
    #[error("names a transport that is not offered by this version, which asks upstreams over udp and tcp")]
    Transport,
}

impl FromStr for UpstreamAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if ["tls://", "https://", "quic://", "h3://", "tcp://", "udp://"]
            .iter()
            .any(|word| text.starts_with(word))
        {
            return Err(AddressError::Transport);
        }
        let (address, port) = split_port(text)?;
        let ScopedAddress { ip, scope } = address.parse()?;
        if ip.is_unspecified() {
            return Err(AddressError::NoHost("the unspecified address"));
        }
        let port = match port {
            None => DNS_PORT,
            Some(port) => digits(port)
                .and_then(|port| u16::try_from(port).ok())
                .filter(|port| *port > 0)
                .ok_or(AddressError::Port)?,
        };
        Ok(UpstreamAddress { ip, scope, port })
    }
}

/// Divides an upstream into its address and, when given, its port.
fn split_port(text: &str) -> Result<(&str, Option<&str>), AddressError> {
    if let Some(inner) = text.strip_prefix('[') {
        let (address, rest) = inner.split_once(']').ok_or(AddressError::Brackets)?;
        // Brackets are for IPv6 alone.
        if !address.contains(':') {
            return Err(AddressError::Brackets);
        }
        return match rest.strip_prefix(':') {
            Some(port) => Ok((address, Some(port))),
            None if rest.is_empty() => Ok((address, None)),
            None => Err(AddressError::Brackets),
        };
    }
    match text.split_once(':') {
        Some((address, port)) if !port.contains(':') && address.parse::<Ipv4Addr>().is_ok() => {
            Ok((address, Some(port)))
        }
        _ => Ok((text, None)),
    }
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

/// A number above 0, or a name as Linux allows it: up to 15 bytes, no slash, no blank (netdevice(7)).
fn is_scope(scope: &str) -> bool {
    if scope.bytes().all(|byte| byte.is_ascii_digit()) {
        return scope.parse::<u32>().is_ok_and(|number| number > 0);
    }
    scope.len() <= 15
        && !matches!(scope, "." | "..")
        && scope
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'/' | b':' | b'%' | b'[' | b']'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream(ip: &str, scope: Option<&str>, port: u16) -> UpstreamAddress {
        UpstreamAddress { ip: ip.parse().unwrap(), scope: scope.map(str::to_owned), port }
    }

    #[test]
    fn reads_and_shows_upstreams() {
        for (text, address, shown) in [
            ("192.0.2.53", upstream("192.0.2.53", None, 53), "192.0.2.53"),
            ("192.0.2.53:53", upstream("192.0.2.53", None, 53), "192.0.2.53"),
            ("192.0.2.53:5353", upstream("192.0.2.53", None, 5353), "192.0.2.53:5353"),
            ("2001:db8::53", upstream("2001:db8::53", None, 53), "2001:db8::53"),
            ("[2001:db8::53]", upstream("2001:db8::53", None, 53), "2001:db8::53"),
            ("[2001:db8::53]:53", upstream("2001:db8::53", None, 53), "2001:db8::53"),
            ("[2001:db8::53]:5353", upstream("2001:db8::53", None, 5353), "[2001:db8::53]:5353"),
            ("fe80::53%eth0", upstream("fe80::53", Some("eth0"), 53), "fe80::53%eth0"),
            ("[fe80::53%eth0]:54", upstream("fe80::53", Some("eth0"), 54), "[fe80::53%eth0]:54"),
            ("fe80::53%2", upstream("fe80::53", Some("2"), 53), "fe80::53%2"),
            ("169.254.0.1", upstream("169.254.0.1", None, 53), "169.254.0.1"),
        ] {
            let parsed: UpstreamAddress = text.parse().unwrap();
            assert_eq!(parsed, address, "{text}");
            assert_eq!(parsed.to_string(), shown, "{text}");
            assert_eq!(shown.parse::<UpstreamAddress>().unwrap(), address, "{shown}");
        }
    }

    #[test]
    fn refuses_what_is_no_upstream() {
        for (text, error) in [
            ("", AddressError::NotAnAddress),
            ("dns.example", AddressError::NotAnAddress),
            ("300.1.1.1", AddressError::NotAnAddress),
            ("192.0.2.53:", AddressError::Port),
            ("192.0.2.53:0", AddressError::Port),
            ("192.0.2.53:65536", AddressError::Port),
            ("192.0.2.53:+53", AddressError::Port),
            ("[2001:db8::53]:dns", AddressError::Port),
            ("[2001:db8::53", AddressError::Brackets),
            ("[2001:db8::53]53", AddressError::Brackets),
            ("[192.0.2.53]:53", AddressError::Brackets),
            ("fe80::53", AddressError::ScopeMissing),
            ("febf::53", AddressError::ScopeMissing),
            ("2001:db8::53%eth0", AddressError::ScopeNotAllowed),
            ("192.0.2.53%eth0", AddressError::ScopeNotAllowed),
            ("fe80::53%", AddressError::Scope),
            ("fe80::53%0", AddressError::Scope),
            ("fe80::53%a/b", AddressError::Scope),
            ("fe80::53%a-name-that-is-too-long", AddressError::Scope),
            ("::ffff:192.0.2.53", AddressError::Mapped(Ipv4Addr::new(192, 0, 2, 53))),
            ("0.0.0.0", AddressError::NoHost("the unspecified address")),
            ("::", AddressError::NoHost("the unspecified address")),
            ("255.255.255.255", AddressError::NoHost("the broadcast address")),
            ("ff02::1", AddressError::NoHost("a multicast address")),
            ("224.0.0.1", AddressError::NoHost("a multicast address")),
            ("tls://192.0.2.53#name", AddressError::Transport),
            ("https://dns.example/dns-query", AddressError::Transport),
        ] {
            assert_eq!(text.parse::<UpstreamAddress>(), Err(error), "{text}");
        }
    }
}
