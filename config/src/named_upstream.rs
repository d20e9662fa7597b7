//! A server that is asked and whose address is looked up by its name.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use rhumb_wire::Transport;

use crate::address::AddressError;
use crate::upstream_server::{UpstreamServer, is_host_name, port_number, split_path};

/// A server by its name: `tls://dns.example`, `https://dns.example:8443/dns-query`, `quic://dns.example`. Its certificate has to be for
/// that name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NamedUpstream {
    /// How it is asked; always encrypted.
    pub transport: Transport,
    /// Its name, as it was written.
    pub name: String,
    /// The port, never 0.
    pub port: u16,
    /// The path of its URI, from its slash on; always with HTTPS and only there.
    pub path: Option<String>,
}

impl NamedUpstream {
    /// The server at one of its addresses.
    pub fn at(&self, ip: IpAddr) -> UpstreamServer {
        let Self { transport, port, path, .. } = self.clone();
        UpstreamServer { transport, ip, scope: None, port, name: Some(self.name.clone()), path }
    }
}

impl fmt::Display for NamedUpstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.transport, self.name)?;
        if self.port != self.transport.default_port() {
            write!(f, ":{}", self.port)?;
        }
        f.write_str(self.path.as_deref().unwrap_or_default())
    }
}

impl FromStr for NamedUpstream {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (word, rest) = text.split_once("://").ok_or(AddressError::NotAnAddress)?;
        let transport: Transport = word.parse().map_err(|_| AddressError::Transport)?;
        let (host, path) = split_path(transport, rest)?;
        let (name, port) = match host.split_once(':') {
            None => (host, None),
            Some((name, port)) => (name, Some(port)),
        };
        if !transport.is_encrypted() || !is_host_name(name) {
            return Err(AddressError::NotAnAddress);
        }
        Ok(Self { transport, name: name.to_owned(), port: port_number(transport, port)?, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_shown() {
        for (text, shown, at) in [
            ("tls://dns.example", "tls://dns.example", "tls://192.0.2.1#dns.example"),
            ("tls://dns.example:8853", "tls://dns.example:8853", "tls://192.0.2.1:8853#dns.example"),
            ("quic://dns.example:853", "quic://dns.example", "quic://192.0.2.1#dns.example"),
            ("https://dns.example", "https://dns.example/dns-query", "https://192.0.2.1#dns.example"),
            (
                "https://dns.example:8443/q",
                "https://dns.example:8443/q",
                "https://192.0.2.1:8443/q#dns.example",
            ),
        ] {
            let read: NamedUpstream = text.parse().unwrap();
            assert_eq!(read.to_string(), shown);
            assert_eq!(shown.parse::<NamedUpstream>().unwrap(), read, "{shown}");
            assert_eq!(read.at("192.0.2.1".parse().unwrap()).to_string(), at);
        }
        for text in
            ["dns.example", "tcp://dns.example", "tls://192.0.2.1", "tls://a..b", "tls://dns.example/q"]
        {
            assert!(text.parse::<NamedUpstream>().is_err(), "{text}");
        }
        assert_eq!("tls://dns.example:0".parse::<NamedUpstream>(), Err(AddressError::Port));
    }
}
