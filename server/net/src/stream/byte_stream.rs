//! One connection whose bytes are told apart elsewhere.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, timeout};

use super::bounds::{FULL, LONGEST, StreamError};
use super::deadline_timer::DeadlineTimer;
use super::message_stream::ReadOutcome;
use super::send_queue::SendQueue;

/// How much is read in one call, in bytes.
const READ: usize = 16_384;
/// The longest part that may be left for the next call, in bytes.
const LONGEST_PART: usize = READ + 9;
/// What a thread keeps of room for answers, in bytes: what is sent at once, and one message more.
const MOST_OUTPUT: usize = FULL + LONGEST;
/// What a connection keeps of room that it does not need, in bytes.
const KEPT: usize = 512;

/// What one thread reads into and answers from, for one connection at a time.
struct Room {
    input: Vec<u8>,
    output: Vec<u8>,
}

thread_local! {
    static ROOM: RefCell<Room> =
        RefCell::new(Room { input: vec![0; LONGEST_PART + READ], output: Vec::new() });
}

/// Bytes on one stream, both ways. Takes all that one read brought, and sends all that it is answered by with one write.
#[derive(Debug)]
pub struct ByteStream<S> {
    stream: S,
    /// What was not taken yet.
    kept: Vec<u8>,
    /// Whether that is to be gone on with before more is read.
    has_more: bool,
    unsent: SendQueue,
    write_timeout: Duration,
    timer: DeadlineTimer,
}

/// Whether answers are so long that they are to be sent before there are more.
pub const fn is_long_output(output: &[u8]) -> bool {
    output.len() >= FULL
}

impl<S: AsyncRead + AsyncWrite + Unpin> ByteStream<S> {
    /// The peer may take `write_timeout` for each 16 KiB that is sent to it.
    pub fn new(stream: S, write_timeout: Duration) -> Self {
        let (unsent, timer) = (SendQueue::default(), DeadlineTimer::default());
        Self { stream, kept: Vec::new(), has_more: false, unsent, write_timeout, timer }
    }

    /// Reads once at most and gives what there is to `each`, which takes some from the front and appends its answers. `each` says whether
    /// it has to be called again once those are sent, or queued: it ends its turn when [`is_long_output`] says so. What it leaves
    /// otherwise is a part that more has to come of, of 16 KiB and nine bytes at most. Nothing is given out while the queue is full.
    ///
    /// `each` must not come back here, for any stream.
    pub fn poll_exchange(
        &mut self,
        cx: &mut Context<'_>,
        mut each: impl FnMut(&mut &[u8], &mut Vec<u8>) -> bool,
    ) -> Poll<io::Result<ReadOutcome>> {
        if self.unsent.is_full() {
            return Poll::Pending;
        }
        ROOM.with_borrow_mut(|Room { input, output }| {
            // Of a call that ended by a panic.
            output.clear();
            let count = ready!(self.poll_gather(cx, input))?;
            let mut rest = input.get(..count).unwrap_or_default();
            if rest.is_empty() {
                return Poll::Ready(Ok(ReadOutcome::End));
            }
            loop {
                self.has_more = each(&mut rest, output) && !rest.is_empty();
                self.send_output(cx, output)?;
                if !self.has_more || self.unsent.is_full() {
                    break;
                }
            }
            self.kept.extend_from_slice(rest);
            Poll::Ready(Ok(ReadOutcome::Messages))
        })
    }

    /// Sends what `put` appends, or queues it.
    ///
    /// `put` must not come back here, for any stream.
    pub fn put(
        &mut self,
        cx: &mut Context<'_>,
        put: impl FnOnce(&mut Context<'_>, &mut Vec<u8>),
    ) -> io::Result<()> {
        ROOM.with_borrow_mut(|Room { output, .. }| {
            output.clear();
            put(cx, output);
            self.send_output(cx, output)
        })
    }

    /// Writes all that is queued. May be called again after `Pending`.
    pub fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.unsent.is_empty() { Poll::Ready(Ok(())) } else { self.unsent.poll_send(cx, &mut self.stream) }
    }

    /// Ready when the peer does not take what is sent to it, or `due` has passed. To be called before a task waits for what the other
    /// calls left pending.
    pub fn poll_late(&mut self, cx: &mut Context<'_>, due: Instant) -> Poll<StreamError> {
        let writing = self.unsent.deadline(self.write_timeout).filter(|writing| *writing <= due);
        ready!(self.timer.poll(cx, writing.unwrap_or(due)));
        Poll::Ready(if writing.is_some() { StreamError::Unread } else { StreamError::Idle })
    }

    /// Whether so much waits to be written that nothing more is to be taken.
    pub fn is_full(&self) -> bool {
        self.unsent.is_full()
    }

    /// Whether nothing waits to be written.
    pub fn is_sent(&self) -> bool {
        self.unsent.is_empty()
    }

    /// Closes the direction to the peer, so that it knows that nothing follows.
    pub async fn finish(&mut self) -> Result<(), StreamError> {
        let shutdown = poll_fn(|cx| Pin::new(&mut self.stream).poll_shutdown(cx));
        timeout(self.write_timeout, shutdown).await.map_err(|_| StreamError::Unread)??;
        Ok(())
    }

    /// Sends what was appended, or queues it.
    fn send_output(&mut self, cx: &mut Context<'_>, output: &mut Vec<u8>) -> io::Result<()> {
        let sent = self.unsent.send(cx, &mut self.stream, output);
        output.clear();
        output.shrink_to(MOST_OUTPUT);
        sent
    }

    /// Puts what was kept and what one read brings to the front of `input`, and says how much that is; 0 at the end of the stream.
    fn poll_gather(&mut self, cx: &mut Context<'_>, input: &mut [u8]) -> Poll<io::Result<usize>> {
        let kept = self.kept.len();
        let mut more = 0;
        if !self.has_more {
            let place = input.get_mut(kept..).unwrap_or_default();
            let mut buffer = ReadBuf::new(place.get_mut(..READ).unwrap_or_default());
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
            more = buffer.filled().len();
            if more == 0 {
                return Poll::Ready(Ok(0));
            }
        }
        if let Some(front) = input.get_mut(..kept) {
            front.copy_from_slice(&self.kept);
        }
        if self.kept.capacity() > KEPT {
            self.kept = Vec::new();
        } else {
            self.kept.clear();
        }
        Poll::Ready(Ok(kept + more))
    }
}

#[cfg(test)]
mod tests;
