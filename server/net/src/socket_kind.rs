//! The two kinds of sockets.

use std::fmt;

/// What a socket carries.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SocketKind {
    /// Datagrams.
    Udp,
    /// Streams.
    Tcp,
}

impl fmt::Display for SocketKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
        })
    }
}
