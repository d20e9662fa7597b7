//! Certificates that clients show: verified by those of issuers, and needed of nobody.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError as Refusal, DigitallySignedStruct, DistinguishedName, Error, OtherError};
use rustls::{RootCertStore, SignatureScheme};

use super::certificate_details::{dns_names, read_chain};
use super::certificate_error::CertificateError;
use super::crypto_provider::crypto_provider;

/// The most bytes of the certificates that a client shows. They are kept as long as its connection, and are part of its tickets.
const MOST_BYTES: usize = 16_384;

/// Issuers whose certificates clients may show.
#[derive(Clone)]
pub struct ClientAuthorities {
    certificates: Arc<[CertificateDer<'static>]>,
    verifier: Arc<dyn ClientCertVerifier>,
}

impl ClientAuthorities {
    /// Reads the certificates of the issuers, in PEM; each has to be one that can be trusted.
    pub fn from_pem(certificates: &[u8]) -> Result<Self, CertificateError> {
        let certificates = read_chain(certificates)?;
        let mut roots = RootCertStore::empty();
        for (index, certificate) in certificates.iter().enumerate() {
            let added = roots.add(certificate.clone());
            added.map_err(|error| CertificateError::Certificate(index + 1, error.to_string()))?;
        }
        let provider = Arc::new(crypto_provider());
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        let verifier = builder.allow_unauthenticated().build();
        let verifier = verifier.map_err(|_| CertificateError::NoCertificate)?;
        Ok(Self { certificates: certificates.into(), verifier })
    }
}

/// The same certificates.
impl PartialEq for ClientAuthorities {
    fn eq(&self, other: &Self) -> bool {
        self.certificates == other.certificates
    }
}

impl fmt::Debug for ClientAuthorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientAuthorities")
            .field("certificates", &self.certificates.len())
            .finish_non_exhaustive()
    }
}

/// Verifies by the issuers of the moment; without any, clients are not asked for certificates.
pub(super) struct ClientVerifier {
    authorities: RwLock<Option<ClientAuthorities>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl fmt::Debug for ClientVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientVerifier").finish_non_exhaustive()
    }
}

impl ClientVerifier {
    pub(super) fn new(authorities: Option<ClientAuthorities>) -> Arc<Self> {
        let algorithms = crypto_provider().signature_verification_algorithms;
        Arc::new(Self { authorities: RwLock::new(authorities), algorithms })
    }

    /// Later handshakes verify by these.
    pub(super) fn set(&self, authorities: Option<ClientAuthorities>) {
        *self.authorities.write().unwrap_or_else(PoisonError::into_inner) = authorities;
    }

    fn now(&self) -> Option<ClientAuthorities> {
        self.authorities.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The DNS names of the client that showed this chain. It is verified once more: it may come with a session that was begun under
    /// other issuers, or before the certificate expired.
    pub(super) fn names(&self, chain: &[CertificateDer<'_>]) -> Vec<String> {
        let Some((own, issuers)) = chain.split_first() else { return Vec::new() };
        let verified = self.verify_client_cert(own, issuers, UnixTime::now());
        if verified.is_ok() { dns_names(own) } else { Vec::new() }
    }
}

impl ClientCertVerifier for ClientVerifier {
    fn offer_client_auth(&self) -> bool {
        self.now().is_some()
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// None: they may change, and clients do without.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        own: &CertificateDer<'_>,
        issuers: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let bytes: usize = [own].into_iter().chain(issuers).map(|certificate| certificate.len()).sum();
        if bytes > MOST_BYTES {
            let why: Box<dyn std::error::Error + Send + Sync> =
                format!("more than {MOST_BYTES} bytes").into();
            return Err(Error::InvalidCertificate(Refusal::Other(OtherError(why.into()))));
        }
        let authorities = self.now().ok_or(Error::InvalidCertificate(Refusal::UnknownIssuer))?;
        authorities.verifier.verify_client_cert(own, issuers, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests;
