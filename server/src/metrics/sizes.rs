//! Sizes of messages in buckets, for a single writer.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The first bound is 2 to this power, and each one after it twice the one before.
const FIRST: u32 = 5;
/// The last bound is 65,536: no message is longer.
const BUCKETS: usize = 12;

/// The bucket of a message of so many bytes.
#[inline]
const fn bucket_of(bytes: usize) -> usize {
    let power = usize::BITS - bytes.saturating_sub(1).leading_zeros();
    power.saturating_sub(FIRST) as usize
}

/// A histogram of sizes with one writing thread: no read-modify-write.
#[derive(Debug)]
pub(super) struct SizeHistogram {
    buckets: [AtomicU64; BUCKETS],
    sum: AtomicU64,
}

/// What a histogram of sizes held when it was read: messages for each bucket, and their bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SizeReading {
    pub(super) buckets: [u64; BUCKETS],
    pub(super) sum: u64,
}

impl SizeHistogram {
    pub(super) const fn new() -> Self {
        Self { buckets: [const { AtomicU64::new(0) }; BUCKETS], sum: AtomicU64::new(0) }
    }

    /// Adds a message of so many bytes.
    #[inline]
    pub(super) fn observe(&self, bytes: usize) {
        if let Some(bucket) = self.buckets.get(bucket_of(bytes)) {
            add(bucket, 1);
            add(&self.sum, bytes as u64);
        }
    }

    /// Adds what another one holds.
    pub(super) fn absorb(&self, other: &Self) {
        for (mine, theirs) in self.buckets.iter().zip(&other.buckets) {
            add(mine, theirs.load(Relaxed));
        }
        add(&self.sum, other.sum.load(Relaxed));
    }

    pub(super) fn read(&self) -> SizeReading {
        let buckets = self.buckets.each_ref().map(|bucket| bucket.load(Relaxed));
        SizeReading { buckets, sum: self.sum.load(Relaxed) }
    }
}

impl SizeReading {
    /// The upper bounds of the buckets, in bytes, and what is in each.
    pub(super) fn bounded(&self) -> impl Iterator<Item = (f64, u64)> {
        self.buckets
            .iter()
            .enumerate()
            .map(|(index, count)| (f64::from(1_u32 << (index as u32 + FIRST)), *count))
    }
}

#[inline]
fn add(counter: &AtomicU64, count: u64) {
    counter.store(counter.load(Relaxed).wrapping_add(count), Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_is_within_the_bound_of_its_bucket_and_no_smaller_one() {
        let sizes = SizeHistogram::new();
        let mut before = sizes.read();
        let mut sum = 0;
        for bytes in 0..=65_536_usize {
            sizes.observe(bytes);
            sum += bytes as u64;
            let now = sizes.read();
            let fits = |bound: f64| f64::from(u32::try_from(bytes).unwrap()) <= bound;
            let first = now.bounded().position(|(bound, _)| fits(bound)).unwrap();
            for (index, (was, is)) in before.buckets.iter().zip(now.buckets).enumerate() {
                assert_eq!(is - was, u64::from(index == first), "{bytes} bytes, bucket {index}");
            }
            before = now;
        }
        assert_eq!(before.sum, sum);
        sizes.observe(70_000);
        assert_eq!(sizes.read(), before);
    }

    #[test]
    fn readings_add_up() {
        let (one, other) = (SizeHistogram::new(), SizeHistogram::new());
        one.observe(40);
        other.observe(41);
        other.observe(512);
        one.absorb(&other);
        assert_eq!(one.read().sum, 593);
        assert_eq!(one.read().buckets[..5], [0, 2, 0, 0, 1]);
    }
}
