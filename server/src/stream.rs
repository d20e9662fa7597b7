//! Queries on connections: pipelined, answered out of order, cut off where the other end does not keep up (RFC 7766).

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rhumb_net::stream::{ReadError, Reader, Timeouts, Writer};
use rhumb_net::tcp::{Accepted, Acceptor, Limits, Refusal};
use rhumb_wire::Rcode;
use rhumb_wire::edns::ExtendedError;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};

use crate::metrics::{DropReason, Proto, RefuseReason};
use crate::query::{Client, Moment, Outcome, Scratch, count_request, count_response, fail_waiting, respond};
use crate::recursion::{Door, ReplyTo};
use crate::snapshot::Live;

/// The largest message.
const MESSAGE: usize = 65_535;
/// How long a peer may take for each 16 KiB of its answers.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a message may take to be whole.
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(3);

thread_local! {
    /// Room for one answer, by thread and not by connection: it is used without a pause between.
    static ROOM: RefCell<(Scratch, Vec<u8>)> = RefCell::new((Scratch::new(), vec![0; MESSAGE]));
}

/// What connections of all listeners have in common.
#[derive(Debug, Clone)]
pub struct Streams {
    /// The server's state.
    pub live: Arc<Live>,
    /// Where queries go that have to wait.
    pub door: Door,
    /// How many connections there may be.
    pub limits: Arc<Limits>,
    /// True once the server stops: connections end when their answers are written.
    pub stop: watch::Receiver<bool>,
}

/// Accepts connections until `closed` turns true or its sender is gone. Connections made before go on.
pub async fn accept(acceptor: Acceptor, streams: Streams, mut closed: watch::Receiver<bool>) {
    loop {
        let accepted = tokio::select! {
            accepted = acceptor.accept() => accepted,
            _ = closed.wait_for(|closed| *closed) => return,
        };
        match accepted {
            Ok(accepted) => admit(accepted, &streams),
            Err(error) => {
                tracing::error!(listener = %acceptor.address(), %error, "accepting ended");
                return;
            }
        }
    }
}

fn admit(accepted: Accepted, streams: &Streams) {
    let permit = match streams.limits.admit(accepted.peer.ip()) {
        Ok(permit) => permit,
        Err(refusal) => {
            let reason = match refusal {
                Refusal::Total => RefuseReason::Total,
                Refusal::Network => RefuseReason::Client,
            };
            streams.live.metrics.refused(reason);
            return;
        }
    };
    let streams = streams.clone();
    tokio::spawn(async move {
        let _permit = permit;
        let _open = streams.live.metrics.connection();
        let (input, output) = accepted.stream.into_split();
        let client = Client::Known { peer: accepted.peer, local: accepted.local, proto: Proto::Tcp };
        Connection::new(streams, client, input, output).run().await;
    });
}

/// How one round of a connection ended.
enum Next {
    /// Go on.
    On,
    /// The client sends nothing more; its answers are still to be written.
    Finished,
    /// Close now.
    Broken,
}

struct Connection<R, W> {
    streams: Streams,
    client: Client<'static>,
    reader: Reader<R>,
    writer: Writer<W>,
    answers: mpsc::Receiver<Vec<u8>>,
    answered: mpsc::Sender<Vec<u8>>,
    most: usize,
    in_flight: usize,
    finished: bool,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Connection<R, W> {
    fn new(streams: Streams, client: Client<'static>, input: R, output: W) -> Self {
        let snapshot = streams.live.snapshot.load();
        let server = &snapshot.config.server;
        let timeouts = Timeouts { first: server.tcp_first, idle: server.tcp_idle, message: MESSAGE_TIMEOUT };
        let most = server.tcp_in_flight.max(1);
        let (answered, answers) = mpsc::channel(most);
        drop(snapshot);
        Self {
            streams,
            client,
            reader: Reader::new(input, timeouts),
            writer: Writer::new(output, WRITE_TIMEOUT),
            answers,
            answered,
            most,
            in_flight: 0,
            finished: false,
        }
    }

    async fn run(mut self) {
        loop {
            match self.round().await {
                Next::On if self.finished && self.in_flight == 0 && self.writer.is_empty() => break,
                Next::On => {}
                Next::Finished => self.finished = true,
                Next::Broken => return,
            }
            if self.finished && self.in_flight == 0 && self.writer.is_empty() {
                break;
            }
        }
        // A peer that is gone by now has nothing to be told.
        let _ = self.writer.finish().await;
    }

    /// Waits for whatever comes first: a query, an answer that was waited for, room to write, the end of the server.
    async fn round(&mut self) -> Next {
        let reading = !self.finished && self.in_flight < self.most && !self.writer.is_full();
        let writing = !self.writer.is_empty();
        let mut stop = self.streams.stop.clone();
        tokio::select! {
            biased;
            Some(answer) = self.answers.recv(), if self.in_flight > 0 => {
                self.take_answer(&answer);
                while let Ok(answer) = self.answers.try_recv() {
                    self.take_answer(&answer);
                }
                Next::On
            }
            written = self.writer.flush(), if writing => match written {
                Ok(()) => {
                    self.reader.restart_idle();
                    Next::On
                }
                Err(_) => Next::Broken,
            },
            frame = self.reader.next(), if reading => {
                let first = match frame {
                    Ok(Some(frame)) => Ok(answer(&self.streams, &self.client, &self.answered, &frame, &mut self.writer)),
                    Ok(None) => return Next::Finished,
                    Err(error) => Err(error),
                };
                self.after_read(&first)
            }
            _ = stop.wait_for(|stop| *stop), if !self.finished => Next::Finished,
        }
    }

    fn take_answer(&mut self, answer: &[u8]) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.reader.restart_idle();
        // A little beyond the bound: reading has stopped by then, and no more than `most` are on their way.
        if !answer.is_empty() && self.writer.push(answer).is_err() {
            self.streams.live.metrics.with_local(|block| block.dropped(DropReason::ClientGone));
        }
    }

