//! Aliases and delegations that lead from one rule to another: each link of the chain is answered by its own zone, route or
//! built-in name, and the answer put together from them.

use std::sync::Arc;

use rhumb_cache::WantedAnswer;
use rhumb_resolver::{OutboundQuestion, holds_private_address};
use rhumb_wire::edns::ExtendedError;
use rhumb_wire::{
    BufferFull, Class, MessageSection, MessageView, MessageWriter, NameBuf, NameRef, Rcode, Type, header,
    rdata,
};
use rhumb_zones::answer::{AnswerKind, AnswerRequest, OneZone, ZoneFinder, answer};

use super::admitted::AdmittedQuery;
use super::alias_scan::{AliasScan, is_here};
use super::authoritative::{ServedZones, unready};
use super::kept_reason::{ONE_LABEL, PRIVATE_ADDRESS, place_reason, read_reason, take_reason};
use super::limit::AnswerSource;
use super::link_parts::{FollowBuffers, LONGEST, LinkAnswer, WildcardProof};
use super::outcome::{QueryOutcome, QueryScratch, ResolveWork, WaitingClient, WaitingQuery, WaitingWork};
use super::response::{ResponseHead, question_only};
use crate::metrics::CacheEvent;
use crate::snapshot::{AnswerAuthority, RouteEntry};

/// The most links of a chain.
const MAX_LINKS: usize = 11;

/// Why a link has no answer that was there.
const UNREADABLE: (ExtendedError, &str) = (ExtendedError::InvalidData, "the answer of a link cannot be read");

/// How far a chain could be followed.
pub(super) enum FollowedChain {
    /// To its end: so many bytes, and what header and OPT say.
    Answer(usize, ResponseHead),
    /// To a name that has to be looked up first.
    Missing(ResolveWork),
}

/// The answer of one link, in the buffer for it.
struct LinkPart<'s> {
    length: usize,
    rcode: Rcode,
    /// The route that gave it; none for a zone.
    route: Option<&'s RouteEntry>,
    zone: Option<AnswerKind>,
    stale: bool,
    /// Whether all of it was validated.
    authentic: bool,
}

