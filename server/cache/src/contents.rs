//! What the cache holds of a name, for people.

use crate::entry::{CacheEntry, EntryState};
use crate::origin::AnswerOrigin;

/// An entry as it is at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedEntry {
    /// The message, its TTLs aged. The type of the question is 0 in the denial of a name, which answers every type.
    pub message: Vec<u8>,
    /// The route it was asked through.
    pub route: u32,
    /// DNSSEC records were asked for (DO).
    pub dnssec_ok: bool,
    /// Checking was disabled (CD).
    pub checking_disabled: bool,
    /// Where it was learnt.
    pub origin: AnswerOrigin,
    /// Whether it says that there was no answer.
    pub failure: bool,
    /// Seconds since it was learnt.
    pub age: u32,
    /// Seconds until its TTL ends; 0 where it has ended.
    pub left: u32,
}

/// The entry as it is at `now`.
pub(crate) fn shown(entry: &CacheEntry, now: u32) -> CachedEntry {
    let (age, mut message) = (now.saturating_sub(entry.stored), vec![0; usize::from(u16::MAX)]);
    let length =
        entry.copy_to(&mut message, usize::from(u16::MAX), age, u32::MAX).map_or(0, |(length, _)| length);
    message.truncate(length);
    CachedEntry {
        message,
        route: entry.route,
        dnssec_ok: entry.bits & 1 != 0,
        checking_disabled: entry.bits & 2 != 0,
        origin: entry.origin,
        failure: entry.kind == EntryState::Failure,
        age,
        left: entry.expires().saturating_sub(now),
    }
}
