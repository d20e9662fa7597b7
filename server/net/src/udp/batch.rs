//! Many datagrams with one call: receive, answer each in place, send the answers.
//!
//! The arrays that recvmmsg(2) and sendmmsg(2) work on live here for two reasons: each answer needs control data
//! of its own, derived from that of its query, and the kernel shortens a slot's lengths when it fills it, so they
//! have to be restored before the slot is used again.
#![allow(unsafe_code, reason = "the arrays hold raw pointers into each other")]

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::slice;

use nix::libc::{self, c_int, iovec};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::datagram::{DatagramDestination, ReceivedDatagram};
use super::socket::{DatagramSocket, is_full};
use crate::local::LocalAddress;
use crate::pktinfo::{self, ControlData};
use crate::process::fetch;
use crate::sockaddr::{self, RawAddress};
use crate::sys::{self, RawMessage};

/// The kernel takes no more messages a call (`UIO_MAXIOV`).
const MOST_SLOTS: usize = 1024;
/// A datagram is not larger than this, in bytes.
const MOST_BYTES: usize = 65_535;
/// A cache line, in bytes.
const LINE: usize = 64;
/// How often, and for how many milliseconds each, a send waits for room in the socket's buffer before it drops.
const WAITS: u32 = 4;
const WAIT: u16 = 2;

/// What the kernel writes beside the bytes: the peer's address and the control data.
#[repr(C)]
struct Slot {
    peer: RawAddress,
    control: ControlData,
}

/// Room for a batch of queries and their answers. Made once for a thread; the calls allocate nothing.
pub struct DatagramBatch {
    slots: Vec<Slot>,
    queries: Vec<u8>,
    replies: Vec<u8>,
    query_size: usize,
    query_stride: usize,
    reply_size: usize,
    incoming: Vec<RawMessage>,
    /// One for each incoming message, in order: the kernel sees them through `incoming` only.
    incoming_parts: Vec<iovec>,
    outgoing: Vec<RawMessage>,
    outgoing_parts: Vec<iovec>,
    /// The slot of each outgoing message.
    origins: Vec<usize>,
    /// The address that all datagrams of the last receive were sent to, where their socket is bound to it alone.
    bound: Option<LocalAddress>,
    /// How many slots were filled by the last receive.
    received: usize,
    /// How many answers are ready.
    ready: usize,
    /// The size of the largest of them, in bytes.
    largest: usize,
    /// How many batches with small answers only were sent since one with a large answer.
    small_batches: u32,
}

// SAFETY: the raw pointers in the headers lead only into the heap blocks of the vectors beside them, which move with
// the batch to another thread and are reached by no other code.
unsafe impl Send for DatagramBatch {}

impl DatagramBatch {
    /// Room for `slots` datagrams (1 to 1024) of up to `query_size` bytes, and answers of up to `reply_size` bytes
    /// (up to 65 535 each).
    pub fn new(slots: usize, query_size: usize, reply_size: usize) -> Self {
        let slots = slots.clamp(1, MOST_SLOTS);
        let query_size = query_size.clamp(1, MOST_BYTES);
        let reply_size = reply_size.clamp(1, MOST_BYTES);
        let query_stride = stride(query_size);
        let mut batch = Self {
            slots: std::iter::repeat_with(Slot::empty).take(slots).collect(),
            queries: vec![0; slots * query_stride],
            replies: vec![0; slots * reply_size.next_multiple_of(LINE)],
            query_size,
            query_stride,
            reply_size,
            incoming: std::iter::repeat_with(RawMessage::empty).take(slots).collect(),
            incoming_parts: std::iter::repeat_with(no_part).take(slots).collect(),
            outgoing: std::iter::repeat_with(RawMessage::empty).take(slots).collect(),
            outgoing_parts: std::iter::repeat_with(no_part).take(slots).collect(),
            origins: vec![0; slots],
            bound: None,
            received: slots,
            ready: 0,
            largest: 0,
            small_batches: 0,
        };
        batch.connect();
        batch.restore();
        batch
    }

    /// The longest datagram that is taken whole, in bytes.
    pub fn query_size(&self) -> usize {
        self.query_size
    }

    /// Waits for datagrams and takes those that are there, up to the number of slots. `Ok(0)` after
    /// [`DatagramSocket::stop_receiving`] and after a signal; on other systems than Linux also after half a second without any.
    pub fn receive(&mut self, socket: &DatagramSocket) -> io::Result<usize> {
        self.receive_with(socket, sys::WAIT_FOR_ONE)
    }

