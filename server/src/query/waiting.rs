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
use super::kept_reason::{ReasonValue, place_reason};
use super::outcome::{QueryScratch, ResolveWork, WaitingClient};
use super::response::{ResponseHead, ResponseLimits, finish, question_only};
use super::tsig;
use crate::snapshot::ServerState;

impl WaitingClient {
    /// Keeps what the answer to `query` needs.
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
            follows: false,
            links: Vec::new(),
            signer: None,
        }
    }
}

/// A query of header, question and OPT: what a client has in its options may be long, and was read.
fn without_options(query: &QueryMessage<'_>) -> Box<[u8]> {
    let question = query.question_bytes();
    let mut bytes = Vec::with_capacity(header::LENGTH + question.len() + edns::FIXED);
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

/// Writes the answer to `client` out of `message`, which has the cache's form. Gives its length; none if the query, which
/// was read once already, cannot be.
pub fn answer_waiting(
    client: &WaitingClient,
    message: &[u8],
    hit: Option<&CacheHit>,
    out: &mut [u8],
) -> Option<usize> {
    let query = QueryMessage::parse(&client.query).ok()?;
    let settings = &client.snapshot.settings;
    let limits = ResponseLimits::of(&query, client.edns_context, client.transport, settings, out.len());
    let fresh = CacheHit {
        length: message.len(),
        truncated: message.len() > limits.message(),
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
    hit.truncated |= message.len() > limits.message();
    let wanted = if hit.truncated { header::LENGTH + query.question_bytes().len() } else { message.len() };
    out.get_mut(..wanted)?.copy_from_slice(message.get(..wanted)?);
    if hit.truncated {
        out.get_mut(6..header::LENGTH)?.fill(0);
    }
    let (length, head) = cached::complete(&query, &hit, wanted, out);
    signed(client, finish(&query, settings, &limits, head, length, out), out)
}

/// Goes on with the chain of a client whose missing link was found and added to its links: the length of the answer in
/// `out`, or what is missing now. None if the query, which was read once already, cannot be.
pub fn follow_waiting(
    client: &WaitingClient,
    live: &ServerState,
    scratch: &mut QueryScratch,
    out: &mut [u8],
) -> Option<Result<usize, ResolveWork>> {
    let query = QueryMessage::parse(&client.query).ok()?;
    let context = QueryContext::of(live, &client.snapshot, Instant::now());
    let WaitingClient { peer, local, transport, edns_context, .. } = *client;
    let known = QueryClient::Known { peer, local, transport };
    let signer = client.signer.as_deref();
    let admitted = AdmittedQuery::new(&query, edns_context, signer, &known, &context, out.len());
    Some(match admitted.follow(&client.links, scratch, out) {
        FollowedChain::Answer(length, head) => {
            let length = admitted.complete(head, length, scratch, out);
            Ok(signed(client, length, out)?)
        }
        FollowedChain::Missing(work) => Err(work),
    })
}

/// Writes a failure for `client` into `out`: SERVFAIL, or what the upstreams said, with the reasons that this server and the upstreams
/// have. Gives its length.
pub fn fail_waiting(
    client: &WaitingClient,
    rcode: Rcode,
    error: Option<(ExtendedError, &'static str)>,
    said: Option<(u16, &str)>,
    out: &mut [u8],
) -> Option<usize> {
    let query = QueryMessage::parse(&client.query).ok()?;
    let settings = &client.snapshot.settings;
    let limits = ResponseLimits::of(&query, client.edns_context, client.transport, settings, out.len());
    let length = question_only(Some(&query), &mut NameCompression::default(), out);
    let flags = header::RA | (query.header.flags & header::CD);
    let reason = said.map_or(0, |(code, text)| place_reason(out, length, &ReasonValue::new(code, text)));
    let head = ResponseHead { flags, error, reason, ..ResponseHead::of(rcode) };
    signed(client, finish(&query, settings, &limits, head, length, out), out)
}

/// Writes the answer to an update of `client` into `out`. Gives its length.
pub fn answer_update(
    client: &WaitingClient,
    rcode: Rcode,
    error: Option<(ExtendedError, &str)>,
    out: &mut [u8],
) -> Option<usize> {
    let query = QueryMessage::parse(&client.query).ok()?;
    let settings = &client.snapshot.settings;
    let limits = ResponseLimits::of(&query, client.edns_context, client.transport, settings, out.len());
    let length = question_only(Some(&query), &mut NameCompression::default(), out);
    let value = error.map(|(error, text)| ReasonValue::new(error.code(), text));
    let reason = value.map_or(0, |value| place_reason(out, length, &value));
    let head = ResponseHead { reason, ..ResponseHead::of(rcode) };
    signed(client, finish(&query, settings, &limits, head, length, out), out)
}

/// Signs the response of `length` bytes to a client that signed its query. Gives its length; none where the room that was kept
/// for that is not there.
fn signed(client: &WaitingClient, length: usize, out: &mut [u8]) -> Option<usize> {
    let Some(signer) = &client.signer else { return Some(length) };
    tsig::sign(&mut TsigSigner::clone(signer), length, out)
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
