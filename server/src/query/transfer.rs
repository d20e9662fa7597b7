//! Zones to secondaries: who may transfer one, and the messages of it (RFC 5936). A request for the differences to an earlier
//! version (IXFR, RFC 1995) is answered by one difference, where that is known and smaller, or else by the whole zone; or by the
//! SOA alone, where the client has it all or a datagram does not do.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use rhumb_net::tcp::ConnectionPermit;
use rhumb_wire::compress::NameCompression;
use rhumb_wire::edns::ExtendedError;
use rhumb_wire::{
    Class, MessageSection, MessageView, MessageWriter, NameBuf, QueryMessage, Rcode, Transport, Type, header,
    serial,
};
use rhumb_zones::{OutboundDifference, OutboundTransfer, TransferError, ZoneContents, ZoneDifference};

use super::admitted::AdmittedQuery;
use super::authoritative;
use super::edns_context::EdnsContext;
use super::limit::AnswerSource;
use super::outcome::{IncompleteResponse, MessageSource, QueryOutcome, QueryScratch};
use super::response::{ResponseHead, ResponseLimits, finish};
use crate::metrics::{AccessList, ResponseSource, ServerMetrics, TransferKind, TransferResult};
use crate::snapshot::{ServedZone, ServerSnapshot, ZoneAsker, ZoneEntry};

/// Records of differences that are made into one while a client waits: some tens of milliseconds.
const MOST_CONDENSED: usize = 200_000;
/// The same for an answer by UDP, which holds far fewer.
const MOST_CONDENSED_BY_UDP: usize = 200;

/// What is transferred.
#[derive(Debug)]
enum TransferBody {
    Zone(OutboundTransfer),
    Difference(OutboundDifference),
}

impl TransferBody {
    const fn kind(&self) -> TransferKind {
        match self {
            Self::Zone(_) => TransferKind::Axfr,
            Self::Difference(_) => TransferKind::Ixfr,
        }
    }

    fn is_done(&self) -> bool {
        match self {
            Self::Zone(zone) => zone.is_done(),
            Self::Difference(difference) => difference.is_done(),
        }
    }

    fn write(&mut self, w: &mut MessageWriter<'_, '_>) -> Result<(), TransferError> {
        match self {
            Self::Zone(zone) => zone.write(w),
            Self::Difference(difference) => difference.write(w),
        }
    }
}

/// A zone on its way to a client.
#[derive(Debug)]
struct ZoneTransfer {
    body: TransferBody,
    /// What the client has in the end.
    contents: Arc<ZoneContents>,
    query: Box<[u8]>,
    client: SocketAddr,
    transport: Transport,
    edns_context: EdnsContext,
    /// Seconds until the zone expires here.
    expire: Option<u32>,
    snapshot: Arc<ServerSnapshot>,
    metrics: Arc<ServerMetrics>,
    begun: Instant,
    messages: u64,
    bytes: u64,
    _slot: ConnectionPermit,
}

