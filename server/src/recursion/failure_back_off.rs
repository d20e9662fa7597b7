//! How long failures are remembered: longer the more often a question failed in a row (RFC 9520 section 3.2).

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::{Mutex, PoisonError};

use foldhash::quality::RandomState;
use rhumb_resolver::OutboundQuestion;

/// The first time, in seconds; each further one doubles it.
const FIRST: u32 = 1;
/// The longest time, in seconds.
const LONGEST: u32 = 30;
/// The longest time where servers could not be reached: once the network is back, everything is to be found again in ten seconds.
const LONGEST_UNREACHABLE: u32 = 4;
/// After so many seconds without a failure a question begins anew.
const FORGET: u32 = 60;
/// Questions that are remembered.
const QUESTIONS: usize = 16_384;

/// Questions that failed. Shared by all look-ups.
#[derive(Debug, Default)]
pub(super) struct FailureBackOff {
    hasher: RandomState,
    /// By the hash of the question: how long the last failure was remembered, and when it was.
    failed: Mutex<HashMap<u64, (u32, u32), RandomState>>,
}

impl FailureBackOff {
    /// How long the failure of `question` at `now` is remembered, in seconds.
    pub(super) fn failed(&self, question: &OutboundQuestion, unreachable: bool, now: u32) -> u32 {
        let key = self.hasher.hash_one(question);
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = |&(time, at): &(u32, u32)| now.saturating_sub(at) < time + FORGET;
        let last = failed.get(&key).filter(|last| fresh(last));
        let longest = if unreachable { LONGEST_UNREACHABLE } else { LONGEST };
        let time = last.map_or(FIRST, |(time, _)| time.saturating_mul(2)).min(longest);
        if failed.len() >= QUESTIONS {
            failed.retain(|_, last| fresh(last));
            if failed.len() >= QUESTIONS {
                failed.clear();
            }
        }
        failed.insert(key, (time, now));
        time
    }

    /// A question was answered.
    pub(super) fn answered(&self, question: &OutboundQuestion) {
        let key = self.hasher.hash_one(question);
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use rhumb_wire::{NameRef, Type};

    use super::*;

    #[test]
    fn time_doubles_until_an_answer_comes() {
        let (back_off, question) = (FailureBackOff::default(), OutboundQuestion::new(NameRef::ROOT, Type::A));
        let times = |unreachable| {
            let mut now = 100;
            (0..7)
                .map(|_| {
                    now += 30;
                    back_off.failed(&question, unreachable, now)
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(times(false), [1, 2, 4, 8, 16, 30, 30]);
        back_off.answered(&question);
        assert_eq!(times(true), [1, 2, 4, 4, 4, 4, 4]);
        assert_eq!(back_off.failed(&question, false, 1000), 1);
        let other = OutboundQuestion::new(NameRef::ROOT, Type::NS);
        assert_eq!(back_off.failed(&other, false, 1000), 1);
    }

    #[test]
    fn memory_is_bounded() {
        let back_off = FailureBackOff::default();
        for number in 0..2 * QUESTIONS as u32 {
            let question = OutboundQuestion::new(NameRef::ROOT, Type(number as u16));
            let question = OutboundQuestion { dnssec_ok: number > 65_535, ..question };
            back_off.failed(&question, false, 1);
            assert!(back_off.failed.lock().unwrap().len() <= QUESTIONS);
        }
    }
}
