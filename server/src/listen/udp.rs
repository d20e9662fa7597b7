//! Queries by UDP: threads that take batches of datagrams from a socket, answer what is at hand, and hand on what has to wait.

mod asked_message;

use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use rhumb_net::udp::{DatagramBatch, DatagramSocket, ReceivedDatagram, is_too_large};

use super::answer::{AnswerContext, MessageAnswer, answer_message};
use super::open_listener::{ListenerOpening, ListenerTerms, OpenListener};
use super::stream::StreamServices;
use super::trusted_proxies::TrustedProxies;
use crate::metrics::{CounterBlock, DropReason};
use crate::query::{
    QueryContext, QueryOutcome, QueryScratch, count, look_ahead, respond_incomplete, respond_truncated,
};
use crate::recursion::{ReplyPath, ResolveQueue};
use crate::snapshot::ServerState;
use crate::supervision::WorkerHandle;
use crate::test_hooks::{PanicPoint, inject_panic};
use asked_message::AskedMessage;
use rhumb_wire::Transport;

/// Datagrams taken in one call.
const BATCH: usize = 64;
/// The largest query taken by UDP, in bytes, where clients are not told that larger ones are (RFC 6891, section 6.2.3).
/// The buffers of a batch are no larger than need be: what is touched for each query should stay in the processor's caches.
const QUERY_SIZE: usize = 2048;
/// The largest answer given by UDP, whatever the configuration allows.
const REPLY_SIZE: usize = 4096;

/// Batches taken from a listener that is being closed: more than its buffer holds, and yet an end under any load.
const LAST_BATCHES: usize = 1024;

/// The threads of one listener, each with a socket of its own.
#[derive(Debug)]
struct UdpService {
    sockets: Vec<Arc<DatagramSocket>>,
    proxies: Arc<TrustedProxies>,
    threads: Vec<JoinHandle<()>>,
}

/// Serves what was bound. Errors: a thread could not be made.
pub(super) fn open(
    sockets: Vec<DatagramSocket>,
    opening: &ListenerOpening<'_>,
) -> io::Result<Box<dyn OpenListener>> {
    let ListenerOpening { key, serving, terms } = opening;
    let name = format!("{}/{}", key.transport, key.address);
    let proxies = TrustedProxies::new(key.transport, terms.entry);
    Ok(Box::new(UdpService::start(&name, sockets, proxies, &serving.streams)?))
}

impl OpenListener for UdpService {
    fn set_terms(&self, terms: &ListenerTerms<'_>) {
        self.proxies.set(terms.entry);
    }

    fn close(self: Box<Self>) {
        self.stop();
    }
}

impl UdpService {
    /// Starts a thread for each socket. Errors: a thread could not be made.
    fn start(
        name: &str,
        sockets: Vec<DatagramSocket>,
        proxies: Arc<TrustedProxies>,
        serving: &StreamServices,
    ) -> io::Result<Self> {
        let StreamServices { live, queue, .. } = serving;
        let sockets: Vec<Arc<DatagramSocket>> = sockets.into_iter().map(Arc::new).collect();
        let mut threads = Vec::new();
        for (index, socket) in sockets.iter().enumerate() {
            let name = format!("{name}/{index}");
            let worker = Worker {
                socket: Arc::clone(socket),
                proxies: Arc::clone(&proxies),
                live: Arc::clone(live),
                queue: queue.clone(),
                block: live.metrics.block(&name),
                truncated: Cell::new(false),
                large: Cell::new(false),
            };
            let handle = live.metrics.workers().register("udp", name);
            let thread = std::thread::Builder::new()
                .name(format!("udp-{index}"))
                .spawn(move || handle.supervise(|handle| worker.run(handle)))?;
            threads.push(thread);
        }
        Ok(Self { sockets, proxies, threads })
    }

    /// Ends the threads once they have answered what is queued.
    fn stop(self) {
        for socket in &self.sockets {
            socket.stop_receiving();
        }
        for thread in self.threads {
            // Its panics were counted when they happened.
            let _ = thread.join();
        }
    }
}

struct Worker {
    socket: Arc<DatagramSocket>,
    proxies: Arc<TrustedProxies>,
    live: Arc<ServerState>,
    queue: ResolveQueue,
    block: Arc<CounterBlock>,
    /// Whether a query was larger than the buffers: they may be those of an earlier configuration.
    truncated: Cell<bool>,
    /// Whether the last query of the last batch was for a large zone: the next ones most likely are too.
    large: Cell<bool>,
}

impl Worker {
    fn run(&self, handle: &WorkerHandle) {
        let mut batch = DatagramBatch::new(BATCH, self.query_size(), REPLY_SIZE);
        let mut scratch = QueryScratch::new();
        let mut last = LAST_BATCHES;
        while last > 0 {
            let stopped = self.socket.is_stopped();
            last -= usize::from(stopped);
            let received =
                if stopped { batch.receive_now(&self.socket) } else { batch.receive(&self.socket) };
            match received {
                Ok(0) if stopped => return,
                Ok(0) => {}
                Ok(_) => {
                    let begun = Instant::now();
                    handle.begin(begun);
                    inject_panic(PanicPoint::UdpThread);
                    self.serve(&mut batch, &mut scratch, begun);
                    handle.end();
                    if self.truncated.take() && batch.query_size() != self.query_size() {
                        batch = DatagramBatch::new(BATCH, self.query_size(), REPLY_SIZE);
                    }
                }
                Err(error) if stopped && error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => self.rest(&error),
            }
        }
    }

