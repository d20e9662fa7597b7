//! Durations in buckets: one kind for a single writer, one for many.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Upper bounds of the buckets; one more bucket takes what is longer than the last.
pub(super) const BOUNDS: [Duration; 18] = [
    Duration::from_micros(10),
    Duration::from_micros(25),
    Duration::from_micros(50),
    Duration::from_micros(100),
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2_500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_millis(2_500),
    Duration::from_secs(5),
];

const BUCKETS: usize = BOUNDS.len() + 1;

/// Most durations fall in the first buckets, so a walk from the front beats a binary search.
#[inline]
fn bucket_of(took: Duration) -> usize {
    BOUNDS.iter().position(|bound| took <= *bound).unwrap_or(BOUNDS.len())
}

/// What a histogram held when it was read: observations for each bucket, and the sum in seconds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct HistogramReading {
    pub(super) buckets: [u64; BUCKETS],
    pub(super) sum: f64,
}

/// A histogram with one writing thread: no read-modify-write.
#[derive(Debug)]
pub(super) struct WriterHistogram {
    buckets: [AtomicU64; BUCKETS],
    /// Seconds, as the bits of an `f64`: nanoseconds in a `u64` would overflow within days of a busy server.
    sum: AtomicU64,
}

impl WriterHistogram {
    pub(super) const fn new() -> Self {
        Self { buckets: [const { AtomicU64::new(0) }; BUCKETS], sum: AtomicU64::new(0) }
    }

    /// Adds `count` observations of the same duration.
    #[inline]
    pub(super) fn observe(&self, took: Duration, count: u64) {
        if let Some(bucket) = self.buckets.get(bucket_of(took)) {
            bucket.store(bucket.load(Relaxed).wrapping_add(count), Relaxed);
        }
        self.add_seconds(took.as_secs_f64() * float(count));
    }

    /// Adds what another one holds.
    pub(super) fn absorb(&self, other: &Self) {
        for (mine, theirs) in self.buckets.iter().zip(&other.buckets) {
            mine.store(mine.load(Relaxed).wrapping_add(theirs.load(Relaxed)), Relaxed);
        }
        self.add_seconds(f64::from_bits(other.sum.load(Relaxed)));
    }

    pub(super) fn read(&self) -> HistogramReading {
        HistogramReading { buckets: loads(&self.buckets), sum: f64::from_bits(self.sum.load(Relaxed)) }
    }

    #[inline]
    fn add_seconds(&self, seconds: f64) {
        self.sum.store((f64::from_bits(self.sum.load(Relaxed)) + seconds).to_bits(), Relaxed);
    }
}

/// A histogram any thread may write to.
#[derive(Debug)]
pub(super) struct SharedHistogram {
    buckets: [AtomicU64; BUCKETS],
    /// Microseconds: one atomic addition, and half a million years until it overflows.
    sum: AtomicU64,
}

impl Default for SharedHistogram {
    fn default() -> Self {
        Self { buckets: [const { AtomicU64::new(0) }; BUCKETS], sum: AtomicU64::new(0) }
    }
}

impl SharedHistogram {
    pub(super) fn observe(&self, took: Duration) {
        if let Some(bucket) = self.buckets.get(bucket_of(took)) {
            bucket.fetch_add(1, Relaxed);
        }
        self.sum.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Relaxed);
    }

    /// Adds what another one holds.
    pub(super) fn absorb(&self, other: &Self) {
        for (mine, theirs) in self.buckets.iter().zip(&other.buckets) {
            mine.fetch_add(theirs.load(Relaxed), Relaxed);
        }
        self.sum.fetch_add(other.sum.load(Relaxed), Relaxed);
    }

    pub(super) fn read(&self) -> HistogramReading {
        HistogramReading { buckets: loads(&self.buckets), sum: float(self.sum.load(Relaxed)) / 1e6 }
    }
}

fn loads(buckets: &[AtomicU64; BUCKETS]) -> [u64; BUCKETS] {
    buckets.each_ref().map(|bucket| bucket.load(Relaxed))
}

/// A count as the floating-point number Prometheus knows only.
#[inline]
#[expect(clippy::cast_precision_loss, reason = "every Prometheus value is an f64, exact up to 2^53")]
pub(super) const fn float(count: u64) -> f64 {
    count as f64
}
