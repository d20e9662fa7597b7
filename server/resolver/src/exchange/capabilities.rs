//! What a server can do, as far as it was found out.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};

use super::cookie::ServerCookies;
use super::health::millis;
use super::limits;

/// Times are milliseconds of a clock that only grows; 0 is the past.
#[derive(Debug, Default)]
pub(super) struct ServerCapabilities {
    case_lost_until: AtomicU64,
    case_misses: AtomicU32,
    no_edns_until: AtomicU64,
    edns_misses: AtomicU32,
    /// Whether a reply with EDNS ever came.
    edns_seen: AtomicBool,
    without_edns_until: AtomicU64,
    pub(super) cookies: ServerCookies,
}

impl ServerCapabilities {
    /// Whether a question can be sent in mixed case.
    pub(super) fn keeps_case(&self, now: u64) -> bool {
        self.case_lost_until.load(Relaxed) <= now
    }

    /// A question came back as it was sent.
    pub(super) fn case_kept(&self) {
        self.case_misses.store(0, Relaxed);
    }

    /// A question came back in another case over UDP, which proves little.
    pub(super) fn case_missed(&self, now: u64) {
        if self.case_misses.fetch_add(1, Relaxed).saturating_add(1) >= limits::CASE_MISSES {
            self.case_lost(now);
        }
    }

    /// A question came back in another case over TCP: only the server itself does that.
    pub(super) fn case_lost(&self, now: u64) {
        self.case_misses.store(0, Relaxed);
        self.case_lost_until.store(now + millis(limits::CASE_MEMORY), Relaxed);
    }

    /// Whether a query can carry EDNS.
    pub(super) fn takes_edns(&self, now: u64) -> bool {
        self.no_edns_until.load(Relaxed) <= now
    }

    /// A query with EDNS was answered.
    pub(super) fn edns_taken(&self) {
        self.edns_misses.store(0, Relaxed);
        self.no_edns_until.store(0, Relaxed);
        self.without_edns_until.store(0, Relaxed);
    }

    /// A reply with EDNS came.
    pub(super) fn saw_edns(&self) {
        self.edns_seen.store(true, Relaxed);
    }

    /// Whether a reply with EDNS ever came: who has sent one does not drop queries with it.
    pub(super) fn has_edns(&self) -> bool {
        self.edns_seen.load(Relaxed)
    }

    /// Whether queries with EDNS found no reply a moment ago, so that the next question is asked without it first.
    pub(super) fn drops_edns(&self, now: u64) -> bool {
        self.without_edns_until.load(Relaxed) > now
    }

    /// Queries with EDNS were not answered, and one without it was or was not tried any more.
    pub(super) fn turned_out_to_drop_edns(&self, now: u64) {
        self.without_edns_until.store(now + millis(limits::DROPPED_EDNS_MEMORY), Relaxed);
    }

    /// An error with EDNS was followed by an answer without.
    pub(super) fn edns_refused(&self, now: u64) {
        if self.edns_misses.fetch_add(1, Relaxed).saturating_add(1) < limits::EDNS_MISSES {
            return;
        }
        self.edns_misses.store(0, Relaxed);
        self.no_edns_until.store(now + millis(limits::EDNS_MEMORY), Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_misses_in_a_row_take_mixed_case_away() {
        let known = ServerCapabilities::default();
        let miss = |times| (0..times).for_each(|_| known.case_missed(5));
        miss(limits::CASE_MISSES - 1);
        known.case_kept();
        miss(limits::CASE_MISSES - 1);
        assert!(known.keeps_case(5), "a question between them came back as it was sent");
        miss(1);
        assert!(!known.keeps_case(5));
        assert!(known.keeps_case(5 + millis(limits::CASE_MEMORY)), "it is tried again");
    }
}
