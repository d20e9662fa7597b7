//! A certificate with its issuers, and its key.

use std::sync::Arc;

use rustls::InconsistentKeys;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::certificate_details::{CertificateDetails, read_chain};
use super::certificate_error::CertificateError;

/// A certificate and its key, ready to be shown to clients.
#[derive(Debug, Clone)]
pub struct CertificatePair {
    pub(crate) key: Arc<CertifiedKey>,
    details: CertificateDetails,
}

impl CertificatePair {
    /// Reads a chain, the server's own certificate first, and its private key, both in PEM. Dates are not judged.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, CertificateError> {
        let chain = read_chain(certificates)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(CertificateError::KeyPem)?;
        Self::new(chain, key)
    }

    /// A new key with a certificate for these names and addresses that nobody has signed.
    pub fn self_signed(names: Vec<String>) -> Result<Self, CertificateError> {
        let made = rcgen::generate_simple_self_signed(names)?;
        let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        Self::new(vec![made.cert.der().clone()], key)
    }

    fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, CertificateError> {
        let details = CertificateDetails::of_chain(&chain)?;
        let key = CertifiedKey::from_der(chain, key, &default_provider()).map_err(|error| match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => CertificateError::Mismatch,
            other => CertificateError::Key(other),
        })?;
        Ok(Self { key: Arc::new(key), details })
    }

    /// What the certificate says.
    pub fn details(&self) -> &CertificateDetails {
        &self.details
    }
}

/// The same certificates, whatever the key.
impl PartialEq for CertificatePair {
    fn eq(&self, other: &Self) -> bool {
        self.key.cert == other.key.cert
    }
}
