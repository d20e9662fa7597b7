//! Answers out of zones.

use std::cell::{Cell, OnceCell};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rhumb_wire::edns::ExtendedError;
use rhumb_wire::{MessageSection, MessageWriter, NameRef, QueryMessage, Rcode, Type, header};
use rhumb_zones::answer::{
    AnswerKind, AnswerRequest, AnswerSummary, FoundZone, MAX_LINKS, OneZone, ZoneFinder, answer,
};
use rhumb_zones::{MatchKind, ZoneContents};

use super::admitted::AdmittedQuery;
use super::outcome::QueryScratch;
use super::response::{ResponseHead, ResponseLimits, question_only};
use crate::snapshot::{SnapshotView, ZoneEntry};

/// The zones that a chain of aliases may lead into: those that are served here. What it was led into is held until the answer
/// is written, one zone a link at the most.
pub(super) struct ServedZones<'s> {
    view: &'s SnapshotView,
    /// Whether a forwarded domain below a zone comes before it.
    recursing: bool,
    held: OnceCell<Held>,
    used: Cell<usize>,
}

type Held = [OnceCell<Arc<ZoneContents>>; MAX_LINKS as usize];

impl<'s> ServedZones<'s> {
    pub(super) const fn new(view: &'s SnapshotView, recursing: bool) -> Self {
        Self { view, recursing, held: OnceCell::new(), used: Cell::new(0) }
    }
}

impl ZoneFinder for ServedZones<'_> {
    fn find(&self, name: NameRef<'_>) -> Option<FoundZone<'_>> {
        let entry = self.view.zones.find(name)?;
        if self.recursing && self.view.route_below(entry, name, Type::A).is_some() {
            // The chain ends here, and goes on by another rule.
            return Some(FoundZone::NotReady);
        }
        let Some(contents) = entry.zone.contents() else { return Some(FoundZone::NotReady) };
        let slot = self.held.get_or_init(Held::default).get(self.used.replace(self.used.get() + 1))?;
        Some(FoundZone::Contents(slot.get_or_init(|| contents)))
    }
}

/// Answers from a zone that is served here; SERVFAIL as long as it was never loaded. Gives the length, what header
/// and OPT say, and what kind of answer it is.
#[inline]
pub(super) fn from_zone<'m>(
    admitted: &AdmittedQuery<'_, 'm>,
    entry: &'m ZoneEntry,
    recursing: bool,
    scratch: &mut QueryScratch,
    out: &mut [u8],
) -> (usize, ResponseHead, AnswerKind) {
    let AdmittedQuery { query, context, view, limits, .. } = admitted;
    scratch.note("route", || format!("zone {} ({})", entry.zone.name(), entry.place()));
    context.with_contents(&entry.zone, |contents| {
        let Some(contents) = contents else {
            return not_loaded(query, entry.zone.is_expired(), scratch, out);
        };
        let zones = ServedZones::new(view, recursing);
        let (length, head, kind) = from_contents(query, contents, &zones, limits, scratch, out);
        let expire = head.expire.map(|of_soa| expire_here(entry, of_soa));
        (length, ResponseHead { reports: true, expire, ..head }, kind)
    })
}

/// Answers with the SOA of the zone and nothing else, whatever type was asked for.
pub(super) fn soa_alone(
    query: &QueryMessage<'_>,
    entry: &ZoneEntry,
    contents: &ZoneContents,
    limits: &ResponseLimits,
    scratch: &mut QueryScratch,
    out: &mut [u8],
) -> (usize, ResponseHead) {
    let asked = QueryMessage { qtype: Type::SOA, ..*query };
    let (length, head, _) = from_contents(&asked, contents, &OneZone, limits, scratch, out);
    let expire = head.expire.map(|of_soa| expire_here(entry, of_soa));
    (length, ResponseHead { expire, ..head })
}

/// Why a zone has no contents.
pub(super) const fn unready(is_expired: bool) -> (ExtendedError, &'static str) {
    if is_expired {
        (ExtendedError::InvalidData, "the zone has expired: its primaries could not be reached in time")
    } else {
        (ExtendedError::NotReady, "the zone is not loaded")
    }
}

#[cold]
fn not_loaded(
    query: &QueryMessage<'_>,
    is_expired: bool,
    scratch: &mut QueryScratch,
    out: &mut [u8],
) -> (usize, ResponseHead, AnswerKind) {
    let (code, why) = unready(is_expired);
    scratch.note("authoritative", || why.to_owned());
    let length = question_only(Some(query), &mut scratch.compression, out);
    let error = Some((code, why));
    (length, ResponseHead { error, ..ResponseHead::of(Rcode::SERVFAIL) }, AnswerKind::Answer)
}

