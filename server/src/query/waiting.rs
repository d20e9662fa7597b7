//! Answers for queries that waited: the message that was found, made into each client's own.

use std::sync::Arc;
use std::time::Instant;

use rhumb_cache::CacheHit;
use rhumb_resolver::OutboundQuestion;
use rhumb_wire::compress::NameCompression;
use rhumb_wire::edns::{self, ExtendedError};
use rhumb_wire::tsig::TsigSigner;
use rhumb_wire::{MessageWriter, QueryMessage, Rcode, Type, header};

use super::admitted::AdmittedQuery;
use super::cached;
use super::client::QueryClient;
use super::context::QueryContext;
use super::edns_context::EdnsContext;
use super::follow::FollowedChain;
use super::kept_reason::{ReasonValue, length_without_reason, place_reason};
use super::limit::{self, AnswerSource};
use super::outcome::{QueryScratch, ResolveWork, WaitingClient};
use super::response::{ResponseHead, ResponseLimits, finish, question_only};
use super::tsig;
use crate::metrics::DropReason;
use crate::rate_limit::RateVerdict;
use crate::snapshot::ServerState;

impl WaitingClient {
    /// Keeps what the answer to `query` needs, which is held against no limit.
    pub(super) fn of(
        query: &QueryMessage<'_>,
        client: &QueryClient<'_>,
        context: &QueryContext<'_>,
        edns_context: EdnsContext,
    ) -> Self {
        Self {
            query: without_options(query),
            peer: client.peer(),
            local: client.local(),
            transport: client.transport(),
            edns_context,
            snapshot: Arc::clone(context.snapshot),
            is_limited: false,
            follows: false,
            links: Vec::new(),
            signer: None,
        }
    }
}

/// A query of header, question and OPT: what a client has in its options may be long, and was read.
fn without_options(query: &QueryMessage<'_>) -> Box<[u8]> {
    let question = query.question_bytes();
    let options = if query.edns.is_some() { edns::FIXED } else { 0 };
    let mut bytes = Vec::with_capacity(header::LENGTH + question.len() + options);
    let additionals = u16::from(query.edns.is_some());
    let (answers, authorities) = (0, 0);
    bytes.extend_from_slice(
        &header::MessageHeader { answers, authorities, additionals, questions: 1, ..query.header }.to_bytes(),
    );
    bytes.extend_from_slice(question);
    if let Some(edns) = query.edns {
        let flags = if query.dnssec_ok() { edns::DO } else { 0 };
        bytes.push(0);
        for word in [Type::OPT.0, edns.udp_size, 0, flags, 0] {
            bytes.extend_from_slice(&word.to_be_bytes());
        }
    }
    bytes.into()
}

/// A response to a client that waited.
#[derive(Debug, Clone, Copy)]
pub struct WaitedResponse {
    /// Its bytes in the buffer.
    pub length: usize,
    /// Its response code, all of its bits.
    pub rcode: Rcode,
    /// Sent although over the limit.
    pub slipped: bool,
}

impl WaitedResponse {
    /// The response of another server, as it is.
    pub fn of(message: &[u8]) -> Self {
        let rcode = message.get(3).map_or(0, |low| u16::from(*low) & header::RCODE);
        Self { length: message.len(), rcode: Rcode(rcode), slipped: false }
    }
}

/// How far the answer of a client is that follows aliases.
#[derive(Debug)]
pub enum WaitingStep {
    /// It stands in the buffer.
    Response(WaitedResponse),
    /// This is to be looked up first.
    Missing(ResolveWork),
}

