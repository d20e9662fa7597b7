//! The wait for replies where there is no epoll(7): each socket is tokio's. Not run here.
#![allow(unsafe_code, reason = "tokio takes descriptors of others by an unsafe call alone")]

use std::io;
use std::net::UdpSocket;
use std::task::{Context, Poll, ready};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Nothing is shared by the sockets.
#[derive(Debug, Default)]
pub(super) struct PortableWatch;

/// A socket that is watched until it is dropped, and closed then.
#[derive(Debug)]
pub(super) struct PortableSocket(AsyncFd<UdpSocket>);

impl PortableWatch {
    /// Watches a socket from now on. Needs a tokio runtime with I/O. Errors: the kernel's, for want of descriptors or memory.
    pub(super) fn watch(&self, socket: UdpSocket) -> io::Result<PortableSocket> {
        // SAFETY: the socket is open as long as what it is moved into.
        let watched = unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE)? };
        Ok(PortableSocket(watched))
    }
}

impl PortableSocket {
    /// The socket, which does not block.
    pub(super) fn socket(&self) -> &UdpSocket {
        self.0.get_ref()
    }

    /// Ready where something may have come since it was last so. The socket is to be read then until it would block.
    pub(super) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut guard = ready!(self.0.poll_read_ready(cx))?;
        guard.clear_ready();
        Poll::Ready(Ok(()))
    }
}
