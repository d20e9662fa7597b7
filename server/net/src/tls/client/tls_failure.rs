//! Why a handshake with a server failed.

use std::io;

use rustls::{CertificateError, Error as TlsError};

/// Why there is no session with a server.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
pub enum TlsFailure {
    /// The certificate has another name or address.
    #[error("its certificate is for another name")]
    WrongName,
    /// The certificate is too old.
    #[error("its certificate has expired")]
    Expired,
    /// The certificate is too young, or the clock of this host is wrong.
    #[error("its certificate is not valid yet")]
    NotValidYet,
    /// The certificate leads to none of the trusted ones.
    #[error("the issuer of its certificate is not trusted")]
    UnknownIssuer,
    /// The key is none of those that are pinned.
    #[error("its key is none of the pinned ones")]
    PinMismatch,
    /// The certificate is wrong in another way.
    #[error("its certificate cannot be used")]
    Certificate,
    /// There is nothing to judge the certificate by.
    #[error("there are no root certificates to judge its certificate by")]
    NoRoots,
    /// The handshake was not done in time.
    #[error("the handshake was not done in time")]
    Stalled,
    /// The server ended the handshake.
    #[error("the server ended the handshake")]
    Ended,
    /// The server speaks another protocol or another version of it.
    #[error("the server does not speak the protocol")]
    Incompatible,
}

impl TlsFailure {
    /// What an error of a handshake over a stream says.
    pub(crate) fn of(error: &io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>());
        inner.map_or(Self::Ended, Self::of_tls)
    }

    fn of_tls(error: &TlsError) -> Self {
        match error {
            TlsError::InvalidCertificate(error) => Self::of_certificate(error),
            TlsError::AlertReceived(_) => Self::Ended,
            _ => Self::Incompatible,
        }
    }

    pub(super) fn of_certificate(error: &CertificateError) -> Self {
        match error {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::WrongName
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Self::NotValidYet,
            // A trusted certificate of the issuer's name has not signed it.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::UnknownIssuer,
            CertificateError::ApplicationVerificationFailure => Self::PinMismatch,
            _ => Self::Certificate,
        }
    }
}
