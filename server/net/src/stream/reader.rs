//! Messages out of a stream.

use std::io;
use std::ops::{Deref, Range};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::{Instant, timeout_at};

use super::{KEPT, LONGEST, PREFIX};

/// How long a peer may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timeouts {
    /// For the first whole message, from the connection on.
    pub first: Duration,
    /// Without a message begun, after the first one.
    pub idle: Duration,
    /// For a message to be whole once its first byte is there.
    pub message: Duration,
}

/// Why there are no more messages. Each of these is a reason to close the connection.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// No whole first message in the time for it.
    #[error("no first message in time")]
    First,
    /// Nothing came for the time a connection may be idle.
    #[error("idle for too long")]
    Idle,
    /// A message was begun and not whole in the time for it.
    #[error("a message came too slowly")]
    Slow,
    /// A message of no bytes, which cannot be one.
    #[error("an empty message")]
    Empty,
    /// The stream ended in the middle of a message.
    #[error("the stream ended within a message")]
    Cut,
    /// The stream failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// One message, without its length. It lies in the reader's buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Frame<'a>(&'a [u8]);

impl<'a> Frame<'a> {
    /// The message.
    pub fn bytes(&self) -> &'a [u8] {
        self.0
    }
}

impl Deref for Frame<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0
    }
}

/// Takes messages from a stream, several out of one read where the peer sent several.
#[derive(Debug)]
pub struct Reader<R> {
    inner: R,
    buffer: Vec<u8>,
    /// Where the bytes begin that are not given out yet, and where they end.
    start: usize,
    end: usize,
    timeouts: Timeouts,
    /// No whole message came yet.
    first: bool,
    /// Since when nothing happened.
    quiet: Instant,
    /// Since when there is a part of a message.
    begun: Option<Instant>,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    /// The time for the first message begins now.
    pub fn new(inner: R, timeouts: Timeouts) -> Self {
        let quiet = Instant::now();
        Self { inner, buffer: Vec::new(), start: 0, end: 0, timeouts, first: true, quiet, begun: None }
    }

    /// The next message; `None` when the stream ended after a whole one. After an error there is no use in going on.
    ///
    /// May be cancelled and called again: neither bytes nor time limits are lost.
    pub async fn next(&mut self) -> Result<Option<Frame<'_>>, ReadError> {
        // A peer that sent thousands of messages at once must not keep others from their turn.
        tokio::task::consume_budget().await;
        let found = loop {
            if let Some(found) = self.take()? {
                break found;
            }
            if !self.fill().await? {
                return Ok(None);
            }
        };
        Ok(self.buffer.get(found).map(Frame))
    }

    /// The next message if it is whole in the buffer already; reads nothing.
    pub fn buffered(&mut self) -> Result<Option<Frame<'_>>, ReadError> {
        let found = self.take()?;
        Ok(found.and_then(|found| self.buffer.get(found)).map(Frame))
    }

    /// Changes the time limits from now on, such as by load or by the keepalive option (RFC 7828).
    pub fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.timeouts = timeouts;
    }

    /// Begins the idle time anew: a connection is not idle while answers are on their way (RFC 7766, section 6.2.3).
    pub fn restart_idle(&mut self) {
        self.quiet = Instant::now();
    }

    /// The stream.
    pub fn get_ref(&self) -> &R {
        &self.inner
    }

    /// Where the next message lies, if it is whole.
    fn take(&mut self) -> Result<Option<Range<usize>>, ReadError> {
        let pending = self.buffer.get(self.start..self.end).unwrap_or_default();
        let Some((length, rest)) = pending.split_first_chunk::<PREFIX>() else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes(*length));
        if length == 0 {
            return Err(ReadError::Empty);
        }
        if rest.len() < length {
            return Ok(None);
        }
        let from = self.start + PREFIX;
        self.start = from + length;
        self.first = false;
        self.begun = None;
        self.quiet = Instant::now();
        Ok(Some(from..from + length))
    }

    /// Reads once; false at the end of the stream.
    async fn fill(&mut self) -> Result<bool, ReadError> {
        self.make_room();
        let (end, late) = self.deadline();
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        let Ok(read) = timeout_at(end, self.inner.read(room)).await else { return Err(late) };
        match read? {
            0 if self.start == self.end => Ok(false),
            0 => Err(ReadError::Cut),
            count => {
                self.end += count;
                Ok(true)
            }
        }
    }

    /// When the wait ends, and with what.
    fn deadline(&mut self) -> (Instant, ReadError) {
        if self.first {
            return (self.quiet + self.timeouts.first, ReadError::First);
        }
        if self.start == self.end {
            return (self.quiet + self.timeouts.idle, ReadError::Idle);
        }
        let begun = *self.begun.get_or_insert_with(Instant::now);
        (begun + self.timeouts.message, ReadError::Slow)
    }

    /// Makes room behind the pending bytes. The buffer doubles only when it is full of a single message: it costs
    /// the peer half as many bytes as it costs here. An empty one shrinks again.
    fn make_room(&mut self) {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            if self.buffer.len() != KEPT {
                self.buffer = vec![0; KEPT];
            }
        }
        if self.end < self.buffer.len() {
            return;
        }
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        } else {
            let wanted = match self.buffer.len() * 2 {
                most if most * 2 > LONGEST => LONGEST,
                more => more.max(KEPT),
            };
            self.buffer.reserve_exact(wanted.saturating_sub(self.buffer.len()));
            self.buffer.resize(wanted, 0);
        }
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.buffer.capacity()
    }
}
