//! `rhumb cache show`: what is cached of a name.

use rhumb_wire::{DomainName, MessageView, Type};
use serde::{Deserialize, Serialize};

use super::explain::record_text;
use crate::snapshot::{RouteEntry, ServerState};

/// The most entries that are shown: of one name there are at most some for each type and domain.
const MOST: usize = 1000;

/// An answer in the cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ShownCacheEntry {
    /// The type that it answers; `any` for a name that does not exist.
    pub r#type: String,
    /// The forwarded domain that it was asked through; none once that is gone.
    pub domain: Option<String>,
    /// The upstream that it was learnt from; none for a failure of all of them.
    pub upstream: Option<String>,
    /// The response code's mnemonic.
    pub rcode: String,
    /// Whether it stands for a failure.
    pub failure: bool,
    /// Whether it is for queries with DO, and for those with CD.
    pub dnssec_ok: bool,
    /// Whether it is for queries with CD.
    pub checking_disabled: bool,
    /// Seconds since it was learnt.
    pub age: u32,
    /// Seconds until its TTL ends; 0 where it is stale.
    pub left: u32,
    /// Its records in presentation form.
    pub records: Vec<String>,
}

/// What is cached of `name`, by type.
pub(super) fn entries(live: &ServerState, name: &DomainName) -> Vec<ShownCacheEntry> {
    let snapshot = live.snapshot.load();
    let lower = name.as_ref().to_lowercase();
    let found = live.cache.entries_of(lower.as_ref(), live.clock.now(), MOST);
    let mut answers: Vec<ShownCacheEntry> = found
        .iter()
        .filter_map(|entry| {
            let mut routes = snapshot.view.routes.iter().map(|(_, known)| known);
            answer(entry, routes.find(|known| known.route.id() == entry.route))
        })
        .collect();
    answers.sort_by(|a, b| (&a.r#type, &a.domain, a.dnssec_ok).cmp(&(&b.r#type, &b.domain, b.dnssec_ok)));
    answers
}

/// None for a message that cannot be read, which the cache does not take.
fn answer(entry: &rhumb_cache::CachedEntry, route: Option<&RouteEntry>) -> Option<ShownCacheEntry> {
    let message = MessageView::parse(&entry.message).ok()?;
    let qtype = message.question().ok()??.qtype;
    let state = route.map(|route| route.route.state());
    let member = state.iter().flat_map(|state| &state.members).find(|member| member.origin == entry.origin);
    Some(ShownCacheEntry {
        r#type: if qtype == Type(0) { "any".to_owned() } else { qtype.to_string() },
        domain: route.map(|route| route.route.domain().to_string()),
        upstream: member.map(|member| member.identity.to_string()),
        rcode: message.rcode().ok()?.to_string(),
        failure: entry.failure,
        dnssec_ok: entry.dnssec_ok,
        checking_disabled: entry.checking_disabled,
        age: entry.age,
        left: entry.left,
        records: message.records().filter_map(|record| record_text(&record.ok()?).ok()).collect(),
    })
}
