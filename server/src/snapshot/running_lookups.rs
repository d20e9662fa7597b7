//! What is being resolved at this moment, for `rhumb requests`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rhumb_resolver::OutboundQuestion;
use rhumb_wire::DomainName;

/// A question that is being looked up.
#[derive(Debug, Clone)]
pub struct RunningLookup {
    /// What is asked.
    pub question: OutboundQuestion,
    /// The domain of the route that it is asked by.
    pub domain: DomainName,
    /// When that began.
    pub since: Instant,
}

/// The look-ups under way, which are bounded in number elsewhere.
#[derive(Debug, Default)]
pub struct RunningLookups {
    state: Mutex<RunningState>,
}

#[derive(Debug, Default)]
struct RunningState {
    begun: u64,
    /// In the order in which they were begun.
    lookups: BTreeMap<u64, RunningLookup>,
}

/// A look-up under way, until this is dropped.
#[derive(Debug)]
pub struct RunningPlace {
    all: Arc<RunningLookups>,
    number: u64,
}

impl RunningLookups {
    /// A look-up begins.
    pub fn begin(self: &Arc<Self>, question: &OutboundQuestion, domain: &DomainName) -> RunningPlace {
        let lookup =
            RunningLookup { question: question.clone(), domain: domain.clone(), since: Instant::now() };
        let mut state = self.state();
        state.begun += 1;
        let number = state.begun;
        state.lookups.insert(number, lookup);
        drop(state);
        RunningPlace { all: Arc::clone(self), number }
    }

    /// The oldest of them, at most so many, and how many there are.
    pub fn oldest(&self, most: usize) -> (Vec<RunningLookup>, usize) {
        let state = self.state();
        (state.lookups.values().take(most).cloned().collect(), state.lookups.len())
    }

    fn state(&self) -> MutexGuard<'_, RunningState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for RunningPlace {
    fn drop(&mut self) {
        self.all.state().lookups.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use rhumb_wire::{NameRef, Type};

    use super::*;

    #[test]
    fn lookups_are_there_until_they_end() {
        let all = Arc::new(RunningLookups::default());
        let begin = |rtype| all.begin(&OutboundQuestion::new(NameRef::ROOT, rtype), &DomainName::root());
        let (first, second, _third) = (begin(Type::A), begin(Type::NS), begin(Type::MX));
        drop(first);
        let (oldest, count) = all.oldest(1);
        assert_eq!((oldest.len(), oldest[0].question.qtype, count), (1, Type::NS, 2));
        drop(second);
        assert_eq!(all.oldest(9).1, 1);
    }
}