/// Why there is no answer of a link.
enum NoPart {
    Missing(ResolveWork),
    Failed(Rcode, (ExtendedError, &'static str)),
    /// No zone and no route covers the name.
    Elsewhere,
}

impl AdmittedQuery<'_, '_> {
    /// Whether aliases and delegations are followed for this client.
    pub(super) fn recurses(&self) -> bool {
        let view = self.view;
        !view.routes.is_empty()
            && self.query.recursion_desired()
            && self.query.class == Class::IN
            && view.allows(self.client.ip())
    }

    /// Answers along a chain, or waits for what is missing.
    #[cold]
    pub(super) fn follow_or_wait(&self, scratch: &mut QueryScratch, out: &mut [u8]) -> QueryOutcome {
        match self.follow(&[], scratch, out) {
            FollowedChain::Answer(length, head) => {
                let outcome = self.conclude(AnswerSource::Cache, head, length, scratch, out);
                if !matches!(outcome, QueryOutcome::Reply(_)) {
                    scratch.prefetch = None;
                }
                outcome
            }
            FollowedChain::Missing(work) => {
                let client = WaitingClient { follows: true, ..self.waiting(scratch) };
                QueryOutcome::Wait(Box::new(WaitingQuery { work: WaitingWork::Resolve(work), client }))
            }
        }
    }

    /// Answers along a chain out of zones, the cache and `found`.
    pub(super) fn follow(
        &self,
        found: &[LinkAnswer],
        scratch: &mut QueryScratch,
        out: &mut [u8],
    ) -> FollowedChain {
        let mut buffers = scratch.follow.take().unwrap_or_default();
        buffers.proofs.clear();
        buffers.reason = None;
        let mut compression = std::mem::take(&mut scratch.compression);
        let mut w = MessageWriter::new(out, self.limits.message(), &mut compression);
        // A limit of 512 bytes or more, less OPT, has room for a question.
        let _ = w.question(self.query.name, self.query.qtype, self.query.class);
        let followed = self.links(found, scratch, &mut buffers, &mut w);
        let length = w.finish(0, 0);
        let reason = buffers.reason.take();
        let placed = |out: &mut [u8], end| reason.as_ref().map_or(0, |reason| place_reason(out, end, reason));
        scratch.follow = Some(buffers);
        scratch.compression = compression;
        let common = header::RA | (self.query.header.flags & header::CD);
        match followed {
            Ok(head) => {
                let reason = placed(out, length);
                FollowedChain::Answer(length, ResponseHead { flags: head.flags | common, reason, ..head })
            }
            Err(NoPart::Missing(work)) => FollowedChain::Missing(work),
            Err(NoPart::Failed(rcode, error)) => {
                let length = question_only(Some(self.query), &mut scratch.compression, out);
                let reason = placed(out, length);
                let head =
                    ResponseHead { flags: common, error: Some(error), reason, ..ResponseHead::of(rcode) };
                FollowedChain::Answer(length, head)
            }
            // Not said of the first name.
            Err(NoPart::Elsewhere) => FollowedChain::Answer(
                length,
                ResponseHead { flags: common, ..ResponseHead::of(Rcode::NOERROR) },
            ),
        }
    }

    fn links(
        &self,
        found: &[LinkAnswer],
        scratch: &mut QueryScratch,
        buffers: &mut FollowBuffers,
        w: &mut MessageWriter<'_, '_>,
    ) -> Result<ResponseHead, NoPart> {
        let (view, qtype) = (self.view, self.query.qtype);
        let mut name = NameBuf::new();
        name.set_lowercase(self.query.name);
        let start = w.mark();
        let mut links = 0;
        let mut head = ResponseHead::of(Rcode::NOERROR);
        let mut authority = view.authority_of(name.as_ref(), qtype);
        let mut first = true;
        let mut guard = None;
        let mut authentic = self.query.wants_authentic();
        loop {
            let part = match self.part(name.as_ref(), authority, found, scratch, buffers) {
                Ok(part) => part,
                Err(NoPart::Elsewhere) => return Ok(head),
                Err(other) => return Err(other),
            };
            let unreadable = || NoPart::Failed(Rcode::SERVFAIL, UNREADABLE);
            let FollowBuffers { part: bytes, rdata, proofs, .. } = &mut *buffers;
            let bytes = bytes.get(..part.length).unwrap_or_default();
            let message = MessageView::parse(bytes).map_err(|_| unreadable())?;
            let here = |name: NameRef<'_>| {
                part.route.is_none_or(|entry| is_here(view, name, qtype, entry.route.id()))
            };
            let scan = AliasScan::new(&message, name.as_ref(), qtype, here, false).ok_or_else(unreadable)?;
            links += scan.links;
            if links > MAX_LINKS {
                return Err(NoPart::Failed(
                    Rcode::SERVFAIL,
                    (ExtendedError::Other, "too many aliases in a row"),
                ));
            }
            refuse_private(guard, &message)?;
            // An alias from the public DNS to a name inside leads a browser there just as well.
            guard = guard
                .or_else(|| part.route.filter(|entry| entry.route.state().terms.trust.guards(name.as_ref())));
            let beyond = self.beyond(&part, &scan);
            scratch.note("link", || tell(name.as_ref(), authority, &scan, beyond.is_some()));
            if first && part.zone.is_some_and(|kind| kind != AnswerKind::Referral || scan.links > 0) {
                head.flags |= header::AA;
            }
            first = false;
            authentic &= part.authentic;
            if part.stale {
                head.error = Some((ExtendedError::StaleAnswer, ""));
            }
            if beyond.is_none() {
                head.rcode = part.rcode;
            }
            let written = put_link(w, &message, scan.records, beyond.is_none(), proofs, rdata);
            if written.is_err() {
                w.rollback(start);
                head.flags |= header::TC;
                return Ok(head);
            }
            let Some(next) = beyond else {
                head.flags |= if authentic { header::AD } else { 0 };
                return Ok(head);
            };
            name.set_lowercase(scan.end.as_ref());
            authority = next;
        }
    }

    /// What answers the name that a link leads to; none where the chain ends with this one.
    fn beyond(&self, part: &LinkPart<'_>, scan: &AliasScan) -> Option<AnswerAuthority<'_>> {
        let (view, end) = (self.view, scan.end.as_ref());
        match part.zone {
            // Below the cut it is not for the zone to answer, and no other zone does.
            Some(AnswerKind::Referral) => {
                let next = view.authority_beyond_zones(end);
                matches!(next, AnswerAuthority::Forward(_)).then_some(next)
            }
            Some(AnswerKind::Chain) => Some(view.authority_of(end, self.query.qtype)),
            Some(_) => None,
            None => scan.incomplete.then(|| view.authority_of(end, self.query.qtype)),
        }
    }

    /// Puts the answer of one link into the buffer for it.
    fn part<'s>(
        &'s self,
        name: NameRef<'_>,
        authority: AnswerAuthority<'s>,
        found: &[LinkAnswer],
        scratch: &mut QueryScratch,
        buffers: &mut FollowBuffers,
    ) -> Result<LinkPart<'s>, NoPart> {
        match authority {
            AnswerAuthority::Zone(entry) => {
                let zones = ServedZones::new(self.view, true);
                match entry.zone.load().as_deref() {
                    Some(contents) => Ok(self.zone_part(name, contents, &zones, buffers)),
                    None => Err(NoPart::Failed(Rcode::SERVFAIL, unready(entry.zone.is_expired()))),
                }
            }
            AnswerAuthority::BuiltIn(contents) => Ok(self.zone_part(name, contents, &OneZone, buffers)),
            AnswerAuthority::Forward(entry) if self.view.keeps_from(entry, name, self.query.qtype) => {
                Err(NoPart::Failed(Rcode::NXDOMAIN, ONE_LABEL))
            }
            AnswerAuthority::Forward(entry) => self.route_part(name, entry, found, scratch, buffers),
            AnswerAuthority::None => Err(NoPart::Elsewhere),
        }
    }