/// Writes the answer to `client` out of `message`, which has the cache's form.
///
/// Errors: why nothing is sent.
pub fn answer_waiting(
    client: &WaitingClient,
    live: &ServerState,
    message: &[u8],
    hit: Option<&CacheHit>,
    out: &mut [u8],
) -> Result<WaitedResponse, DropReason> {
    let waited = WaitedQuery::of(client, out.len())?;
    // A reason goes into OPT as far as there is room for it.
    let is_cut = length_without_reason(message) > waited.limits.message();
    let fresh = CacheHit {
        length: message.len(),
        truncated: false,
        stale: false,
        stands_in: false,
        prefetch: false,
        failure: false,
        origin: rhumb_cache::AnswerOrigin::NONE,
        age: 0,
        left: 0,
        aliases: 0,
    };
    let mut hit = hit.copied().unwrap_or(fresh);
    hit.truncated |= is_cut;
    let question = header::LENGTH + waited.query.question_bytes().len();
    let wanted = if hit.truncated { question } else { message.len() };
    let (Some(place), Some(from)) = (out.get_mut(..wanted), message.get(..wanted)) else {
        return Err(DropReason::Malformed);
    };
    place.copy_from_slice(from);
    if let (true, Some(counts)) = (hit.truncated, out.get_mut(6..header::LENGTH)) {
        counts.fill(0);
    }
    let (length, head) = cached::complete(&waited.query, &hit, wanted, out);
    waited.conclude(head, length, live, out)
}

/// Goes on with the chain of a client whose missing link was found and added to its links.
///
/// Errors: why nothing is sent.
pub fn follow_waiting(
    client: &WaitingClient,
    live: &ServerState,
    scratch: &mut QueryScratch,
    out: &mut [u8],
) -> Result<WaitingStep, DropReason> {
    let waited = WaitedQuery::of(client, out.len())?;
    let context = QueryContext::of(live, &client.snapshot, Instant::now());
    let (known, signer) = (waited.client(), client.signer.as_deref());
    let admitted =
        AdmittedQuery::new(&waited.query, client.edns_context, signer, &known, &context, out.len());
    match admitted.follow(&client.links, scratch, out) {
        FollowedChain::Answer(length, head) => {
            waited.conclude(head, length, live, out).map(WaitingStep::Response)
        }
        FollowedChain::Missing(work) => Ok(WaitingStep::Missing(work)),
    }
}

/// Writes a failure for `client` into `out`: SERVFAIL, or what the upstreams said, with the reasons that this server and the upstreams
/// have.
///
/// Errors: why nothing is sent.
pub fn fail_waiting(
    client: &WaitingClient,
    live: &ServerState,
    rcode: Rcode,
    error: Option<(ExtendedError, &'static str)>,
    said: Option<(u16, &str)>,
    out: &mut [u8],
) -> Result<WaitedResponse, DropReason> {
    let waited = WaitedQuery::of(client, out.len())?;
    let length = waited.question_only(out);
    let flags = header::RA | (waited.query.header.flags & header::CD);
    let reason = said.map_or(0, |(code, text)| place_reason(out, length, &ReasonValue::new(code, text)));
    waited.conclude(ResponseHead { flags, error, reason, ..ResponseHead::of(rcode) }, length, live, out)
}

/// Writes the answer to an update of `client` into `out`. It is held against no limit: only who may change the zone has waited, and one that
/// were lost would have the update made again.
///
/// Errors: why nothing is sent.
pub fn answer_update(
    client: &WaitingClient,
    rcode: Rcode,
    error: Option<(ExtendedError, &str)>,
    out: &mut [u8],
) -> Result<WaitedResponse, DropReason> {
    let waited = WaitedQuery::of(client, out.len())?;
    let length = waited.question_only(out);
    let value = error.map(|(error, text)| ReasonValue::new(error.code(), text));
    let reason = value.map_or(0, |value| place_reason(out, length, &value));
    waited.complete(ResponseHead { reason, ..ResponseHead::of(rcode) }, length, out)
}

/// Writes a truncated answer for `client` into `out` (TC, no records but OPT and TSIG): in place of one that the path does not take in one
/// piece, and that was held against the limit. Gives its length; none where it cannot be made.
pub fn truncate_waiting(client: &WaitingClient, out: &mut [u8]) -> Option<usize> {
    let waited = WaitedQuery::of(client, out.len()).ok()?;
    let length = waited.question_only(out);
    let flags = header::TC | header::RA | (waited.query.header.flags & header::CD);
    let response = waited.complete(ResponseHead { flags, ..ResponseHead::of(Rcode::NOERROR) }, length, out);
    response.ok().map(|response| response.length)
}

/// The query of a client that waited, and the last steps that all its answers share.
struct WaitedQuery<'w> {
    waiting: &'w WaitingClient,
    query: QueryMessage<'w>,
    limits: ResponseLimits,
}

