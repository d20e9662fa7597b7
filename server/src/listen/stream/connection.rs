//! One connection, from its first query to its end.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rhumb_net::stream::{MessageStream, ReadExpectation, ReadOutcome, StreamError, StreamTimeouts};
use rhumb_net::tcp::ClientConnection;
use rhumb_wire::DomainName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::task::coop::has_budget_remaining;
use tokio::time::{Instant, Sleep, sleep};

use super::answer::StreamAnswers;
use super::services::StreamServices;
use crate::metrics::DropReason;
use crate::query::{MessageSource, QueryClient};

/// How long a peer may take for each 16 KiB of its answers.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a message may take to be whole.
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a response of more than one message may take in all.
const OUTFLOW_TIMEOUT: Duration = Duration::from_hours(2);
/// How long one answer after the other may take, once the connection waits for some: longer than any look-up.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
/// Reads in a row before others have their turn: some thousands of queries.
const ROUNDS: u32 = 8;

/// A connection and the answers that it waits for.
pub(in crate::listen) struct Connection<S> {
    streams: StreamServices,
    client: QueryClient<'static>,
    /// Those of the certificate that the client showed.
    names: Arc<[DomainName]>,
    messages: MessageStream<S>,
    /// The same connection, among those of all clients.
    among: Arc<ClientConnection>,
    /// The way for answers that come later; made for the first query that waits.
    later: Option<Later>,
    /// Responses of more than one message, in the order of their queries.
    outflows: VecDeque<Outflow>,
    most: usize,
    under_way: usize,
    /// When the next answer has to be there; none while none is waited for.
    answer_due: Option<Pin<Box<Sleep>>>,
    /// No more queries are taken.
    finished: bool,
    /// Ends when the server stops.
    stopping: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// Whether that has been told whom to wake.
    told: bool,
}

/// Answers that come later.
struct Later {
    sender: mpsc::Sender<Vec<u8>>,
    receiver: mpsc::Receiver<Vec<u8>>,
}

/// A response of more than one message.
struct Outflow {
    source: Box<dyn MessageSource>,
    ends: Instant,
}

