//! Why a handshake failed.

use std::io;

use rustls::{Error, PeerIncompatible};

/// Why there is no session with a client.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// It was not done in time.
    #[error("not done in time")]
    Timeout,
    /// The client closed the connection.
    #[error("the client closed the connection")]
    Closed,
    /// What the client sent is no TLS.
    #[error("not TLS: {0}")]
    NotTls(Error),
    /// Client and server have no version of TLS in common.
    #[error("no version in common: {0}")]
    Version(Error),
    /// Client and server have no cipher suite, group or signature scheme in common.
    #[error("no cipher suite, group or signature scheme in common: {0}")]
    Cipher(Error),
    /// The client speaks another protocol than DNS here (ALPN).
    #[error("the client offers other protocols (ALPN) than DNS")]
    Protocol,
    /// The client ended it, as it does where it does not trust the certificate.
    #[error("the client ended it: {0}")]
    Alert(Error),
    /// The certificate that the client showed does not verify.
    #[error("the certificate of the client is not taken: {0}")]
    ClientCertificate(Error),
    /// Something else.
    #[error("{0}")]
    Other(io::Error),
}

impl HandshakeError {
    pub(super) fn of(error: io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()).cloned();
        match inner {
            Some(Error::PeerIncompatible(peer)) => {
                // Clients that send no signature algorithms know no later version than 1.1 (RFC 5246, section 7.4.1.4.1).
                let is_version = matches!(
                    peer,
                    PeerIncompatible::ServerDoesNotSupportTls12Or13
                        | PeerIncompatible::SignatureAlgorithmsExtensionRequired
                        | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
                        | PeerIncompatible::SupportedVersionsExtensionRequired
                        | PeerIncompatible::Tls12NotOffered
                        | PeerIncompatible::Tls12NotOfferedOrEnabled
                );
                let inner = Error::PeerIncompatible(peer);
                if is_version { Self::Version(inner) } else { Self::Cipher(inner) }
            }
            Some(inner @ (Error::InvalidMessage(_) | Error::InappropriateMessage { .. })) => {
                Self::NotTls(inner)
            }
            Some(inner @ Error::AlertReceived(_)) => Self::Alert(inner),
            Some(inner @ Error::InvalidCertificate(_)) => Self::ClientCertificate(inner),
            Some(Error::NoApplicationProtocol) => Self::Protocol,
            _ if is_closed(&error) => Self::Closed,
            _ => Self::Other(error),
        }
    }
}

fn is_closed(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof};
    matches!(error.kind(), UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe | NotConnected)
}
