//! What the log of queries says of an answer.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::{Duration, Instant, SystemTime};

use rhumb_net::LocalAddress;
use rhumb_wire::{MessageHeader, QueryMessage, Rcode, Transport, header};

use super::client::QueryClient;
use super::context::QueryContext;
use super::count::source_of;
use super::outcome::{QueryOutcome, QueryScratch, WaitingClient};
use super::waiting::WaitedResponse;
use crate::metrics::ResponseSource;
use crate::query_log::QueryRecord;
use crate::snapshot::ServerState;

/// Logs an answer that was at hand, one in so many.
#[cold]
pub fn log_answer(
    one_in: NonZeroU32,
    message: &[u8],
    client: &QueryClient<'_>,
    outcome: &QueryOutcome,
    context: &QueryContext<'_>,
    scratch: &QueryScratch,
    out: &[u8],
) {
    let size = match outcome {
        QueryOutcome::Reply(length) => Some(*length),
        QueryOutcome::Messages(_) => None,
        QueryOutcome::Wait(_) | QueryOutcome::Drop(_) => return,
    };
    let log = &context.server.query_log;
    if !log.takes(one_in) {
        return;
    }
    let now = context.server.clock.micros_at(Instant::now());
    let answer = AnswerParts {
        client: client.peer(),
        local: client.local(),
        transport: client.transport(),
        rcode: scratch.stats.rcode,
        source: source_of(&scratch.stats),
        size,
        took: Duration::from_micros(now.saturating_sub(context.micros)),
        flags: if size.is_some() { flags_of(out) } else { header::AA },
    };
    log.put(Box::new(answer.record(message)));
}

/// Logs an answer to a client that waited, one in so many.
pub fn log_waiting(
    client: &WaitingClient,
    reply: &[u8],
    response: WaitedResponse,
    source: ResponseSource,
    took: Duration,
    live: &ServerState,
) {
    let Some(one_in) = client.snapshot.settings.query_log else { return };
    if !live.query_log.takes(one_in) {
        return;
    }
    let parts = AnswerParts {
        client: client.peer,
        local: client.local,
        transport: client.transport,
        rcode: response.rcode,
        source,
        size: Some(reply.len()),
        took,
        flags: flags_of(reply),
    };
    live.query_log.put(Box::new(parts.record(&client.query)));
}

/// What is known of an answer beside its query.
struct AnswerParts {
    client: SocketAddr,
    local: LocalAddress,
    transport: Transport,
    rcode: Rcode,
    source: ResponseSource,
    size: Option<usize>,
    took: Duration,
    flags: u16,
}

impl AnswerParts {
    fn record(self, query: &[u8]) -> QueryRecord {
        let Self { client, local, transport, rcode, source, size, took, flags } = self;
        let read = QueryMessage::parse(query).ok();
        QueryRecord {
            when: SystemTime::now(),
            client,
            local,
            transport,
            opcode: MessageHeader::parse(query).map_or(rhumb_wire::Opcode::QUERY, |header| header.opcode()),
            question: read.as_ref().map(|query| (query.name.to_name(), query.qtype)),
            rcode,
            source,
            size,
            took,
            flags,
            dnssec_ok: read.is_some_and(|query| query.dnssec_ok()),
        }
    }
}

/// The flags of a message's header.
fn flags_of(message: &[u8]) -> u16 {
    message.get(2..4).map_or(0, |flags| flags.iter().fold(0, |all, byte| all << 8 | u16::from(*byte)))
}