impl<'w> WaitedQuery<'w> {
    /// A query whose response goes into a buffer of so many bytes. Errors: it cannot be read, although it was read once already.
    fn of(waiting: &'w WaitingClient, buffer: usize) -> Result<Self, DropReason> {
        let query = QueryMessage::parse(&waiting.query).map_err(|_| DropReason::Malformed)?;
        let (settings, transport) = (&waiting.snapshot.settings, waiting.transport);
        let limits = ResponseLimits::of(&query, waiting.edns_context, transport, settings, buffer);
        Ok(Self { waiting, query, limits })
    }

    fn client(&self) -> QueryClient<'static> {
        let WaitingClient { peer, local, transport, .. } = *self.waiting;
        QueryClient::known(peer, local, transport)
    }

    /// Writes header and question. Gives their length.
    fn question_only(&self, out: &mut [u8]) -> usize {
        question_only(Some(&self.query), &mut NameCompression::default(), out)
    }

    /// The last step of an answer: held against the rate limit as those are that were at hand, and completed.
    fn conclude(
        &self,
        head: ResponseHead,
        length: usize,
        live: &ServerState,
        out: &mut [u8],
    ) -> Result<WaitedResponse, DropReason> {
        match self.verdict(head.rcode, live) {
            RateVerdict::Pass => self.complete(head, length, out),
            RateVerdict::Drop => Err(DropReason::RateLimited),
            RateVerdict::Slip => {
                let head = ResponseHead::slipped(&self.limits.edns_context);
                let response = self.complete(head, self.question_only(out), out)?;
                Ok(WaitedResponse { slipped: true, ..response })
            }
        }
    }

    fn verdict(&self, rcode: Rcode, live: &ServerState) -> RateVerdict {
        let snapshot = &self.waiting.snapshot;
        let limit = snapshot.settings.rate_limit.as_ref().filter(|_| self.waiting.is_limited);
        limit.map_or(RateVerdict::Pass, |limit| {
            let context = QueryContext::of(live, snapshot, Instant::now());
            limit::judge(limit, &self.query, &self.client(), &context, AnswerSource::Cache, rcode)
        })
    }

    /// Completes the message of `length` bytes, and signs it for a client that signed its query. Errors: the room that was kept for that is
    /// not there.
    fn complete(
        &self,
        head: ResponseHead,
        length: usize,
        out: &mut [u8],
    ) -> Result<WaitedResponse, DropReason> {
        let length = finish(&self.query, &self.waiting.snapshot.settings, &self.limits, head, length, out);
        let length = match &self.waiting.signer {
            None => Some(length),
            Some(signer) => tsig::sign(&mut TsigSigner::clone(signer), length, out),
        };
        let length = length.ok_or(DropReason::SendFailed)?;
        Ok(WaitedResponse { length, rcode: head.rcode, slipped: false })
    }
}

/// A failure in the form that the cache keeps.
pub fn failure_message(question: &OutboundQuestion, rcode: Rcode) -> Vec<u8> {
    let mut buffer = vec![0; header::LENGTH + question.name.as_ref().len() + 4];
    let limit = buffer.len();
    let mut compression = NameCompression::default();
    let mut w = MessageWriter::new(&mut buffer, limit, &mut compression);
    // The buffer was made for it.
    let _ = w.question(question.name.as_ref(), question.qtype, question.class);
    w.finish(0, header::QR | header::RD | header::RA | (rcode.0 & header::RCODE));
    buffer
}
