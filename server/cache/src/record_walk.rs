//! All records, a few at a time, so that nobody waits long for a lock.

use std::sync::Arc;

use crate::record_cache::{RecordCache, SHARDS};
use crate::record_set::LearntRecords;

/// Records taken under one lock.
const BATCH: usize = 512;

/// A walk over what is kept, the oldest of each shard first. What is learnt, used or pushed out meanwhile may be left out or come twice.
#[derive(Debug)]
pub struct RecordWalk<'c> {
    cache: &'c RecordCache,
    shard: usize,
    at: usize,
}

impl<'c> RecordWalk<'c> {
    /// Over all that `cache` keeps.
    pub const fn new(cache: &'c RecordCache) -> Self {
        Self { cache, shard: 0, at: 0 }
    }
}

impl Iterator for RecordWalk<'_> {
    type Item = Vec<Arc<LearntRecords>>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.shard < SHARDS {
            let found = self.cache.some_of_shard(self.shard, self.at, BATCH);
            (self.shard, self.at) =
                if found.is_some() { (self.shard, self.at + BATCH) } else { (self.shard + 1, 0) };
            if let Some(found) = found.filter(|found| !found.is_empty()) {
                return Some(found);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use rhumb_wire::Type;

    use super::*;
    use crate::record_set::{CredibilityRank, RecordContent, SecurityStatus};

    fn denial(number: u32) -> LearntRecords {
        LearntRecords {
            owner: format!("{number}.example").parse().unwrap(),
            rtype: Type::A,
            content: RecordContent::NoData,
            attached: Box::default(),
            credibility: CredibilityRank::Authoritative,
            security: SecurityStatus::Insecure,
            ttl: 60,
            stored: 100,
        }
    }

    #[test]
    fn every_record_comes_once_and_a_few_at_a_time() {
        let cache = RecordCache::new(1 << 30);
        assert_eq!(RecordWalk::new(&cache).count(), 0);
        for number in 0..100_000 {
            cache.put(denial(number));
            // Places that nothing stands at any more are passed over.
            if number % 3 == 0 {
                cache.put(denial(number / 2));
            }
        }
        let mut owners = HashSet::new();
        for batch in RecordWalk::new(&cache) {
            assert!(!batch.is_empty() && batch.len() <= BATCH);
            for learnt in batch {
                assert!(owners.insert(learnt.owner.to_string()));
            }
        }
        assert_eq!(owners.len(), 100_000);
    }

    #[test]
    fn what_is_known_already_is_not_restored() {
        let cache = RecordCache::new(1 << 20);
        cache.set_limits(1 << 20, (0, 30));
        assert!(cache.restore(denial(1)));
        assert!(!cache.restore(LearntRecords { stored: 500, ..denial(1) }));
        assert!(!cache.restore(LearntRecords { ttl: 0, ..denial(2) }));
        let found = cache.get(denial(1).owner.as_ref(), Type::A, 129).unwrap();
        assert_eq!((found.stored, found.ttl), (100, 30), "its TTL is held to the limit");
        assert_eq!(cache.figures().0, 1);
    }
}
