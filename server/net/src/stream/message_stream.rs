//! One connection: messages taken, answers sent, limits held.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout};

use super::bounds::{FULL, PushError, StreamError, StreamTimeouts};
use super::deadline_timer::DeadlineTimer;
use super::outgoing_messages::OutgoingMessages;
use super::receive_buffer::{self, BufferFront, ReceiveBuffer, front};
use super::send_queue::SendQueue;

/// What one thread reads into and answers from, for one connection at a time.
struct Room {
    input: Vec<u8>,
    outgoing: OutgoingMessages,
}

thread_local! {
    static ROOM: RefCell<Room> =
        RefCell::new(Room { input: vec![0; receive_buffer::ROOM], outgoing: OutgoingMessages::new() });
}

/// Messages on one stream, both ways.
#[derive(Debug)]
pub struct MessageStream<S> {
    stream: S,
    limits: StreamTimeouts,
    incoming: ReceiveBuffer,
    unsent: SendQueue,
    timer: DeadlineTimer,
}

/// What became of a look for messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReadOutcome {
    /// Something came, and each whole message was given out.
    Messages,
    /// The stream ended after a whole message.
    End,
}

/// What is waited for, and so which limits count beside that on writing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReadExpectation {
    /// A message: all of them.
    Message,
    /// A message, while answers are on their way: a connection is not idle then (RFC 7766, section 6.2.3).
    Answers,
    /// No message.
    Nothing,
}

impl<S: AsyncRead + AsyncWrite + Unpin> MessageStream<S> {
    /// The time for the first message begins now.
    pub fn new(stream: S, limits: StreamTimeouts) -> Self {
        let (incoming, unsent) = (ReceiveBuffer::new(), SendQueue::default());
        Self { stream, limits, incoming, unsent, timer: DeadlineTimer::default() }
    }

    /// The same with other limits.
    pub fn with_timeouts(self, limits: StreamTimeouts) -> Self {
        Self { limits, ..self }
    }

    /// Reads once at most and gives out the whole messages there are, in order; sends all that `each` has answered with
    /// one write, and queues what the peer does not take. `each` says whether to go on; what is left is given out by
    /// the next call, and no more is given out once the queue is full. After an error there is no use in reading on,
    /// but what was answered is sent or queued.
    ///
    /// `each` must not come back here, for any stream.
    pub fn poll_answer(
        &mut self,
        cx: &mut Context<'_>,
        each: impl FnMut(&[u8], &mut OutgoingMessages) -> bool,
    ) -> Poll<Result<ReadOutcome, StreamError>> {
        ROOM.with_borrow_mut(|room| {
            // Of a call that ended by a panic.
            room.outgoing.clear();
            let count = ready!(self.incoming.poll_gather(cx, &mut self.stream, &mut room.input))?;
            if count == 0 {
                return Poll::Ready(Ok(ReadOutcome::End));
            }
            let input = room.input.get(..count).unwrap_or_default();
            let given = self.give_out(cx, input, &mut room.outgoing, each);
            self.send_answers(cx, &mut room.outgoing)?;
            Poll::Ready(given.map(|()| ReadOutcome::Messages))
        })
    }

    /// Lets `each` put messages out, one a call, until it says that it has no more or so much waits that the peer has to take some
    /// first; sends them with one write and queues what the peer does not take.
    ///
    /// `each` must not come back here, for any stream.
    pub fn put_while(
        &mut self,
        cx: &mut Context<'_>,
        mut each: impl FnMut(&mut OutgoingMessages) -> bool,
    ) -> Result<(), StreamError> {
        ROOM.with_borrow_mut(|room| {
            room.outgoing.clear();
            while self.unsent.waiting() + room.outgoing.length() < FULL && each(&mut room.outgoing) {}
            self.incoming.restart();
            self.send_answers(cx, &mut room.outgoing)
        })
    }

    /// Writes all that is queued. May be called again after `Pending`; neither bytes nor time limits are lost.
    pub fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamError>> {
        if self.unsent.is_empty() {
            return Poll::Ready(Ok(()));
        }
        ready!(self.unsent.poll_send(cx, &mut self.stream))?;
        self.incoming.restart();
        Poll::Ready(Ok(()))
    }