impl<'m> AdmittedQuery<'_, 'm> {
    /// Answers AXFR and IXFR.
    pub(super) fn transfer(&self, scratch: &mut QueryScratch, out: &mut [u8]) -> QueryOutcome {
        let Self { query, client, view, .. } = self;
        let entry = view.zones.find_exact(query.name).filter(|_| query.class == Class::IN);
        let Some(entry) = entry else {
            scratch.note("transfer", || "no zone has this name".to_owned());
            return self.refuse(Rcode::NOTAUTH, (ExtendedError::NotAuthoritative, ""), scratch, out);
        };
        if !entry.origin.may_transfer(client.ip(), client.transport(), self.key) {
            scratch.stats.refused = Some(AccessList::Transfer);
            scratch.note("transfer", || {
                let signed =
                    self.key.map_or("unsigned".to_owned(), |key| format!("signed with {}", key.name()));
                let (place, transport) = (entry.place(), client.transport());
                format!("{place}: no `transfer-to` allows {}, {signed}, over {transport}", client.ip())
            });
            return self.refuse(Rcode::REFUSED, (ExtendedError::Prohibited, ""), scratch, out);
        }
        let Some(contents) = entry.zone.contents() else {
            let error = authoritative::unready(entry.zone.is_expired());
            scratch.note("transfer", || error.1.to_owned());
            return self.refuse(Rcode::SERVFAIL, error, scratch, out);
        };
        let note = |had| self.note_asker(entry, had, contents.serial(), scratch.trace.is_some());
        if query.qtype != Type::IXFR {
            note(None);
            let body = TransferBody::Zone(OutboundTransfer::new(Arc::clone(&contents)));
            return self.begin(entry, contents, body, scratch, out);
        }
        let Some(theirs) = requested_serial(query) else {
            return self.refuse(Rcode::FORMERR, (ExtendedError::Other, "no SOA"), scratch, out);
        };
        note(Some(theirs));
        if !serial::is_newer(contents.serial(), theirs) {
            return self.soa(entry, &contents, scratch, out);
        }
        let in_one = !client.transport().has_many_responses();
        let found = if entry.origin.versioning.plain_transfers {
            steps_since(&entry.zone, theirs)
        } else {
            difference_since(&entry.zone, theirs, in_one)
        };
        match found {
            Some((contents, difference)) if in_one => {
                self.difference_in_one(entry, &contents, difference, scratch, out)
            }
            Some((contents, difference)) => {
                self.begin(entry, contents, TransferBody::Difference(difference), scratch, out)
            }
            None if in_one => self.soa(entry, &contents, scratch, out),
            None => {
                let body = TransferBody::Zone(OutboundTransfer::new(Arc::clone(&contents)));
                self.begin(entry, contents, body, scratch, out)
            }
        }
    }

    /// Notes that a client has asked, for `rhumb zone status`; not where an operator does so.
    fn note_asker(&self, entry: &ZoneEntry, had: Option<u32>, serial: u32, is_explained: bool) {
        if !is_explained {
            let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
            let client = self.client.ip().to_canonical();
            self.context.server.askers.note(entry.zone.name(), ZoneAsker { client, time, had, serial });
        }
    }

    /// Answers with the SOA alone.
    fn soa(
        &self,
        entry: &'m ZoneEntry,
        contents: &ZoneContents,
        scratch: &mut QueryScratch,
        out: &mut [u8],
    ) -> QueryOutcome {
        scratch.note("transfer", || format!("the SOA alone, serial {}", contents.serial()));
        let (length, head) =
            authoritative::soa_alone(self.query, entry, contents, &self.limits, scratch, out);
        self.conclude(AnswerSource::Zone(entry), head, length, scratch, out)
    }

    /// Answers with a difference if a datagram holds it, and else with the SOA alone (RFC 1995 section 2).
    fn difference_in_one(
        &self,
        entry: &'m ZoneEntry,
        contents: &ZoneContents,
        mut body: OutboundDifference,
        scratch: &mut QueryScratch,
        out: &mut [u8],
    ) -> QueryOutcome {
        let begun = Instant::now();
        let mut w = MessageWriter::new(out, self.limits.message(), &mut scratch.compression);
        // A limit of 512 bytes or more, less OPT, has room for a question.
        let _ = w.bytes(self.query.question_bytes());
        w.count(MessageSection::Question);
        if body.write(&mut w).is_err() || !body.is_done() {
            return self.soa(entry, contents, scratch, out);
        }
        let length = w.finish(self.query.header.id, 0);
        let from = body.from_serial();
        scratch.note("transfer", || format!("the difference from serial {from} to {}", contents.serial()));
        let figures = self.context.server.metrics.transferred();
        figures.passed(TransferKind::Ixfr, length as u64);
        figures.ended(TransferKind::Ixfr, TransferResult::Complete, begun.elapsed());
        let expire = authoritative::expire_seconds(entry, contents);
        let head = transfer_head(expire);
        self.conclude(AnswerSource::Zone(entry), head, length, scratch, out)
    }

    /// Begins a response of several messages, if there is room for one more.
    fn begin(
        &self,
        entry: &'m ZoneEntry,
        contents: Arc<ZoneContents>,
        body: TransferBody,
        scratch: &mut QueryScratch,
        out: &mut [u8],
    ) -> QueryOutcome {
        let Self { query, client, context, limits, .. } = self;
        if scratch.trace.is_some() {
            let kind = body.kind().as_str();
            scratch
                .note("transfer", || format!("serial {} would be transferred ({kind})", contents.serial()));
            return self.soa(entry, &contents, scratch, out);
        }
        // After the access list, so that who is refused takes no place (SECURITY.md).
        let Ok(slot) = context.server.transfers.admit(client.ip()) else {
            let error = (ExtendedError::Other, "too many transfers");
            return self.refuse(Rcode::REFUSED, error, scratch, out);
        };
        scratch.stats.source = Some(ResponseSource::Zone);
        QueryOutcome::Messages(Box::new(ZoneTransfer {
            body,
            expire: authoritative::expire_seconds(entry, &contents),
            contents,
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
        }))
    }
}

