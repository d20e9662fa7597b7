//! What follows from a reply or an error.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use rhumb_wire::{Rcode, Transport};
use tokio::time::Instant;

use super::attempt::{AttemptEnd, QueryAttempt};
use super::context::LookupContext;
use super::cookie::ReplyCookie;
use super::reply::{ReadAnswer, ReadMessage, RefusedReply, ReplyContent};
use super::report::AttemptOutcome;
use super::server_exchange::{ExchangeProgress, ServerExchange, StreamNeed};
use super::unusable::UnusableReply;
use crate::network::{ExchangeError, SpoofSignal, UpstreamTransport};

/// Waits until the message of one of `exchanges` has ended, and gives the index of that one; for ever if no message is on its
/// way. `left` as in [`ServerExchange::poll_progress`].
pub(crate) async fn next_progress<'a, A: Send + 'a, N: UpstreamTransport>(
    exchanges: &mut [ServerExchange<'a, A>],
    context: &mut LookupContext<'a, N>,
    left: bool,
) -> (usize, ExchangeProgress<A>) {
    poll_fn(|cx| poll_exchanges(exchanges, context, left, cx)).await
}

/// The same without waiting: none where no message has ended.
pub(crate) async fn ready_progress<'a, A: Send + 'a, N: UpstreamTransport>(
    exchanges: &mut [ServerExchange<'a, A>],
    context: &mut LookupContext<'a, N>,
    left: bool,
) -> Option<(usize, ExchangeProgress<A>)> {
    poll_fn(|cx| match poll_exchanges(exchanges, context, left, cx) {
        Poll::Ready(ended) => Poll::Ready(Some(ended)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

fn poll_exchanges<'a, A: Send + 'a, N: UpstreamTransport>(
    exchanges: &mut [ServerExchange<'a, A>],
    context: &mut LookupContext<'a, N>,
    left: bool,
    cx: &mut Context<'_>,
) -> Poll<(usize, ExchangeProgress<A>)> {
    for (index, exchange) in exchanges.iter_mut().enumerate() {
        if let Poll::Ready(progress) = exchange.poll_progress(cx, context, left) {
            return Poll::Ready((index, progress));
        }
    }
    Poll::Pending
}

impl<'a, A: Send + 'a> ServerExchange<'a, A> {
    /// Ready once the message on its way has ended, with what follows from that. Where the question is to be sent again it
    /// is, at once; but over a stream that is known not to work only if no other server is `left` to be asked first.
    pub fn poll_progress<N: UpstreamTransport>(
        &mut self,
        cx: &mut Context<'_>,
        context: &mut LookupContext<'a, N>,
        left: bool,
    ) -> Poll<ExchangeProgress<A>> {
        let Poll::Ready((attempt, end)) = self.poll_attempt(cx) else { return Poll::Pending };
        Poll::Ready(self.conclude(context, &attempt, end, left))
    }

    fn conclude<N: UpstreamTransport>(
        &mut self,
        context: &mut LookupContext<'a, N>,
        attempt: &QueryAttempt<'a, A>,
        end: AttemptEnd<A>,
        left: bool,
    ) -> ExchangeProgress<A> {
        match end {
            Ok((message, size)) => {
                context.count_received(size);
                match message {
                    ReadMessage::Reply { case_kept, edns, cookie, content } => {
                        let now = Instant::now();
                        self.note_edns(attempt, edns, cookie, now);
                        self.reply(context, attempt, (case_kept, content), left, now)
                    }
                    // Over UDP none of these is let through.
                    ReadMessage::Malformed => self.unusable(context, attempt, UnusableReply::Malformed),
                    _ => self.unusable(context, attempt, UnusableReply::Mismatch),
                }
            }
            Err(ExchangeError::GaveUp(signal)) => self.gave_up(context, attempt, signal, left),
            Err(error) => self.failed(context, attempt, &error),
        }
    }

    /// Takes note of what a reply that is believed says of EDNS and cookies.
    fn note_edns(
        &self,
        attempt: &QueryAttempt<'a, A>,
        edns: bool,
        cookie: Option<ReplyCookie>,
        now: Instant,
    ) {
        let (known, clock) = (&self.server.capabilities, self.server.clock(now));
        self.note_heard(attempt, clock);
        if edns {
            known.saw_edns();
        }
        let Some(sent) = &attempt.cookie else { return };
        match cookie {
            Some(ReplyCookie::Right(server)) => known.cookies.given(sent, server),
            // Over UDP such a reply is not let through.
            Some(ReplyCookie::Wrong) => known.cookies.missed(clock),
            Some(ReplyCookie::Absent) if sent.is_expected() => known.cookies.missed(clock),
            Some(ReplyCookie::Absent) | None => {}
        }
    }

    fn reply<N: UpstreamTransport>(
        &mut self,
        context: &mut LookupContext<'a, N>,
        attempt: &QueryAttempt<'a, A>,
        (case_kept, content): (bool, ReplyContent<A>),
        left: bool,
        now: Instant,
    ) -> ExchangeProgress<A> {
        self.server.replied(attempt.transport, now - attempt.sent);
        if attempt.cased && case_kept {
            self.server.capabilities.case_kept();
        } else if attempt.cased {
            // That is not accepted over UDP, so it came over a stream.
            self.server.capabilities.case_lost(self.server.clock(now));
        }
        let counters = &self.server.path(attempt.transport).counters;
        match content {
            ReplyContent::Truncated => {
                counters.truncated.add();
                if !attempt.transport.is_datagram() {
                    return self.unusable(context, attempt, UnusableReply::NoAnswer);
                }
                context.report(&self.server, attempt.transport, AttemptOutcome::Truncated, attempt.sent);
                self.over_stream(context, StreamNeed::Truncated, now, left)
            }
            ReplyContent::Refused(refused) => {
                counters.response(refused.rcode);
                if refused.rcode == Rcode::BADCOOKIE && attempt.cookie.is_some() {
                    return self.cookie_refused(context, attempt, refused, now, left);
                }
                self.refused(context, attempt, refused, now)
            }
            ReplyContent::Unusable(unusable) => self.unusable(context, attempt, unusable),
            ReplyContent::Answer(rcode, answer) => {
                counters.response(rcode);
                let outcome = AttemptOutcome::Answered(rcode);
                context.report(&self.server, attempt.transport, outcome, attempt.sent);
                self.answered(attempt, answer, now)
            }
        }
    }

    fn answered(
        &self,
        attempt: &QueryAttempt<'a, A>,
        answer: ReadAnswer<A>,
        now: Instant,
    ) -> ExchangeProgress<A> {
        if answer.substantial {
            self.server.answered(attempt.transport);
            match self.need {
                StreamNeed::Truncated => self.server.answered(Transport::Udp),
                StreamNeed::Suspicion | StreamNeed::Silence if !attempt.transport.is_datagram() => {
                    self.server.heard();
                }
                _ => {}
            }
        }
        if attempt.edns {
            self.server.capabilities.edns_taken();
        } else if self.plain {
            self.server.capabilities.edns_refused(self.server.clock(now));
        }
        ExchangeProgress::Answer(Arc::clone(&self.server), answer.answer)
    }

    /// A response code that is no answer: once more without EDNS where that may help.
    fn refused<N: UpstreamTransport>(
        &mut self,
        context: &mut LookupContext<'a, N>,
        attempt: &QueryAttempt<'a, A>,
        refused: RefusedReply,
        now: Instant,
    ) -> ExchangeProgress<A> {
        let rcode = refused.rcode;
        let due_to_edns = attempt.edns && matches!(rcode, Rcode::FORMERR | Rcode::NOTIMP | Rcode::BADVERS);
        if due_to_edns {
            self.plain = true;
            let outcome = AttemptOutcome::WithoutEdns(rcode);
            context.report(&self.server, attempt.transport, outcome, attempt.sent);
            self.send(context, now);
            return ExchangeProgress::Resent;
        }
        context.report(&self.server, attempt.transport, AttemptOutcome::Refused(rcode), attempt.sent);
        self.server.was_useless();
        ExchangeProgress::Refused(refused)
    }

    /// BADCOOKIE: once more with the cookie that came with it, then over a stream (RFC 7873 section 5.3).
    fn cookie_refused<N: UpstreamTransport>(
        &mut self,
        context: &mut LookupContext<'a, N>,
        attempt: &QueryAttempt<'a, A>,
        refused: RefusedReply,
        now: Instant,
        left: bool,
    ) -> ExchangeProgress<A> {
        if !attempt.transport.is_datagram() {
            return self.refused(context, attempt, refused, now);
        }
        self.stale_cookies += 1;
        context.report(&self.server, attempt.transport, AttemptOutcome::StaleCookie, attempt.sent);
        if self.stale_cookies == 1 && self.server.capabilities.cookies.is_given() {
            self.send(context, now);
            return ExchangeProgress::Resent;
        }
        self.over_stream(context, StreamNeed::Suspicion, now, left)
    }

    fn unusable<N: UpstreamTransport>(
        &self,
        context: &mut LookupContext<'a, N>,
        attempt: &QueryAttempt<'a, A>,
        unusable: UnusableReply,
    ) -> ExchangeProgress<A> {
        self.server.path(attempt.transport).counters.unusable.add();
        context.report(&self.server, attempt.transport, AttemptOutcome::Unusable(unusable), attempt.sent);
        self.server.was_useless();
        ExchangeProgress::Unusable(unusable)
    }

    fn over_stream<N: UpstreamTransport>(
        &mut self,
        context: &mut LookupContext<'a, N>,
        need: StreamNeed,
        now: Instant,
        left: bool,
    ) -> ExchangeProgress<A> {
        self.need = need;
        let stream = self.server.identity().stream_transport();
        if self.server.path(stream).health.is_down() && left {
            return ExchangeProgress::Failed;
        }
        self.send(context, now);
        ExchangeProgress::Resent
    }

    fn gave_up<N: UpstreamTransport>(
        &mut self,
        context: &mut LookupContext<'a, N>,
        attempt: &QueryAttempt<'a, A>,
        signal: SpoofSignal,
        left: bool,
    ) -> ExchangeProgress<A> {
        let now = Instant::now();
        if signal == SpoofSignal::WrongCase {
            self.case_lost = true;
            self.server.capabilities.case_missed(self.server.clock(now));
        }
        self.cookie_lost |= signal == SpoofSignal::WrongCookie;
        context.report(&self.server, attempt.transport, AttemptOutcome::Suspicious(signal), attempt.sent);
        self.over_stream(context, StreamNeed::Suspicion, now, left)
    }

    /// The attempt ended without a reply.
    fn failed<N: UpstreamTransport>(
        &mut self,
        context: &mut LookupContext<'a, N>,
        attempt: &QueryAttempt<'a, A>,
        error: &ExchangeError,
    ) -> ExchangeProgress<A> {
        let now = Instant::now();
        let (error, counts) = match error {
            ExchangeError::Shared(error) => (&**error, false),
            error => (error, true),
        };
        if matches!(error, ExchangeError::Unreachable) && self.lost_route(context.net) {
            context.report(&self.server, attempt.transport, AttemptOutcome::NoRoute, attempt.sent);
            return ExchangeProgress::Failed;
        }
        let outcome = match error {
            ExchangeError::Timeout | ExchangeError::GaveUp(_) | ExchangeError::Shared(_) => {
                AttemptOutcome::TimedOut
            }
            ExchangeError::Session(failure) => AttemptOutcome::NoSession(*failure),
            ExchangeError::Closed => AttemptOutcome::Closed,
            ExchangeError::HttpStatus(status) => AttemptOutcome::HttpStatus(*status),
            ExchangeError::NoMessage => AttemptOutcome::NoMessage,
            ExchangeError::ServerFull => {
                context.report(&self.server, attempt.transport, AttemptOutcome::ServerFull, attempt.sent);
                self.pause(now);
                return ExchangeProgress::Failed;
            }
            ExchangeError::Refused => AttemptOutcome::ConnectionRefused,
            ExchangeError::Unreachable => AttemptOutcome::Unreachable,
            ExchangeError::Full => {
                context.report(&self.server, attempt.transport, AttemptOutcome::AllFull, attempt.sent);
                self.pause(now);
                return ExchangeProgress::Failed;
            }
            ExchangeError::Io(error) => AttemptOutcome::Error(error.kind()),
        };
        let timed_out = outcome == AttemptOutcome::TimedOut;
        if timed_out && attempt.overdue {
            // The time is up, and it was waited for to the end.
            self.server.failed(attempt.transport, now);
            return ExchangeProgress::Failed;
        }
        let counters = &self.server.path(attempt.transport).counters;
        if timed_out { &counters.timeouts } else { &counters.errors }.add();
        let mut went_down = false;
        if matches!(error, ExchangeError::Session(failure) if failure.is_lasting()) {
            went_down = self.server.failed_for_good(attempt.transport, now);
            self.end();
        } else if !attempt.overdue && counts {
            self.server.failed(attempt.transport, now);
        }
        if !self.stream_failed() {
            self.pause(now);
        }
        context.report(&self.server, attempt.transport, outcome, attempt.sent);
        if went_down {
            // Once the cause is known.
            self.server.tell_down();
        }
        ExchangeProgress::Failed
    }
}
