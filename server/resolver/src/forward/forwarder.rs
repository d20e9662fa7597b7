//! One question from the first message sent to its end.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::time::{Instant, timeout_at};

use super::limits;
use super::outcome::{FailureReason, ForwardAnswer, ForwardFailure};
use super::pool::{RankedUpstream, UpstreamPool, UpstreamRank};
use super::scrub::{ScrubbedAnswer, read_scrubbed};
use crate::exchange::{
    AttemptObserver, AttemptOutcome, ExchangeProgress, LookupContext, RefusedReply, RemoteServer,
    RetryLimits, RetryPace, ServerExchange, UnusableReply, limits as exchange_limits, next_progress,
};
use crate::network::UpstreamTransport;
use crate::question::OutboundQuestion;

/// The course of one question. Upstreams are asked one after the other, each once the reply of the one before is late;
/// the late ones may still answer.
pub(super) struct ForwardingCourse<'a, N> {
    context: LookupContext<'a, N>,
    exchanges: Vec<ServerExchange<'a, ScrubbedAnswer>>,
    /// The order in which they are asked: indices of `exchanges`.
    queue: VecDeque<usize>,
    /// How many of the exchanges, the first ones, are with upstreams that were up when the question came.
    up: usize,
    begun: Instant,
    trusts_ad: bool,
    /// When an upstream that was down was asked first.
    down_asked: Option<Instant>,
    refused: Option<RefusedReply>,
    unusable: Option<UnusableReply>,
}

impl<'a, N: UpstreamTransport> ForwardingCourse<'a, N> {
    pub(super) fn new(
        net: &'a N,
        pool: &UpstreamPool,
        question: &'a OutboundQuestion,
        observer: &'a mut AttemptObserver<'a>,
    ) -> Self {
        let now = Instant::now();
        let budget = (limits::DEADLINE, limits::SENDS, limits::RECEIVED);
        let ranked = pool.rank(now, || net.random());
        let up = ranked.iter().filter(|upstream| upstream.rank != UpstreamRank::Down).count();
        let exchange = |upstream: RankedUpstream| {
            let retry = retry_limits(upstream.rank);
            ServerExchange::new(upstream.server, &read_scrubbed, retry, now)
        };
        let exchanges: Vec<_> = ranked.into_iter().map(exchange).collect();
        Self {
            context: LookupContext::new(net, question, observer, now, budget)
                .asking_authentic(pool.trusts_ad())
                .expecting_signatures(question.dnssec_ok)
                .with_places(pool.places_of_server()),
            queue: (0..exchanges.len()).collect(),
            exchanges,
            up,
            begun: now,
            trusts_ad: pool.trusts_ad(),
            down_asked: None,
            refused: None,
            unusable: None,
        }
    }

    /// Sends and waits until there is an answer or nothing is left to be tried.
    pub(super) async fn run(mut self) -> Result<ForwardAnswer, ForwardFailure> {
        loop {
            let now = Instant::now();
            self.ask_next(now);
            let Some(until) = self.wait_until(now) else { return Err(self.failure()) };
            match timeout_at(until, self.progress()).await {
                Ok((_, ExchangeProgress::Answer(server, answer))) => return Ok(self.answer(server, answer)),
                Ok((index, progress)) => self.note(index, &progress),
                Err(_) => self.expire(Instant::now()),
            }
        }
    }

    /// Asks the next upstream if no reply is expected in time any more.
    fn ask_next(&mut self, now: Instant) {
        if self.exchanges.iter().any(|exchange| exchange.retransmit_at().is_some()) {
            return;
        }
        if !self.context.may_send(now) || now >= self.end() {
            self.queue.clear();
        }
        while let Some(place) = self.queue.iter().position(|&index| self.is_ready(index, now)) {
            let Some(index) = self.queue.remove(place) else { return };
            let Self { context, exchanges, .. } = self;
            if exchanges.get_mut(index).is_some_and(|exchange| exchange.send(context, now)) {
                if index >= self.up {
                    self.down_asked.get_or_insert(now);
                }
                return self.leave_time_for_others(index, now);
            }
        }
    }

    /// Has the reply of an upstream waited for no longer than for its share of the time, where others are still to be asked.
    fn leave_time_for_others(&mut self, index: usize, now: Instant) {
        let left = self.end().saturating_duration_since(now);
        let others = self.queue.len() as u32;
        if let Some(exchange) = self.exchanges.get_mut(index).filter(|_| others > 0) {
            exchange.retransmit_before(now + (left / (others + 1)).max(exchange_limits::UDP_LEAST));
        }
    }

    fn is_ready(&self, index: usize, now: Instant) -> bool {
        self.exchanges.get(index).is_some_and(|exchange| exchange.not_before() <= now)
    }

    /// When the question ends at the latest: earlier where all that is left are upstreams that were down before it came.
    fn end(&self) -> Instant {
        let deadline = self.context.deadline();
        let outstanding = |exchange: &ServerExchange<'_, _>| exchange.is_outstanding();
        let up_left = self.exchanges.iter().take(self.up).any(outstanding)
            || self.queue.iter().any(|&index| index < self.up);
        self.down_asked.filter(|_| !up_left).map_or(deadline, |asked| deadline.min(asked + limits::DOWN))
    }

