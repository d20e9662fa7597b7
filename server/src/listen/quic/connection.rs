//! One connection, from its first stream to its end.

use std::sync::Arc;
use std::time::Duration;

use rhumb_net::quic::{QuicConnection, QuicStream, StreamClosed};
use rhumb_net::tcp::ClientConnection;
use rhumb_wire::Transport;
use rhumb_wire::doq::{self, DoqErrorCode, LONGEST_STREAM};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::listen::exchange::{ExchangeAnswer, exchange};
use crate::listen::stream::StreamServices;
use crate::metrics::StreamFault;
use crate::query::{MessageSource, QueryClient};

/// How long a query may take to be whole.
const QUERY_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a client may take for an answer, or for a part of one that has many messages.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a response of more than one message may take in all.
const OUTFLOW_TIMEOUT: Duration = Duration::from_hours(2);
/// How long queries have to be answered once the server stops: as long as it waits for them.
const LAST_ANSWERS: Duration = Duration::from_secs(5);
/// How long each of these answers has to reach the client.
const CLOSING_TIME: Duration = Duration::from_secs(1);
/// Longer queries than this are few at a time, in bytes.
const LONG: usize = 4096;
/// The longest message.
const LARGEST: usize = 65_535;

/// A connection, and what its queries need.
#[derive(Debug)]
pub(super) struct DoqConnection {
    connection: Arc<QuicConnection>,
    /// The same connection, among those of all clients.
    among: Arc<ClientConnection>,
    streams: StreamServices,
    long_queries: Arc<Semaphore>,
}

/// How a stream ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum StreamEnd {
    /// The client has its answer, or wants none any more.
    Good,
    /// The client broke the rules: the connection ends (RFC 9250, section 4.3.3).
    Broken(&'static str),
}

impl DoqConnection {
    pub(super) fn new(
        connection: Arc<QuicConnection>,
        among: Arc<ClientConnection>,
        streams: StreamServices,
        long_queries: Arc<Semaphore>,
    ) -> Self {
        Self { connection, among, streams, long_queries }
    }

    /// Serves until either end is done.
    pub(super) async fn run(self) {
        let idle = self.streams.live.snapshot.load().config.server.tcp_idle;
        let mut stop = self.streams.stop.clone();
        let mut open = JoinSet::new();
        let mut rest = self.streams.first_query_time();
        let (code, reason) = loop {
            let is_quiet = open.is_empty();
            tokio::select! {
                stream = self.connection.accept_stream() => {
                    let Some(stream) = stream else { return };
                    open.spawn(self.query(stream).answer());
                }
                Some(ended) = open.join_next() => match ended {
                    Ok(StreamEnd::Good) => rest = idle,
                    Ok(StreamEnd::Broken(reason)) => break (DoqErrorCode::Protocol, reason),
                    // The panic was counted; the client is not to wait in vain.
                    Err(_) => break (DoqErrorCode::Internal, "internal error"),
                },
                () = sleep(rest), if is_quiet => break (DoqErrorCode::NoError, "nothing was asked"),
                // A sender that is gone ends it as well.
                () = async { drop(stop.wait_for(|stop| *stop).await) } => {
                    let answered = async { while open.join_next().await.is_some() {} };
                    let _ = timeout(LAST_ANSWERS, answered).await;
                    break (DoqErrorCode::NoError, "the server stops");
                }
            }
        };
        self.connection.close(code as u32, reason);
    }

    fn query(&self, stream: QuicStream) -> DoqQuery {
        let client = QueryClient::known(self.connection.peer(), self.connection.local(), Transport::Quic);
        let (streams, long_queries) = (self.streams.clone(), Arc::clone(&self.long_queries));
        DoqQuery { stream, client, among: Arc::clone(&self.among), streams, long_queries }
    }
}

/// A query on its stream.
#[derive(Debug)]
struct DoqQuery {
    stream: QuicStream,
    client: QueryClient<'static>,
    among: Arc<ClientConnection>,
    streams: StreamServices,
    long_queries: Arc<Semaphore>,
}

impl DoqQuery {
    async fn answer(mut self) -> StreamEnd {
        self.streams.live.metrics.clients().stream(Transport::Quic);
        let read = match timeout(QUERY_TIMEOUT, self.read()).await {
            Ok(Ok(read)) => read,
            Ok(Err(StreamClosed)) => {
                self.failed(StreamFault::Gone);
                return StreamEnd::Good;
            }
            Err(_) => {
                self.failed(StreamFault::Late);
                self.stream.reset(DoqErrorCode::ExcessiveLoad as u32);
                return StreamEnd::Good;
            }
        };
        let message = match doq::query(&read) {
            Ok(message) => message,
            Err(error) => return self.broken(error.reason()),
        };
        let _open = self.among.query();
        let stopped = self.stream.stopped();
        let answered = tokio::select! {
            answered = exchange(message, &self.client, &self.streams) => answered,
            // The client gave it up.
            () = stopped => {
                self.failed(StreamFault::Gone);
                return StreamEnd::Good;
            }
        };
        let sent = match answered {
            ExchangeAnswer::Message(message) => {
                timeout(WRITE_TIMEOUT, self.send(message)).await.unwrap_or(Err(StreamClosed))
            }
            ExchangeAnswer::Messages(source) => {
                timeout(OUTFLOW_TIMEOUT, self.send_all(source)).await.unwrap_or(Err(StreamClosed))
            }
            ExchangeAnswer::Dropped => return self.broken("a message is no query"),
            ExchangeAnswer::Unanswered => {
                self.failed(StreamFault::Unanswered);
                self.stream.reset(DoqErrorCode::Internal as u32);
                return StreamEnd::Good;
            }
        };
        if sent.and_then(|()| self.stream.finish()).is_err() {
            self.failed(StreamFault::Gone);
            self.stream.reset(DoqErrorCode::Internal as u32);
        } else if *self.streams.stop.borrow() {
            // The end of the connection would take the answer with it.
            let _ = timeout(CLOSING_TIME, self.stream.stopped()).await;
        }
        StreamEnd::Good
    }

    fn failed(&self, fault: StreamFault) {
        self.streams.live.metrics.clients().stream_failed(Transport::Quic, fault);
    }

    fn broken(&mut self, reason: &'static str) -> StreamEnd {
        self.failed(StreamFault::Message);
        self.stream.reset(DoqErrorCode::Protocol as u32);
        StreamEnd::Broken(reason)
    }

    /// The bytes of the stream, as many as one message can have and one more. Few long ones are read at a time.
    async fn read(&mut self) -> Result<Vec<u8>, StreamClosed> {
        let mut read = Vec::new();
        if !self.stream.read_on(&mut read, LONG).await? {
            let _permit = self.long_queries.acquire().await;
            self.stream.read_on(&mut read, LONGEST_STREAM).await?;
        }
        Ok(read)
    }

    async fn send(&mut self, message: Vec<u8>) -> Result<(), StreamClosed> {
        let length = u16::try_from(message.len()).map_err(|_| StreamClosed)?;
        self.stream.write(length.to_be_bytes(), message).await
    }

    async fn send_all(&mut self, mut source: Box<dyn MessageSource>) -> Result<(), StreamClosed> {
        let mut out = vec![0; LARGEST];
        while let Some(length) = source.next_message(&mut out).map_err(|_| StreamClosed)? {
            let message = out.get(..length).unwrap_or_default().to_vec();
            timeout(WRITE_TIMEOUT, self.send(message)).await.unwrap_or(Err(StreamClosed))?;
        }
        Ok(())
    }
}
