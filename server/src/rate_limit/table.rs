//! A table of rates: of fixed size, made once, without locks.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Rates that one hash may stand in: those of a cache line.
const WAYS: usize = 8;
/// The bits of an entry that are a time; the others tell hashes apart.
const TIME_BITS: u32 = 40;
const TIME: u64 = (1 << TIME_BITS) - 1;
/// How often an entry that others change at the same time is tried.
const TRIES: usize = 4;

/// Token buckets by the hash of what they count.
///
/// A bucket is one number: the time at which it is full again, in microseconds. A time further ahead than a bucket can be
/// empty is one that passed long ago. Of eight buckets that a hash may have, the one that is fullest makes room for another:
/// it forgets the least.
#[derive(Debug)]
pub struct RateTable {
    sets: Box<[Set]>,
}

#[derive(Debug)]
#[repr(align(64))]
struct Set([AtomicU64; WAYS]);

impl RateTable {
    /// A table of `size` buckets, a power of two, at least eight; all of them full.
    pub fn new(size: usize) -> Self {
        let sets = (size / WAYS).next_power_of_two();
        Self { sets: (0..sets).map(|_| Set([const { AtomicU64::new(0) }; WAYS])).collect() }
    }

    /// Takes a token out of the bucket of `hash` at `now`; false if there is none. A bucket holds what runs in within `window`
    /// microseconds, a token each `each` of them.
    #[inline]
    pub fn take(&self, hash: u64, now: u64, each: u64, window: u64) -> bool {
        let tag = hash & !TIME;
        let Some(Set(ways)) = self.sets.get(hash as usize & (self.sets.len() - 1)) else { return true };
        for _ in 0..TRIES {
            let Some((way, found, empty)) = choose(ways, tag, now, each.max(window)) else { return true };
            if empty + each > window.max(each) {
                return false;
            }
            let full_at = now.wrapping_add(empty + each) & TIME;
            if way.compare_exchange_weak(found, tag | full_at, Relaxed, Relaxed).is_ok() {
                return true;
            }
        }
        // Others take from the same bucket all the time: they are the ones to be limited.
        true
    }
}

/// The bucket of `tag`, what it holds, and how long it takes to fill; else the fullest, as if it were full.
#[inline]
fn choose(ways: &[AtomicU64; WAYS], tag: u64, now: u64, longest: u64) -> Option<(&AtomicU64, u64, u64)> {
    let mut fullest: Option<(&AtomicU64, u64, u64)> = None;
    for way in ways {
        let found = way.load(Relaxed);
        let ahead = found.wrapping_sub(now) & TIME;
        let empty = if ahead > longest { 0 } else { ahead };
        if found & !TIME == tag {
            return Some((way, found, empty));
        }
        if fullest.is_none_or(|(.., least)| empty < least) {
            fullest = Some((way, found, empty));
        }
    }
    fullest.map(|(way, found, _)| (way, found, 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: u64 = 1_000_000;

    #[test]
    fn a_bucket_gives_what_it_holds_and_what_runs_in() {
        let table = RateTable::new(64);
        for (hash, start) in [(1 << 50, 0), (2 << 50, 5 * SECOND), (3 << 50, TIME - 10), (4 << 50, 3 * TIME)]
        {
            let taken = (0..50).filter(|_| table.take(hash, start, SECOND / 20, SECOND)).count();
            assert_eq!(taken, 20, "at {start}");
            let later = (0..50).filter(|_| table.take(hash, start + SECOND / 4, SECOND / 20, SECOND)).count();
            assert_eq!(later, 5, "after {start}");
            assert!(
                table.take(hash + (9 << 50), start, SECOND, SECOND),
                "another hash is not counted with it"
            );
        }
    }

    #[test]
    fn a_rate_under_one_a_window_lets_one_through() {
        let table = RateTable::new(8);
        assert!(table.take(1, 0, 3 * SECOND, SECOND));
        assert!(!table.take(1, SECOND, 3 * SECOND, SECOND));
        assert!(table.take(1, 3 * SECOND, 3 * SECOND, SECOND));
    }

    /// Buckets that are limited stay while a flood of others goes through the same set.
    #[test]
    fn an_empty_bucket_outlives_a_flood() {
        let table = RateTable::new(8);
        let tag = |n: u64| n << TIME_BITS;
        while table.take(tag(1), 0, SECOND / 10, SECOND) {}
        for n in 2..10_000 {
            assert!(table.take(tag(n), n / 100, SECOND / 10, SECOND));
        }
        assert!(!table.take(tag(1), 100, SECOND / 10, SECOND));
    }

    #[test]
    fn threads_that_take_at_once_take_no_more_than_there_is() {
        let table = RateTable::new(8);
        let taken: usize = std::thread::scope(|scope| {
            let take = || (0..10_000).filter(|_| table.take(5, 1, SECOND / 100, SECOND)).count();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        // One that lost to others four times in a row is let through.
        assert!((100..140).contains(&taken), "{taken}");
    }

    proptest! {
        /// As a bucket by the book, while no other hash is about.
        #[test]
        fn as_a_bucket_by_the_book(
            steps in proptest::collection::vec(0_u64..400_000, 1..200), rate in 1_u64..2000, start in any::<u32>(),
        ) {
            let table = RateTable::new(8);
            let each = SECOND / rate;
            let (mut now, mut level) = (u64::from(start), SECOND);
            for step in steps {
                now += step;
                level = (level + step).min(SECOND);
                let expected = level >= each;
                prop_assert_eq!(table.take(9, now, each, SECOND), expected, "{} of {}", level, each);
                level -= if expected { each } else { 0 };
            }
        }
    }
}
