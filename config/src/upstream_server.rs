//! A server that is asked, as a file names it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use rhumb_wire::Transport;

use crate::address::{AddressError, ScopedAddress};
use crate::digits::digits;

/// Forms of a server that is asked by UDP, for messages.
pub(crate) const PLAIN_FORMS: &str =
    "an address such as 192.0.2.53, 192.0.2.53:5353, 2001:db8::53, \"[2001:db8::53]:53\" or fe80::53%eth0";
/// Forms of an upstream, for messages.
pub(crate) const UPSTREAM_FORMS: &str = "an address such as 192.0.2.53, 192.0.2.53:5353, 2001:db8::53, \"[2001:db8::53]:53\" or \
     fe80::53%eth0; tcp:// and an address; tls://, https:// or quic:// and an address, with the name of the certificate behind #, as \
     in tls://192.0.2.53#dns.example or https://192.0.2.53/dns-query#dns.example; or a name with its address behind @, as in \
     https://dns.example/dns-query@192.0.2.53";

/// The path of DNS over HTTPS where none is given.
const DNS_QUERY: &str = "/dns-query";

/// A server that is asked: the transport, the address, and for encrypted transports the name of its certificate and the path.
///
/// As text: `192.0.2.53`, `192.0.2.53:5353`, `2001:db8::53`, `[2001:db8::53]:5353`, `fe80::53%eth0`, and with a transport
/// `tls://192.0.2.53#dns.example`, `https://[2001:db8::53]:443/dns-query#dns.example`. The port of the transport (53, 853, 443)
/// and the path `/dns-query` are not shown. `https://dns.example/dns-query@2001:db8::53` is read as the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UpstreamServer {
    /// How it is asked; UDP stands for UDP with TCP where a datagram does not do.
    pub transport: Transport,
    /// The address; never IPv4-mapped, unspecified, broadcast or multicast.
    pub ip: IpAddr,
    /// The name or number of the interface of a link-local IPv6 address; `None` for every other address.
    pub scope: Option<String>,
    /// The port, never 0.
    pub port: u16,
    /// The name that its certificate must have; only with an encrypted transport.
    pub name: Option<String>,
    /// The path of its URI, from its slash on; always with HTTPS and only there.
    pub path: Option<String>,
}

impl UpstreamServer {
    /// A server at port 53, asked by UDP, and by TCP where need be.
    pub(crate) fn plain(ip: IpAddr, scope: Option<String>) -> Self {
        let transport = Transport::Udp;
        UpstreamServer { transport, ip, scope, port: transport.default_port(), name: None, path: None }
    }

    /// Reads a server that is asked by UDP.
    pub(crate) fn read_plain(text: &str) -> Result<Self, AddressError> {
        let server: Self = text.parse()?;
        if server.transport == Transport::Udp { Ok(server) } else { Err(AddressError::NotPlain) }
    }
}

impl fmt::Display for UpstreamServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shows_port = self.port != self.transport.default_port();
        let shown_path = self.path.as_deref().filter(|path| *path != DNS_QUERY);
        let plain = self.transport == Transport::Udp;
        if !plain {
            write!(f, "{}://", self.transport)?;
        }
        // Brackets keep the address apart from what follows it.
        let bracketed = self.ip.is_ipv6() && (shows_port || !plain);
        let scope = self.scope.as_ref().map_or_else(String::new, |scope| format!("%{scope}"));
        if bracketed {
            write!(f, "[{}{scope}]", self.ip)?;
        } else {
            write!(f, "{}{scope}", self.ip)?;
        }
        if shows_port {
            write!(f, ":{}", self.port)?;
        }
        f.write_str(shown_path.unwrap_or_default())?;
        self.name.as_ref().map_or(Ok(()), |name| write!(f, "#{name}"))
    }
}