/// How a connection ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    /// All that was asked is answered.
    Good,
    /// The peer is gone, or does not take its answers.
    Broken,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// The time for the first query began at `begun`.
    pub(in crate::listen) fn new(
        streams: StreamServices,
        client: QueryClient<'static>,
        stream: S,
        begun: Instant,
        among: Arc<ClientConnection>,
    ) -> Self {
        let snapshot = streams.live.snapshot.load();
        let server = &snapshot.config.server;
        let limits = StreamTimeouts {
            first: streams.first_query_time().saturating_sub(begun.elapsed()),
            idle: server.tcp_idle,
            message: MESSAGE_TIMEOUT,
            write: WRITE_TIMEOUT,
        };
        let most = server.tcp_in_flight.max(1);
        drop(snapshot);
        let mut stop = streams.stop.clone();
        let stopping = Box::pin(async move {
            // A sender that is gone ends it as well.
            let _ = stop.wait_for(|stop| *stop).await;
        });
        let messages = MessageStream::new(stream, limits);
        Self {
            streams,
            client,
            names: Arc::default(),
            messages,
            among,
            later: None,
            outflows: VecDeque::new(),
            most,
            under_way: 0,
            answer_due: None,
            finished: false,
            stopping,
            told: false,
        }
    }

    /// The client showed a certificate with these names.
    pub(in crate::listen) fn named(self, names: Arc<[DomainName]>) -> Self {
        Self { names, ..self }
    }

    /// Serves until either end is done.
    pub(in crate::listen) async fn run(mut self) {
        if poll_fn(|cx| self.poll(cx)).await == End::Good {
            // A peer that is gone by now has nothing to be told.
            let _ = self.messages.finish().await;
        }
    }

    /// Does whatever can be done now: sends, reads, answers.
    ///
    /// The waker must be the same each time, as it is for a task: `stopping` is told of it once.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        for _ in 0..ROUNDS {
            self.take_answers(cx);
            if let Poll::Ready(Err(_)) = self.messages.poll_send(cx) {
                return Poll::Ready(End::Broken);
            }
            if self.put_messages(cx).is_err() {
                return Poll::Ready(End::Broken);
            }
            let taken = if self.is_reading() { self.answer(cx) } else { Poll::Pending };
            match taken {
                Poll::Ready(Ok(ReadOutcome::Messages)) => {}
                // Of a stream that failed, the next write tells.
                Poll::Ready(Ok(ReadOutcome::End) | Err(_)) => self.finished = true,
                Poll::Pending if !self.outflows.is_empty() && !self.messages.is_full() => {}
                Poll::Pending => return self.poll_quiet(cx),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// With nothing to do: looks whether the connection has ended, or the server, or somebody's time.
    fn poll_quiet(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        if !self.finished && (!self.told || self.streams.stop.has_changed().unwrap_or(true)) {
            self.finished = self.stopping.as_mut().poll(cx).is_ready();
            // Without budget left it did not listen, and this will be polled again soon.
            self.told = has_budget_remaining();
        }
        let rests = self.under_way == 0 && self.messages.is_sent();
        self.among.rests_since(rests.then(|| self.messages.quiet_since()));
        if self.poll_answers_late(cx).is_ready() {
            return Poll::Ready(End::Broken);
        }
        loop {
            if self.finished && self.under_way == 0 && self.messages.is_sent() {
                return Poll::Ready(End::Good);
            }
            let expect = match (self.is_reading(), self.under_way) {
                (false, _) => ReadExpectation::Nothing,
                (true, 0) => ReadExpectation::Message,
                (true, _) => ReadExpectation::Answers,
            };
            match self.messages.poll_late(cx, expect) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(StreamError::Unread) => return Poll::Ready(End::Broken),
                Poll::Ready(_) => self.finished = true,
            }
        }
    }

    /// Ready when the connection has waited for an answer for too long.
    fn poll_answers_late(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // Responses of several messages have a limit of their own.
        if self.under_way <= self.outflows.len() {
            self.answer_due = None;
            return Poll::Pending;
        }
        self.answer_due.get_or_insert_with(|| Box::pin(sleep(ANSWER_TIMEOUT))).as_mut().poll(cx)
    }

    fn is_reading(&self) -> bool {
        !self.finished && self.under_way < self.most && !self.messages.is_full()
    }

    /// Answers what has come. A message that is no query ends it, for such would keep the connection open and ask nothing.
    fn answer(&mut self, cx: &mut Context<'_>) -> Poll<Result<ReadOutcome, StreamError>> {
        let Self {
            streams, client, names, messages, among, later, outflows, most, under_way, finished, ..
        } = self;
        let sender = || {
            let later = later.get_or_insert_with(|| {
                let (sender, receiver) = mpsc::channel(*most);
                Later { sender, receiver }
            });
            later.sender.clone()
        };
        let client = client.named(names);
        let mut answering = StreamAnswers::new(streams, &client, sender);
        let taken = messages.poll_answer(cx, |message, outgoing| {
            among.asks();
            *under_way += usize::from(answering.answer(message, outgoing));
            *under_way < *most && !answering.has_dropped()
        });
        *finished |= answering.has_dropped();
        for source in answering.end() {
            outflows.push_back(Outflow { source, ends: Instant::now() + OUTFLOW_TIMEOUT });
        }
        taken
    }

    /// Puts out the messages of responses that have more than one, as many as the peer has room for. Errors: one of them cannot
    /// be completed, or the peer is gone.
    fn put_messages(&mut self, cx: &mut Context<'_>) -> Result<(), ()> {
        let Self { messages, outflows, under_way, .. } = self;
        let Some(first) = outflows.front() else { return Ok(()) };
        let mut result = if first.ends < Instant::now() { Err(()) } else { Ok(()) };
        let sent = messages.put_while(cx, |outgoing| {
            let Some(outflow) = outflows.front_mut().filter(|_| result.is_ok()) else { return false };
            let mut ended = false;
            outgoing.put(|out| match outflow.source.next_message(out) {
                Ok(None) => {
                    ended = true;
                    None
                }
                Ok(length) => length,
                Err(_) => {
                    result = Err(());
                    None
                }
            });
            if ended {
                *under_way -= 1;
                outflows.pop_front();
            }
            true
        });
        result.and(sent.map_err(|_| ()))
    }

    /// Takes the answers that were waited for.
    fn take_answers(&mut self, cx: &mut Context<'_>) {
        while self.under_way > 0
            && let Some(later) = &mut self.later
            && let Poll::Ready(Some(answer)) = later.receiver.poll_recv(cx)
        {
            self.under_way -= 1;
            self.answer_due = None;
            if self.messages.is_full() {
                // An error shows at the next call too.
                let _ = self.messages.poll_send(cx);
            }
            // Reading has stopped long before there is no room.
            if !answer.is_empty() && self.messages.push(&answer).is_err() {
                self.streams.live.metrics.with_local(|block| block.dropped(DropReason::ClientGone));
            }
        }
    }
}
