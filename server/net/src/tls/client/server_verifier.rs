//! Whether a server's certificate is believed.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use sha2::{Digest, Sha256};

use super::tls_failure::TlsFailure;

/// Judges the certificates of one server.
pub(super) struct ServerVerifier {
    /// Judges issuers, dates and name; none where those do not count.
    chain: Option<Arc<WebPkiServerVerifier>>,
    /// The keys that it may have; any where there are none.
    pins: Arc<[[u8; 32]]>,
    algorithms: WebPkiSupportedAlgorithms,
    /// Why the last certificate was refused; QUIC says no more than the number of an alert.
    refused: Mutex<Option<TlsFailure>>,
}

impl ServerVerifier {
    pub(super) fn new(
        chain: Option<Arc<WebPkiServerVerifier>>,
        pins: Arc<[[u8; 32]]>,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Self {
        Self { chain, pins, algorithms, refused: Mutex::new(None) }
    }

    /// Why the last certificate was refused; none if it was taken.
    pub(super) fn last_refusal(&self) -> Option<TlsFailure> {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn judge(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<(), Error> {
        if !self.pins.is_empty() {
            let key = ParsedCertificate::try_from(certificate)?.subject_public_key_info();
            let digest: [u8; 32] = Sha256::digest(&key).into();
            if !self.pins.contains(&digest) {
                return Err(CertificateError::ApplicationVerificationFailure.into());
            }
        }
        if let Some(chain) = &self.chain {
            chain.verify_server_cert(certificate, intermediates, server, ocsp, now)?;
        }
        Ok(())
    }
}

impl fmt::Debug for ServerVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerVerifier").field("pins", &self.pins.len()).finish_non_exhaustive()
    }
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let judged = self.judge(certificate, intermediates, server, ocsp, now);
        let refused = judged.as_ref().err().map(|error| match error {
            Error::InvalidCertificate(error) => TlsFailure::of_certificate(error),
            _ => TlsFailure::Certificate,
        });
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = refused;
        judged.map(|()| ServerCertVerified::assertion())
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
