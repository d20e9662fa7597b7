//! Which server is meant by a handshake.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::ServerName;

use super::tls_failure::TlsFailure;

/// A server to have a session with.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct TlsServer {
    /// The name of its certificate; without one its address stands there.
    pub name: Option<Arc<str>>,
    /// The protocol that is offered (ALPN, RFC 7301).
    pub protocol: &'static [u8],
    /// What its certificate is judged by.
    pub trust: ServerTrust,
}

/// What the certificate of a server is judged by.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ServerTrust {
    /// A file of certificates in PEM that are trusted; without one those of the system are.
    pub authorities: Option<Arc<Path>>,
    /// SHA-256 of the public keys (`SubjectPublicKeyInfo`) that the server may have; any where there are none. Without a name, a
    /// key that is among them is enough.
    pub pins: Arc<[[u8; 32]]>,
    /// False takes any certificate.
    pub verified: bool,
}

impl Default for ServerTrust {
    fn default() -> Self {
        Self { authorities: None, pins: Arc::default(), verified: true }
    }
}

impl TlsServer {
    /// Whether issuers, dates and name are looked at.
    pub(super) fn checks_chain(&self) -> bool {
        self.trust.verified && (self.trust.pins.is_empty() || self.name.is_some())
    }

    /// What its certificate is for. Errors: no certificate can be for such a name.
    pub(crate) fn subject(&self, address: IpAddr) -> Result<ServerName<'static>, TlsFailure> {
        match &self.name {
            Some(name) => ServerName::try_from(name.to_string()).map_err(|_| TlsFailure::WrongName),
            None => Ok(ServerName::from(address)),
        }
    }
}
