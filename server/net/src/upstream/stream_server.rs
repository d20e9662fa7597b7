//! A server that is asked over connections.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::connection_failure::ConnectionFailure;
use crate::tls::client::TlsServer;

/// A server and the way to it. All who mean the same share its connections.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct StreamServer {
    /// Its address, with the scope of a link-local one.
    pub address: SocketAddr,
    /// The address of this host to ask from; any where none is given.
    pub source: Option<IpAddr>,
    /// What carries its messages.
    pub carriage: StreamCarriage,
}

/// What carries messages other than datagrams of their own.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum StreamCarriage {
    /// TCP; messages behind their lengths.
    Tcp,
    /// TLS over TCP; likewise.
    Tls(TlsServer),
    /// HTTP/2 over TLS; messages are the bodies of requests (POST) to this path and of their responses.
    Https(TlsServer, Arc<str>),
    /// QUIC; a stream for each message and its reply, both behind their lengths.
    Quic(TlsServer),
}

/// The kinds of [`StreamCarriage`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum CarriageKind {
    /// TCP.
    Tcp,
    /// TLS.
    Tls,
    /// HTTPS.
    Https,
    /// QUIC.
    Quic,
}

impl CarriageKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Tcp, Self::Tls, Self::Https, Self::Quic];
}

impl StreamServer {
    /// One asked over TCP.
    pub const fn tcp(address: SocketAddr, source: Option<IpAddr>) -> Self {
        Self { address, source, carriage: StreamCarriage::Tcp }
    }
}

impl StreamCarriage {
    /// Which kind it is.
    pub const fn kind(&self) -> CarriageKind {
        match self {
            Self::Tcp => CarriageKind::Tcp,
            Self::Tls(_) => CarriageKind::Tls,
            Self::Https(..) => CarriageKind::Https,
            Self::Quic(_) => CarriageKind::Quic,
        }
    }
}

/// Why a query got no reply over connections.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{cause}")]
pub struct StreamFailure {
    /// What went wrong.
    pub cause: ConnectionFailure,
    /// Whether others waited for the same connection, one of whom was told the same without this mark: it went wrong once.
    pub shared: bool,
}

impl From<ConnectionFailure> for StreamFailure {
    fn from(cause: ConnectionFailure) -> Self {
        Self { cause, shared: false }
    }
}