impl FromStr for UpstreamServer {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (transport, rest) = match text.split_once("://") {
            None => (Transport::Udp, text),
            Some((word, rest)) => (word.parse().map_err(|_| AddressError::Transport)?, rest),
        };
        if let Some((uri, address)) = rest.rsplit_once('@') {
            return named(transport, uri, address);
        }
        let (rest, name) = match rest.split_once('#') {
            None => (rest, None),
            Some((rest, name)) if transport.is_encrypted() && is_host_name(name) => {
                (rest, Some(name.to_owned()))
            }
            Some(_) => return Err(AddressError::CertificateName),
        };
        let (rest, path) = split_path(transport, rest)?;
        let (address, port) = split_port(rest)?;
        let ScopedAddress { ip, scope } = host_address(address).map_err(|error| match error {
            AddressError::NotAnAddress if transport.is_encrypted() && is_host_name(name_of(address)) => {
                AddressError::HostName
            }
            other => other,
        })?;
        let port = port_number(transport, port)?;
        Ok(UpstreamServer { transport, ip, scope, port, name, path })
    }
}

/// A server by its name, the address being given behind it: `uri` is what stands between `://` and `@`.
fn named(transport: Transport, uri: &str, address: &str) -> Result<UpstreamServer, AddressError> {
    let (host, path) = split_path(transport, uri)?;
    let (name, port) = match host.split_once(':') {
        None => (host, None),
        Some((name, port)) => (name, Some(port)),
    };
    if !transport.is_encrypted() || !is_host_name(name) {
        return Err(AddressError::NameBeforeAddress);
    }
    let inner = address.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(address);
    let ScopedAddress { ip, scope } = host_address(inner)?;
    let port = port_number(transport, port)?;
    Ok(UpstreamServer { transport, ip, scope, port, name: Some(name.to_owned()), path })
}

/// The address of one host.
fn host_address(text: &str) -> Result<ScopedAddress, AddressError> {
    let address: ScopedAddress = text.parse()?;
    if address.ip.is_unspecified() {
        return Err(AddressError::NoHost("the unspecified address"));
    }
    Ok(address)
}

pub(crate) fn port_number(transport: Transport, port: Option<&str>) -> Result<u16, AddressError> {
    let Some(port) = port else { return Ok(transport.default_port()) };
    let number = digits(port).and_then(|port| u16::try_from(port).ok());
    number.filter(|port| *port > 0).ok_or(AddressError::Port)
}

/// Divides what follows the transport before its path.
pub(crate) fn split_path(transport: Transport, text: &str) -> Result<(&str, Option<String>), AddressError> {
    let (rest, path) = match text.find('/').and_then(|at| text.split_at_checked(at)) {
        None => (text, None),
        Some((rest, path)) => (rest, Some(path)),
    };
    match (transport, path) {
        (Transport::Https, None | Some("/")) => Ok((rest, Some(DNS_QUERY.to_owned()))),
        (Transport::Https, Some(path)) if is_path(path) => Ok((rest, Some(path.to_owned()))),
        (_, None) => Ok((rest, None)),
        (_, Some(_)) => Err(AddressError::Path),
    }
}

/// A host without its port.
fn name_of(host: &str) -> &str {
    host.split_once(':').map_or(host, |(name, _)| name)
}

