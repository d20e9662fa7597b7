//! What a question may still cost.

use std::time::Duration;

use tokio::time::Instant;

use super::failure::IterationFailure;
use super::question_cost::QuestionCost;
use super::work_limits::WorkLimits;
use super::zone_exchange::{ExchangeBudget, ExchangeEffort};
use crate::validate::{self, HashBudget};

/// The budget of one client's question, over everything that is asked on its behalf.
#[derive(Debug)]
pub(super) struct WorkBudget {
    deadline: Instant,
    sends: usize,
    sends_of_fetch: usize,
    received: usize,
    places_of_server: usize,
    failed_addresses: usize,
    checks: usize,
    wrong_checks: usize,
    spent: QuestionCost,
    pub(super) hashes: HashBudget,
}

impl WorkBudget {
    pub(super) fn new(limits: &WorkLimits, now: Instant) -> Self {
        Self {
            deadline: now + limits.time,
            sends: limits.sends,
            sends_of_fetch: limits.sends_of_fetch,
            received: limits.received,
            places_of_server: limits.places_of_server,
            failed_addresses: limits.failed_addresses,
            checks: limits.checks,
            wrong_checks: validate::limits::WRONG,
            spent: QuestionCost::default(),
            hashes: HashBudget::new(limits.hashes, limits.iterations),
        }
    }

    /// The part of it that the servers of one zone may take, and `time` at the most. Errors: `Deadline`, `Budget`.
    pub(super) fn of_fetch(&self, now: Instant, time: Duration) -> Result<ExchangeBudget, IterationFailure> {
        if now >= self.deadline {
            return Err(IterationFailure::Deadline);
        }
        if self.sends == 0 || self.received == 0 {
            return Err(IterationFailure::Budget);
        }
        Ok(ExchangeBudget {
            effort: ExchangeEffort::Whole,
            until: self.deadline.min(now + time),
            sends: self.sends.min(self.sends_of_fetch),
            received: self.received,
            places_of_server: self.places_of_server,
        })
    }

    /// Counts messages sent and bytes received.
    pub(super) fn spend(&mut self, (sends, received): (usize, usize)) {
        self.sends = self.sends.saturating_sub(sends);
        self.received = self.received.saturating_sub(received);
        self.spent.queries += sends;
        self.spent.received += received;
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
    pub(super) const fn take_check(&mut self) -> bool {
        let may = self.checks > 0 && self.wrong_checks > 0;
        self.checks -= may as usize;
        self.spent.signatures += may as usize;
        may
    }

    /// Counts a signature that turned out wrong.
    pub(super) const fn check_failed(&mut self) {
        self.wrong_checks = self.wrong_checks.saturating_sub(1);
    }

    /// What was spent so far.
    pub(super) const fn cost(&self) -> QuestionCost {
        QuestionCost { hashes: self.hashes.spent(), ..self.spent }
    }

    /// When the question ends at the latest.
    pub(super) const fn deadline(&self) -> Instant {
        self.deadline
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Right signatures are bounded by their number, wrong ones sooner.
    #[test]
    fn checks_end_with_either_bound() {
        let limits = WorkLimits::default();
        let budget = || WorkBudget::new(&limits, Instant::now());
        let mut right = budget();
        let taken = std::iter::repeat_with(|| right.take_check()).take_while(|taken| *taken).count();
        assert_eq!((taken, right.cost().signatures), (limits.checks, limits.checks));
        let mut wrong = budget();
        let mut taken = 0;
        while wrong.take_check() {
            wrong.check_failed();
            taken += 1;
        }
        assert_eq!((taken, wrong.cost().signatures), (validate::limits::WRONG, validate::limits::WRONG));
    }
}