    fn zone_part<'s>(
        &self,
        name: NameRef<'_>,
        contents: &rhumb_zones::ZoneContents,
        zones: &impl ZoneFinder,
        buffers: &mut FollowBuffers,
    ) -> LinkPart<'s> {
        let FollowBuffers { part, compression, .. } = buffers;
        let (qtype, dnssec_ok) = (self.query.qtype, self.query.dnssec_ok());
        let mut w = MessageWriter::new(part, LONGEST, compression);
        // There is room for it.
        let _ = w.question(name, qtype, Class::IN);
        let asked = AnswerRequest { name, qtype, dnssec_ok, minimal_any: true };
        let reply = answer(contents, &asked, zones, &mut w);
        let length = w.finish(0, reply.rcode.0 & header::RCODE);
        LinkPart {
            length,
            rcode: reply.rcode,
            route: None,
            zone: Some(reply.kind),
            stale: false,
            authentic: false,
        }
    }

    fn route_part<'s>(
        &self,
        name: NameRef<'_>,
        entry: &'s RouteEntry,
        found: &[LinkAnswer],
        scratch: &mut QueryScratch,
        buffers: &mut FollowBuffers,
    ) -> Result<LinkPart<'s>, NoPart> {
        let question = OutboundQuestion {
            name: name.to_lowercase(),
            qtype: self.query.qtype,
            class: Class::IN,
            dnssec_ok: self.query.dnssec_ok(),
            checking_disabled: self.query.header.flags & header::CD != 0,
        };
        let id = entry.route.id();
        let mut failed = false;
        let known = found.iter().find(|link| link.route == id && link.question == question);
        let (length, stale) = if let Some(link) = known {
            if let Some(place) = buffers.part.get_mut(..link.message.len()) {
                place.copy_from_slice(&link.message);
            }
            (link.message.len(), link.stale)
        } else {
            let mut wire = std::mem::take(&mut scratch.question);
            wire.clear();
            wire.extend_from_slice(&question.to_wire());
            let key = super::cached::key_of(&question, &wire, id);
            let context = self.context;
            let hit =
                context.cache.look_up(&key, WantedAnswer::Fresh, context.now, LONGEST, &mut buffers.part);
            scratch.question = wire;
            let work = || ResolveWork {
                route: Arc::clone(&entry.route),
                question: question.clone(),
                known_only: false,
            };
            let Some(hit) = hit else {
                scratch.stats.cache = Some(CacheEvent::Miss);
                return Err(NoPart::Missing(work()));
            };
            // One stale link makes the whole answer one that is past its TTL.
            if scratch.stats.cache != Some(CacheEvent::Stale) {
                scratch.stats.cache = Some(super::cached::event_of(&hit));
            }
            if hit.prefetch {
                scratch.prefetch = Some(work());
            }
            failed = hit.failure;
            (hit.length, hit.stale)
        };
        let (length, reason) = take_reason(&mut buffers.part, length);
        if reason > 0 {
            buffers.reason = read_reason(&buffers.part, length, reason);
        }
        let low = buffers.part.get(3).map_or(0, |low| u16::from(*low));
        let rcode = Rcode(low & header::RCODE);
        // A failure of NOERROR is an empty answer.
        if failed && rcode != Rcode::NOERROR {
            return Err(NoPart::Failed(rcode, (ExtendedError::CachedError, "")));
        }
        let authentic = low & header::AD != 0 && !stale;
        Ok(LinkPart { length, rcode, route: Some(entry), zone: None, stale, authentic })
    }
}

