//! Connections of HTTP/2.

mod open_request;
mod replies;
mod request_batch;
mod request_work;
mod requests;

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use rhumb_net::stream::{ByteStream, ReadOutcome, StreamError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::coop::has_budget_remaining;
use tokio::time::Instant;

use super::connection::HttpConnection;
use crate::listen::stream::StreamServices;
use requests::Http2Requests;

/// How long a peer may take for each 16 KiB of what is sent to it.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// Reads in a row before others have their turn.
const ROUNDS: u32 = 8;

/// A connection, from its preface to its end.
pub(super) struct Http2Service<S> {
    bytes: ByteStream<S>,
    requests: Http2Requests,
    /// What this side begins with, until it is sent.
    greeting: Vec<u8>,
    /// Nothing more is read.
    finished: bool,
    /// Ends when the server stops.
    stopping: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// Whether that has been told whom to wake.
    told: bool,
}

/// How a connection ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum ServiceEnd {
    /// All is sent.
    Good,
    /// The peer is gone, or does not take what is sent.
    Broken,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Http2Service<S> {
    /// The time for the first request began at `begun`.
    pub(super) fn new(
        connection: HttpConnection,
        stream: S,
        streams: StreamServices,
        begun: Instant,
    ) -> Self {
        let mut stop = streams.stop.clone();
        let stopping = Box::pin(async move {
            // A sender that is gone ends it as well.
            let _ = stop.wait_for(|stop| *stop).await;
        });
        let mut greeting = Vec::new();
        let requests = Http2Requests::new(connection, streams, begun, &mut greeting);
        let bytes = ByteStream::new(stream, WRITE_TIMEOUT);
        Self { bytes, requests, greeting, finished: false, stopping, told: false }
    }

    /// Serves until either end is done.
    pub(super) async fn run(mut self) {
        if poll_fn(|cx| self.poll(cx)).await == ServiceEnd::Good {
            // A peer that is gone by now has nothing to be told.
            let _ = self.bytes.finish().await;
        }
    }

    /// Does whatever can be done now: sends, reads, answers.
    ///
    /// The waker must be the same each time, as it is for a task: `stopping` is told of it once.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ServiceEnd> {
        for _ in 0..ROUNDS {
            let sent = self.bytes.poll_send(cx);
            if matches!(sent, Poll::Ready(Err(_))) || self.put_waiting(cx).is_err() {
                return Poll::Ready(ServiceEnd::Broken);
            }
            let taken = if self.finished { Poll::Pending } else { self.answer(cx) };
            match taken {
                Poll::Ready(Ok(ReadOutcome::Messages)) => self.finished = self.requests.has_failed(),
                // Who has gone waits for nothing. Of a stream that failed, the next write tells.
                Poll::Ready(Ok(ReadOutcome::End) | Err(_)) => self.finished = true,
                // What was held goes on at once: nobody would wake this for it.
                Poll::Pending if self.requests.can_go_on() && !self.bytes.is_full() => {}
                Poll::Pending => return self.poll_quiet(cx),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Answers what has come.
    fn answer(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<ReadOutcome>> {
        let Self { bytes, requests, greeting, .. } = self;
        bytes.poll_exchange(cx, |input, out| {
            out.append(greeting);
            requests.take(input, out)
        })
    }

    /// Sends answers that were waited for. Errors: the peer is gone.
    fn put_waiting(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let Self { bytes, requests, .. } = self;
        if !requests.is_waiting() || bytes.is_full() {
            return Ok(());
        }
        bytes.put(cx, |cx, out| requests.put_waiting(cx, out))
    }

    /// With nothing to do: looks whether the connection has ended, or the server, or somebody's time.
    fn poll_quiet(&mut self, cx: &mut Context<'_>) -> Poll<ServiceEnd> {
        let Self { bytes, requests, greeting, .. } = self;
        if !greeting.is_empty() && bytes.put(cx, |_, out| out.append(greeting)).is_err() {
            return Poll::Ready(ServiceEnd::Broken);
        }
        if !self.told || requests.may_stop() {
            if self.stopping.as_mut().poll(cx).is_ready() {
                if bytes.put(cx, |_, out| requests.shut_down(out)).is_err() {
                    return Poll::Ready(ServiceEnd::Broken);
                }
                self.stopping = Box::pin(std::future::pending());
            }
            // Without budget left it did not listen, and this will be polled again soon.
            self.told = has_budget_remaining();
        }
        requests.tell_rest(bytes.is_sent());
        loop {
            if (self.finished || requests.is_done()) && bytes.is_sent() {
                return Poll::Ready(ServiceEnd::Good);
            }
            if requests.is_over() {
                return Poll::Ready(ServiceEnd::Broken);
            }
            match bytes.poll_late(cx, requests.due()) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(StreamError::Unread) => return Poll::Ready(ServiceEnd::Broken),
                Poll::Ready(_) if bytes.put(cx, |_, out| requests.expire(out)).is_err() => {
                    return Poll::Ready(ServiceEnd::Broken);
                }
                Poll::Ready(_) => {}
            }
        }
    }
}
