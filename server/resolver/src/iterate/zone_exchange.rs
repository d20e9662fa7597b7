//! One question to the servers of a zone.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use rhumb_wire::Rcode;
use tokio::time::{Instant, timeout_at};

use super::resolution_progress::ResolutionProgress;
use super::zone_reply::{ReplyReadingContext, ZoneReply};
use crate::exchange::{
    AttemptOutcome, AttemptReport, ExchangeProgress, LookupContext, ReadAnswer, RemoteServer, RetryLimits,
    RetryPace, ServerExchange, UnusableReply, next_progress, ready_progress,
};
use crate::network::{SpoofSignal, UpstreamTransport};
use crate::question::OutboundQuestion;

/// Datagrams to one server where there are others, and where there are none; and where others may be found.
const SENDS_EACH: u8 = 2;
const SENDS_ALONE: u8 = 3;
const SENDS_BRIEF: u8 = 2;
/// The servers that are asked over a stream too once none of their datagrams was answered: these may have been lost.
const STREAMS: usize = 2;
/// How long a stream is waited for before another server is asked.
const STREAM_WAIT: Duration = Duration::from_millis(500);
/// How long late replies are waited for after the last message.
const GRACE: Duration = Duration::from_millis(800);
/// How long it is waited for the only server of a zone after the second datagram, where no reply ever came from there: the third one closes
/// the socket of the second.
const UNTRIED: Duration = Duration::from_millis(800);
/// How long a server is waited for after the last datagram, where no reply ever came from there: it may be so slow. And how long a stream,
/// whose segments may be lost too.
const SLOWEST: Duration = Duration::from_millis(2600);

/// How long others are waited for where a server denies without an SOA.
const HOLD: Duration = Duration::from_millis(800);

/// What came of a question to the servers of a zone.
pub(super) struct ExchangeResult {
    pub(super) reply: Result<ZoneReply, ExchangeFailure>,
    pub(super) attempts: Vec<AttemptReport>,
    /// Messages sent and bytes received.
    pub(super) spent: (usize, usize),
}

/// Why no server had a usable reply, the most telling reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ExchangeFailure {
    Refused(Rcode),
    Unusable(UnusableReply),
    Untrusted(SpoofSignal),
    NoStream,
    NoRoute,
    Full,
    Silence,
}

/// How much is tried with the servers of a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ExchangeEffort {
    /// Little to each: others may be found.
    Brief,
    /// All that may be tried, in half the time: the whole name may be answered where a shortened one is not.
    Shortened,
    /// All that may be tried.
    Whole,
}

/// What may be spent on an exchange.
#[derive(Clone, Copy, Debug)]
pub(super) struct ExchangeBudget {
    pub(super) effort: ExchangeEffort,
    pub(super) until: Instant,
    pub(super) sends: usize,
    pub(super) received: usize,
    /// Queries to one server under way at a time.
    pub(super) places_of_server: usize,
}

/// The course of one question. Servers are asked one after the other, each once the reply of the one before is late; the late
/// ones may still answer.
struct ZoneExchange<'a, N> {
    context: LookupContext<'a, N>,
    exchanges: Vec<ServerExchange<'a, ZoneReply>>,
    /// The order in which they are asked: indices of `exchanges`.
    queue: VecDeque<usize>,
    /// How many there are, and how many of them may be asked over a stream too for want of replies. Those streams are behind them in
    /// `exchanges`.
    servers: usize,
    streams: usize,
    refused: Option<Rcode>,
    unusable: Option<UnusableReply>,
    /// Whether a denial without SOA may be held back, and the one that is, until then.
    may_hold: bool,
    held: Option<(ZoneReply, Instant)>,
    /// When the next one is asked.
    next_at: Instant,
    /// Until when late replies are waited for.
    linger: Instant,
    progress: &'a ResolutionProgress,
    /// Servers asked so far.
    asked: usize,
}

