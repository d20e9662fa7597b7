//! Responses that are ready one after the other and leave in few calls.
#![allow(unsafe_code, reason = "the kernel takes messages by raw pointers")]

use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;

use nix::libc::iovec;
use socket2::SockAddr;

use super::socket::{DatagramSendError, DatagramSocket};
use crate::local::LocalAddress;
use crate::pktinfo::ControlData;
use crate::sys::{self, RawMessage};

/// Datagrams of one call.
const TOGETHER: usize = 16;

/// Datagrams that wait to be sent, each by its socket, in order. What still waits when this is dropped is sent then.
#[derive(Debug)]
pub struct DatagramOutbox<T> {
    bytes: Vec<u8>,
    waiting: Vec<OutgoingDatagram<T>>,
}

/// A datagram that waits to be sent.
#[derive(Debug)]
pub struct OutgoingDatagram<T> {
    /// The socket it leaves by.
    pub socket: Arc<DatagramSocket>,
    /// Where it goes.
    pub peer: SocketAddr,
    /// The address it leaves from.
    pub local: LocalAddress,
    /// What its sender keeps of it for the case that it cannot be sent.
    pub kept: T,
    /// Where its message stands.
    place: Range<usize>,
}

impl<T> Default for DatagramOutbox<T> {
    fn default() -> Self {
        Self { bytes: Vec::new(), waiting: Vec::new() }
    }
}

impl<T> DatagramOutbox<T> {
    /// Adds a message that goes to `peer` from the address `local`.
    pub fn push(
        &mut self,
        socket: Arc<DatagramSocket>,
        message: &[u8],
        peer: SocketAddr,
        local: LocalAddress,
        kept: T,
    ) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(message);
        self.waiting.push(OutgoingDatagram { socket, peer, local, kept, place: start..self.bytes.len() });
    }

    /// Sends all, many in one call, and never waits. Each that fails is shown to `failed`.
    pub fn send(&mut self, mut failed: impl FnMut(&OutgoingDatagram<T>, DatagramSendError)) {
        let Self { bytes, waiting } = self;
        let mut rest = waiting.as_slice();
        while let Some(first) = rest.first() {
            let same = |next: &&OutgoingDatagram<T>| Arc::ptr_eq(&next.socket, &first.socket);
            let count = rest.iter().take(TOGETHER).take_while(same).count();
            let (together, others) = rest.split_at(count);
            match send_together(&first.socket, together, bytes) {
                Ok(sent @ 1..) => rest = rest.get(sent..).unwrap_or(others),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => {
                    // None sent and no error does not happen, and must not become a loop.
                    let error = other.err().unwrap_or_else(|| io::ErrorKind::WriteZero.into());
                    failed(first, error.into());
                    rest = rest.get(1..).unwrap_or(others);
                }
            }
        }
        waiting.clear();
        bytes.clear();
    }
}

impl<T> Drop for DatagramOutbox<T> {
    fn drop(&mut self) {
        self.send(|_, _| {});
    }
}

/// Sends datagrams of one socket, [`TOGETHER`] at most: how many. Errors: that of the first, and none was sent.
fn send_together<T>(
    socket: &DatagramSocket,
    datagrams: &[OutgoingDatagram<T>],
    bytes: &mut [u8],
) -> io::Result<usize> {
    let mut peers: [Option<SockAddr>; TOGETHER] = [const { None }; TOGETHER];
    let mut controls = [const { ControlData::empty() }; TOGETHER];
    let mut parts = [const { iovec { iov_base: std::ptr::null_mut(), iov_len: 0 } }; TOGETHER];
    let mut messages: [RawMessage; TOGETHER] = std::array::from_fn(|_| RawMessage::empty());
    let rooms = peers.iter_mut().zip(&mut controls).zip(parts.iter_mut().zip(&mut messages));
    let mut largest = 0;
    for (datagram, ((peer, control), (part, message))) in datagrams.iter().zip(rooms) {
        let content = bytes.get_mut(datagram.place.clone()).unwrap_or_default();
        largest = largest.max(content.len());
        *part = iovec { iov_base: content.as_mut_ptr().cast(), iov_len: content.len() };
        let peer = peer.insert(socket.raw_peer(datagram.peer));
        message.header.msg_name = peer.as_ptr().cast_mut().cast();
        message.header.msg_namelen = peer.len();
        message.header.msg_iov = part;
        message.header.msg_iovlen = 1;
        let length = if socket.bound.is_some() { 0 } else { control.write(&datagram.local) };
        message.header.msg_control = control.0.as_mut_ptr().cast();
        message.header.msg_controllen = length as _;
    }
    let _allowed = socket.fragments.prepare_message(&socket.inner, largest);
    let messages = messages.get_mut(..datagrams.len()).unwrap_or_default();
    // SAFETY: each message points at a part, a peer and control data above and at bytes of the outbox, with lengths inside them; all of them
    // live until the call is over.
    unsafe { sys::send_messages(socket.as_fd().as_raw_fd(), messages) }
}
