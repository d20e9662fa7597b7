//! What the peer has not taken yet.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::AsyncWrite;
use tokio::time::Instant;

use super::bounds::{FULL, LONGEST, PREFIX, PushError};

/// How much a peer must take within the write timeout, if that much is waiting, in bytes.
const PACE: usize = 16_384;
/// The queue is never larger than this, in bytes: what is written of it, what waits, and one message more.
const MOST: usize = PACE + FULL + LONGEST;
/// What a connection keeps of an empty queue, in bytes.
const KEPT: usize = 512;

/// The queue of one connection.
#[derive(Debug, Default)]
pub(super) struct SendQueue {
    queue: Vec<u8>,
    /// How much of the queue is written.
    written: usize,
    /// Since when, and how much, the peer took of the current pace.
    pace: Option<(Instant, usize)>,
    unflushed: bool,
}

impl SendQueue {
    /// Queues one message behind its length.
    pub(super) fn push(&mut self, message: &[u8]) -> Result<(), PushError> {
        let length = u16::try_from(message.len()).ok().filter(|length| *length > 0);
        let length = length.ok_or(PushError::Length(message.len()))?;
        if self.is_full() {
            return Err(PushError::Full);
        }
        self.make_room(PREFIX + message.len());
        self.queue.extend_from_slice(&length.to_be_bytes());
        self.queue.extend_from_slice(message);
        Ok(())
    }

    /// Whether so much waits that no further message is to be taken.
    pub(super) fn is_full(&self) -> bool {
        self.waiting() >= FULL
    }

    /// Whether nothing waits to be written.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting() == 0 && !self.unflushed
    }

    /// How much waits to be written, in bytes.
    pub(super) fn waiting(&self) -> usize {
        self.queue.len() - self.written
    }

    /// Writes the answers as far as the stream takes them, behind what waits already, and queues the rest.
    pub(super) fn send(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut (impl AsyncWrite + Unpin),
        answers: &[u8],
    ) -> io::Result<()> {
        let sent = if self.is_empty() { self.write_now(cx, stream, answers)? } else { 0 };
        if let Some(rest @ [_, ..]) = answers.get(sent..) {
            self.make_room(rest.len());
            self.queue.extend_from_slice(rest);
            self.begin_pace();
        }
        Ok(())
    }

    /// Writes all that is queued. May be called again after `Pending`.
    pub(super) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut (impl AsyncWrite + Unpin),
    ) -> Poll<io::Result<()>> {
        while self.waiting() > 0 {
            self.begin_pace();
            let rest = self.queue.get(self.written..).unwrap_or_default();
            match ready!(Pin::new(&mut *stream).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.advance(count),
            }
            self.unflushed = true;
        }
        if self.unflushed {
            self.begin_pace();
            ready!(Pin::new(stream).poll_flush(cx))?;
            self.unflushed = false;
        }
        self.pace = None;
        Poll::Ready(Ok(()))
    }

    /// When the peer must have taken more; `None` if it has everything.
    pub(super) fn deadline(&self, timeout: Duration) -> Option<Instant> {
        self.pace.map(|(since, _)| since + timeout)
    }

    /// Writes as much as the stream takes now, and says how much that is.
    fn write_now(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut (impl AsyncWrite + Unpin),
        bytes: &[u8],
    ) -> io::Result<usize> {
        let mut sent = 0;
        while let Some(rest @ [_, ..]) = bytes.get(sent..) {
            match Pin::new(&mut *stream).poll_write(cx, rest)? {
                Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(count) => sent += count,
                Poll::Pending => return Ok(sent),
            }
        }
        if sent > 0 && Pin::new(stream).poll_flush(cx)?.is_pending() {
            self.unflushed = true;
            self.begin_pace();
        }
        Ok(sent)
    }

    fn begin_pace(&mut self) {
        self.pace.get_or_insert_with(|| (Instant::now(), 0));
    }

    fn advance(&mut self, count: usize) {
        self.written += count;
        if let Some((_, taken)) = &mut self.pace {
            *taken += count;
            if *taken >= PACE {
                self.pace = None;
            }
        }
        if self.waiting() == 0 {
            self.written = 0;
            if self.queue.capacity() > KEPT {
                self.queue = Vec::new();
            } else {
                self.queue.clear();
            }
        }
    }

    fn make_room(&mut self, more: usize) {
        if self.written >= PACE {
            self.queue.drain(..self.written);
            self.written = 0;
        }
        let needed = self.queue.len() + more;
        if needed > self.queue.capacity() {
            let wanted = (self.queue.capacity() * 2).min(MOST).max(needed);
            self.queue.reserve_exact(wanted - self.queue.len());
        }
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.queue.capacity()
    }
}
