//! Responses to messages that are not admitted as queries.

use rhumb_wire::edns::ExtendedError;
use rhumb_wire::tsig::TsigSigner;
use rhumb_wire::{Class, MessageView, NameRef, Opcode, QueryMessage, Rcode, Type, header};

use super::admit::MessageRejection;
use super::admitted::AdmittedQuery;
use super::client::QueryClient;
use super::context::QueryContext;
use super::edns_context::EdnsContext;
use super::limit::{self, AnswerSource};
use super::outcome::{QueryOutcome, QueryScratch, QueryStats};
use super::response::{ResponseHead, question_only};
use crate::metrics::DropReason;
use crate::rate_limit::{RateVerdict, ResponseClass};

#[cold]
pub(super) fn deny(
    denied: MessageRejection,
    message: &[u8],
    signer: Option<&TsigSigner>,
    client: &QueryClient<'_>,
    context: &QueryContext<'_>,
    scratch: &mut QueryScratch,
    out: &mut [u8],
) -> QueryOutcome {
    scratch.note("admit", || denied.to_string());
    match denied {
        MessageRejection::Drop(reason) => QueryOutcome::Drop(reason),
        MessageRejection::Header(rcode) => header_reply(message, rcode, client, context, scratch, out),
        MessageRejection::NoQuestion => no_question(message, signer, client, context, scratch, out),
        // One that is signed twice cannot be read.
        MessageRejection::Signed => header_reply(message, Rcode::FORMERR, client, context, scratch, out),
        MessageRejection::Notify | MessageRejection::Update => {
            let Ok(query) = QueryMessage::parse(message) else {
                return header_reply(message, Rcode::FORMERR, client, context, scratch, out);
            };
            match admitted(&query, signer, client, context, scratch, out.len()) {
                Ok(admitted) if denied == MessageRejection::Update => admitted.updated(scratch, out),
                Ok(admitted) => admitted.notified(scratch, out),
                Err(admitted) => admitted.reject(Rcode::FORMERR, None, scratch, out),
            }
        }
        MessageRejection::Question(rcode, error) => {
            let Ok(query) = QueryMessage::parse(message) else {
                return header_reply(message, Rcode::FORMERR, client, context, scratch, out);
            };
            match admitted(&query, signer, client, context, scratch, out.len()) {
                Ok(admitted) => admitted.reject(rcode, error, scratch, out),
                Err(admitted) => admitted.reject(Rcode::FORMERR, None, scratch, out),
            }
        }
    }
}

/// Answers a query whose cookie has a length that there is not (RFC 7873 section 5.2.2).
#[cold]
pub(super) fn bad_cookie(
    message: &[u8],
    signer: Option<&TsigSigner>,
    client: &QueryClient<'_>,
    context: &QueryContext<'_>,
    scratch: &mut QueryScratch,
    out: &mut [u8],
) -> QueryOutcome {
    deny(MessageRejection::Question(Rcode::FORMERR, None), message, signer, client, context, scratch, out)
}

/// The query with what its options ask for. Errors: a cookie of a wrong length; the query as if it had none.
fn admitted<'a, 'm>(
    query: &'a QueryMessage<'a>,
    signer: Option<&'a TsigSigner>,
    client: &'a QueryClient<'a>,
    context: &'a QueryContext<'m>,
    scratch: &mut QueryScratch,
    buffer: usize,
) -> Result<AdmittedQuery<'a, 'm>, AdmittedQuery<'a, 'm>> {
    scratch.stats.qtype = query.qtype;
    scratch.stats.edns = query.edns.map(|edns| edns.dnssec_ok());
    let edns_context = EdnsContext::of(query, client, &context.snapshot.settings);
    let good = edns_context.is_ok();
    let edns_context = edns_context.unwrap_or_default();
    let admitted = AdmittedQuery::new(query, edns_context, signer, client, context, buffer);
    if good { Ok(admitted) } else { Err(admitted) }
}

