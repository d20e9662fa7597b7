//! Which server is meant.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use rhumb_wire::Transport;

/// A server elsewhere. Two are the same if all of this is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerIdentity {
    /// How it is asked first; a server asked by UDP is asked by TCP where a datagram does not do.
    pub transport: Transport,
    /// Its address and port, with the scope of a link-local address.
    pub address: SocketAddr,
    /// The name that its certificate must have.
    pub name: Option<Arc<str>>,
    /// The path of its URI, for HTTPS.
    pub path: Option<Arc<str>>,
    /// What its certificate is judged by; without it, the certificates that the system trusts.
    pub trust: Option<Arc<CertificateTrust>>,
}

/// What the certificate of a server is judged by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CertificateTrust {
    /// A file of certificates that are trusted in place of the system's.
    pub authorities: Option<Arc<Path>>,
    /// SHA-256 of the public keys that it may have; any where there are none. Without a name, a key that is among them is enough.
    pub pins: Vec<[u8; 32]>,
    /// False takes any certificate.
    pub verified: bool,
}

impl ServerIdentity {
    /// A server that is asked by UDP, and by TCP where need be.
    pub const fn plain(address: SocketAddr) -> Self {
        Self { transport: Transport::Udp, address, name: None, path: None, trust: None }
    }

    /// The transport for answers that are longer than a datagram; its own where that is no datagram.
    pub const fn stream_transport(&self) -> Transport {
        if self.transport.is_datagram() { Transport::Tcp } else { self.transport }
    }
}

/// The address alone for UDP, else a URI with the name behind `#`.
impl fmt::Display for ServerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.transport != Transport::Udp {
            write!(f, "{}://", self.transport)?;
        }
        write!(f, "{}", self.address)?;
        if let Some(path) = &self.path {
            f.write_str(path)?;
        }
        self.name.as_ref().map_or(Ok(()), |name| write!(f, "#{name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_as_the_configuration_writes_it() {
        let address: SocketAddr = "192.0.2.1:53".parse().unwrap();
        let plain = ServerIdentity::plain(address);
        assert_eq!((plain.to_string().as_str(), plain.stream_transport()), ("192.0.2.1:53", Transport::Tcp));
        let https = ServerIdentity {
            transport: Transport::Https,
            address: "[2001:db8::1]:443".parse().unwrap(),
            name: Some("dns.example".into()),
            path: Some("/dns-query".into()),
            trust: None,
        };
        assert_eq!(https.to_string(), "https://[2001:db8::1]:443/dns-query#dns.example");
        assert_eq!(https.stream_transport(), Transport::Https);
        assert_ne!(plain, ServerIdentity { transport: Transport::Tcp, ..plain.clone() });
    }
}
