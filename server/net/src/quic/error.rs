//! Why connections and streams of QUIC end.

use quinn::{ConnectionError, TransportErrorCode};
use rustls::{AlertDescription, Error as TlsError, PeerIncompatible};

use crate::tls::HandshakeError;

/// Errors of TLS are those of QUIC from here on, by the numbers of their alerts (RFC 9001, section 4.8).
const CRYPTO: u64 = 0x100;

/// The client is done with a stream before its end, or the connection has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the stream is closed")]
pub struct StreamClosed;

/// What a handshake failed by.
pub(super) fn of_handshake(error: ConnectionError) -> HandshakeError {
    match error {
        ConnectionError::TimedOut => HandshakeError::Timeout,
        ConnectionError::VersionMismatch => HandshakeError::Version(TlsError::PeerIncompatible(
            PeerIncompatible::SupportedVersionsExtensionRequired,
        )),
        ConnectionError::TransportError(error) => match alert(error.code) {
            Some(AlertDescription::NoApplicationProtocol) => HandshakeError::Protocol,
            Some(AlertDescription::ProtocolVersion) => {
                HandshakeError::Version(TlsError::General(error.reason))
            }
            Some(AlertDescription::HandshakeFailure) => {
                HandshakeError::Cipher(TlsError::General(error.reason))
            }
            Some(_) => HandshakeError::NotTls(TlsError::General(error.reason)),
            None => HandshakeError::Other(std::io::Error::other(error)),
        },
        ConnectionError::ConnectionClosed(close) => match alert(close.error_code) {
            Some(alert) => HandshakeError::Alert(TlsError::AlertReceived(alert)),
            None => HandshakeError::Closed,
        },
        ConnectionError::ApplicationClosed(_) | ConnectionError::Reset | ConnectionError::LocallyClosed => {
            HandshakeError::Closed
        }
        ConnectionError::CidsExhausted => HandshakeError::Other(std::io::Error::other(error)),
    }
}

fn alert(code: TransportErrorCode) -> Option<AlertDescription> {
    let alert = u64::from(code).checked_sub(CRYPTO)?;
    u8::try_from(alert).ok().map(AlertDescription::from)
}