    /// Until when to wait before the next step; none if the question ends here.
    fn wait_until(&self, now: Instant) -> Option<Instant> {
        let end = self.end();
        let retransmit = self.exchanges.iter().filter_map(ServerExchange::retransmit_at).min();
        let next = retransmit.or_else(|| {
            let waiting = self.queue.iter().filter_map(|&index| self.exchanges.get(index));
            waiting.map(ServerExchange::not_before).min().filter(|_| self.context.may_send(now))
        });
        let outstanding = self.exchanges.iter().any(ServerExchange::is_outstanding);
        let until = next.map_or(end, |next| next.min(end));
        (now < end && (next.is_some() || outstanding)).then_some(until)
    }

    /// Waits until one of the messages on their way has ended; for ever if there is none.
    async fn progress(&mut self) -> (usize, ExchangeProgress<ScrubbedAnswer>) {
        next_progress(&mut self.exchanges, &mut self.context, !self.queue.is_empty()).await
    }

    /// Takes note of what became of an exchange, if that is no answer.
    fn note(&mut self, index: usize, progress: &ExchangeProgress<ScrubbedAnswer>) {
        match progress {
            ExchangeProgress::Answer(..) => {}
            ExchangeProgress::Refused(refused) => self.refused = Some(refused.clone()),
            ExchangeProgress::Unusable(unusable) => {
                // Only where all say so it is a referral.
                let before = self.unusable.filter(|before| !matches!(before, UnusableReply::Referral(_)));
                self.unusable = before.or(Some(*unusable));
            }
            ExchangeProgress::Failed => return self.requeue(index),
            ExchangeProgress::Resent => {}
        }
        self.queue.retain(|&waiting| waiting != index);
    }

    /// Has an upstream asked again after all others.
    fn requeue(&mut self, index: usize) {
        if self.exchanges.get(index).is_some_and(ServerExchange::may_retry) && !self.queue.contains(&index) {
            self.queue.push_back(index);
        }
    }

    /// Has those whose reply is late asked again after the others, if there is time for that or another way.
    fn expire(&mut self, now: Instant) {
        let early = now < self.begun + limits::RESENDS;
        for index in 0..self.exchanges.len() {
            let Self { context, exchanges, .. } = self;
            let Some(exchange) = exchanges.get_mut(index) else { continue };
            if exchange.expire(context, now) && (early || exchange.changes_transport()) {
                self.requeue(index);
            }
        }
    }

    fn abandon(&mut self, outcome: AttemptOutcome) {
        for exchange in &mut self.exchanges {
            exchange.abandon(&mut self.context, outcome);
        }
    }

    fn answer(mut self, server: Arc<RemoteServer>, answer: ScrubbedAnswer) -> ForwardAnswer {
        self.abandon(AttemptOutcome::Overtaken);
        let ScrubbedAnswer { message, rcode, ttl, negative, authentic, reason, .. } = answer;
        let authentic = authentic && self.trusts_ad;
        let attempts = self.context.into_attempts();
        ForwardAnswer { message, rcode, ttl, negative, authentic, reason, server, attempts }
    }

    fn failure(mut self) -> ForwardFailure {
        self.abandon(AttemptOutcome::TimedOut);
        let attempts = self.context.into_attempts();
        let no_route = attempts.iter().all(|attempt| attempt.outcome == AttemptOutcome::NoRoute);
        let full = attempts.iter().any(|attempt| attempt.outcome.is_full())
            && !attempts.iter().any(|attempt| attempt.outcome.was_sent());
        let reason = match (&self.refused, self.unusable) {
            (Some(refused), _) => FailureReason::Rcode(refused.rcode),
            (None, Some(unusable)) => FailureReason::Unusable(unusable),
            (None, None) if self.exchanges.is_empty() => FailureReason::NoUpstream,
            (None, None) if no_route => FailureReason::NoRoute,
            (None, None) if full => FailureReason::Full,
            (None, None) => FailureReason::Silence,
        };
        let extended = self.refused.and_then(|refused| refused.reason);
        ForwardFailure { reason, extended, attempts }
    }
}

/// One that is down gets one more chance only.
const fn retry_limits(rank: UpstreamRank) -> RetryLimits {
    match rank {
        UpstreamRank::Regular => {
            RetryLimits { pace: RetryPace::Doubling, sends: 2 * exchange_limits::SENDS_EACH }
        }
        UpstreamRank::Measured => {
            RetryLimits { pace: RetryPace::ShortFirst, sends: 2 * exchange_limits::SENDS_EACH }
        }
        UpstreamRank::Down => RetryLimits { pace: RetryPace::ShortFirst, sends: 2 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As many datagrams as may be and as many messages over a stream, unless the upstream is down.
    #[test]
    fn how_often_an_upstream_is_asked() {
        for (rank, sends) in
            [(UpstreamRank::Regular, 6), (UpstreamRank::Measured, 6), (UpstreamRank::Down, 2)]
        {
            assert_eq!(retry_limits(rank).sends, sends, "{rank:?}");
        }
    }
}