    /// Ready when a time limit has passed, and which. To be called before a task waits for what the other calls left
    /// pending.
    pub fn poll_late(&mut self, cx: &mut Context<'_>, expect: ReadExpectation) -> Poll<StreamError> {
        let reading = match expect {
            ReadExpectation::Message => self.incoming.deadline(&self.limits, true),
            ReadExpectation::Answers => self.incoming.deadline(&self.limits, false),
            ReadExpectation::Nothing => None,
        };
        let writing = self.unsent.deadline(self.limits.write).map(|end| (end, StreamError::Unread));
        let first = match (reading, writing) {
            (Some(reading), Some(writing)) => Some(if writing.0 <= reading.0 { writing } else { reading }),
            (one, other) => one.or(other),
        };
        let Some((deadline, late)) = first else { return Poll::Pending };
        ready!(self.timer.poll(cx, deadline));
        Poll::Ready(late)
    }

    /// Queues one message behind its length.
    pub fn push(&mut self, message: &[u8]) -> Result<(), PushError> {
        self.incoming.restart();
        self.unsent.push(message)
    }

    /// Since when no whole message has come, and none has been sent.
    pub fn quiet_since(&self) -> Instant {
        self.incoming.quiet_since()
    }

    /// Whether so much waits to be written that no further message is to be taken.
    pub fn is_full(&self) -> bool {
        self.unsent.is_full()
    }

    /// Whether nothing waits to be written.
    pub fn is_sent(&self) -> bool {
        self.unsent.is_empty()
    }

    /// The next message; `None` when the stream ended after a whole one. May be cancelled and called again.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, StreamError> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The same, while what is queued is written.
    pub async fn next_while_sending(&mut self) -> Result<Option<Vec<u8>>, StreamError> {
        poll_fn(|cx| match self.poll_send(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            _ => self.poll_next(cx),
        })
        .await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Vec<u8>>, StreamError>> {
        loop {
            let mut found = None;
            let taken = self.poll_answer(cx, |message, _| {
                found = Some(message.to_vec());
                false
            });
            match taken {
                _ if found.is_some() => return Poll::Ready(Ok(found)),
                Poll::Ready(Ok(ReadOutcome::Messages)) => {}
                Poll::Ready(Ok(ReadOutcome::End)) => return Poll::Ready(Ok(None)),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return self.poll_late(cx, ReadExpectation::Message).map(Err),
            }
        }
    }

    /// Writes all that is queued. May be cancelled and called again.
    pub async fn send(&mut self) -> Result<(), StreamError> {
        poll_fn(|cx| match self.poll_send(cx) {
            Poll::Pending => self.poll_late(cx, ReadExpectation::Nothing).map(Err),
            sent @ Poll::Ready(_) => sent,
        })
        .await
    }

    /// Writes all that is queued, then closes that direction, so that the peer knows that nothing follows.
    pub async fn finish(&mut self) -> Result<(), StreamError> {
        self.send().await?;
        let shutdown = poll_fn(|cx| Pin::new(&mut self.stream).poll_shutdown(cx));
        timeout(self.limits.write, shutdown).await.map_err(|_| StreamError::Unread)??;
        Ok(())
    }

    /// Gives out the whole messages in `input` and keeps the rest.
    fn give_out(
        &mut self,
        cx: &mut Context<'_>,
        input: &[u8],
        outgoing: &mut OutgoingMessages,
        mut each: impl FnMut(&[u8], &mut OutgoingMessages) -> bool,
    ) -> Result<(), StreamError> {
        let mut rest = input;
        let ended = loop {
            match front(rest) {
                BufferFront::Part => break Ok(()),
                BufferFront::Empty => break Err(StreamError::Empty),
                BufferFront::Whole(message, behind) => {
                    rest = behind;
                    if !each(message, outgoing) {
                        break Ok(());
                    }
                }
            }
            if outgoing.length() + self.unsent.waiting() >= FULL {
                self.send_answers(cx, outgoing)?;
                if self.unsent.is_full() {
                    break Ok(());
                }
            }
        };
        self.incoming.keep(rest, rest.len() < input.len());
        ended
    }

    /// Sends what was put out, or queues it.
    fn send_answers(
        &mut self,
        cx: &mut Context<'_>,
        outgoing: &mut OutgoingMessages,
    ) -> Result<(), StreamError> {
        let sent = self.unsent.send(cx, &mut self.stream, outgoing.bytes());
        outgoing.clear();
        Ok(sent?)
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> (usize, usize) {
        (self.incoming.held(), self.unsent.held())
    }

    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.unsent.waiting()
    }
}
