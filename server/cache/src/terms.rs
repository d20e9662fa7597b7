//! What is asked of the cache, what it gives, and the limits that it keeps to.

use crate::origin::AnswerOrigin;

/// The TTL that a stale answer leaves with (RFC 8767 section 4).
pub const STALE_TTL: u32 = 30;

/// How long things are kept and how much of them; the part of the configuration that the cache obeys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheLimits {
    /// Bytes for all entries together, bookkeeping included.
    pub size: u64,
    /// Seconds that an entry may be served after its TTL, when no upstream answers (RFC 8767); 0: never.
    pub serve_stale: u32,
    /// The least TTL in seconds.
    pub min_ttl: u32,
    /// The greatest TTL in seconds.
    pub max_ttl: u32,
    /// Whether popular entries are asked for again shortly before they run out.
    pub prefetch: bool,
}

impl CacheLimits {
    /// A TTL within the least and the greatest.
    pub(crate) fn hold(&self, ttl: u32) -> u32 {
        ttl.max(self.min_ttl).min(self.max_ttl)
    }
}

/// How an answer is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerTerms {
    /// For so many seconds, within the limits.
    pub ttl: u32,
    /// Where its aliases lead: the keeper's note, which comes back with each hit.
    pub aliases: u32,
    /// Where it was learnt.
    pub origin: AnswerOrigin,
    /// It is stale, and stands in where none is to be had: its TTL, which says when to ask again, stays as it is.
    pub stands_in: bool,
}

/// Which answers satisfy a look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WantedAnswer {
    /// Within its TTL; or beyond it while the upstreams are known to fail (RFC 8767 section 5, the failure recheck timer).
    Fresh,
    /// Also beyond its TTL: the upstreams failed, or took too long.
    Stale,
}

/// An answer out of the cache, already in the caller's buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheHit {
    /// Bytes of the message.
    pub length: usize,
    /// The message did not fit and was cut to its question; TC is set.
    pub truncated: bool,
    /// Served beyond its TTL.
    pub stale: bool,
    /// It was past its TTL when it was kept, and stands in for an answer that is not to be had.
    pub stands_in: bool,
    /// The caller is to ask for it again; said once for each entry.
    pub prefetch: bool,
    /// It reports a failure (RFC 9520).
    pub failure: bool,
    /// Where it was learnt.
    pub origin: AnswerOrigin,
    /// Seconds since it was learnt.
    pub age: u32,
    /// Seconds until its TTL runs out.
    pub left: u32,
    /// What its keeper noted of its aliases, see [`AnswerTerms`].
    pub aliases: u32,
}
