//! What goes wrong with connections to servers.

use std::io;

use crate::tls::client::TlsFailure;

/// What went wrong with a connection, or with a query on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ConnectionFailure {
    /// The deadline passed.
    #[error("no reply in time")]
    Timeout,
    /// There is no session.
    #[error("{0}")]
    Session(TlsFailure),
    /// The server closes connections without a reply.
    #[error("the server closed the connection")]
    Closed,
    /// The response is not OK.
    #[error("HTTP status {0}")]
    HttpStatus(u16),
    /// What came is not what this protocol carries.
    #[error("the response holds no message")]
    NoMessage,
    /// All connections to the server carry as many queries as they may.
    #[error("too many queries wait on the connections to the server")]
    Full,
    /// What the system says.
    #[error("{0}")]
    System(io::ErrorKind),
}

impl From<io::Error> for ConnectionFailure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::TimedOut => Self::Timeout,
            io::ErrorKind::UnexpectedEof => Self::Closed,
            kind => Self::System(kind),
        }
    }
}