/// A message without question: NOERROR and a cookie for one that asks for that alone, else FORMERR.
fn no_question(
    message: &[u8],
    signer: Option<&TsigSigner>,
    client: &QueryClient<'_>,
    context: &QueryContext<'_>,
    scratch: &mut QueryScratch,
    out: &mut [u8],
) -> QueryOutcome {
    let Some(query) = cookie_request(message) else {
        return header_reply(message, Rcode::FORMERR, client, context, scratch, out);
    };
    let found = admitted(&query, signer, client, context, scratch, out.len());
    let (Ok(admitted) | Err(admitted)) = found;
    let rcode = match query.edns {
        Some(edns) if edns.version != 0 => Rcode::BADVERS,
        _ if found.is_ok() && admitted.limits.edns_context.cookie.is_some() => Rcode::NOERROR,
        _ => Rcode::FORMERR,
    };
    let length = question_only(None, &mut scratch.compression, out);
    admitted.conclude(AnswerSource::Nowhere, ResponseHead::of(rcode), length, scratch, out)
}

/// Reads a message without question and without records but OPT, which asks for a cookie alone (RFC 7873 section 5.4).
/// `None` if it is anything else.
fn cookie_request(message: &[u8]) -> Option<QueryMessage<'_>> {
    let parsed = MessageView::parse(message).ok()?;
    let header = parsed.header();
    if header.opcode() != Opcode::QUERY || header.is_response() || header.questions != 0 {
        return None;
    }
    let edns = parsed.edns().ok()?.filter(|edns| edns.options.well_formed());
    let only = header.answers == 0 && header.authorities == 0 && header.additionals == 1;
    let (name, qtype, class) = (NameRef::ROOT, Type(0), Class(0));
    (only && edns.is_some()).then_some(QueryMessage { message, header, name, qtype, class, edns, tsig: None })
}

impl AdmittedQuery<'_, '_> {
    fn reject(
        &self,
        rcode: Rcode,
        error: Option<ExtendedError>,
        scratch: &mut QueryScratch,
        out: &mut [u8],
    ) -> QueryOutcome {
        let length = question_only(Some(self.query), &mut scratch.compression, out);
        let head = ResponseHead { error: error.map(|error| (error, "")), ..ResponseHead::of(rcode) };
        self.conclude(AnswerSource::Nowhere, head, length, scratch, out)
    }
}

/// Answers a datagram of which only `beginning` was received, as it was longer than the buffers are. FORMERR says that nothing was done,
/// and TC brings clients to TCP, which takes every message.
#[cold]
pub fn respond_incomplete(
    beginning: &[u8],
    client: &QueryClient<'_>,
    context: &QueryContext<'_>,
    scratch: &mut QueryScratch,
    out: &mut [u8],
) -> QueryOutcome {
    scratch.stats = QueryStats::NOTHING;
    let is_request = header::MessageHeader::parse(beginning).is_some_and(|header| {
        let is_known = matches!(header.opcode(), Opcode::QUERY | Opcode::NOTIFY | Opcode::UPDATE);
        is_known && !header.is_response()
    });
    if !is_request || client.port() == 0 {
        return QueryOutcome::Drop(DropReason::TruncatedDatagram);
    }
    let outcome = header_reply(beginning, Rcode::FORMERR, client, context, scratch, out);
    if let (QueryOutcome::Reply(_), Some(reply)) = (&outcome, header::MessageHeader::parse(out)) {
        header::set_flags(out, reply.flags | header::TC);
        scratch.stats.truncated = true;
    }
    outcome
}

/// An answer to what could not be read: the header alone, id, opcode and RD repeated.
fn header_reply(
    message: &[u8],
    rcode: Rcode,
    client: &QueryClient<'_>,
    context: &QueryContext<'_>,
    scratch: &mut QueryScratch,
    out: &mut [u8],
) -> QueryOutcome {
    let Some(asked) = header::MessageHeader::parse(message) else {
        return QueryOutcome::Drop(DropReason::ShortMessage);
    };
    if let Some(limit) = &context.snapshot.settings.rate_limit
        && limit::applies(client, &EdnsContext::default(), scratch)
        && limit.judge(client.ip(), ResponseClass::Error, context.micros) != RateVerdict::Pass
    {
        // It has no question that could be asked again by TCP, so that nothing slips.
        return QueryOutcome::Drop(DropReason::RateLimited);
    }
    let length = question_only(None, &mut scratch.compression, out);
    scratch.stats.rcode = rcode;
    header::set_id(out, asked.id);
    header::set_flags(
        out,
        header::QR | (asked.flags & (header::OPCODE | header::RD)) | (rcode.0 & header::RCODE),
    );
    QueryOutcome::Reply(length)
}
