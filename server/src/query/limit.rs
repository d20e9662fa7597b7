//! Whether an answer is within the limits of its client's network.

use rhumb_wire::{NameRef, Query, Rcode};
use rhumb_zones::{Contents, MatchKind};

use super::client::Client;
use super::extras::Extras;
use super::moment::Moment;
use super::outcome::Scratch;
use crate::metrics::Proto;
use crate::rate_limit::{RateLimit, Says, Verdict};
use crate::snapshot::ZoneEntry;

/// Where an answer comes from.
#[derive(Clone, Copy)]
pub(super) enum From<'s> {
    /// A zone.
    Zone(&'s ZoneEntry),
    /// A zone that is built in.
    BuiltIn(&'s Contents),
    /// Elsewhere.
    Cache,
    /// Nowhere: it is an error.
    Nowhere,
}

/// Whether limits apply: to datagrams whose sender may be forged, and not to questions of our own making.
#[inline]
pub(super) fn applies(client: &Client<'_>, extras: &Extras, scratch: &Scratch) -> bool {
    client.proto() == Proto::Udp && !extras.proven() && scratch.trace.is_none()
}

/// Judges an answer by what it says: not by the name that was asked, of which a flood has as many as it likes, but by what
/// in the zone stands for it.
pub(super) fn judge<'m>(
    limit: &RateLimit,
    query: &Query<'_>,
    client: &Client<'_>,
    moment: &Moment<'m>,
    from: From<'m>,
    rcode: Rcode,
) -> Verdict {
    let judge = |says: Says<'_>| limit.judge(client.ip(), says, moment.micros);
    match (rcode, from) {
        (_, From::Nowhere) => judge(Says::Error),
        (Rcode::NXDOMAIN, From::Zone(entry)) => judge(Says::Denied(entry.zone.name().as_ref())),
        (Rcode::NXDOMAIN, From::BuiltIn(contents)) => judge(Says::Denied(contents.apex())),
        (Rcode::NXDOMAIN, From::Cache) => judge(Says::Denied(query.name.parent().unwrap_or(NameRef::ROOT))),
        (Rcode::NOERROR | Rcode::YXDOMAIN, From::Zone(entry)) => {
            moment.with_contents(&entry.zone, |contents| match contents {
                Some(contents) => judge_owner(contents, query.name, judge),
                None => judge(Says::Error),
            })
        }
        (Rcode::NOERROR | Rcode::YXDOMAIN, From::BuiltIn(contents)) => {
            judge_owner(contents, query.name, judge)
        }
        (Rcode::NOERROR, From::Cache) => judge(Says::Name(query.name)),
        _ => judge(Says::Error),
    }
}

/// By the owner that was matched: the name itself, or the wildcard, the zone cut, the DNAME that answers for it.
fn judge_owner(contents: &Contents, name: NameRef<'_>, judge: impl Fn(Says<'_>) -> Verdict) -> Verdict {
    match contents.lookup(name) {
        Some(found) if found.kind() != MatchKind::Exact => judge(Says::Name(found.owner().as_ref())),
        _ => judge(Says::Name(name)),
    }
}
