//! Counters for what is not on the hot path: any thread may count, and a series goes when its last handle does.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::histogram::{Reading, SharedHistogram};
use super::labels::RcodeLabel;

/// What is counted for one upstream address.
#[derive(Debug, Default)]
pub struct Upstream {
    requests: AtomicU64,
    responses: [AtomicU64; RcodeLabel::COUNT],
    timeouts: AtomicU64,
    unhealthy: AtomicBool,
    durations: SharedHistogram,
}

impl Upstream {
    /// A query was sent.
    pub fn request(&self) {
        self.requests.fetch_add(1, Relaxed);
    }

    /// An answer to it was accepted after this time.
    pub fn response(&self, rcode: u16, took: Duration) {
        if let Some(counter) = self.responses.get(RcodeLabel::of(rcode).index()) {
            counter.fetch_add(1, Relaxed);
        }
        self.durations.observe(took);
    }

    /// No answer came in time.
    pub fn timeout(&self) {
        self.timeouts.fetch_add(1, Relaxed);
    }

    /// Whether it is thought to answer; true at first.
    pub fn set_healthy(&self, healthy: bool) {
        self.unhealthy.store(!healthy, Relaxed);
    }

    pub(super) fn read_requests(&self) -> u64 {
        self.requests.load(Relaxed)
    }

    pub(super) fn read_response(&self, rcode: RcodeLabel) -> u64 {
        self.responses.get(rcode.index()).map_or(0, |counter| counter.load(Relaxed))
    }

    pub(super) fn read_timeouts(&self) -> u64 {
        self.timeouts.load(Relaxed)
    }

    pub(super) fn read_healthy(&self) -> bool {
        !self.unhealthy.load(Relaxed)
    }

    pub(super) fn read_durations(&self) -> Reading {
        self.durations.read()
    }
}

/// What is counted for one watched list of upstreams.
#[derive(Debug, Default)]
pub struct List {
    changes: AtomicU64,
    bad: AtomicBool,
}

impl List {
    /// The file was read and its list differs from the one before.
    pub fn changed(&self) {
        self.changes.fetch_add(1, Relaxed);
    }

    /// Whether the file holds a usable list; true at first.
    pub fn set_ok(&self, ok: bool) {
        self.bad.store(!ok, Relaxed);
    }

    pub(super) fn read_changes(&self) -> u64 {
        self.changes.load(Relaxed)
    }

    pub(super) fn read_ok(&self) -> bool {
        !self.bad.load(Relaxed)
    }
}

/// Handles by label. A label lives while somebody outside holds its handle; past `max` of them, new ones share `other`.
#[derive(Debug)]
pub(super) struct Keyed<T> {
    max: usize,
    live: Mutex<BTreeMap<String, Arc<T>>>,
    other: Arc<T>,
}

impl<T: Default> Keyed<T> {
    pub(super) fn new(max: usize) -> Self {
        Self { max, live: Mutex::default(), other: Arc::default() }
    }

    pub(super) fn get(&self, label: &str) -> Arc<T> {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(handle) = live.get(label) {
            return Arc::clone(handle);
        }
        if live.len() >= self.max {
            live.retain(|_, handle| Arc::strong_count(handle) > 1);
        }
        if live.len() >= self.max {
            return Arc::clone(&self.other);
        }
        let handle = Arc::<T>::default();
        live.insert(label.to_owned(), Arc::clone(&handle));
        handle
    }

    /// Every handle somebody holds; the labels nobody holds any more are forgotten.
    pub(super) fn held(&self) -> Vec<(String, Arc<T>)> {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        // No handle can be made from a dropped one while the map is locked, so a count of one stays one.
        live.retain(|_, handle| Arc::strong_count(handle) > 1);
        let mut held: Vec<_> =
            live.iter().map(|(label, handle)| (label.clone(), Arc::clone(handle))).collect();
        if Arc::strong_count(&self.other) > 1 {
            held.push(("other".to_owned(), Arc::clone(&self.other)));
        }
        held
    }
}

/// One unit of a gauge, given back on drop: a connection that is open, a query that waits.
#[derive(Debug)]
#[must_use = "dropped at once, it counts nothing"]
pub struct Held(Arc<AtomicU64>);

impl Held {
    pub(super) fn one_of(level: &Arc<AtomicU64>) -> Self {
        level.fetch_add(1, Relaxed);
        Self(Arc::clone(level))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