/// A name as certificates have it (RFC 9525 section 6.3), of at most 253 bytes.
pub(crate) fn is_host_name(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    name.len() <= 253 && name.split('.').all(label) && name.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// A path without a query (RFC 3986 section 3.3), of at most 255 bytes. `@` parts it from an address.
fn is_path(path: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:".contains(&byte);
    path.len() <= 255 && path.bytes().all(allowed)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream(ip: &str, scope: Option<&str>, port: u16) -> UpstreamServer {
        UpstreamServer { port, ..UpstreamServer::plain(ip.parse().unwrap(), scope.map(str::to_owned)) }
    }

    #[test]
    fn reads_and_shows_upstreams() {
        for (text, server, shown) in [
            ("192.0.2.53", upstream("192.0.2.53", None, 53), "192.0.2.53"),
            ("192.0.2.53:53", upstream("192.0.2.53", None, 53), "192.0.2.53"),
            ("udp://192.0.2.53", upstream("192.0.2.53", None, 53), "192.0.2.53"),
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
            let parsed: UpstreamServer = text.parse().unwrap();
            assert_eq!(parsed, server, "{text}");
            assert_eq!(parsed.to_string(), shown, "{text}");
            assert_eq!(shown.parse::<UpstreamServer>().unwrap(), server, "{shown}");
            assert_eq!(UpstreamServer::read_plain(text), Ok(server), "{text}");
        }
    }

    #[test]
    fn reads_encrypted_transports() {
        for (text, shown, port, path) in [
            ("tcp://192.0.2.1", "tcp://192.0.2.1", 53, None),
            ("tls://192.0.2.1#dns.example", "tls://192.0.2.1#dns.example", 853, None),
            ("tls://192.0.2.1:853", "tls://192.0.2.1", 853, None),
            ("tls://[fe80::1%eth0]:8853#dns.example", "tls://[fe80::1%eth0]:8853#dns.example", 8853, None),
            ("quic://2001:db8::1#dns.example", "quic://[2001:db8::1]#dns.example", 853, None),
            (
                "https://192.0.2.1/dns-query#dns.example",
                "https://192.0.2.1#dns.example",
                443,
                Some("/dns-query"),
            ),
            ("https://192.0.2.1/#dns.example", "https://192.0.2.1#dns.example", 443, Some("/dns-query")),
            ("https://[2001:db8::1]:8443/q", "https://[2001:db8::1]:8443/q", 8443, Some("/q")),
            (
                "https://dns.example/dns-query@192.0.2.2",
                "https://192.0.2.2#dns.example",
                443,
                Some("/dns-query"),
            ),
            (
                "https://dns.example:8443/q@[2001:db8::1]",
                "https://[2001:db8::1]:8443/q#dns.example",
                8443,
                Some("/q"),
            ),
            ("https://dns.example@2001:db8::1", "https://[2001:db8::1]#dns.example", 443, Some("/dns-query")),
            ("tls://dns.example@192.0.2.2", "tls://192.0.2.2#dns.example", 853, None),
            ("quic://dns.example:8853@192.0.2.2", "quic://192.0.2.2:8853#dns.example", 8853, None),
            ("https://192.0.2.1/dns-query", "https://192.0.2.1", 443, Some("/dns-query")),
        ] {
            let server: UpstreamServer = text.parse().unwrap();
            assert_eq!(
                (server.to_string().as_str(), server.port, server.path.as_deref()),
                (shown, port, path)
            );
            assert_eq!(shown.parse::<UpstreamServer>(), Ok(server), "{shown}");
            assert_eq!(UpstreamServer::read_plain(text), Err(AddressError::NotPlain), "{text}");
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
            ("::ffff:192.0.2.53", AddressError::Mapped(Ipv4Addr::new(192, 0, 2, 53))),
            ("0.0.0.0", AddressError::NoHost("the unspecified address")),
            ("::", AddressError::NoHost("the unspecified address")),
            ("dot://192.0.2.53", AddressError::Transport),
            ("192.0.2.53#dns.example", AddressError::CertificateName),
            ("tls://192.0.2.53#", AddressError::CertificateName),
            ("tls://192.0.2.53#a..b", AddressError::CertificateName),
            ("tls://192.0.2.53/q", AddressError::Path),
            ("https://192.0.2.53/q?dns=1", AddressError::Path),
            ("https://dns.example/dns-query", AddressError::HostName),
            ("tls://dns.example", AddressError::HostName),
            ("tls://dns.example:8853", AddressError::HostName),
            ("dns.example@192.0.2.1", AddressError::NameBeforeAddress),
            ("tcp://dns.example@192.0.2.1", AddressError::NameBeforeAddress),
            ("tls://192.0.2.2@192.0.2.1", AddressError::NameBeforeAddress),
            ("tls://a..b@192.0.2.1", AddressError::NameBeforeAddress),
            ("tls://dns.example@192.0.2.1:853", AddressError::NotAnAddress),
            ("tls://dns.example@192.0.2.1#dns.example", AddressError::NotAnAddress),
            ("tls://dns.example:0@192.0.2.1", AddressError::Port),
            ("tls://dns.example/q@192.0.2.1", AddressError::Path),
            ("https://dns.example/q@::", AddressError::NoHost("the unspecified address")),
        ] {
            assert_eq!(text.parse::<UpstreamServer>(), Err(error), "{text}");
        }
    }
}
