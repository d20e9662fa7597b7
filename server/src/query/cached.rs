//! Answers out of the cache, and the work for those that are not there.

use std::sync::Arc;

use rhumb_cache::{AnswerKey, CacheHit, WantedAnswer};
use rhumb_resolver::OutboundQuestion;
use rhumb_wire::edns::ExtendedError;
use rhumb_wire::{QueryMessage, Rcode, header};

use super::context::QueryContext;
use super::kept_reason::take_reason;
use super::outcome::{QueryScratch, ResolveWork};
use super::remade_answer::remake_answer;
use super::response::{ResponseHead, ResponseLimits};
use crate::metrics::CacheEvent;
use crate::snapshot::RouteEntry;

/// The question in lower case, as the cache keeps it.
pub(super) fn lowercase_question(query: &QueryMessage<'_>, into: &mut Vec<u8>) {
    into.clear();
    into.extend_from_slice(query.question_bytes());
    if let Some(name) = into.get_mut(..query.name.len()) {
        name.make_ascii_lowercase();
    }
}

/// An answer out of the cache.
pub(super) struct CachedAnswer {
    pub(super) length: usize,
    pub(super) head: ResponseHead,
    /// How its aliases were checked.
    pub(super) aliases: u32,
    /// It is to be asked for again.
    pub(super) prefetch: bool,
}

/// The key of a question in wire form, by the route of this number.
pub(super) const fn key_of<'k>(question: &OutboundQuestion, wire: &'k [u8], route: u32) -> AnswerKey<'k> {
    let OutboundQuestion { dnssec_ok, checking_disabled, .. } = *question;
    AnswerKey { question: wire, route, dnssec_ok, checking_disabled }
}

/// The key of what `query` asks by `route`.
pub(super) fn key<'k>(query: &QueryMessage<'_>, question: &'k [u8], route: u32) -> AnswerKey<'k> {
    AnswerKey {
        question,
        route,
        dnssec_ok: query.dnssec_ok(),
        checking_disabled: query.header.flags & header::CD != 0,
    }
}

/// Copies the cached answer into `out`, the question in the case it was asked. Gives its length, and what header and OPT
/// say.
#[inline]
pub(super) fn answer(
    query: &QueryMessage<'_>,
    context: &QueryContext<'_>,
    entry: &RouteEntry,
    limits: &ResponseLimits,
    scratch: &mut QueryScratch,
    out: &mut [u8],
) -> Option<CachedAnswer> {
    let mut question = std::mem::take(&mut scratch.question);
    lowercase_question(query, &mut question);
    let key = key(query, &question, entry.route.id());
    let look_up =
        |out: &mut [u8]| context.cache.look_up(&key, WantedAnswer::Fresh, context.now, limits.message(), out);
    let hit = look_up(out).or_else(|| {
        remake_answer(query, context, entry, &key)?;
        look_up(out)
    });
    scratch.question = question;
    let Some(hit) = hit else {
        scratch.stats.cache = Some(CacheEvent::Miss);
        scratch.note("cached", || "nothing".to_owned());
        return None;
    };
    scratch.stats.cache = Some(event_of(&hit));
    scratch.note("cached", || tell(&hit, context, entry));
    let (length, head) = complete(query, &hit, hit.length, out);
    Some(CachedAnswer { length, aliases: hit.aliases, head, prefetch: hit.prefetch })
}

/// As an answer out of the cache is counted.
#[inline]
pub(super) const fn event_of(hit: &CacheHit) -> CacheEvent {
    if hit.stale || hit.stands_in { CacheEvent::Stale } else { CacheEvent::Hit }
}

/// Restores the question's case in a message of `length` bytes out of the cache. Gives its length without what belongs into OPT, and what
/// header and OPT say.
#[inline]
pub(super) fn complete(
    query: &QueryMessage<'_>,
    hit: &CacheHit,
    length: usize,
    out: &mut [u8],
) -> (usize, ResponseHead) {
    restore_question(query, out);
    let (length, reason) = take_reason(out, length);
    let rcode = Rcode(out.get(3).map_or(0, |low| u16::from(*low) & header::RCODE));
    let error = match (hit.stale, hit.failure, rcode) {
        (true, _, Rcode::NXDOMAIN) => Some((ExtendedError::StaleNxdomain, "")),
        (true, ..) => Some((ExtendedError::StaleAnswer, "")),
        (_, true, _) => Some((ExtendedError::CachedError, "")),
        _ => None,
    };
    let truncated = if hit.truncated { header::TC } else { 0 };
    let flags = header::RA | truncated | authentic(query, hit, out) | (query.header.flags & header::CD);
    (length, ResponseHead { flags, error, reason, ..ResponseHead::of(rcode) })
}

/// AD of a kept answer, for those who ask for it, as long as it is fresh.
#[inline]
fn authentic(query: &QueryMessage<'_>, hit: &CacheHit, out: &[u8]) -> u16 {
    let kept = out.get(3).map_or(0, |low| u16::from(*low) & header::AD);
    if query.wants_authentic() && !hit.stale { kept } else { 0 }
}

/// The question as it was asked: the case of the name, which every owner that equals it points to, and the type, which the
/// denial of a name has not.
fn restore_question(query: &QueryMessage<'_>, out: &mut [u8]) {
    let asked = query.question_bytes();
    if let Some(question) = out.get_mut(header::LENGTH..header::LENGTH + asked.len()) {
        question.copy_from_slice(asked);
    }
}

fn tell(hit: &CacheHit, context: &QueryContext<'_>, entry: &RouteEntry) -> String {
    let state = entry.route.state();
    let from = state.members.iter().find(|member| member.origin == hit.origin);
    let from = from.map_or_else(|| "the route's upstreams".to_owned(), |member| member.identity.to_string());
    let kind = match (hit.failure, hit.stale) {
        (true, _) => "a failure",
        (_, true) => "a stale answer",
        _ => "an answer",
    };
    debug_assert!(context.cache.origins().is_live(hit.origin));
    format!("{kind} learnt from {from} {} s ago, {} s left", hit.age, hit.left)
}

/// The work that finds the answer.
pub(super) fn work(query: &QueryMessage<'_>, entry: &RouteEntry) -> ResolveWork {
    ResolveWork {
        route: Arc::clone(&entry.route),
        known_only: false,
        question: OutboundQuestion {
            name: query.name.to_lowercase(),
            qtype: query.qtype,
            class: query.class,
            dnssec_ok: query.dnssec_ok(),
            checking_disabled: query.header.flags & header::CD != 0,
        },
    }
}
