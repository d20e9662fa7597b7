//! `rhumb requests`: what is being resolved at this moment.

use serde::{Deserialize, Serialize};

use crate::snapshot::ServerState;

/// The most look-ups that are shown.
const MOST: usize = 1000;

/// What is being looked up, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ShownLookups {
    /// How many there are.
    pub count: usize,
    /// The oldest of them.
    pub lookups: Vec<ShownLookup>,
}

/// A question that is being looked up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ShownLookup {
    /// The name.
    pub name: String,
    /// The type.
    pub r#type: String,
    /// The domain of the `forward` or `stub` entry that it is asked by; the root for what is resolved from there.
    pub domain: String,
    /// Whether it is for queries with DO.
    pub dnssec_ok: bool,
    /// Whether it is for queries with CD.
    pub checking_disabled: bool,
    /// Milliseconds since it began.
    pub ms: u64,
}

/// The look-ups under way.
pub(super) fn lookups(live: &ServerState) -> ShownLookups {
    let (oldest, count) = live.lookups.oldest(MOST);
    let shown = oldest.iter().map(|lookup| ShownLookup {
        name: lookup.question.name.to_string(),
        r#type: lookup.question.qtype.to_string(),
        domain: lookup.domain.to_string(),
        dnssec_ok: lookup.question.dnssec_ok,
        checking_disabled: lookup.question.checking_disabled,
        ms: u64::try_from(lookup.since.elapsed().as_millis()).unwrap_or(u64::MAX),
    });
    ShownLookups { count, lookups: shown.collect() }
}
