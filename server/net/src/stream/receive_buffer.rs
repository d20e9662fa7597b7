//! What came of messages, until they are whole.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::Instant;

use super::bounds::{LONGEST, PREFIX, StreamError, StreamTimeouts};

/// How much is read in one call, in bytes: hundreds of queries, and still small beside the caches of a processor.
const READ: usize = 16_384;
/// The part of a message up to which it is copied in front of what the next read brings, in bytes. Copying a longer one
/// with each read would let a peer that sends single bytes make work.
const SMALL: usize = 2048;
/// A connection keeps no more room than this when it is quiet, in bytes.
const KEPT: usize = 512;
/// The size of the buffer to gather in, in bytes.
pub(super) const ROOM: usize = LONGEST + READ;

/// What is at the front of some bytes.
pub(super) enum BufferFront<'a> {
    /// A message, and what is behind it.
    Whole(&'a [u8], &'a [u8]),
    /// A part of a message, or nothing.
    Part,
    /// A message of no bytes.
    Empty,
}

/// Looks for a message at the front.
#[inline]
pub(super) fn front(bytes: &[u8]) -> BufferFront<'_> {
    let Some((length, rest)) = bytes.split_first_chunk::<PREFIX>() else { return BufferFront::Part };
    match rest.split_at_checked(u16::from_be_bytes(*length).into()) {
        Some(([], _)) => BufferFront::Empty,
        Some((message, behind)) => BufferFront::Whole(message, behind),
        None => BufferFront::Part,
    }
}

/// The bytes of one connection that are not given out yet, and its time limits.
#[derive(Debug)]
pub(super) struct ReceiveBuffer {
    kept: Vec<u8>,
    /// No whole message came yet.
    first: bool,
    /// Since when nothing happened.
    quiet: Instant,
    /// Since when there is a part of a message.
    begun: Option<Instant>,
}

impl ReceiveBuffer {
    pub(super) fn new() -> Self {
        Self { kept: Vec::new(), first: true, quiet: Instant::now(), begun: None }
    }

    /// Puts what was kept and what one read brings to the front of `input`, which is [`ROOM`] bytes long, and says how
    /// much that is; 0 at the end of the stream. Reads nothing if a whole message was kept.
    pub(super) fn poll_gather(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut (impl AsyncRead + Unpin),
        input: &mut [u8],
    ) -> Poll<Result<usize, StreamError>> {
        loop {
            let kept = self.kept.len();
            if !matches!(front(&self.kept), BufferFront::Part) {
                return Poll::Ready(Ok(self.give_back(input)));
            }
            let from = if kept <= SMALL { kept } else { 0 };
            let place = input.get_mut(from..from + READ).unwrap_or_default();
            let mut buffer = ReadBuf::new(place);
            ready!(Pin::new(&mut *stream).poll_read(cx, &mut buffer))?;
            match buffer.filled() {
                [] if kept == 0 => return Poll::Ready(Ok(0)),
                [] => return Poll::Ready(Err(StreamError::Cut)),
                more if kept <= SMALL => {
                    let length = kept + more.len();
                    self.give_back(input);
                    return Poll::Ready(Ok(length));
                }
                more => hold(&mut self.kept, more),
            }
        }
    }

    /// Keeps what could not be given out; `given` says whether anything was.
    pub(super) fn keep(&mut self, rest: &[u8], given: bool) {
        let part = !rest.is_empty() && matches!(front(rest), BufferFront::Part);
        if given || part && self.begun.is_none() {
            let now = Instant::now();
            if given {
                (self.first, self.quiet, self.begun) = (false, now, None);
            }
            if part {
                self.begun.get_or_insert(now);
            }
        }
        if !rest.is_empty() {
            hold(&mut self.kept, rest);
        }
    }

    /// Begins the idle time anew.
    pub(super) fn restart(&mut self) {
        self.quiet = Instant::now();
    }

    pub(super) fn quiet_since(&self) -> Instant {
        self.quiet
    }

    /// When the wait for bytes ends, and with what. `idle` says whether being idle counts.
    pub(super) fn deadline(&self, limits: &StreamTimeouts, idle: bool) -> Option<(Instant, StreamError)> {
        match self.begun {
            _ if self.first => Some((self.quiet + limits.first, StreamError::First)),
            Some(begun) => Some((begun + limits.message, StreamError::Slow)),
            None => idle.then(|| (self.quiet + limits.idle, StreamError::Idle)),
        }
    }

    /// Copies what was kept to the front of `input`, and says how much that is.
    fn give_back(&mut self, input: &mut [u8]) -> usize {
        let kept = self.kept.len();
        // There is room: a part is shorter than the longest message, and one read more was added to it at most.
        if let Some(front) = input.get_mut(..kept) {
            front.copy_from_slice(&self.kept);
        }
        if self.kept.capacity() > KEPT {
            self.kept = Vec::new();
        } else {
            self.kept.clear();
        }
        kept
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.kept.capacity()
    }
}

/// Adds bytes. The room doubles as more arrives, and ends at what one message and one read can need.
fn hold(kept: &mut Vec<u8>, more: &[u8]) {
    let needed = kept.len() + more.len();
    if needed > kept.capacity() {
        let wanted = (kept.capacity() * 2).min(ROOM).max(needed);
        kept.reserve_exact(wanted - kept.len());
    }
    kept.extend_from_slice(more);
}
