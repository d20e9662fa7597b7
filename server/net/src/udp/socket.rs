//! The socket of a listener, shared by those who receive and those who answer.

use std::io::{self, IoSlice};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use nix::libc;
use socket2::{MsgHdr, SockAddr};

use super::fragmentation::FragmentMode;
use super::options::SocketOptions;
use crate::bind::BindError;
use crate::local::{LocalAddress, canonical, mapped};
use crate::pktinfo::ControlData;
use crate::sys;

/// A datagram socket that answers from the address it was asked on.
#[derive(Debug)]
pub struct DatagramSocket {
    pub(super) inner: socket2::Socket,
    pub(super) address: SocketAddr,
    /// The address that all its datagrams are sent to, where it is bound to that one alone. What it sends leaves from there
    /// by itself, and packet information, which costs the kernel a twentieth of a query, is not asked for.
    pub(super) bound: Option<LocalAddress>,
    pub(super) fragments: FragmentMode,
    pub(super) stopped: AtomicBool,
}

/// Why a datagram was not sent.
#[derive(Debug, thiserror::Error)]
pub enum DatagramSendError {
    /// Larger than the way there takes in one piece: send less, and say that it is truncated.
    #[error("the message does not fit the path unfragmented")]
    TooLarge,
    /// The socket's send buffer is full; waiting is not this call's to do.
    #[error("the send buffer is full")]
    Full,
    /// Anything else, such as no route to the peer.
    #[error(transparent)]
    Other(io::Error),
}

impl From<io::Error> for DatagramSendError {
    fn from(error: io::Error) -> Self {
        if is_too_large(&error) {
            Self::TooLarge
        } else if is_full(&error) {
            Self::Full
        } else {
            Self::Other(error)
        }
    }
}

/// Whether an error of sending means that the message is too large for the path (`EMSGSIZE`).
pub fn is_too_large(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EMSGSIZE)
}

/// Whether an error of sending means that buffers are full now and may have room a little later.
pub(super) fn is_full(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock || error.raw_os_error() == Some(libc::ENOBUFS)
}

impl DatagramSocket {
    /// Binds a socket with these options; several may be bound to the same address by the same user and then
    /// share its datagrams (`SO_REUSEPORT`).
    pub fn bind(options: &SocketOptions) -> Result<Self, BindError> {
        let bound = options.bound_to();
        let (inner, address) = options.bind()?;
        let fragments = FragmentMode::new(options.serves_v4());
        Ok(Self { inner, address, bound, fragments, stopped: AtomicBool::new(false) })
    }

    /// The address and port the socket is bound to; the port is the kernel's choice where 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends one datagram to `peer` from the address `local`; never waits.
    pub fn send(
        &self,
        message: &[u8],
        peer: SocketAddr,
        local: &LocalAddress,
    ) -> Result<(), DatagramSendError> {
        let peer = self.raw_peer(peer);
        let mut control = ControlData::empty();
        let length = if self.bound.is_some() { 0 } else { control.write(local) };
        let parts = [IoSlice::new(message)];
        let mut header = MsgHdr::new().with_addr(&peer).with_buffers(&parts);
        if let Some(control) = control.0.get(..length)
            && !control.is_empty()
        {
            header = header.with_control(control);
        }
        let _allowed = self.fragments.prepare_message(&self.inner, message.len());
        loop {
            match self.inner.sendmsg(&header, libc::MSG_DONTWAIT) {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// A peer in the form that this socket sends to.
    pub(super) fn raw_peer(&self, peer: SocketAddr) -> SockAddr {
        SockAddr::from(if self.address.is_ipv6() { mapped(peer) } else { canonical(peer) })
    }

    /// Makes the receive that waits on this socket return now, and all later ones without waiting: for a
    /// listener that is removed, or the end. Sending goes on, and [`super::DatagramBatch::receive_now`] still takes what is queued;
    /// what comes later goes to the other sockets of the address.
    pub fn stop_receiving(&self) {
        // A connected socket is passed over for all peers but its own, which is the socket itself. Where that fails,
        // a datagram may be lost that comes after the last look.
        let mut own = self.address;
        if own.ip().is_unspecified() {
            own.set_ip(if own.is_ipv6() { Ipv6Addr::LOCALHOST.into() } else { Ipv4Addr::LOCALHOST.into() });
        }
        let _ = self.inner.connect(&own.into());
        self.stopped.store(true, Ordering::Release);
        // Ends a receive that waits; on systems where it does not, the limit on the wait does.
        let _ = self.inner.shutdown(Shutdown::Read);
    }

    /// Whether [`DatagramSocket::stop_receiving`] was called.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// How many datagrams the kernel threw away because the receive buffer was full, since the socket was bound
    /// (wraps at 2^32); `None` where the kernel does not say.
    pub fn dropped(&self) -> Option<u64> {
        sys::drops(&self.inner)
    }

    /// The size of the receive buffer that the kernel granted, in bytes of its own accounting (about twice the
    /// payload; socket(7)).
    pub fn receive_buffer(&self) -> io::Result<usize> {
        self.inner.recv_buffer_size()
    }

    /// Whether the socket is bound to every address of the host.
    pub fn is_wildcard(&self) -> bool {
        match self.address.ip() {
            IpAddr::V4(ip) => ip.is_unspecified(),
            IpAddr::V6(ip) => ip.is_unspecified(),
        }
    }
}

impl AsFd for DatagramSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}
