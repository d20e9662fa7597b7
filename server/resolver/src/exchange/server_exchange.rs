//! The course of one question to one server.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rhumb_wire::Transport;
use tokio::time::Instant;

use super::attempt::{AttemptEnd, QueryAttempt, transmit};
use super::context::LookupContext;
use super::limits;
use super::query::{OutgoingQuery, QueryForm};
use super::reply::{AnswerReader, RefusedReply, ReplyReader, SeenDatagrams};
use super::report::AttemptOutcome;
use super::server::RemoteServer;
use super::unusable::UnusableReply;
use crate::network::UpstreamTransport;
use crate::session_failure::SessionFailure;

/// One question to one server: at most one message is on its way at a time.
pub struct ServerExchange<'a, A> {
    pub(super) server: Arc<RemoteServer>,
    answers: &'a AnswerReader<'a, A>,
    retry: RetryLimits,
    pub(super) need: StreamNeed,
    /// Whether EDNS was answered with an error.
    pub(super) plain: bool,
    /// Whether mixed case came back changed.
    pub(super) case_lost: bool,
    /// Whether mixed case is left out, TCP having been of no help.
    uncased: bool,
    /// Whether a reply lacked its cookie.
    pub(super) cookie_lost: bool,
    /// Whether cookies are left out, TCP having been of no help.
    cookieless: bool,
    /// Datagrams with EDNS whose reply is late.
    silences: u8,
    /// Whether records have to be signed.
    signed: bool,
    /// Whether it is asked over a stream beside this.
    over_stream: bool,
    /// Times that the server wanted another cookie.
    pub(super) stale_cookies: u8,
    not_before: Instant,
    datagrams: u8,
    streams: u8,
    pub(super) attempt: Option<QueryAttempt<'a, A>>,
}

/// Messages until a server is asked without EDNS that may drop queries with it: with a cookie, without, without EDNS.
const EDNS_TRIES: u8 = 3;

/// How much is tried with a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryLimits {
    /// How long its replies are waited for.
    pub pace: RetryPace,
    /// The most messages in all.
    pub sends: u8,
}

/// How long a reply is waited for before the query is sent again, or to another server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryPace {
    /// Twice as long after each one that did not come.
    Doubling,
    /// The same, but the first shortly, since others are known to be good.
    ShortFirst,
    /// Each as long as it takes as a rule: messages are few, and the client does not wait for long.
    Short,
}

/// What became of an exchange once one of its messages has ended.
#[derive(Debug)]
pub enum ExchangeProgress<A> {
    /// The answer, and the server that gave it.
    Answer(Arc<RemoteServer>, A),
    /// A response code that is no answer; the server has said what it has to say.
    Refused(RefusedReply),
    /// A reply that is no answer; likewise.
    Unusable(UnusableReply),
    /// The question was sent again, by another way, if it may be.
    Resent,
    /// Nothing; the server may be asked again later if [`ServerExchange::may_retry`].
    Failed,
}

/// Whether a stream is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StreamNeed {
    No,
    /// UDP brought something suspicious; it will do again if the stream does not work.
    Suspicion,
    /// UDP brought nothing so far, and is waited for beside it.
    Silence,
    /// The answer is longer than a datagram.
    Truncated,
}

