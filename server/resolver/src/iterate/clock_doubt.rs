//! A clock that is far from the signatures of the root.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::limits;
use crate::validate::ValidationFailure;

/// Whether the clock of this host can be right, by the last signature of the root's keys.
#[derive(Debug, Default)]
pub(super) struct ClockDoubt(Mutex<DoubtState>);

#[derive(Debug, Default)]
struct DoubtState {
    /// Times that cannot be.
    impossible: Option<ImpossibleTimes>,
    /// Whether the clock ever was right.
    was_right: bool,
}

/// Seconds since 1970 that are far from the signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ImpossibleTimes {
    After(u32),
    Before(u32),
}

impl ImpossibleTimes {
    const fn holds(self, unix: u32) -> bool {
        match self {
            Self::After(last) => unix > last,
            Self::Before(first) => unix < first,
        }
    }
}

impl ClockDoubt {
    /// Whether a signature that failed so at `unix` would say of the clock that it is wrong, were it right but for its times.
    pub(super) const fn would_follow(failure: &ValidationFailure) -> bool {
        matches!(
            failure,
            ValidationFailure::Expired { seconds, .. } | ValidationFailure::NotYet { seconds, .. }
                if *seconds > limits::CLOCK_MARGIN
        )
    }

    /// The keys of the root are rightly signed, though for other times than `unix`, as `failure` says.
    pub(super) fn arise(&self, failure: &ValidationFailure, unix: u32) {
        let margin = limits::CLOCK_MARGIN;
        self.lock().impossible = match failure {
            ValidationFailure::Expired { seconds, .. } => {
                Some(ImpossibleTimes::After(unix.saturating_sub(*seconds).saturating_add(margin)))
            }
            ValidationFailure::NotYet { seconds, .. } => {
                Some(ImpossibleTimes::Before(unix.saturating_add(*seconds).saturating_sub(margin)))
            }
            _ => None,
        };
    }

    /// The keys of the root are rightly signed.
    pub(super) fn settle(&self) {
        *self.lock() = DoubtState { impossible: None, was_right: true };
    }

    /// Whether the clock cannot be right at `unix`.
    pub(super) fn is_far(&self, unix: u32) -> bool {
        self.lock().impossible.is_some_and(|times| times.holds(unix))
    }

    /// The same, and it never was right: later on old signatures may be ones that somebody shows again.
    pub(super) fn was_never_right(&self, unix: u32) -> bool {
        let state = self.lock();
        !state.was_right && state.impossible.is_some_and(|times| times.holds(unix))
    }

    fn lock(&self) -> MutexGuard<'_, DoubtState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use rhumb_wire::{DomainName, Type};

    use super::*;

    const NOW: u32 = 1_700_000_000;
    const YEAR: u32 = 365 * 86_400;

    fn expired(seconds: u32) -> ValidationFailure {
        let zone = DomainName::root();
        ValidationFailure::Expired { owner: zone.clone(), zone, rtype: Type::DNSKEY, tag: 1, seconds }
    }

    #[test]
    fn a_clock_is_far_until_it_is_set() {
        let doubt = ClockDoubt::default();
        assert!(!ClockDoubt::would_follow(&expired(86_400)), "a zone that was not signed in time");
        assert!(!ClockDoubt::would_follow(&expired(30 * 86_400)));
        assert!(ClockDoubt::would_follow(&expired(YEAR)));
        doubt.arise(&expired(YEAR), NOW + YEAR);
        assert!(doubt.is_far(NOW + YEAR) && doubt.was_never_right(NOW + YEAR));
        assert!(!doubt.is_far(NOW), "it was set");
        doubt.settle();
        assert!(!doubt.is_far(NOW + YEAR));
        doubt.arise(&expired(YEAR), NOW + YEAR);
        assert!(doubt.is_far(NOW + YEAR) && !doubt.was_never_right(NOW + YEAR));
    }

    #[test]
    fn a_clock_may_be_early_too() {
        let zone = DomainName::root();
        let early = ValidationFailure::NotYet {
            owner: zone.clone(),
            zone,
            rtype: Type::DNSKEY,
            tag: 1,
            seconds: YEAR,
        };
        let doubt = ClockDoubt::default();
        doubt.arise(&early, NOW);
        assert!(doubt.is_far(NOW) && !doubt.is_far(NOW + YEAR));
        let first = NOW + YEAR - limits::CLOCK_MARGIN;
        assert_eq!([first - 1, first].map(|unix| doubt.is_far(unix)), [true, false]);
        doubt.arise(&expired(YEAR), NOW + YEAR);
        let last = NOW + limits::CLOCK_MARGIN;
        assert_eq!([last, last + 1].map(|unix| doubt.is_far(unix)), [false, true]);
    }
}
