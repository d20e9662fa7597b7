//! What tells one listener from another.

use std::net::SocketAddr;

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
}

impl std::fmt::Display for ListenerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let transport = if matches!(self.kind, ListenerKind::Tcp) { "tcp" } else { "udp" };
        write!(f, "{transport} {}", self.address)?;
        if self.v6only && self.address.ip().is_unspecified() { write!(f, " (IPv6 only)") } else { Ok(()) }
    }
}
