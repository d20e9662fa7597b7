//! How many queries are under way at a time: to one server, and to all of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Counts what is under way.
#[derive(Debug, Default)]
pub struct QueryPlaces(AtomicUsize);

/// A place among what is under way, until this is dropped.
#[derive(Debug)]
pub struct QueryPlace(Arc<QueryPlaces>);

impl QueryPlaces {
    /// A place, if fewer than `most` are taken.
    pub fn take(self: &Arc<Self>, most: usize) -> Option<QueryPlace> {
        let next = |taken: usize| (taken < most).then_some(taken + 1);
        self.0.try_update(Relaxed, Relaxed, next).ok().map(|_| QueryPlace(Arc::clone(self)))
    }

    /// The places that are taken.
    pub fn taken(&self) -> usize {
        self.0.load(Relaxed)
    }
}

impl Drop for QueryPlace {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_places_are_taken_than_there_are() {
        let places = Arc::<QueryPlaces>::default();
        let mut taken: Vec<_> = (0..3).map(|_| places.take(3).unwrap()).collect();
        assert!(places.take(3).is_none());
        // A lower bound holds for what comes.
        assert!(places.take(2).is_none());
        taken.pop();
        assert_eq!(places.taken(), 2);
        assert!(places.take(3).is_some() && places.take(2).is_none());
        drop(taken);
        assert_eq!(places.taken(), 0);
    }
}
