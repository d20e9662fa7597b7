//! What tells one listener from another.

use std::net::SocketAddr;

use rhumb_wire::Transport;

/// What makes a listener the same before and after a reload.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ListenerKey {
    pub(super) address: SocketAddr,
    pub(super) v6only: bool,
    pub(super) kind: ListenerKind,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum ListenerKind {
    Udp { threads: usize, buffer: u64 },
    Tcp,
    Tls,
}

impl ListenerKind {
    pub(super) const fn transport(&self) -> Transport {
        match self {
            Self::Udp { .. } => Transport::Udp,
            Self::Tcp => Transport::Tcp,
            Self::Tls => Transport::Tls,
        }
    }
}

impl std::fmt::Display for ListenerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind.transport(), self.address)?;
        if self.v6only && self.address.ip().is_unspecified() { write!(f, " (IPv6 only)") } else { Ok(()) }
    }
}
