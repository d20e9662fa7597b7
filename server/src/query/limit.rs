//! Whether an answer is within the limits of its client's network.

use rhumb_wire::{NameRef, QueryMessage, Rcode};
use rhumb_zones::{MatchKind, ZoneContents};

use super::client::QueryClient;
use super::context::QueryContext;
use super::edns_context::EdnsContext;
use super::outcome::QueryScratch;
use crate::metrics::ResponseSource;
use crate::rate_limit::{RateLimit, RateVerdict, ResponseClass};
use crate::snapshot::ZoneEntry;

/// Where an answer comes from.
#[derive(Clone, Copy)]
pub(super) enum AnswerSource<'s> {
    /// A zone.
    Zone(&'s ZoneEntry),
    /// A zone that is built in.
    BuiltIn(&'s ZoneContents),
    /// Elsewhere.
    Cache,
    /// Nowhere: it is an error.
    Nowhere,
}

impl AnswerSource<'_> {
    /// As it is counted.
    #[inline]
    pub(super) const fn counted(self) -> Option<ResponseSource> {
        match self {
            Self::Zone(_) => Some(ResponseSource::Zone),
            Self::BuiltIn(_) => Some(ResponseSource::BuiltIn),
            Self::Cache => Some(ResponseSource::Cache),
            Self::Nowhere => None,
        }
    }
}

/// Whether limits apply: to datagrams whose sender may be forged, and not to questions of our own making.
#[inline]
pub(super) fn applies(client: &QueryClient<'_>, edns_context: &EdnsContext, scratch: &QueryScratch) -> bool {
    client.transport().is_datagram() && !edns_context.proven() && scratch.trace.is_none()
}

/// Judges an answer by what it says: not by the name that was asked, of which a flood has as many as it likes, but by what
/// in the zone stands for it.
pub(super) fn judge<'m>(
    limit: &RateLimit,
    query: &QueryMessage<'_>,
    client: &QueryClient<'_>,
    context: &QueryContext<'m>,
    from: AnswerSource<'m>,
    rcode: Rcode,
) -> RateVerdict {
    let judge = |says: ResponseClass<'_>| limit.judge(client.ip(), says, context.micros);
    match (rcode, from) {
        (_, AnswerSource::Nowhere) => judge(ResponseClass::Error),
        (Rcode::NXDOMAIN, AnswerSource::Zone(entry)) => {
            judge(ResponseClass::Denied(entry.zone.name().as_ref()))
        }
        (Rcode::NXDOMAIN, AnswerSource::BuiltIn(contents)) => judge(ResponseClass::Denied(contents.apex())),
        (Rcode::NXDOMAIN, AnswerSource::Cache) => {
            judge(ResponseClass::Denied(query.name.parent().unwrap_or(NameRef::ROOT)))
        }
        (Rcode::NOERROR | Rcode::YXDOMAIN, AnswerSource::Zone(entry)) => {
            context.with_contents(&entry.zone, |contents| match contents {
                Some(contents) => judge_owner(contents, query.name, judge),
                None => judge(ResponseClass::Error),
            })
        }
        (Rcode::NOERROR | Rcode::YXDOMAIN, AnswerSource::BuiltIn(contents)) => {
            judge_owner(contents, query.name, judge)
        }
        (Rcode::NOERROR, AnswerSource::Cache) => judge(ResponseClass::Name(query.name)),
        _ => judge(ResponseClass::Error),
    }
}

/// By the owner that was matched: the name itself, or the wildcard, the zone cut, the DNAME that answers for it.
fn judge_owner(
    contents: &ZoneContents,
    name: NameRef<'_>,
    judge: impl Fn(ResponseClass<'_>) -> RateVerdict,
) -> RateVerdict {
    match contents.lookup(name) {
        Some(found) if found.kind() != MatchKind::Exact => judge(ResponseClass::Name(found.owner().as_ref())),
        _ => judge(ResponseClass::Name(name)),
    }
}
