//! What is counted of a query and of its answer.

use rhumb_wire::{MessageHeader, Rcode, Transport, header};

use super::client::QueryClient;
use super::outcome::{QueryOutcome, QueryScratch, QueryStats};
use super::waiting::WaitedResponse;
use crate::metrics::{CacheEvent, CounterBlock, DropReason, ResponseSource};

/// Counts a query, what became of it and its answer. A query that is dropped is counted as a request only where its question
/// could be read.
#[inline]
pub fn count(
    block: &CounterBlock,
    client: &QueryClient<'_>,
    message: &[u8],
    outcome: &QueryOutcome,
    scratch: &QueryScratch,
) {
    match outcome {
        QueryOutcome::Reply(length) => {
            count_response(block, scratch);
            block.response_size(client.transport(), *length);
            if scratch.prefetch.is_some() {
                block.cache(CacheEvent::Prefetch);
            }
            if scratch.stats.cache == Some(CacheEvent::Stale) {
                block.cache(CacheEvent::Stale);
            }
        }
        QueryOutcome::Messages(_) => count_response(block, scratch),
        QueryOutcome::Wait(_) => {}
        QueryOutcome::Drop(reason) => {
            block.dropped(*reason);
            if *reason != DropReason::RateLimited {
                return;
            }
        }
    }
    count_request(block, client, message, scratch);
}

/// Counts a query by what its message says.
#[inline]
fn count_request(block: &CounterBlock, client: &QueryClient<'_>, message: &[u8], scratch: &QueryScratch) {
    let stats = &scratch.stats;
    block.request(client.transport(), client.family(), stats.qtype.0);
    block.request_size(client.transport(), message.len());
    if let Some(dnssec_ok) = stats.edns {
        block.edns(dnssec_ok);
    }
    // What is stale is no hit. It is counted as stale with the answer that it is in.
    match stats.cache {
        Some(CacheEvent::Stale) => block.cache(CacheEvent::Miss),
        Some(event) => block.cache(event),
        None => {}
    }
}

/// Counts the answer that was written last.
#[inline]
fn count_response(block: &CounterBlock, scratch: &QueryScratch) {
    let stats = &scratch.stats;
    block.response(stats.rcode.0, source_of(stats));
    if let Some(list) = stats.refused {
        block.refused(list);
    }
    if stats.truncated {
        block.truncated();
    }
    if stats.slipped {
        block.slipped();
    }
}

/// Where the answer that was written last comes from.
#[inline]
pub(super) const fn source_of(stats: &QueryStats) -> ResponseSource {
    match (stats.source, stats.rcode) {
        (Some(source), _) => source,
        (None, Rcode::REFUSED) => ResponseSource::Refused,
        (None, _) => ResponseSource::Server,
    }
}

/// Counts a response to a client that waited.
pub fn count_waiting(
    block: &CounterBlock,
    transport: Transport,
    reply: &[u8],
    response: WaitedResponse,
    source: ResponseSource,
) {
    block.response(response.rcode.0, source);
    block.response_size(transport, reply.len());
    if MessageHeader::parse(reply).is_some_and(|header| header.flags & header::TC != 0) {
        block.truncated();
    }
    if response.slipped {
        block.slipped();
    }
}
