//! Answers that were given before and of which the records alone were kept.

use rhumb_cache::{ANY_TYPE, AnswerKey, AnswerTerms};
use rhumb_resolver::OutboundQuestion;
use rhumb_resolver::iterate::RecalledQuestion;
use rhumb_wire::{NameRef, QueryMessage, Type};

use super::alias_scan::{check_aliases, is_own_name};
use super::context::QueryContext;
use crate::snapshot::RouteEntry;

/// Makes the answer to `query` from what was learnt and keeps it under `key`, now that it is asked for again; none where something of it is
/// not known.
pub(super) fn remake_answer(
    query: &QueryMessage<'_>,
    context: &QueryContext<'_>,
    entry: &RouteEntry,
    key: &AnswerKey<'_>,
) -> Option<()> {
    let QueryContext { snapshot, server, now, .. } = *context;
    let route = entry.route.id();
    let settings = snapshot.iteration.remaking(route, query.qtype)?;
    let records = &server.resolver.records;
    let types = [query.qtype, Type::CNAME, ANY_TYPE];
    if !types.iter().any(|rtype| records.holds(query.name, *rtype)) {
        return None;
    }
    let question = OutboundQuestion {
        dnssec_ok: key.dnssec_ok,
        checking_disabled: key.checking_disabled,
        ..OutboundQuestion::new(query.name, query.qtype)
    };
    let own = |name: NameRef<'_>| is_own_name(snapshot, name, query.qtype, route);
    let asked = RecalledQuestion { state: &server.resolver, settings, question: &question, own: &own, now };
    let (found, learnt) = asked.recall_as_learnt()?;
    let (message, origin) = (&found.message, entry.route.state().failures);
    let aliases = check_aliases(snapshot, route, &question, message, found.whole);
    // It ages from when it was learnt, which is what `explain` tells of it.
    let terms = AnswerTerms { ttl: found.ttl, aliases, origin, stands_in: false };
    context.cache.keep(key, message, terms, learnt).ok()
}