/// Asks `question` of `servers`, the first of them first, until one has a usable reply; `signed` says that it is one with signatures.
/// `progress` is told what is seen of it.
pub(super) async fn ask_servers<N: UpstreamTransport>(
    net: &N,
    servers: Vec<Arc<RemoteServer>>,
    question: &OutboundQuestion,
    reading: ReplyReadingContext<'_>,
    (signed, progress): (bool, &ResolutionProgress),
    budget: ExchangeBudget,
) -> ExchangeResult {
    let now = Instant::now();
    let time = budget.until.saturating_duration_since(now);
    let observer = &mut |attempt: &AttemptReport| {
        if attempt.outcome.was_heard() {
            progress.hear();
        }
    };
    let read = |bytes: &[u8], question: &OutboundQuestion| -> Result<ReadAnswer<ZoneReply>, UnusableReply> {
        // TTLs begin when a reply comes, which may be seconds after it was asked for.
        let waited = u32::try_from(now.elapsed().as_secs()).unwrap_or(0);
        ReplyReadingContext { now: reading.now.saturating_add(waited), ..reading }.read(bytes, question)
    };
    let (sends, streams) = match budget.effort {
        ExchangeEffort::Brief => (SENDS_BRIEF, 0),
        _ if servers.len() > 1 => (SENDS_EACH, STREAMS),
        _ => (SENDS_ALONE, STREAMS),
    };
    let retry = RetryLimits { pace: RetryPace::Short, sends };
    let context = LookupContext::new(net, question, observer, now, (time, budget.sends, budget.received))
        .expecting_signatures(signed)
        .with_places(budget.places_of_server);
    let exchange = |server| ServerExchange::new(server, &read, retry, now);
    let exchanges: Vec<_> = servers.into_iter().map(exchange).collect();
    let mut course = ZoneExchange {
        context: if reading.forwarded { context } else { context.iterative() },
        queue: (0..exchanges.len()).collect(),
        servers: exchanges.len(),
        exchanges,
        streams,
        refused: None,
        unusable: None,
        may_hold: budget.effort == ExchangeEffort::Whole && !reading.forwarded,
        held: None,
        next_at: now,
        linger: now,
        progress,
        asked: 0,
    };
    let reply = course.run().await;
    let (sends, received) = course.context.left();
    ExchangeResult {
        reply,
        spent: (budget.sends - sends, budget.received - received),
        attempts: course.context.into_attempts(),
    }
}

