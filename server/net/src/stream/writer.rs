//! Messages onto a stream.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use super::{KEPT, LONGEST, PREFIX};

/// With this much waiting no further message is taken, in bytes; the last one may be as long again.
const FULL: usize = 65_536;
/// How much a peer must take within the write timeout, if that much is waiting, in bytes.
const PACE: usize = 16_384;
/// The queue is never larger than this, in bytes: what is written of it, what waits, and one message more.
const MOST: usize = PACE + FULL + LONGEST;

/// Why a message was not queued.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PushError {
    /// The peer has not taken the answers it has: stop reading from it until they are written.
    #[error("too much is waiting to be written")]
    Full,
    /// Longer than two bytes of length can say, or empty.
    #[error("a message of {0} bytes does not fit a stream")]
    Length(usize),
}

/// Why writing ended. Each of these is a reason to close the connection.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The peer takes its answers too slowly.
    #[error("the peer reads too slowly")]
    Slow,
    /// The stream failed or was closed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Queues messages and writes all that are queued in one call.
#[derive(Debug)]
pub struct Writer<W> {
    inner: W,
    queue: Vec<u8>,
    /// How much of the queue is written.
    written: usize,
    timeout: Duration,
    /// Since when, and how much, the peer took of the current pace.
    pace: Option<(Instant, usize)>,
    unflushed: bool,
}

impl<W: AsyncWrite + Unpin> Writer<W> {
    /// `timeout`: how long the peer may take for 16 KiB, or for all that waits if it is less.
    pub fn new(inner: W, timeout: Duration) -> Self {
        Self { inner, queue: Vec::new(), written: 0, timeout, pace: None, unflushed: false }
    }

    /// Queues one message behind its length.
    pub fn push(&mut self, message: &[u8]) -> Result<(), PushError> {
        let length = u16::try_from(message.len()).ok().filter(|length| *length > 0);
        let length = length.ok_or(PushError::Length(message.len()))?;
        if self.is_full() {
            return Err(PushError::Full);
        }
        if self.written >= PACE {
            self.queue.drain(..self.written);
            self.written = 0;
        }
        let needed = self.queue.len() + PREFIX + message.len();
        if needed > self.queue.capacity() {
            let wanted = (self.queue.capacity() * 2).min(MOST).max(needed);
            self.queue.reserve_exact(wanted - self.queue.len());
        }
        self.queue.extend_from_slice(&length.to_be_bytes());
        self.queue.extend_from_slice(message);
        Ok(())
    }

    /// Whether so much waits that no further message is taken: stop reading queries until it is written.
    pub fn is_full(&self) -> bool {
        self.waiting() >= FULL
    }

    /// Whether nothing waits to be written.
    pub fn is_empty(&self) -> bool {
        self.waiting() == 0 && !self.unflushed
    }

    /// How much waits to be written, in bytes.
    pub fn waiting(&self) -> usize {
        self.queue.len().saturating_sub(self.written)
    }

    /// Writes all that is queued, in as few calls as the stream takes. May be cancelled and called again: neither
    /// bytes nor the time limit are lost.
    pub async fn flush(&mut self) -> Result<(), WriteError> {
        while self.waiting() > 0 {
            let end = self.deadline();
            let rest = self.queue.get(self.written..).unwrap_or_default();
            let count = timeout_at(end, self.inner.write(rest)).await.map_err(|_| WriteError::Slow)??;
            if count == 0 {
                return Err(io::Error::from(io::ErrorKind::WriteZero).into());
            }
            self.unflushed = true;
            self.advance(count);
        }
        if self.unflushed {
            let end = self.deadline();
            timeout_at(end, self.inner.flush()).await.map_err(|_| WriteError::Slow)??;
            self.unflushed = false;
        }
        self.pace = None;
        Ok(())
    }

    /// Writes all that is queued, then tells the peer that nothing follows.
    pub async fn finish(&mut self) -> Result<(), WriteError> {
        self.flush().await?;
        let end = Instant::now() + self.timeout;
        timeout_at(end, self.inner.shutdown()).await.map_err(|_| WriteError::Slow)??;
        Ok(())
    }

    /// The stream.
    pub fn get_ref(&self) -> &W {
        &self.inner
    }

    fn deadline(&mut self) -> Instant {
        let (since, _) = *self.pace.get_or_insert_with(|| (Instant::now(), 0));
        since + self.timeout
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
                self.queue = Vec::with_capacity(KEPT);
            } else {
                self.queue.clear();
            }
        }
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.queue.capacity()
    }
}
