//! Why nothing was had of a primary.

use std::io;

use rhumb_net::tls::client::TlsFailure;
use rhumb_net::upstream::{ServerConnectError, StreamSendError};
use rhumb_wire::Rcode;
use rhumb_wire::tsig::ResponseError;
use rhumb_zones::InboundError;

use super::signed_zone::UnprovenZone;

/// Why nothing was had of a primary.
#[derive(Debug, thiserror::Error)]
pub(super) enum RefreshFailure {
    /// It cannot be reached.
    #[error("no connection: {0}")]
    Connect(io::Error),
    /// There is no session of TLS with it.
    #[error("TLS: {0}")]
    Session(TlsFailure),
    /// It did not answer in time, or too slowly.
    #[error("no answer in time")]
    Timeout,
    /// The connection failed.
    #[error("the connection failed: {0}")]
    Connection(String),
    /// It closed the connection before the end.
    #[error("the connection was closed before the end")]
    Closed,
    /// What came is no answer to what was asked.
    #[error("what came is no answer")]
    Answer,
    /// It does not answer for the zone.
    #[error("it answers {0}")]
    Rcode(Rcode),
    /// It says that it is not authoritative for the zone.
    #[error("it is not authoritative for the zone")]
    NotAuthoritative,
    /// Its signature is not good.
    #[error("TSIG: {0}")]
    Signature(#[from] ResponseError),
    /// It refuses, without a signature: it does not know the key, or another server stands there.
    #[error("TSIG: it answers {0}, which is not signed")]
    UnsignedRcode(Rcode),
    /// The key is not there any more.
    #[error("no key for it")]
    NoKey,
    /// What it sent cannot be taken.
    #[error("{0}")]
    Transfer(#[from] InboundError),
    /// The zone that it sent is faulty.
    #[error("the zone cannot be served: {0}")]
    Zone(String),
    /// Its keys do not prove all of the zone.
    #[error("the zone is not valid: {0}")]
    Unproven(#[from] UnprovenZone),
    /// What was transferred is older than what it said to have.
    #[error("it sent serial {sent} and said that it has {said}")]
    Serial {
        /// What came.
        sent: u32,
        /// What its SOA said.
        said: u32,
    },
    /// It has an older version than the one that is served.
    #[error("its serial {theirs} is older than {ours}, which is served")]
    Older {
        /// The primary's.
        theirs: u32,
        /// What is served.
        ours: u32,
    },
    /// The version could not be kept.
    #[error("{0}")]
    State(String),
    /// Something else came into force meanwhile.
    #[error("another version was put in force meanwhile")]
    Overtaken,
}

impl RefreshFailure {
    /// Whether the primary may be gone: its other zones are not looked at as fast either.
    pub(super) const fn is_silence(&self) -> bool {
        matches!(self, Self::Connect(_) | Self::Timeout | Self::Session(TlsFailure::Stalled))
    }

    /// Whether it is of our own making: another primary would do no better.
    pub(super) const fn is_ours(&self) -> bool {
        matches!(self, Self::State(_) | Self::Overtaken)
    }

    /// Whether the connection can be used for something else.
    pub(super) const fn leaves_connection(&self) -> bool {
        matches!(self, Self::Rcode(_) | Self::NotAuthoritative)
            || matches!(self, Self::Transfer(InboundError::Refused(_)))
    }
}

impl From<ServerConnectError> for RefreshFailure {
    fn from(error: ServerConnectError) -> Self {
        match error {
            ServerConnectError::Connect(error) => Self::Connect(error),
            ServerConnectError::Session(failure) => Self::Session(failure),
        }
    }
}

impl From<StreamSendError> for RefreshFailure {
    fn from(error: StreamSendError) -> Self {
        Self::Connection(error.to_string())
    }
}
