//! Why a certificate and a key are of no use.

use rustls::pki_types::pem;

/// The most certificates of a chain; clients refuse longer ones.
pub(super) const MOST: usize = 16;

/// Why a certificate and a key are of no use.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The first file has no certificate in PEM.
    #[error("holds no certificate in PEM (-----BEGIN CERTIFICATE-----)")]
    NoCertificate,
    /// More certificates than there can be in a chain.
    #[error("holds more than {MOST} certificates")]
    TooMany,
    /// The PEM around a certificate is broken.
    #[error("is no PEM: {0}")]
    CertificatePem(pem::Error),
    /// A certificate cannot be read; its number in the file from 1.
    #[error("certificate {0} cannot be read: {1}")]
    Certificate(usize, String),
    /// The second file has no private key in PEM.
    #[error("the key's file holds no private key in PEM: {0}")]
    KeyPem(pem::Error),
    /// The key is of a kind or size that is not supported, or broken.
    #[error("the key cannot be used: {0}")]
    Key(rustls::Error),
    /// The key is that of another certificate.
    #[error("the key is not that of the certificate")]
    Mismatch,
    /// No certificate could be made.
    #[error("no certificate could be made: {0}")]
    Generation(#[from] rcgen::Error),
}
