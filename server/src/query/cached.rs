//! Answers out of the cache, and the job for those that are not there.

use std::sync::Arc;

use rhumb_cache::{Hit, Key, Want};
use rhumb_resolver::Question;
use rhumb_wire::edns::ExtendedError;
use rhumb_wire::{NameRef, Query, Rcode, header};

use super::client::Client;
use super::extras::Extras;
use super::finish::{Finish, Room};
use super::moment::Moment;
use super::outcome::{Job, Purpose, Scratch};
use crate::metrics::CacheEvent;
use crate::snapshot::RouteEntry;

/// The question in lower case, as the cache keeps it.
pub(super) fn lowercase_question(query: &Query<'_>, into: &mut Vec<u8>) {
    into.clear();
    into.extend_from_slice(query.question_bytes());
    if let Some(name) = into.get_mut(..query.name.len()) {
        name.make_ascii_lowercase();
    }
}

/// The key of what `query` asks by `route`.
pub(super) fn key<'k>(query: &Query<'_>, question: &'k [u8], route: u32) -> Key<'k> {
    Key {
        question,
        route,
        dnssec_ok: query.dnssec_ok(),
        checking_disabled: query.header.flags & header::CD != 0,
    }
}

/// Copies the cached answer into `out`, the question in the case it was asked. Gives its length and what is left to do.
#[inline]
pub(super) fn answer(
    query: &Query<'_>,
    moment: &Moment<'_>,
    entry: &RouteEntry,
    room: &Room,
    scratch: &mut Scratch,
    out: &mut [u8],
) -> Option<(usize, Finish)> {
    let mut question = std::mem::take(&mut scratch.question);
    lowercase_question(query, &mut question);
    let key = key(query, &question, entry.route.id());
    let hit = moment.cache.look_up(&key, Want::Fresh, moment.now, room.message(), out);
    scratch.question = question;
    let Some(hit) = hit else {
        scratch.tally.cache = Some(CacheEvent::Miss);
        scratch.note("cached", || "nothing".to_owned());
        return None;
    };
    scratch.tally.cache = Some(match (hit.stale, hit.prefetch) {
        (true, _) => CacheEvent::Stale,
        (_, true) => CacheEvent::Prefetch,
        _ => CacheEvent::Hit,
    });
    scratch.note("cached", || tell(&hit, moment, entry));
    Some((hit.length, complete(query, &hit, out)))
}

/// What is left to do for a message out of the cache: the question's case, the flags.
pub(super) fn complete(query: &Query<'_>, hit: &Hit, out: &mut [u8]) -> Finish {
    restore_question(query, out);
    let rcode = Rcode(out.get(3).map_or(0, |low| u16::from(*low) & header::RCODE));
    let error = match (hit.stale, hit.failure, rcode) {
        (true, _, Rcode::NXDOMAIN) => Some((ExtendedError::StaleNxdomain, "")),
        (true, ..) => Some((ExtendedError::StaleAnswer, "")),
        (_, true, _) => Some((ExtendedError::CachedError, "")),
        _ => None,
    };
    let truncated = if hit.truncated { header::TC } else { 0 };
    Finish { flags: header::RA | truncated | (query.header.flags & header::CD), error, ..Finish::of(rcode) }
}

/// The question as it was asked: the case of the name, which every owner that equals it points to, and the type, which the
/// denial of a name has not.
fn restore_question(query: &Query<'_>, out: &mut [u8]) {
    let asked = query.question_bytes();
    if let Some(question) = out.get_mut(header::LENGTH..header::LENGTH + asked.len()) {
        question.copy_from_slice(asked);
    }
}

fn tell(hit: &Hit, moment: &Moment<'_>, entry: &RouteEntry) -> String {
    let state = entry.route.state();
    let from = state.members.iter().find(|member| member.origin == hit.origin);
    let from = from.map_or_else(|| "the route's upstreams".to_owned(), |member| member.address.to_string());
    let kind = match (hit.failure, hit.stale) {
        (true, _) => "a failure",
        (_, true) => "a stale answer",
        _ => "an answer",
    };
    debug_assert!(moment.cache.origins().is_live(hit.origin));
    format!("{kind} learnt from {from} {} s ago, {} s left", hit.age, hit.left)
}

/// The job that finds the answer.
pub(super) fn job(
    purpose: Purpose,
    query: &Query<'_>,
    client: &Client<'_>,
    moment: &Moment<'_>,
    entry: &RouteEntry,
    extras: Extras,
    key: &[u8],
) -> Box<Job> {
    let name = key.get(..query.name.len()).and_then(|name| NameRef::parse(name).ok()).unwrap_or(query.name);
    Box::new(Job {
        purpose,
        query: query.message.into(),
        peer: client.peer(),
        local: client.local(),
        proto: client.proto(),
        extras,
        snapshot: Arc::clone(moment.snapshot),
        route: Arc::clone(&entry.route),
        question: Question {
            name: name.to_lowercase(),
            qtype: query.qtype,
            class: query.class,
            dnssec_ok: query.dnssec_ok(),
            checking_disabled: query.header.flags & header::CD != 0,
        },
        key: key.into(),
    })
}
