//! The steps of a query, in their order.

use rhumb_wire::edns::ExtendedError;
use rhumb_wire::{Query, Rcode, Type, header};

use super::admit::{Denied, admit};
use super::client::Client;
use super::finish::{Finish, Room, finish, question_only};
use super::moment::Moment;
use super::outcome::{Outcome, Purpose, Scratch};
use super::{authoritative, cached};
use crate::snapshot::{RouteEntry, Snapshot, Way};

/// Answers `message`, which `client` sent, into `out`; or says that nothing is sent; or what has to be found out first.
///
/// The same for every transport. It waits for nothing, and allocates nothing where the answer is at hand.
#[inline]
pub fn respond(
    message: &[u8],
    client: &Client<'_>,
    moment: &Moment<'_>,
    scratch: &mut Scratch,
    out: &mut [u8],
) -> Outcome {
    scratch.cache = None;
    scratch.qtype = Type(0);
    match admit(message, client) {
        Ok(query) => route(&query, client, moment, scratch, out),
        Err(denied) => deny(denied, message, client, moment, scratch, out),
    }
}

/// Looks for who answers: a zone, a name that never leaves this host, the cache, or an upstream.
fn route(
    query: &Query<'_>,
    client: &Client<'_>,
    moment: &Moment<'_>,
    scratch: &mut Scratch,
    out: &mut [u8],
) -> Outcome {
    scratch.qtype = query.qtype;
    let snapshot = moment.snapshot;
    let settings = &snapshot.settings;
    let room = Room::of(query, client.proto(), settings, out.len());
    if let Some(entry) = snapshot.zone_of(query.name, query.qtype) {
        let (length, mut left) = authoritative::from_zone(query, snapshot, entry, room, scratch, out);
        left.flags |= recursion_available(client, snapshot);
        return Outcome::Reply(finish(query, client.proto(), settings, room, left, length, out));
    }
    if !snapshot.allows(client.ip()) {
        scratch.note("route", || format!("{} may not ask for what no zone holds", client.ip()));
        return refuse(query, client, moment, (ExtendedError::Prohibited, ""), scratch, out);
    }
    match snapshot.way_out(query.name) {
        Way::BuiltIn(contents) => {
            let (length, mut left) = authoritative::from_built_in(query, contents, room, scratch, out);
            left.flags |= header::RA;
            Outcome::Reply(finish(query, client.proto(), settings, room, left, length, out))
        }
        Way::Forward(_) if !query.recursion_desired() => {
            // Whether the cache holds a name is nobody's business (cache snooping).
            scratch.note("route", || "forwarded, but recursion is not desired".to_owned());
            refuse(
                query,
                client,
                moment,
                (ExtendedError::NotAuthoritative, "recursion not desired"),
                scratch,
                out,
            )
        }
        Way::Forward(entry) => forward(query, client, moment, entry, room, scratch, out),
        Way::Zone(_) | Way::Nobody => {
            scratch.note("route", || "no zone and no forwarded domain covers the name".to_owned());
            refuse(query, client, moment, (ExtendedError::NotAuthoritative, ""), scratch, out)
        }
    }
}

fn recursion_available(client: &Client<'_>, snapshot: &Snapshot) -> u16 {
    if !snapshot.routes.is_empty() && snapshot.allows(client.ip()) { header::RA } else { 0 }
}

/// Answers from what was learnt through a route, or makes the job that finds it out.
fn forward(
    query: &Query<'_>,
    client: &Client<'_>,
    moment: &Moment<'_>,
    entry: &RouteEntry,
    room: Room,
    scratch: &mut Scratch,
    out: &mut [u8],
) -> Outcome {
    scratch.note("route", || format!("forwarded by {} ({})", entry.route.domain(), entry.place));
    let found = cached::answer(query, moment, entry, room, scratch, out);
    let prefetch = scratch.cache == Some(crate::metrics::CacheEvent::Prefetch);
    if found.is_some() && !prefetch {
        return found.map_or(Outcome::Reply(0), |(length, left)| {
            let settings = &moment.snapshot.settings;
            Outcome::Reply(finish(query, client.proto(), settings, room, left, length, out))
        });
    }
    let purpose = if prefetch { Purpose::Prefetch } else { Purpose::Answer };
    let job = cached::job(purpose, query, client, moment, entry, &scratch.question);
    match found {
        Some((length, left)) => {
            scratch.prefetch = Some(job);
            let settings = &moment.snapshot.settings;
            Outcome::Reply(finish(query, client.proto(), settings, room, left, length, out))
        }
        None => Outcome::Wait(job),
    }
}

fn refuse(
    query: &Query<'_>,
    client: &Client<'_>,
    moment: &Moment<'_>,
    error: (ExtendedError, &'static str),
    scratch: &mut Scratch,
    out: &mut [u8],
) -> Outcome {
    let settings = &moment.snapshot.settings;
    let room = Room::of(query, client.proto(), settings, out.len());
    let length = question_only(Some(query), &mut scratch.compression, out);
    let left = Finish { error: Some(error), ..Finish::of(Rcode::REFUSED) };
    Outcome::Reply(finish(query, client.proto(), settings, room, left, length, out))
}

fn deny(
    denied: Denied,
    message: &[u8],
    client: &Client<'_>,
    moment: &Moment<'_>,
    scratch: &mut Scratch,
    out: &mut [u8],
) -> Outcome {
    scratch.note("admit", || format!("{denied:?}"));
    match (denied, Query::parse(message)) {
        (Denied::Drop(reason), _) => Outcome::Drop(reason),
        (Denied::Question(rcode), Ok(query)) => {
            scratch.qtype = query.qtype;
            let settings = &moment.snapshot.settings;
            let room = Room::of(&query, client.proto(), settings, out.len());
            let length = question_only(Some(&query), &mut scratch.compression, out);
            Outcome::Reply(finish(&query, client.proto(), settings, room, Finish::of(rcode), length, out))
        }
        (Denied::Question(rcode) | Denied::Header(rcode), _) => header_reply(message, rcode, scratch, out),
    }
}

/// An answer to what could not be read: the header alone, id, opcode and RD repeated.
fn header_reply(message: &[u8], rcode: Rcode, scratch: &mut Scratch, out: &mut [u8]) -> Outcome {
    let Some(asked) = header::Header::parse(message) else {
        return Outcome::Drop(crate::metrics::DropReason::ShortMessage);
    };
    let length = question_only(None, &mut scratch.compression, out);
    header::set_id(out, asked.id);
    header::set_flags(
        out,
        header::QR | (asked.flags & (header::OPCODE | header::RD)) | (rcode.0 & header::RCODE),
    );
    Outcome::Reply(length)
}