    /// Takes the datagrams that are there, up to the number of slots, and waits for none: to empty the queue of a
    /// listener that is removed.
    pub fn receive_now(&mut self, socket: &DatagramSocket) -> io::Result<usize> {
        self.receive_with(socket, libc::MSG_DONTWAIT)
    }

    /// Calls `answer` once for each received datagram, in order. `Some(n)` makes the first `n` bytes of the buffer
    /// the answer; the buffer's contents are otherwise undefined but initialised. An answer to a datagram whose
    /// destination is unknown is not sent.
    pub fn answer(&mut self, mut answer: impl FnMut(ReceivedDatagram<'_>, &mut [u8]) -> Option<usize>) {
        let slots = self.slots.as_mut_ptr();
        let queries = self.queries.as_ptr();
        let replies = self.replies.as_mut_ptr();
        let parts = self.outgoing_parts.as_mut_ptr();
        let mut outgoing = self.outgoing.iter_mut().zip(&mut self.origins);
        let bound = self.bound.as_ref();
        self.ready = 0;
        self.largest = 0;
        // Answers lie behind each other: most are short, and few pages are touched.
        let mut free = 0;
        for (index, message) in self.incoming.iter().take(self.received).enumerate() {
            let length = (message.length as usize).min(self.query_size);
            // SAFETY: `index` is below the number of slots, for which the blocks of slots and queries have room; so has
            // that of replies from `free` on, which grew by one reply at most for each slot before. The kernel is not
            // at work, and each place is borrowed once at a time.
            let (slot, query, reply) = unsafe {
                (
                    &mut *slots.add(index),
                    slice::from_raw_parts(queries.add(index * self.query_stride), length),
                    slice::from_raw_parts_mut(replies.add(free), self.reply_size),
                )
            };
            // The next one comes into the cache meanwhile; behind the last, nothing is read.
            fetch(queries.wrapping_add((index + 1) * self.query_stride));
            let datagram = slot.datagram(message, query, bound);
            let found = match datagram.destination {
                DatagramDestination::Bound(_) => None,
                DatagramDestination::Packet(_, found) => Some(found),
                DatagramDestination::Unknown => {
                    answer(datagram, reply);
                    continue;
                }
            };
            let Some(size) = answer(datagram, reply) else { continue };
            let Some((out, origin)) = outgoing.next() else { break };
            let (at, controls) = found.map_or((0, 0), |found| slot.control.rewrite_for_reply(found));
            // SAFETY: fewer answers than slots are ready, so the element is inside, and no other reference to it exists.
            let part = unsafe { &mut *parts.add(self.ready) };
            part.iov_base = reply.as_mut_ptr().cast();
            part.iov_len = size.min(self.reply_size);
            out.header.msg_name = slot.peer.0.as_mut_ptr().cast();
            out.header.msg_namelen = message.header.msg_namelen;
            out.header.msg_control = slot.control.0.as_mut_ptr().wrapping_add(at).cast();
            out.header.msg_controllen = controls as _;
            *origin = index;
            self.ready += 1;
            self.largest = self.largest.max(part.iov_len);
            free += part.iov_len.next_multiple_of(LINE);
        }
    }

    /// Sends the answers, many in one call, and says how many left. A message that fails is reported to `failed` with
    /// its slot (see [`DatagramBatch::datagram`]) and passed over; the others are sent. If it was too large for the path
    /// ([`super::is_too_large`]) the caller sends a truncated answer. Full buffers are waited for, 8 milliseconds
    /// at most for a batch. All batches of a socket are sent by one thread.
    pub fn send(&mut self, socket: &DatagramSocket, mut failed: impl FnMut(usize, io::Error)) -> usize {
        if self.ready > 0 {
            socket.fragments.prepare_batch(&socket.inner, self.largest, &mut self.small_batches);
        }
        let fd = socket.as_fd().as_raw_fd();
        let (mut sent, mut waits) = (0, WAITS);
        let mut rest = self.outgoing.get_mut(..self.ready).unwrap_or_default();
        let mut origins = self.origins.iter();
        self.ready = 0;
        while !rest.is_empty() {
            // SAFETY: `answer` pointed each of these messages at a part, a reply, a peer and control data of this
            // batch, with lengths inside them.
            let passed = match unsafe { sys::send_messages(fd, rest) } {
                Ok(count @ 1..) => {
                    sent += count;
                    origins.by_ref().take(count).for_each(drop);
                    count
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
                Err(error) if is_full(&error) && waits > 0 => {
                    waits -= 1;
                    wait_for_room(socket);
                    0
                }
                other => {
                    // None sent and no error does not happen, and must not become a loop.
                    let error = other.err().unwrap_or_else(|| io::ErrorKind::WriteZero.into());
                    if let Some(slot) = origins.next() {
                        failed(*slot, error);
                    }
                    1
                }
            };
            rest = rest.get_mut(passed..).unwrap_or_default();
        }
        sent
    }

    /// The datagram that the last receive put into this slot; `None` if it put none there.
    pub fn datagram(&self, slot: usize) -> Option<ReceivedDatagram<'_>> {
        let message = self.incoming.get(slot).filter(|_| slot < self.received)?;
        let from = slot * self.query_stride;
        let length = (message.length as usize).min(self.query_size);
        let query = self.queries.get(from..from + length)?;
        Some(self.slots.get(slot)?.datagram(message, query, self.bound.as_ref()))
    }

    fn receive_with(&mut self, socket: &DatagramSocket, flags: c_int) -> io::Result<usize> {
        self.restore();
        self.bound = socket.bound;
        let flags = if socket.is_stopped() { flags | libc::MSG_DONTWAIT } else { flags };
        // SAFETY: `connect` pointed each message at a part, a slot and a query of this batch, and `restore` set
        // the lengths to their sizes; no reference into any of them is alive.
        let count =
            match unsafe { sys::receive_messages(socket.as_fd().as_raw_fd(), &mut self.incoming, flags) } {
                Ok(count) => count,
                Err(error) => {
                    return match error.kind() {
                        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(0),
                        _ => Err(error),
                    };
                }
            };
        self.received = count;
        // A socket that was shut down gives one message with no bytes and no sender.
        if count == 1 && self.incoming.first().is_some_and(|message| message.header.msg_namelen == 0) {
            self.restore();
        }
        Ok(self.received)
    }

    /// Points the headers at their blocks. These are on the heap and never grow, so it holds when the batch moves.
    fn connect(&mut self) {
        let slots = self.slots.as_mut_ptr();
        let queries = self.queries.as_mut_ptr();
        let in_parts = self.incoming_parts.as_mut_ptr();
        let out_parts = self.outgoing_parts.as_mut_ptr();
        for (index, (incoming, outgoing)) in self.incoming.iter_mut().zip(&mut self.outgoing).enumerate() {
            // SAFETY: every block has as many elements as there are messages (`new`), so all places are inside.
            unsafe {
                let slot = slots.add(index);
                let part = in_parts.add(index);
                *part = iovec {
                    iov_base: queries.add(index * self.query_stride).cast(),
                    iov_len: self.query_size,
                };
                incoming.header.msg_name = (&raw mut (*slot).peer).cast();
                incoming.header.msg_control = (&raw mut (*slot).control).cast();
                incoming.header.msg_iov = part;
                outgoing.header.msg_iov = out_parts.add(index);
            }
            incoming.header.msg_iovlen = 1;
            outgoing.header.msg_iovlen = 1;
        }
    }

    /// Gives the slots that were filled their whole length back.
    fn restore(&mut self) {
        for message in self.incoming.iter_mut().take(self.received) {
            message.header.msg_namelen = sockaddr::SIZE as _;
            message.header.msg_controllen = pktinfo::SPACE as _;
            message.header.msg_flags = 0;
        }
        self.received = 0;
        self.ready = 0;
    }
}

impl Slot {
    fn empty() -> Self {
        Self { peer: RawAddress::empty(), control: ControlData::empty() }
    }

    #[inline]
    fn datagram<'a>(
        &'a self,
        message: &RawMessage,
        bytes: &'a [u8],
        bound: Option<&'a LocalAddress>,
    ) -> ReceivedDatagram<'a> {
        let destination = match (bound, self.control.find(message.header.msg_controllen as _)) {
            (Some(local), _) => DatagramDestination::Bound(local),
            (None, Some(found)) => DatagramDestination::Packet(&self.control, found),
            (None, None) => DatagramDestination::Unknown,
        };
        ReceivedDatagram { bytes, peer: &self.peer, destination, flags: message.header.msg_flags }
    }
}

fn no_part() -> iovec {
    iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }
}

/// The distance between buffers: whole cache lines, an odd number of them, so that the starts of many buffers do
/// not all fall into the same few sets of the cache.
fn stride(size: usize) -> usize {
    (size.div_ceil(LINE) | 1) * LINE
}

fn wait_for_room(socket: &DatagramSocket) {
    let mut fds = [PollFd::new(socket.as_fd(), PollFlags::POLLOUT)];
    let _ = poll(&mut fds, PollTimeout::from(WAIT));
}
