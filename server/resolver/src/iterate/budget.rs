//! What a question may still cost.

use tokio::time::Instant;

use super::failure::IterationFailure;
use super::limits;
use super::work_limits::WorkLimits;
use super::zone_exchange::ExchangeBudget;
use crate::validate::HashBudget;

/// The budget of one client's question, over everything that is asked on its behalf.
#[derive(Debug)]
pub(super) struct WorkBudget {
    deadline: Instant,
    sends: usize,
    sends_of_fetch: usize,
    received: usize,
    failed_addresses: usize,
    checks: usize,
    pub(super) hashes: HashBudget,
}

impl WorkBudget {
    pub(super) fn new(limits: &WorkLimits, now: Instant) -> Self {
        Self {
            deadline: now + limits.time,
            sends: limits.sends,
            sends_of_fetch: limits.sends_of_fetch,
            received: limits.received,
            failed_addresses: limits.failed_addresses,
            checks: limits.checks,
            hashes: HashBudget::new(limits.hashes, limits.iterations),
        }
    }

    /// The part of it that the servers of one zone may take. Errors: `Deadline`, `Budget`.
    pub(super) fn of_fetch(&self, now: Instant) -> Result<ExchangeBudget, IterationFailure> {
        if now >= self.deadline {
            return Err(IterationFailure::Deadline);
        }
        if self.sends == 0 || self.received == 0 {
            return Err(IterationFailure::Budget);
        }
        Ok(ExchangeBudget {
            until: self.deadline.min(now + limits::FETCH),
            sends: self.sends.min(self.sends_of_fetch),
            received: self.received,
        })
    }

    /// Counts messages sent and bytes received.
    pub(super) fn spend(&mut self, (sends, received): (usize, usize)) {
        self.sends = self.sends.saturating_sub(sends);
        self.received = self.received.saturating_sub(received);
    }

    /// Counts an address that was looked for in vain.
    pub(super) fn address_failed(&mut self) {
        self.failed_addresses = self.failed_addresses.saturating_sub(1);
    }

    /// Whether addresses may still be looked for.
    pub(super) const fn may_seek_addresses(&self) -> bool {
        self.failed_addresses > 0
    }

    /// Counts a check of a signature; false if none may be made any more.
    pub(super) fn take_check(&mut self) -> bool {
        let left = self.checks.checked_sub(1);
        self.checks = left.unwrap_or(0);
        left.is_some()
    }

    /// When the question ends at the latest.
    pub(super) const fn deadline(&self) -> Instant {
        self.deadline
    }
}
