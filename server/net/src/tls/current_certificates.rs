//! The certificates that handshakes show at the moment.

use std::sync::{Arc, PoisonError, RwLock};

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::certificate_pair::CertificatePair;

/// The certificates that are shown now.
#[derive(Debug)]
pub(crate) struct CurrentCertificates(RwLock<Arc<[CertificatePair]>>);

impl CurrentCertificates {
    /// The first of them is for clients that ask for no name, or another.
    pub(crate) fn new(certificates: &[CertificatePair]) -> Arc<Self> {
        Arc::new(Self(RwLock::new(certificates.into())))
    }

    /// Later handshakes show these.
    pub(crate) fn set(&self, certificates: &[CertificatePair]) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = certificates.into();
    }

    fn now(&self) -> Arc<[CertificatePair]> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ResolvesServerCert for CurrentCertificates {
    /// The first one for the name that the client can verify, or the first one that it can.
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let certificates = self.now();
        let is_named =
            |pair: &&CertificatePair| hello.server_name().is_some_and(|name| pair.details().is_for(name));
        let suits = |pair: &&CertificatePair| pair.key.key.choose_scheme(hello.signature_schemes()).is_some();
        let mut named = certificates.iter().filter(is_named);
        let chosen = named.find(suits).or_else(|| certificates.iter().find(suits));
        chosen.or_else(|| certificates.first()).map(|pair| Arc::clone(&pair.key))
    }
}
