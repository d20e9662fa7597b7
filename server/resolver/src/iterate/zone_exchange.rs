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
    ServerExchange, UnusableReply, next_progress,
};
use crate::network::{SpoofSignal, UpstreamTransport};
use crate::question::OutboundQuestion;

/// Messages to one server where there are others, and where there are none.
const SENDS_EACH: u8 = 2;
const SENDS_ALONE: u8 = 4;
/// The servers that are asked over a stream once none of their datagrams was answered: these may have been lost.
const STREAMS: usize = 2;
/// How long late replies are waited for after the last message.
const GRACE: Duration = Duration::from_millis(800);
/// How long it is waited for the only server of a zone at the most, where no reply ever came from there, before it is asked again: the
/// third message, which goes without EDNS, is to be answered before clients are told of silence.
const UNTRIED: Duration = Duration::from_millis(1200);
/// How long the only server of a zone is waited for after the last datagram, where no reply ever came from there: it may be so slow.
const SLOWEST: Duration = Duration::from_millis(2600);

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
    /// One message to each: others may be found.
    Brief,
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
    /// How many of them may be asked over a stream for want of replies.
    streams: usize,
    refused: Option<Rcode>,
    unusable: Option<UnusableReply>,
    last_sent: Instant,
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
        ExchangeEffort::Brief => (1, 0),
        ExchangeEffort::Whole if servers.len() > 1 => (SENDS_EACH, STREAMS),
        ExchangeEffort::Whole => (SENDS_ALONE, STREAMS),
    };
    let retry = RetryLimits { short_first_wait: true, sends };
    let context = LookupContext::new(net, question, observer, now, (time, budget.sends, budget.received))
        .expecting_signatures(signed)
        .with_places(budget.places_of_server);
    let exchange = |server| ServerExchange::new(server, &read, retry, now);
    let exchanges: Vec<_> = servers.into_iter().map(exchange).collect();
    let mut course = ZoneExchange {
        context: if reading.forwarded { context } else { context.iterative() },
        queue: (0..exchanges.len()).collect(),
        exchanges,
        streams,
        refused: None,
        unusable: None,
        last_sent: now,
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
            self.ask_next(now);
            let Some(until) = self.wait_until(now) else { return Err(self.failure()) };
            match timeout_at(until, self.progress()).await {
                Ok((_, ExchangeProgress::Answer(_, reply))) => {
                    self.abandon(AttemptOutcome::Overtaken);
                    return Ok(reply);
                }
                Ok((index, progress)) => self.note(index, &progress),
                Err(_) => self.expire(Instant::now()),
            }
        }
    }

    /// Asks the next server if no reply is expected in time any more.
    fn ask_next(&mut self, now: Instant) {
        if self.exchanges.iter().any(|exchange| exchange.retransmit_at().is_some()) {
            return;
        }
        if !self.context.may_send(now) {
            self.queue.clear();
        }
        while let Some(place) = self.queue.iter().position(|&index| self.is_ready(index, now)) {
            let Some(index) = self.queue.remove(place) else { return };
            let Self { context, exchanges, .. } = self;
            // Where others may be found, one so slow is not waited for.
            let alone = exchanges.len() == 1 && self.streams > 0;
            let Some(exchange) = exchanges.get_mut(index) else { return };
            if exchange.send(context, now) {
                if alone && !exchange.server().is_tried() {
                    if exchange.may_retry() {
                        exchange.retransmit_before(now + UNTRIED);
                    } else {
                        exchange.retransmit_no_sooner(now + SLOWEST);
                    }
                }
                self.last_sent = now;
                self.asked = self.asked.max(index + 1);
                self.progress.asked(self.asked);
                return;
            }
        }
    }

    fn is_ready(&self, index: usize, now: Instant) -> bool {
        self.exchanges.get(index).is_some_and(|exchange| exchange.not_before() <= now)
    }

    /// Until when to wait before the next step; none if the question ends here.
    fn wait_until(&self, now: Instant) -> Option<Instant> {
        let deadline = self.context.deadline();
        let retransmit = self.exchanges.iter().filter_map(ServerExchange::retransmit_at).min();
        let next = retransmit.or_else(|| {
            let waiting = self.queue.iter().filter_map(|&index| self.exchanges.get(index));
            waiting.map(ServerExchange::not_before).min().filter(|_| self.context.may_send(now))
        });
        let until = match next {
            Some(next) => next.min(deadline),
            None if self.exchanges.iter().any(ServerExchange::is_outstanding) => {
                deadline.min(self.last_sent + GRACE)
            }
            None => return None,
        };
        (now < until).then_some(until)
    }

    /// Waits until one of the messages on their way has ended; for ever if there is none.
    async fn progress(&mut self) -> (usize, ExchangeProgress<ZoneReply>) {
        next_progress(&mut self.exchanges, &mut self.context, !self.queue.is_empty()).await
    }

    /// Takes note of what became of an exchange, if that is no answer.
    fn note(&mut self, index: usize, progress: &ExchangeProgress<ZoneReply>) {
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
        let Some(exchange) = self.exchanges.get_mut(index) else { return };
        let paused = exchange.not_before() > Instant::now();
        let again = if paused {
            exchange.may_retry() && exchange.sends() < SENDS_EACH
        } else {
            exchange.may_retry() || index < self.streams && exchange.turn_to_stream()
        };
        if again && !exchange.server().is_silent() && !self.queue.contains(&index) {
            self.queue.push_back(index);
        }
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