/// Withholds what a name that `guard` is for leads to, where it holds a private address.
fn refuse_private(guard: Option<&RouteEntry>, message: &MessageView<'_>) -> Result<(), NoPart> {
    let Some(guard) = guard.filter(|_| holds_private_address(message.bytes())) else { return Ok(()) };
    guard.route.counters().private_answer();
    Err(NoPart::Failed(Rcode::NOERROR, PRIVATE_ADDRESS))
}

/// Writes the first `records` of a link's answer, and behind those of the last link what ends the answer.
fn put_link(
    w: &mut MessageWriter<'_, '_>,
    message: &MessageView<'_>,
    records: usize,
    last: bool,
    proofs: &mut Vec<WildcardProof>,
    data: &mut Vec<u8>,
) -> Result<(), BufferFull> {
    copy(w, message, MessageSection::Answer, records, data)?;
    if last {
        return finish(w, message, proofs, data);
    }
    keep_proofs(message, proofs).map_err(|_| BufferFull)
}

/// Copies the first `most` records of a section.
fn copy(
    w: &mut MessageWriter<'_, '_>,
    message: &MessageView<'_>,
    section: MessageSection,
    most: usize,
    data: &mut Vec<u8>,
) -> Result<(), BufferFull> {
    let mut owner = NameBuf::new();
    let records = message.records().map_while(Result::ok);
    for record in records.filter(|record| record.section == section && record.rtype != Type::OPT).take(most) {
        data.clear();
        if record.owner(&mut owner).is_err() || rdata::expand(&record, data).is_err() {
            continue;
        }
        put(w, section, owner.as_ref(), record.rtype, record.ttl, data)?;
    }
    Ok(())
}

fn put(
    w: &mut MessageWriter<'_, '_>,
    section: MessageSection,
    owner: NameRef<'_>,
    rtype: Type,
    ttl: u32,
    data: &[u8],
) -> Result<(), BufferFull> {
    w.record(section, owner, rtype, Class::IN, ttl, |w| rdata::write(w, rtype, data))
}

/// Keeps what proves the expansion of wildcards: NSEC and NSEC3 with their signatures.
fn keep_proofs(message: &MessageView<'_>, proofs: &mut Vec<WildcardProof>) -> Result<(), rdata::RdataError> {
    for record in message.records().map_while(Result::ok) {
        let mut data = Vec::new();
        let mut owner = NameBuf::new();
        if record.section != MessageSection::Authority || record.owner(&mut owner).is_err() {
            continue;
        }
        rdata::expand(&record, &mut data)?;
        let covered = data.first_chunk::<2>().map(|covered| Type(u16::from_be_bytes(*covered)));
        let rtype = if record.rtype == Type::RRSIG { covered.unwrap_or(Type(0)) } else { record.rtype };
        if matches!(rtype, Type::NSEC | Type::NSEC3) {
            proofs.push(WildcardProof { owner, rtype: record.rtype, ttl: record.ttl, rdata: data });
        }
    }
    Ok(())
}

/// The sections behind the answer: those of the last link, and the proofs of the others.
fn finish(
    w: &mut MessageWriter<'_, '_>,
    message: &MessageView<'_>,
    proofs: &[WildcardProof],
    data: &mut Vec<u8>,
) -> Result<(), BufferFull> {
    for proof in proofs {
        put(w, MessageSection::Authority, proof.owner.as_ref(), proof.rtype, proof.ttl, &proof.rdata)?;
    }
    copy(w, message, MessageSection::Authority, usize::MAX, data)?;
    // Additional records are a favour.
    let mark = w.mark();
    if copy(w, message, MessageSection::Additional, usize::MAX, data).is_err() {
        w.rollback(mark);
    }
    Ok(())
}

fn tell(name: NameRef<'_>, authority: AnswerAuthority<'_>, scan: &AliasScan, goes_on: bool) -> String {
    let by = match authority {
        AnswerAuthority::Zone(entry) => format!("zone {} ({})", entry.zone.name(), entry.place()),
        AnswerAuthority::BuiltIn(contents) => format!("built-in {}", contents.apex()),
        AnswerAuthority::Forward(entry) => format!("forward {} ({})", entry.route.domain(), entry.place),
        AnswerAuthority::None => "nothing".to_owned(),
    };
    let end = scan.end.as_ref();
    match (goes_on, scan.links) {
        (false, 0) => format!("{name} by {by}: the end"),
        (false, links) => format!("{name} by {by}: {links} aliases to {end}, the end"),
        (true, 0) => format!("{name} by {by}: delegated"),
        (true, links) => format!("{name} by {by}: {links} aliases to {end}"),
    }
}