impl<'a, A: Send + 'a> ServerExchange<'a, A> {
    /// Before the first message.
    pub const fn new(
        server: Arc<RemoteServer>,
        answers: &'a AnswerReader<'a, A>,
        retry: RetryLimits,
        now: Instant,
    ) -> Self {
        Self {
            server,
            answers,
            retry,
            need: StreamNeed::No,
            plain: false,
            case_lost: false,
            uncased: false,
            cookie_lost: false,
            cookieless: false,
            silences: 0,
            signed: false,
            over_stream: false,
            stale_cookies: 0,
            not_before: now,
            datagrams: 0,
            streams: 0,
            attempt: None,
        }
    }

    /// The server.
    pub const fn server(&self) -> &Arc<RemoteServer> {
        &self.server
    }

    /// From when on it may be asked.
    pub const fn not_before(&self) -> Instant {
        self.not_before
    }

    /// Whether a message is on its way.
    pub const fn is_outstanding(&self) -> bool {
        self.attempt.is_some()
    }

    /// Until when its reply is waited for before the query is sent again or to another server; none if that has passed or
    /// nothing is on its way.
    pub fn retransmit_at(&self) -> Option<Instant> {
        self.attempt.as_ref().filter(|attempt| !attempt.overdue).map(|attempt| attempt.retransmit_at)
    }

    /// Whether its next message goes by another transport than the one on its way.
    pub fn changes_transport(&self) -> bool {
        self.attempt.as_ref().is_some_and(|attempt| attempt.transport != self.transport())
    }

    /// Has the reply waited for no longer than until `latest`, since others are still to be asked.
    pub fn retransmit_before(&mut self, latest: Instant) {
        if let Some(attempt) = &mut self.attempt {
            attempt.retransmit_at = attempt.retransmit_at.min(latest);
        }
    }

    /// Has the reply waited for until `earliest` at least.
    pub fn retransmit_no_sooner(&mut self, earliest: Instant) {
        if let Some(attempt) = &mut self.attempt {
            attempt.retransmit_at = attempt.retransmit_at.max(earliest);
        }
    }

    /// Whether it may be asked once more later.
    pub fn may_retry(&self) -> bool {
        self.may_send() && self.sends() < self.retry.sends
    }

    /// Whether the server may be one that drops queries with EDNS.
    fn may_drop_edns(&self) -> bool {
        self.silences >= EDNS_TRIES - 1 && !self.signed && !self.server.capabilities.has_edns()
    }

    /// The same question over a stream, every datagram so far being without a reply; these are waited for all the same. Once for each
    /// question, and not where a stream has failed already.
    pub fn over_stream_too(&mut self, now: Instant) -> Option<Self> {
        let unheard = self.need == StreamNeed::No && self.transport().is_datagram();
        if !unheard || self.over_stream || self.streams > 0 || self.retry.sends == 0 {
            return None;
        }
        self.over_stream = true;
        let retry = RetryLimits { sends: 1, ..self.retry };
        let stream = Self::new(Arc::clone(&self.server), self.answers, retry, now);
        Some(Self { need: StreamNeed::Silence, ..stream })
    }

    /// Sends the question, unless that is not allowed any more or cannot work: whether it did. What was on its way is
    /// given up.
    pub fn send<N: UpstreamTransport>(&mut self, context: &mut LookupContext<'a, N>, now: Instant) -> bool {
        if !context.may_send(now) || !self.may_send() {
            return false;
        }
        let transport = self.transport();
        // Asking the kernel costs a socket, as much as the query itself.
        let routed = self.server.is_known_routed() || context.net.reachable(self.server.identity().address);
        self.server.set_routed(routed);
        if !routed {
            context.report(&self.server, transport, AttemptOutcome::NoRoute, now);
            return false;
        }
        // Two open sockets for one question to one server would double the chance of a forged reply.
        self.attempt = None;
        let Some(place) = self.server.take_place(context.places_of_server()) else {
            context.report(&self.server, transport, AttemptOutcome::ServerFull, now);
            return false;
        };
        let clock = self.server.clock(now);
        let form = self.form(context, clock);
        let query = OutgoingQuery::new(context.question, form, || context.net.random());
        let retransmit_at = now + self.count_sent(transport);
        context.count_sent();
        self.server.path(transport).counters.queries.add();
        let (edns, cased, cookie) = (query.edns, query.cased, query.cookie.clone());
        let seen = Arc::new(SeenDatagrams::default());
        let reader = ReplyReader { query, question: context.question, answers: self.answers };
        let server = Arc::clone(&self.server);
        let reply = transmit(context.net, server, transport, reader, context.deadline(), Arc::clone(&seen));
        let sent = now;
        self.attempt = Some(QueryAttempt {
            transport,
            edns,
            cookie,
            cased,
            sent,
            retransmit_at,
            overdue: false,
            seen,
            _place: place,
            reply,
        });
        true
    }

    /// How the next query is written.
    fn form<N: UpstreamTransport>(&mut self, context: &LookupContext<'a, N>, clock: u64) -> QueryForm {
        self.signed = context.is_signed();
        let known = &self.server.capabilities;
        let drops_edns = !self.signed
            && !known.has_edns()
            && match self.sends() {
                0 => known.drops_edns(clock),
                _ => self.silences >= EDNS_TRIES - 1 || self.silences > 0 && known.drops_edns(clock),
            };
        let edns = !self.plain && !drops_edns && (context.question.dnssec_ok || known.takes_edns(clock));
        let dropped = self.cookieless || self.silences > 0 && !known.cookies.is_given();
        let encrypted = self.server.identity().transport.is_encrypted();
        let cookie = (edns && !dropped && !encrypted)
            .then(|| known.cookies.for_query(clock, || context.net.random()))
            .flatten();
        let case = !encrypted && !self.uncased && known.keeps_case(clock);
        QueryForm { flags: context.flags(), edns, cookie, case, padded: encrypted }
    }

    /// An answer came: what its query had and others had not shows what the server drops.
    pub(super) fn note_heard(&self, attempt: &QueryAttempt<'a, A>, clock: u64) {
        if self.cookieless {
            self.server.capabilities.cookies.missed(clock);
        }
        if self.silences == 0 || !attempt.transport.is_datagram() {
            return;
        }
        if !attempt.edns && !self.plain {
            self.server.capabilities.turned_out_to_drop_edns(clock);
        } else if attempt.edns && attempt.cookie.is_none() {
            self.server.capabilities.cookies.unanswered(clock);
        }
    }

    /// Marks a message whose reply is late as overdue, though its reply is still taken: whether it just became so.
    pub fn expire<N: UpstreamTransport>(&mut self, context: &mut LookupContext<'a, N>, now: Instant) -> bool {
        let Some(attempt) = &mut self.attempt else { return false };
        if attempt.overdue || attempt.retransmit_at > now {
            return false;
        }
        attempt.overdue = true;
        let (transport, sent, malformed) = (attempt.transport, attempt.sent, attempt.seen.malformed());
        self.silences += u8::from(attempt.edns && transport.is_datagram() && !malformed);
        if self.may_drop_edns() {
            // Where there is no time left to find out, the next question does.
            self.server.capabilities.turned_out_to_drop_edns(self.server.clock(now));
        }
        let outcome = if malformed {
            self.need = StreamNeed::Suspicion;
            AttemptOutcome::Malformed
        } else {
            let path = self.server.path(transport);
            path.counters.timeouts.add();
            path.rtt.timed_out();
            self.server.failed(transport, now);
            self.stream_failed();
            if transport.is_encrypted() && context.net.is_in_handshake(self.server.identity()) {
                AttemptOutcome::NoSession(SessionFailure::Stalled)
            } else {
                AttemptOutcome::TimedOut
            }
        };
        context.report(&self.server, transport, outcome, sent);
        true
    }

    /// Gives up what is on its way, and reports it as `outcome` unless it was reported as late.
    pub fn abandon<N: UpstreamTransport>(
        &mut self,
        context: &mut LookupContext<'a, N>,
        outcome: AttemptOutcome,
    ) {
        if let Some(attempt) = self.attempt.take()
            && !attempt.overdue
        {
            context.report(&self.server, attempt.transport, outcome, attempt.sent);
        }
    }

    /// Ready once what is on its way has ended.
    pub(super) fn poll_attempt(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<(QueryAttempt<'a, A>, AttemptEnd<A>)> {
        let Some(attempt) = &mut self.attempt else { return Poll::Pending };
        let Poll::Ready(end) = attempt.reply.as_mut().poll(cx) else { return Poll::Pending };
        self.attempt.take().map_or(Poll::Pending, |attempt| Poll::Ready((attempt, end)))
    }

    /// Messages sent so far.
    pub(crate) const fn sends(&self) -> u8 {
        self.datagrams + self.streams
    }

    fn transport(&self) -> Transport {
        match self.need {
            StreamNeed::No => self.server.identity().transport,
            StreamNeed::Suspicion | StreamNeed::Silence | StreamNeed::Truncated => {
                self.server.identity().stream_transport()
            }
        }
    }

    /// Whether one more message may be sent by the transport in use.
    fn may_send(&self) -> bool {
        let sent = if self.transport().is_datagram() { self.datagrams } else { self.streams };
        sent < limits::SENDS_EACH
    }

    /// Counts a message; how long its reply is waited for.
    fn count_sent(&mut self, transport: Transport) -> Duration {
        let first = self.sends() == 0;
        let count = if transport.is_datagram() { &mut self.datagrams } else { &mut self.streams };
        *count += 1;
        let short = match self.retry.pace {
            RetryPace::Doubling => false,
            RetryPace::ShortFirst => first,
            RetryPace::Short => true,
        };
        if short && transport == self.server.identity().transport {
            self.server.short_retransmit_after()
        } else {
            self.server.retransmit_after(transport)
        }
    }

    /// The transport in use did not work: what was suspected only goes back to UDP. Whether it is another one now.
    pub(super) fn stream_failed(&mut self) -> bool {
        let back = self.need == StreamNeed::Suspicion;
        if back {
            self.need = StreamNeed::No;
            self.uncased = self.case_lost;
            self.cookieless = self.cookie_lost;
        }
        back
    }

    /// Whether there is no route to it any more; it is not asked again then.
    pub(super) fn lost_route(&mut self, net: &impl UpstreamTransport) -> bool {
        let routed = net.reachable(self.server.identity().address);
        self.server.set_routed(routed);
        if !routed {
            self.end();
        }
        !routed
    }

    /// Has it not be asked again.
    pub(super) const fn end(&mut self) {
        self.retry.sends = 0;
    }

    /// A pause before it is asked again, longer each time.
    pub(super) fn pause(&mut self, now: Instant) {
        self.not_before = now + limits::PAUSE * u32::from(self.sends());
    }
}
