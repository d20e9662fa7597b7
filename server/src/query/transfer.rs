//! Zones to secondaries: who may transfer one, and the messages of it (RFC 5936). A request for the differences to an earlier
//! version (IXFR) is answered by the whole zone, or by the SOA alone (RFC 1995 section 4).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use rhumb_net::tcp::ConnectionPermit;
use rhumb_wire::compress::NameCompression;
use rhumb_wire::edns::ExtendedError;
use rhumb_wire::{
    Class, MessageSection, MessageView, MessageWriter, QueryMessage, Rcode, Transport, Type, header, serial,
};
use rhumb_zones::{OutboundTransfer, ZoneContents};

use super::admitted::AdmittedQuery;
use super::authoritative;
use super::edns_context::EdnsContext;
use super::limit::AnswerSource;
use super::outcome::{IncompleteResponse, MessageSource, QueryOutcome, QueryScratch};
use super::response::{ResponseHead, ResponseLimits, finish};
use crate::metrics::{AccessList, Metrics, ResponseSource, TransferResult};
use crate::snapshot::Snapshot;

/// A zone on its way to a client.
#[derive(Debug)]
struct ZoneTransfer {
    transfer: OutboundTransfer,
    query: Box<[u8]>,
    client: SocketAddr,
    transport: Transport,
    edns_context: EdnsContext,
    snapshot: Arc<Snapshot>,
    metrics: Arc<Metrics>,
    begun: Instant,
    messages: u64,
    bytes: u64,
    _slot: ConnectionPermit,
}

impl AdmittedQuery<'_, '_> {
    /// Answers AXFR and IXFR.
    pub(super) fn transfer(&self, scratch: &mut QueryScratch, out: &mut [u8]) -> QueryOutcome {
        let Self { query, client, context, view, .. } = self;
        let entry = view.zones.find_exact(query.name).filter(|_| query.class == Class::IN);
        let Some(entry) = entry else {
            scratch.note("transfer", || "no zone has this name".to_owned());
            return self.refuse(Rcode::NOTAUTH, (ExtendedError::NotAuthoritative, ""), scratch, out);
        };
        if !entry.origin.may_transfer(client.ip(), self.key) {
            scratch.stats.refused = Some(AccessList::Transfer);
            scratch.note("transfer", || {
                let signed =
                    self.key.map_or("unsigned".to_owned(), |key| format!("signed with {}", key.name()));
                format!("{}: no `transfer-to` allows {}, {signed}", entry.place(), client.ip())
            });
            return self.refuse(Rcode::REFUSED, (ExtendedError::Prohibited, ""), scratch, out);
        }
        let Some(contents) = entry.zone.contents() else {
            scratch.note("transfer", || "the zone is not loaded".to_owned());
            let error = (ExtendedError::NotReady, "the zone is not loaded");
            return self.refuse(Rcode::SERVFAIL, error, scratch, out);
        };
        if query.qtype == Type::IXFR {
            let Some(theirs) = requested_serial(query) else {
                return self.refuse(Rcode::FORMERR, (ExtendedError::Other, "no SOA"), scratch, out);
            };
            if client.transport() == Transport::Udp || !serial::is_newer(contents.serial(), theirs) {
                let (length, head) = authoritative::soa_alone(query, &contents, &self.limits, scratch, out);
                return self.conclude(AnswerSource::Zone(entry), head, length, scratch, out);
            }
        }
        if scratch.trace.is_some() {
            scratch.note("transfer", || format!("serial {} would be transferred", contents.serial()));
            let (length, head) = authoritative::soa_alone(query, &contents, &self.limits, scratch, out);
            return self.conclude(AnswerSource::Zone(entry), head, length, scratch, out);
        }
        // After the access list, so that who is refused takes no place (SECURITY.md).
        let Ok(slot) = context.server.transfers.admit(client.ip()) else {
            let error = (ExtendedError::Other, "too many transfers");
            return self.refuse(Rcode::REFUSED, error, scratch, out);
        };
        scratch.stats.source = Some(ResponseSource::Zone);
        QueryOutcome::Messages(Box::new(self.begin(contents, slot)))
    }

    fn begin(&self, contents: Arc<ZoneContents>, slot: ConnectionPermit) -> ZoneTransfer {
        let Self { query, client, context, limits, .. } = self;
        ZoneTransfer {
            transfer: OutboundTransfer::new(contents),
            query: query.message.into(),
            client: client.peer(),
            transport: client.transport(),
            edns_context: limits.edns_context,
            snapshot: Arc::clone(context.snapshot),
            metrics: Arc::clone(&context.server.metrics),
            begun: Instant::now(),
            messages: 0,
            bytes: 0,
            _slot: slot,
        }
    }
}

/// The serial of the SOA in the authority section of an IXFR request (RFC 1995 section 3).
fn requested_serial(query: &QueryMessage<'_>) -> Option<u32> {
    let message = MessageView::parse(query.message).ok()?;
    let soa = message.records().map_while(Result::ok).find(|record| {
        record.section == MessageSection::Authority && record.rtype == Type::SOA && record.class == Class::IN
    })?;
    // Five numbers of four bytes stand behind the two names.
    let numbers = soa.rdata.last_chunk::<20>()?;
    numbers.first_chunk().map(|serial| u32::from_be_bytes(*serial))
}

impl MessageSource for ZoneTransfer {
    fn next_message(&mut self, out: &mut [u8]) -> Result<Option<usize>, IncompleteResponse> {
        if self.transfer.is_done() {
            return Ok(None);
        }
        let query = QueryMessage::parse(&self.query).map_err(|_| IncompleteResponse)?;
        let settings = &self.snapshot.settings;
        let limits = ResponseLimits::of(&query, self.edns_context, self.transport, settings, out.len());
        let mut compression = NameCompression::default();
        let mut w = MessageWriter::new(out, limits.message(), &mut compression);
        if self.messages == 0 {
            w.bytes(query.question_bytes()).map_err(|_| IncompleteResponse)?;
            w.count(MessageSection::Question);
        }
        self.transfer.write(&mut w).map_err(|error| {
            tracing::error!(zone = %query.name, client = %self.client, %error, "a transfer cannot go on");
            IncompleteResponse
        })?;
        let length = w.finish(query.header.id, 0);
        let head = ResponseHead { flags: header::AA, ..ResponseHead::of(Rcode::NOERROR) };
        let length = finish(&query, settings, &limits, head, length, out);
        self.messages += 1;
        self.bytes += length as u64;
        Ok(Some(length))
    }
}

impl Drop for ZoneTransfer {
    fn drop(&mut self) {
        let done = self.transfer.is_done();
        self.metrics.transferred(if done { TransferResult::Complete } else { TransferResult::Aborted });
        let contents = self.transfer.contents();
        let (zone, serial, client) = (contents.apex(), contents.serial(), self.client);
        let Self { messages, bytes, .. } = *self;
        let took = self.begun.elapsed().as_secs_f64();
        if done {
            tracing::info!(%zone, serial, %client, messages, bytes, seconds = took, "zone transferred");
        } else {
            tracing::warn!(%zone, serial, %client, messages, bytes, seconds = took, "zone transfer aborted");
        }
    }
}