fn transfer_head(expire: Option<u32>) -> ResponseHead {
    let of = ResponseHead::of(Rcode::NOERROR);
    ResponseHead { flags: header::AA, expire, is_transfer: true, ..of }
}

/// What is served, and how it differs from `serial`: in one difference, which has fewer records than the zone.
fn difference_since(
    zone: &ServedZone,
    serial: u32,
    in_one: bool,
) -> Option<(Arc<ZoneContents>, OutboundDifference)> {
    let (contents, steps) = zone.changes_since(serial)?;
    let records: usize = steps.iter().map(|step| step.record_count()).sum();
    let most = if in_one { MOST_CONDENSED_BY_UDP } else { MOST_CONDENSED };
    if records > most {
        return None;
    }
    let difference = if let [only] = steps.as_slice() {
        Arc::clone(only)
    } else {
        let condensed = Arc::new(ZoneDifference::condense(steps.iter().map(AsRef::as_ref))?);
        // Also where the zone is shorter: then that is known the next time.
        zone.keep_condensed(Arc::clone(&condensed));
        condensed
    };
    let is_shorter = difference.record_count() as u64 <= contents.record_count();
    is_shorter.then(|| (contents, OutboundDifference::new(difference)))
}

/// What is served, and the differences that lead to it from `serial`, which together have fewer records than the zone.
fn steps_since(zone: &ServedZone, serial: u32) -> Option<(Arc<ZoneContents>, OutboundDifference)> {
    let (contents, steps) = zone.steps_since(serial)?;
    let records: usize = steps.iter().map(|step| step.record_count()).sum();
    let fits = records as u64 <= contents.record_count();
    Some((contents, OutboundDifference::of_steps(steps)?)).filter(|_| fits)
}

/// The serial of the zone's SOA in the authority section of an IXFR request (RFC 1995 section 3).
fn requested_serial(query: &QueryMessage<'_>) -> Option<u32> {
    let message = MessageView::parse(query.message).ok()?;
    let mut owner = NameBuf::new();
    let soa = message.records().map_while(Result::ok).find(|record| {
        record.section == MessageSection::Authority
            && record.rtype == Type::SOA
            && record.class == Class::IN
            && record.owner(&mut owner).is_ok()
            && owner.as_ref() == query.name
    })?;
    // Five numbers of four bytes stand behind the two names.
    let numbers = soa.rdata.last_chunk::<20>()?;
    numbers.first_chunk().map(|serial| u32::from_be_bytes(*serial))
}

impl MessageSource for ZoneTransfer {
    fn next_message(&mut self, out: &mut [u8]) -> Result<Option<usize>, IncompleteResponse> {
        if self.body.is_done() {
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
        self.body.write(&mut w).map_err(|error| {
            tracing::error!(zone = %query.name, client = %self.client, %error, "a transfer cannot go on");
            IncompleteResponse
        })?;
        let length = w.finish(query.header.id, 0);
        let expire = if self.messages == 0 { self.expire } else { None };
        let head = transfer_head(expire);
        let length = finish(&query, settings, &limits, head, length, out);
        self.messages += 1;
        self.bytes += length as u64;
        self.metrics.transferred().passed(self.body.kind(), length as u64);
        Ok(Some(length))
    }
}

impl Drop for ZoneTransfer {
    fn drop(&mut self) {
        let done = self.body.is_done();
        let (kind, result) =
            (self.body.kind(), if done { TransferResult::Complete } else { TransferResult::Aborted });
        self.metrics.transferred().ended(kind, result, self.begun.elapsed());
        let (zone, serial, client) = (self.contents.apex(), self.contents.serial(), self.client);
        let kind = kind.as_str();
        let Self { messages, bytes, .. } = *self;
        let took = self.begun.elapsed().as_secs_f64();
        if done {
            tracing::info!(%zone, kind, serial, %client, messages, bytes, seconds = took, "zone transferred");
        } else {
            tracing::warn!(%zone, kind, serial, %client, messages, bytes, seconds = took, "zone transfer aborted");
        }
    }
}
