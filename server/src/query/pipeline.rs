//! The steps of a query, in their order.

use rhumb_wire::edns::ExtendedError;
use rhumb_wire::{Class, Rcode, Type, header};

use super::admit::{admit, usual};
use super::asking::Asking;
use super::client::Client;
use super::deny::{bad_cookie, deny};
use super::extras::Extras;
use super::finish::{Finish, Room};
use super::limit::From;
use super::moment::Moment;
use super::outcome::{Outcome, Purpose, Scratch, Tally};
use super::{authoritative, cached, chaos};
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
    scratch.tally = Tally::NOTHING;
    let query = match admit(message, client) {
        Ok(query) => query,
        Err(denied) => return deny(denied, message, client, moment, scratch, out),
    };
    let settings = &moment.snapshot.settings;
    let Ok(extras) = Extras::of(&query, client, settings) else {
        return bad_cookie(message, client, moment, scratch, out);
    };
    scratch.tally.qtype = query.qtype;
    scratch.tally.edns = query.edns.map(|edns| edns.dnssec_ok());
    let room = Room::of(&query, extras, client.proto(), settings, out.len());
    let asking = Asking { query: &query, client, moment, room };
    if usual(&query) { asking.route(scratch, out) } else { asking.unusual(scratch, out) }
}

impl Asking<'_, '_> {
    /// Looks for who answers: a zone, a name that never leaves this host, the cache, or an upstream.
    #[inline]
    fn route(&self, scratch: &mut Scratch, out: &mut [u8]) -> Outcome {
        let Self { query, client, moment, room } = self;
        let snapshot = moment.snapshot;
        if let Some(entry) = snapshot.zone_of(query.name, query.qtype) {
            let (length, mut left) = authoritative::from_zone(query, moment, entry, room, scratch, out);
            left.flags |= recursion_available(client, snapshot);
            return self.conclude(From::Zone(entry), left, length, scratch, out);
        }
        if !snapshot.allows(client.ip()) {
            scratch.note("route", || format!("{} may not ask for what no zone holds", client.ip()));
            return self.refuse(Rcode::REFUSED, (ExtendedError::Prohibited, ""), scratch, out);
        }
        match snapshot.way_out(query.name) {
            Way::BuiltIn(contents) => {
                let (length, mut left) = authoritative::from_built_in(query, contents, room, scratch, out);
                left.flags |= header::RA;
                self.conclude(From::BuiltIn(contents), left, length, scratch, out)
            }
            Way::Forward(_) if !query.recursion_desired() => {
                // Whether the cache holds a name is nobody's business (cache snooping).
                scratch.note("route", || "forwarded, but recursion is not desired".to_owned());
                let error = (ExtendedError::NotAuthoritative, "");
                self.refuse(Rcode::REFUSED, error, scratch, out)
            }
            Way::Forward(entry) => self.forward(entry, scratch, out),
            Way::Zone(_) | Way::Nobody => {
                scratch.note("route", || "no zone and no forwarded domain covers the name".to_owned());
                self.refuse(Rcode::REFUSED, (ExtendedError::NotAuthoritative, ""), scratch, out)
            }
        }
    }

    /// Other classes and meta-types: they are answered from zones, as types that no name has, and never asked elsewhere.
    #[cold]
    fn unusual(&self, scratch: &mut Scratch, out: &mut [u8]) -> Outcome {
        let Self { query, client, moment, room } = self;
        let snapshot = moment.snapshot;
        match (query.class, query.qtype) {
            (Class::CH, _) => return self.chaos(scratch, out),
            (_, Type::AXFR | Type::IXFR) => return self.refuse_transfer(scratch, out),
            (Class::IN, Type::ANY) => return self.route(scratch, out),
            _ => {}
        }
        let Some(entry) = snapshot.zone_of(query.name, query.qtype) else {
            scratch
                .note("route", || "no zone covers the name, and such a question is not forwarded".to_owned());
            return self.refuse(Rcode::REFUSED, (ExtendedError::NotAuthoritative, ""), scratch, out);
        };
        let (length, mut left) = authoritative::from_zone(query, moment, entry, room, scratch, out);
        left.flags |= recursion_available(client, snapshot);
        if query.class == Class::ANY {
            // There may be records of other classes elsewhere (RFC 1035 section 6.2).
            left.flags &= !header::AA;
        }
        self.conclude(From::Zone(entry), left, length, scratch, out)
    }

    fn chaos(&self, scratch: &mut Scratch, out: &mut [u8]) -> Outcome {
        let (settings, limit) = (&self.moment.snapshot.settings, self.room.message());
        scratch.note("route", || "the class CH".to_owned());
        match chaos::answer(self.query, settings, limit, &mut scratch.compression, out) {
            // What the server says of itself is limited as its errors are: it is the same for all zones.
            Some(length) => self.conclude(From::Nowhere, Finish::of(Rcode::NOERROR), length, scratch, out),
            None => self.refuse(Rcode::REFUSED, (ExtendedError::NotSupported, ""), scratch, out),
        }
    }

    /// Zones are given to nobody; whether the name is that of a zone is told (RFC 5936 section 2.2.1).
    fn refuse_transfer(&self, scratch: &mut Scratch, out: &mut [u8]) -> Outcome {
        let ours = self.moment.snapshot.zones.find_exact(self.query.name).is_some();
        scratch.note("route", || "zones are transferred to nobody".to_owned());
        if ours && self.query.class == Class::IN {
            self.refuse(Rcode::REFUSED, (ExtendedError::Prohibited, ""), scratch, out)
        } else {
            self.refuse(Rcode::NOTAUTH, (ExtendedError::NotAuthoritative, ""), scratch, out)
        }
    }

    /// Answers from what was learnt through a route, or makes the job that finds it out.
    fn forward(&self, entry: &RouteEntry, scratch: &mut Scratch, out: &mut [u8]) -> Outcome {
        let Self { query, client, moment, room } = self;
        scratch.note("route", || format!("forwarded by {} ({})", entry.route.domain(), entry.place));
        let found = cached::answer(query, moment, entry, room, scratch, out);
        let prefetch = scratch.tally.cache == Some(crate::metrics::CacheEvent::Prefetch);
        let purpose = if prefetch { Purpose::Prefetch } else { Purpose::Answer };
        let job = |question: &[u8]| cached::job(purpose, query, client, moment, entry, room.extras, question);
        match found {
            Some((length, left)) => {
                if prefetch {
                    scratch.prefetch = Some(job(&scratch.question));
                }
                self.conclude(From::Cache, left, length, scratch, out)
            }
            None => Outcome::Wait(job(&scratch.question)),
        }
    }
}

fn recursion_available(client: &Client<'_>, snapshot: &Snapshot) -> u16 {
    if !snapshot.routes.is_empty() && snapshot.allows(client.ip()) { header::RA } else { 0 }
}
