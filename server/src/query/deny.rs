//! Answers to what goes no further than the door.

use rhumb_wire::edns::ExtendedError;
use rhumb_wire::{Query, Rcode, header};

use super::admit::Denied;
use super::asking::Asking;
use super::client::Client;
use super::extras::Extras;
use super::finish::{Finish, Room, question_only};
use super::limit::{self, From};
use super::moment::Moment;
use super::outcome::{Outcome, Scratch};
use super::{bare, tsig};
use crate::metrics::DropReason;
use crate::rate_limit::{Says, Verdict};

/// Answers a query that was turned away.
#[cold]
pub(super) fn deny(
    denied: Denied,
    message: &[u8],
    client: &Client<'_>,
    moment: &Moment<'_>,
    scratch: &mut Scratch,
    out: &mut [u8],
) -> Outcome {
    scratch.note("admit", || format!("{denied:?}"));
    match denied {
        Denied::Drop(reason) => Outcome::Drop(reason),
        Denied::Header(rcode) => header_reply(message, rcode, client, moment, scratch, out),
        Denied::NoQuestion => no_question(message, client, moment, scratch, out),
        Denied::Question(..) | Denied::Key => {
            let Ok(query) = Query::parse(message) else {
                return header_reply(message, Rcode::FORMERR, client, moment, scratch, out);
            };
            let asking = match asking(&query, client, moment, scratch, out.len()) {
                Ok(asking) => asking,
                Err(asking) => return asking.turn_away(Rcode::FORMERR, None, scratch, out),
            };
            match denied {
                Denied::Question(rcode, error) => asking.turn_away(rcode, error, scratch, out),
                _ => asking.unknown_key(scratch, out),
            }
        }
    }
}

/// Answers a query whose cookie has a length that there is not (RFC 7873 section 5.2.2).
#[cold]
pub(super) fn bad_cookie(
    message: &[u8],
    client: &Client<'_>,
    moment: &Moment<'_>,
    scratch: &mut Scratch,
    out: &mut [u8],
) -> Outcome {
    deny(Denied::Question(Rcode::FORMERR, None), message, client, moment, scratch, out)
}

/// The query with what its options ask for. Errors: a cookie of a wrong length; the query as if it had none.
fn asking<'a, 'm>(
    query: &'a Query<'a>,
    client: &'a Client<'a>,
    moment: &'a Moment<'m>,
    scratch: &mut Scratch,
    room: usize,
) -> Result<Asking<'a, 'm>, Asking<'a, 'm>> {
    let settings = &moment.snapshot.settings;
    scratch.tally.qtype = query.qtype;
    scratch.tally.edns = query.edns.map(|edns| edns.dnssec_ok());
    let extras = Extras::of(query, client, settings);
    let good = extras.is_ok();
    let room = Room::of(query, extras.unwrap_or_default(), client.proto(), settings, room);
    let asking = Asking { query, client, moment, room };
    if good { Ok(asking) } else { Err(asking) }
}

/// A message without question: NOERROR and a cookie for one that asks for that alone, else FORMERR.
fn no_question(
    message: &[u8],
    client: &Client<'_>,
    moment: &Moment<'_>,
    scratch: &mut Scratch,
    out: &mut [u8],
) -> Outcome {
    let Some(query) = bare::read(message) else {
        return header_reply(message, Rcode::FORMERR, client, moment, scratch, out);
    };
    let found = asking(&query, client, moment, scratch, out.len());
    let (Ok(asking) | Err(asking)) = found;
    let rcode = match query.edns {
        Some(edns) if edns.version != 0 => Rcode::BADVERS,
        _ if found.is_ok() && asking.room.extras.cookie.is_some() => Rcode::NOERROR,
        _ => Rcode::FORMERR,
    };
    let length = question_only(None, &mut scratch.compression, out);
    asking.conclude(From::Nowhere, Finish::of(rcode), length, scratch, out)
}

impl Asking<'_, '_> {
    fn turn_away(
        &self,
        rcode: Rcode,
        error: Option<ExtendedError>,
        scratch: &mut Scratch,
        out: &mut [u8],
    ) -> Outcome {
        let length = question_only(Some(self.query), &mut scratch.compression, out);
        let left = Finish { error: error.map(|error| (error, "")), ..Finish::of(rcode) };
        self.conclude(From::Nowhere, left, length, scratch, out)
    }

    /// NOTAUTH with an unsigned TSIG that says BADKEY.
    fn unknown_key(&self, scratch: &mut Scratch, out: &mut [u8]) -> Outcome {
        let Some(unknown) = tsig::read(self.query) else {
            return self.turn_away(Rcode::FORMERR, None, scratch, out);
        };
        match self.turn_away(Rcode::NOTAUTH, None, scratch, out) {
            Outcome::Reply(length) if !scratch.tally.slipped => {
                Outcome::Reply(tsig::append(&unknown, length, self.room.whole, out))
            }
            outcome => outcome,
        }
    }
}

/// An answer to what could not be read: the header alone, id, opcode and RD repeated.
fn header_reply(
    message: &[u8],
    rcode: Rcode,
    client: &Client<'_>,
    moment: &Moment<'_>,
    scratch: &mut Scratch,
    out: &mut [u8],
) -> Outcome {
    let Some(asked) = header::Header::parse(message) else {
        return Outcome::Drop(DropReason::ShortMessage);
    };
    if let Some(limit) = &moment.snapshot.settings.rate_limit
        && limit::applies(client, &Extras::default(), scratch)
        && limit.judge(client.ip(), Says::Error, moment.micros) != Verdict::Pass
    {
        // It has no question that could be asked again by TCP, so that nothing slips.
        return Outcome::Drop(DropReason::RateLimited);
    }
    let length = question_only(None, &mut scratch.compression, out);
    scratch.tally.rcode = rcode;
    header::set_id(out, asked.id);
    header::set_flags(
        out,
        header::QR | (asked.flags & (header::OPCODE | header::RD)) | (rcode.0 & header::RCODE),
    );
    Outcome::Reply(length)
}