    /// Answers what else came with the first query, in one go.
    fn after_read(&mut self, first: &Result<usize, ReadError>) -> Next {
        match first {
            Ok(waiting) => self.in_flight += waiting,
            // Waiting for answers, the connection is not idle.
            Err(ReadError::Idle | ReadError::First) if self.in_flight > 0 => {
                self.reader.restart_idle();
                return Next::On;
            }
            Err(
                ReadError::Io(_)
                | ReadError::Slow
                | ReadError::First
                | ReadError::Idle
                | ReadError::Cut
                | ReadError::Empty,
            ) => {
                return Next::Finished;
            }
        }
        while self.in_flight < self.most && !self.writer.is_full() {
            match self.reader.buffered() {
                Ok(Some(frame)) => {
                    self.in_flight +=
                        answer(&self.streams, &self.client, &self.answered, &frame, &mut self.writer);
                }
                Ok(None) => break,
                Err(_) => return Next::Finished,
            }
        }
        Next::On
    }
}

/// Answers one message into `writer`; 1 if it waits, else 0.
fn answer<W: AsyncWrite + Unpin>(
    streams: &Streams,
    client: &Client<'_>,
    answered: &mpsc::Sender<Vec<u8>>,
    message: &[u8],
    writer: &mut Writer<W>,
) -> usize {
    let begun = Instant::now();
    let waiting = ROOM.with_borrow_mut(|(scratch, out)| {
        let result = catch_unwind(AssertUnwindSafe(|| {
            answer_into(streams, client, answered, message, begun, scratch, out)
        }));
        match result {
            Ok(Answered::Reply(length)) => {
                // Checked to have room before the message was read; an answer is never empty.
                let _ = writer.push(out.get(..length).unwrap_or_default());
                0
            }
            Ok(Answered::Nothing) => 0,
            Ok(Answered::Later) => 1,
            Err(_) => {
                *scratch = Scratch::new();
                streams.live.metrics.with_local(|block| {
                    block.panic();
                    block.dropped(DropReason::Panic);
                });
                0
            }
        }
    });
    if waiting == 0 {
        // What waits is observed once it is answered.
        streams.live.metrics.with_local(|block| block.duration(client.proto(), begun.elapsed(), 1));
    }
    waiting
}

enum Answered {
    Reply(usize),
    Later,
    Nothing,
}

fn answer_into(
    streams: &Streams,
    client: &Client<'_>,
    answered: &mpsc::Sender<Vec<u8>>,
    message: &[u8],
    begun: Instant,
    scratch: &mut Scratch,
    out: &mut [u8],
) -> Answered {
    let live = &streams.live;
    let snapshot = live.snapshot.load();
    let moment = Moment { snapshot: &snapshot, cache: &live.cache, now: live.clock.at(begun) };
    let outcome = respond(message, client, &moment, scratch, out);
    live.metrics.with_local(|block| {
        if let Some(event) = scratch.cache {
            block.cache(event);
        }
        if let Outcome::Drop(reason) = outcome {
            block.dropped(reason);
        } else {
            count_request(block, client, message, scratch.qtype, &snapshot);
        }
        if matches!(outcome, Outcome::Reply(_)) {
            count_response(block, out);
        }
    });
    if let Some(job) = scratch.prefetch.take() {
        // Renewing ahead of time is a favour; without room it is left undone.
        let _ = streams.door.enter(job, ReplyTo::Nobody);
    }
    match outcome {
        Outcome::Reply(length) => Answered::Reply(length),
        Outcome::Drop(_) => Answered::Nothing,
        Outcome::Wait(job) => match streams.door.enter(job, ReplyTo::Stream(answered.clone())) {
            Ok(()) => Answered::Later,
            Err(job) => {
                live.metrics.with_local(|block| {
                    block.dropped(DropReason::QueueFull);
                    block.response(Rcode::SERVFAIL.0);
                });
                let error = (ExtendedError::Other, "too many queries wait");
                fail_waiting(&job, Rcode::SERVFAIL, error, out).map_or(Answered::Nothing, Answered::Reply)
            }
        },
    }
}
