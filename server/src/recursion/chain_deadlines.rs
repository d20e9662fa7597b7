//! When clients have to be answered whose answers take several look-ups, each of which has its own time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use super::lookup::LookupKey;

/// The look-ups that such clients wait for, by the time at which one of them has to be answered. One entry a client that waits.
#[derive(Debug, Default)]
pub(super) struct ChainDeadlines {
    due: BTreeMap<(Instant, u64), Arc<LookupKey>>,
    /// Tells entries of one moment apart.
    added: u64,
}

impl ChainDeadlines {
    /// A client of this look-up has to be answered at `end`.
    pub(super) fn add(&mut self, end: Instant, key: &Arc<LookupKey>) {
        self.added += 1;
        self.due.insert((end, self.added), Arc::clone(key));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.due.is_empty()
    }

    /// The first of the times; now where there is none.
    pub(super) fn next(&self) -> tokio::time::Instant {
        self.due.first_key_value().map_or_else(Instant::now, |((end, _), _)| *end).into()
    }

    /// Takes out the look-ups whose time has come.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<Arc<LookupKey>> {
        let later = self.due.split_off(&(now, u64::MAX));
        std::mem::replace(&mut self.due, later).into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rhumb_resolver::OutboundQuestion;
    use rhumb_wire::{NameRef, Type};

    use super::*;

    #[test]
    fn what_is_due_is_taken_once() {
        let key = |route| {
            Arc::new(LookupKey {
                question: OutboundQuestion::new(NameRef::ROOT, Type::NS),
                route,
                upstreams: 1,
                known_only: false,
                explained: None,
            })
        };
        let (begun, mut deadlines) = (Instant::now(), ChainDeadlines::default());
        let at = |seconds| begun + Duration::from_secs(seconds);
        for (seconds, route) in [(3, 3), (1, 1), (1, 2), (2, 4)] {
            deadlines.add(at(seconds), &key(route));
        }
        assert_eq!(deadlines.next().into_std(), at(1));
        let routes = |keys: Vec<Arc<LookupKey>>| keys.iter().map(|key| key.route).collect::<Vec<_>>();
        assert_eq!(routes(deadlines.take_due(begun)), [0; 0]);
        assert_eq!(routes(deadlines.take_due(at(2))), [1, 2, 4]);
        assert_eq!(routes(deadlines.take_due(at(2))), [0; 0]);
        assert!(!deadlines.is_empty());
        assert_eq!(routes(deadlines.take_due(at(9))), [3]);
        assert!(deadlines.is_empty());
    }
}