impl<N: UpstreamTransport> ZoneExchange<'_, N> {
    async fn run(&mut self) -> Result<ZoneReply, ExchangeFailure> {
        loop {
            let now = Instant::now();
            if self.held.as_ref().is_some_and(|(_, until)| *until <= now) {
                return self.conclude();
            }
            let (index, progress) = if let Some(ended) = self.ended().await {
                ended
            } else {
                self.expire(now);
                self.ask_next(now);
                let Some(until) = self.wait_until(now) else { return self.conclude() };
                let Ok(ended) = timeout_at(until, self.progress()).await else { continue };
                ended
            };
            if let ExchangeProgress::Answer(_, reply) = progress {
                if reply.is_bare_denial() && self.may_hear_another(index) {
                    let now = Instant::now();
                    self.queue.retain(|&waiting| waiting != index);
                    (self.held, self.next_at) = (Some((reply, now + HOLD)), now);
                    continue;
                }
                self.abandon(AttemptOutcome::Overtaken);
                return Ok(reply);
            }
            self.note(index, &progress);
        }
    }

    /// Whether another server than this one may say more; only the first denial without SOA waits for that.
    fn may_hear_another(&self, index: usize) -> bool {
        let Some(this) = self.exchanges.get(index).map(ServerExchange::server) else { return false };
        let is_other = |exchange: &ServerExchange<'_, ZoneReply>| {
            exchange.server().identity() != this.identity() && !exchange.server().is_down()
        };
        let mut queued = self.queue.iter().filter_map(|&index| self.exchanges.get(index));
        let mut outstanding = self.exchanges.iter().filter(|exchange| exchange.is_outstanding());
        self.may_hold && self.held.is_none() && (queued.any(is_other) || outstanding.any(is_other))
    }

    /// The denial that was held back; else why there is no reply.
    fn conclude(&mut self) -> Result<ZoneReply, ExchangeFailure> {
        match self.held.take() {
            Some((reply, _)) => {
                self.abandon(AttemptOutcome::Overtaken);
                Ok(reply)
            }
            None => Err(self.failure()),
        }
    }

    /// Asks the next server if no reply is expected in time any more.
    fn ask_next(&mut self, now: Instant) {
        if now < self.next_at {
            return;
        }
        if !self.context.may_send(now) {
            self.queue.clear();
        }
        while now >= self.next_at
            && let Some(place) = self.queue.iter().position(|&index| self.is_ready(index, now))
        {
            let Some(index) = self.queue.remove(place) else { return };
            let Self { context, exchanges, .. } = self;
            let Some(exchange) = exchanges.get_mut(index) else { return };
            if exchange.send(context, now) {
                self.await_reply(index, now);
            }
        }
    }

    /// How long it is waited for the reply of a server that a message was just sent to.
    fn await_reply(&mut self, index: usize, now: Instant) {
        let alone = self.servers == 1;
        let Some(exchange) = self.exchanges.get_mut(index) else { return };
        let untried = !exchange.server().is_tried();
        if index >= self.servers {
            self.next_at = self.retransmit_at().unwrap_or(now + STREAM_WAIT);
            self.linger = self.linger.max(now + SLOWEST);
            return;
        }
        if alone && untried && exchange.sends() == 2 {
            exchange.retransmit_no_sooner(now + UNTRIED);
        }
        let late = exchange.retransmit_at().unwrap_or(now);
        // Where others may be found, one so slow is not waited for.
        let grace = if untried && self.streams > 0 { SLOWEST } else { GRACE.max(late - now) };
        self.linger = self.linger.max(now + grace);
        self.next_at = late;
        // Clients are told of silence before a stream could do anything about it after the last datagram.
        let is_slow = !untried && exchange.sends() > 1 && late - now > STREAM_WAIT;
        let streams_now = is_slow || !exchange.may_retry() || exchange.server().is_heard_by_stream_alone();
        if streams_now && let Some(stream) = self.stream_too(index, now) {
            self.queue.push_front(stream);
            self.next_at = now;
        }
        self.asked = self.asked.max(index + 1);
        self.progress.asked(self.asked);
    }

    /// When the first datagram is late that is waited for.
    fn retransmit_at(&self) -> Option<Instant> {
        self.exchanges.iter().take(self.servers).filter_map(ServerExchange::retransmit_at).min()
    }

    /// The index of an exchange with the same server over a stream, if there may be one.
    fn stream_too(&mut self, index: usize, now: Instant) -> Option<usize> {
        let exchange = self.exchanges.get_mut(index).filter(|_| index < self.streams)?;
        let stream = exchange.over_stream_too(now)?;
        self.exchanges.push(stream);
        Some(self.exchanges.len() - 1)
    }

    fn is_ready(&self, index: usize, now: Instant) -> bool {
        self.exchanges.get(index).is_some_and(|exchange| exchange.not_before() <= now)
    }

    /// Until when to wait before the next step; none if the question ends here.
    fn wait_until(&self, now: Instant) -> Option<Instant> {
        let deadline = self.context.deadline();
        let late = self.exchanges.iter().filter_map(ServerExchange::retransmit_at).min();
        let waiting = self.queue.iter().filter_map(|&index| self.exchanges.get(index));
        let ready = waiting.map(ServerExchange::not_before).min().filter(|_| self.context.may_send(now));
        let next = ready.map(|ready| ready.max(self.next_at));
        let outstanding = self.exchanges.iter().any(ServerExchange::is_outstanding);
        let until = late.into_iter().chain(next).min().or(outstanding.then_some(self.linger))?.min(deadline);
        let until = self.held.as_ref().map_or(until, |(_, held)| until.min(*held));
        (now < until).then_some(until)
    }

    /// One of the messages on their way that has ended by now: nobody else is asked before it is known what it says.
    async fn ended(&mut self) -> Option<(usize, ExchangeProgress<ZoneReply>)> {
        ready_progress(&mut self.exchanges, &mut self.context, !self.queue.is_empty()).await
    }

    /// Waits until one of the messages on their way has ended; for ever if there is none.
    async fn progress(&mut self) -> (usize, ExchangeProgress<ZoneReply>) {
        next_progress(&mut self.exchanges, &mut self.context, !self.queue.is_empty()).await
    }

    /// Takes note of what became of an exchange, if that is no answer.
    fn note(&mut self, index: usize, progress: &ExchangeProgress<ZoneReply>) {
        self.next_at = self.retransmit_at().unwrap_or_else(Instant::now);
        match progress {
            ExchangeProgress::Answer(..) => {}
            ExchangeProgress::Refused(refused) => self.refused = Some(refused.rcode),
            ExchangeProgress::Unusable(unusable) => self.unusable = Some(*unusable),
            ExchangeProgress::Failed => return self.requeue(index),
            ExchangeProgress::Resent => {}
        }
        self.queue.retain(|&waiting| waiting != index);
    }

    /// Has a server asked again after all others, in the end over a stream; once only where it has said that nothing listens there.
    fn requeue(&mut self, index: usize) {
        let now = Instant::now();
        let Some(exchange) = self.exchanges.get(index) else { return };
        if exchange.server().is_silent() || self.queue.contains(&index) {
            return;
        }
        let paused = exchange.not_before() > now;
        let again = exchange.may_retry() && (!paused || exchange.sends() < SENDS_EACH);
        let next = if again { Some(index) } else { self.stream_too(index, now) };
        self.queue.extend(next);
    }

    /// Has those whose reply is late asked again after the others.
    fn expire(&mut self, now: Instant) {
        for index in 0..self.exchanges.len() {
            let Self { context, exchanges, .. } = self;
            if exchanges.get_mut(index).is_some_and(|exchange| exchange.expire(context, now)) {
                self.requeue(index);
            }
        }
    }

    fn abandon(&mut self, outcome: AttemptOutcome) {
        for exchange in &mut self.exchanges {
            exchange.abandon(&mut self.context, outcome);
        }
    }

    fn failure(&mut self) -> ExchangeFailure {
        self.abandon(AttemptOutcome::TimedOut);
        let attempts = self.context.attempts();
        let no_route = attempts.iter().all(|attempt| attempt.outcome == AttemptOutcome::NoRoute);
        let full = attempts.iter().any(|attempt| attempt.outcome.is_full())
            && !attempts.iter().any(|attempt| attempt.outcome.was_sent());
        let heard = attempts.iter().rev().find_map(|attempt| match attempt.outcome {
            AttemptOutcome::Malformed => Some(ExchangeFailure::Unusable(UnusableReply::Malformed)),
            AttemptOutcome::Suspicious(signal) => Some(ExchangeFailure::Untrusted(signal)),
            AttemptOutcome::Truncated => Some(ExchangeFailure::NoStream),
            _ => None,
        });
        match (self.refused, self.unusable) {
            (Some(refused), _) => ExchangeFailure::Refused(refused),
            (None, Some(unusable)) => ExchangeFailure::Unusable(unusable),
            (None, None) if no_route => ExchangeFailure::NoRoute,
            (None, None) if full => ExchangeFailure::Full,
            (None, None) => heard.unwrap_or(ExchangeFailure::Silence),
        }
    }
}
