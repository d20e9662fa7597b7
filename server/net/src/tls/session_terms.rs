//! What a handshake agreed on.

use rustls::crypto::SupportedKxGroup;
use rustls::{CommonState, NamedGroup, ProtocolVersion};

/// A version of TLS that is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsVersion {
    /// RFC 5246.
    V12,
    /// RFC 8446.
    V13,
}

impl TlsVersion {
    /// There is no other.
    pub(super) fn of(session: &CommonState) -> Self {
        if session.protocol_version() == Some(ProtocolVersion::TLSv1_2) { Self::V12 } else { Self::V13 }
    }
}

/// How the keys of a session were exchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyExchange {
    /// X25519 and ML-KEM-768 together.
    X25519MlKem768,
    /// X25519.
    X25519,
    /// P-256.
    Secp256r1,
    /// P-384.
    Secp384r1,
    /// Not at all: the keys are those of an earlier session.
    Nothing,
    /// In another group.
    Other,
}

impl KeyExchange {
    pub(super) fn of(session: &CommonState) -> Self {
        Self::of_group(session.negotiated_key_exchange_group().map(SupportedKxGroup::name))
    }

    /// None is no group at all.
    pub(super) const fn of_group(group: Option<NamedGroup>) -> Self {
        match group {
            None => Self::Nothing,
            Some(NamedGroup::X25519MLKEM768) => Self::X25519MlKem768,
            Some(NamedGroup::X25519) => Self::X25519,
            Some(NamedGroup::secp256r1) => Self::Secp256r1,
            Some(NamedGroup::secp384r1) => Self::Secp384r1,
            Some(_) => Self::Other,
        }
    }
}