/// Answers from one of the zones that are built in.
pub(super) fn from_built_in(
    query: &QueryMessage<'_>,
    contents: &ZoneContents,
    limits: &ResponseLimits,
    scratch: &mut QueryScratch,
    out: &mut [u8],
) -> (usize, ResponseHead) {
    scratch.note("route", || format!("{} never leaves this host (RFC 6761, RFC 6303)", contents.apex()));
    let (length, head, _) = from_contents(query, contents, &OneZone, limits, scratch, out);
    (length, head)
}

#[inline]
fn from_contents(
    query: &QueryMessage<'_>,
    contents: &ZoneContents,
    zones: &impl ZoneFinder,
    limits: &ResponseLimits,
    scratch: &mut QueryScratch,
    out: &mut [u8],
) -> (usize, ResponseHead, AnswerKind) {
    let mut w = MessageWriter::new(out, limits.message(), &mut scratch.compression);
    // A limit of 512 bytes or more, less OPT, has room for a question.
    let _ = w.bytes(query.question_bytes());
    w.count(MessageSection::Question);
    let asked = AnswerRequest {
        name: query.name,
        qtype: query.qtype,
        dnssec_ok: query.dnssec_ok(),
        minimal_any: true,
    };
    let reply = answer(contents, &asked, zones, &mut w);
    let length = w.finish(query.header.id, 0);
    scratch.note("authoritative", || tell(query, contents, reply));
    let authoritative = if reply.authoritative { header::AA } else { 0 };
    let truncated = if reply.truncated { header::TC } else { 0 };
    // Asked for by few: what is looked up here costs the others nothing.
    let is_soa = limits.edns_context.expire && query.qtype == Type::SOA && query.name == contents.apex();
    let expire = if is_soa { soa_expire(contents) } else { None };
    let head = ResponseHead { flags: authoritative | truncated, expire, ..ResponseHead::of(reply.rcode) };
    (length, head, reply.kind)
}

/// Seconds until a zone expires at a secondary that has it from here (RFC 7314 section 3.3).
pub(super) fn expire_seconds(entry: &ZoneEntry, contents: &ZoneContents) -> Option<u32> {
    soa_expire(contents).map(|of_soa| expire_here(entry, of_soa))
}

/// A zone of other servers is good there for as long as it is here, and not for as long as its SOA says once more.
fn expire_here(entry: &ZoneEntry, of_soa: u32) -> u32 {
    let times = entry.zone.times().filter(|times| entry.origin.secondary.is_some() && times.expires > 0);
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    times.map_or(of_soa, |times| u32::try_from(times.expires.saturating_sub(now())).unwrap_or(u32::MAX))
}

fn soa_expire(contents: &ZoneContents) -> Option<u32> {
    contents.soa_timers().and_then(|timers| u32::try_from(timers.expire.as_secs()).ok())
}

fn tell(query: &QueryMessage<'_>, contents: &ZoneContents, reply: AnswerSummary) -> String {
    let found = contents.lookup(query.name);
    let matched = found.map_or_else(
        || "outside of the zone".to_owned(),
        |found| format!("{} {}", match_words(found.kind()), found.owner().as_ref()),
    );
    let (serial, answer, links) = (contents.serial(), answer_words(reply.kind), reply.links);
    format!("serial {serial}: {matched}; {answer}, {links} aliases followed")
}

/// How a name was matched, in words that the owner stands behind.
const fn match_words(kind: MatchKind) -> &'static str {
    match kind {
        MatchKind::Exact => "the name is there:",
        MatchKind::Wildcard => "matched by the wildcard",
        MatchKind::AtCut => "at the zone cut",
        MatchKind::BelowCut => "below the zone cut",
        MatchKind::BelowDname => "below the DNAME of",
        MatchKind::NoName => "no such name below",
    }
}

const fn answer_words(kind: AnswerKind) -> &'static str {
    match kind {
        AnswerKind::Answer => "an answer",
        AnswerKind::Referral => "a referral",
        AnswerKind::NoData => "no data of the type",
        AnswerKind::NxDomain => "the name does not exist",
        AnswerKind::Chain => "aliases that lead out of what is served here",
        AnswerKind::Overflow => "the name that a DNAME leads to is too long",
        AnswerKind::OutOfZone => "outside of the zone",
    }
}