    /// The largest query to be taken, by the present configuration.
    fn query_size(&self) -> usize {
        QUERY_SIZE.max(self.live.snapshot.load().settings.edns_size.into())
    }

    /// A receive can fail for a moment, as by an ICMP error of an earlier answer; a pause keeps a lasting fault from spinning.
    fn rest(&self, error: &io::Error) {
        tracing::debug!(socket = %self.socket.address(), %error, "receiving failed");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }

    fn serve(&self, batch: &mut DatagramBatch, scratch: &mut QueryScratch, begun: Instant) {
        let snapshot = self.live.snapshot.load();
        let query = QueryContext::of(&self.live, &snapshot, begun);
        if self.large.get() {
            let messages = (0..BATCH).map_while(|slot| Some(batch.datagram(slot)?.bytes));
            if catch_unwind(AssertUnwindSafe(|| look_ahead(&query, messages))).is_err() {
                self.block.panic();
            }
        }
        let context = AnswerContext { query: &query, queue: &self.queue, block: &self.block };
        let mut replies = 0;
        batch.answer(|datagram, out| {
            let answered = self.answer(datagram, &context, scratch, out);
            replies += u64::from(answered.is_some());
            answered
        });
        self.large.set(query.was_large());
        let mut too_large = Vec::new();
        batch.send(&self.socket, |slot, error| {
            if is_too_large(&error) {
                too_large.push(slot);
            } else {
                tracing::debug!(socket = %self.socket.address(), %error, "sending failed");
                self.block.dropped(DropReason::SendFailed);
            }
        });
        for slot in too_large {
            if let Some(datagram) = batch.datagram(slot) {
                self.send_truncated(datagram, &query, scratch);
            }
        }
        // What waits is observed once it is answered.
        self.block.duration(Transport::Udp, begun.elapsed(), replies);
    }

    fn answer(
        &self,
        datagram: ReceivedDatagram<'_>,
        context: &AnswerContext<'_, '_>,
        scratch: &mut QueryScratch,
        out: &mut [u8],
    ) -> Option<usize> {
        if datagram.destination_unknown() {
            self.block.dropped(DropReason::UnknownDestination);
            return None;
        }
        let asked =
            if self.proxies.is_used() { self.proxied(datagram)? } else { AskedMessage::direct(datagram) };
        if datagram.truncated() {
            self.truncated.set(true);
            return self.answer_incomplete(&asked, context.query, scratch, out);
        }
        let reply_to = || ReplyPath::Datagram(Arc::clone(&self.socket), asked.hop());
        match answer_message(asked.message, &asked.client, context, scratch, out, reply_to) {
            MessageAnswer::Reply(length) => Some(length),
            MessageAnswer::Nothing | MessageAnswer::Pending => None,
            // A datagram is one message; such queries are refused long before.
            MessageAnswer::Messages(_) => None,
        }
    }

    /// The message of a datagram on a listener that has proxies; none where it is dropped, which is counted.
    #[cold]
    fn proxied<'d>(&self, datagram: ReceivedDatagram<'d>) -> Option<AskedMessage<'d>> {
        let metrics = &self.live.metrics;
        match AskedMessage::proxied(datagram, &self.proxies) {
            Ok(asked) => {
                if let Some(client) = asked.header {
                    self.proxies.taken(client, metrics);
                }
                Some(asked)
            }
            Err(why) => {
                self.proxies.refused(datagram.peer(), why, metrics);
                self.block.dropped(DropReason::ProxyHeader);
                None
            }
        }
    }

    /// Answers a datagram whose end was not received.
    fn answer_incomplete(
        &self,
        asked: &AskedMessage<'_>,
        context: &QueryContext<'_>,
        scratch: &mut QueryScratch,
        out: &mut [u8],
    ) -> Option<usize> {
        let outcome = respond_incomplete(asked.message, &asked.client, context, scratch, out);
        count(&self.block, &asked.client, asked.message, &outcome, scratch);
        match outcome {
            QueryOutcome::Reply(length) => Some(length),
            _ => None,
        }
    }

    /// Sends a truncated response in place of one that the path does not take in one piece (RFC 9715). The response was counted
    /// and held against the rate limit when it was made.
    fn send_truncated(
        &self,
        datagram: ReceivedDatagram<'_>,
        context: &QueryContext<'_>,
        scratch: &mut QueryScratch,
    ) {
        let mut out = [0; REPLY_SIZE];
        let asked = if self.proxies.is_used() {
            AskedMessage::proxied(datagram, &self.proxies).ok()
        } else {
            Some(AskedMessage::direct(datagram))
        };
        let length = asked
            .and_then(|asked| respond_truncated(asked.message, &asked.client, context, scratch, &mut out));
        let sent = length
            .and_then(|length| self.socket.send(out.get(..length)?, datagram.peer(), &datagram.local()).ok());
        if sent.is_some() {
            self.block.truncated();
        } else {
            self.block.dropped(DropReason::SendFailed);
        }
    }
}
