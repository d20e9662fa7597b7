//! Counters for what is not on the hot path: any thread may count, and a series goes when its last handle does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use super::histogram::{HistogramReading, SharedHistogram};
use super::labelled_handles::SharedFigures;
use super::labels::{DomainSource, LookupResult, RcodeLabel, UpstreamFailure};

/// What is counted for one upstream address.
#[derive(Debug, Default)]
pub struct UpstreamMetrics {
    requests: AtomicU64,
    stream_requests: AtomicU64,
    responses: [AtomicU64; RcodeLabel::COUNT],
    failures: [AtomicU64; UpstreamFailure::COUNT],
    /// The index of the last failure's reason, from 1; 0 before the first.
    last_failure: AtomicUsize,
    unhealthy: AtomicBool,
    taken_out: AtomicBool,
    durations: SharedHistogram,
}

impl UpstreamMetrics {
    /// Whether an operator has taken it out; not so at first.
    pub fn set_taken_out(&self, taken_out: bool) {
        self.taken_out.store(taken_out, Relaxed);
    }

    /// A query was sent, by a datagram or on a stream.
    pub fn request(&self, on_stream: bool) {
        self.requests.fetch_add(1, Relaxed);
        self.stream_requests.fetch_add(u64::from(on_stream), Relaxed);
    }

    /// An answer to it was accepted after this time.
    pub fn response(&self, rcode: u16, took: Duration) {
        if let Some(counter) = self.responses.get(RcodeLabel::of(rcode).index()) {
            counter.fetch_add(1, Relaxed);
        }
        self.durations.observe(took);
    }

    /// Nothing came that could be used.
    pub fn failure(&self, reason: UpstreamFailure) {
        if let Some(counter) = self.failures.get(reason.index()) {
            counter.fetch_add(1, Relaxed);
        }
        self.last_failure.store(reason.index() + 1, Relaxed);
    }

    /// Why the last query that failed did so; none before the first.
    pub fn last_failure(&self) -> Option<UpstreamFailure> {
        UpstreamFailure::ALL.get(self.last_failure.load(Relaxed).checked_sub(1)?).copied()
    }

    /// Whether it is thought to answer; true at first.
    pub fn set_healthy(&self, healthy: bool) {
        self.unhealthy.store(!healthy, Relaxed);
    }

    /// Queries that were sent; probes of an upstream that is down are not among them.
    pub fn requests(&self) -> u64 {
        self.requests.load(Relaxed)
    }

    /// Queries that were not answered in time.
    pub fn timeouts(&self) -> u64 {
        self.read_failure(UpstreamFailure::Timeout)
    }

    pub(super) fn read_response(&self, rcode: RcodeLabel) -> u64 {
        self.responses.get(rcode.index()).map_or(0, |counter| counter.load(Relaxed))
    }

    pub(super) fn read_stream_requests(&self) -> u64 {
        self.stream_requests.load(Relaxed)
    }

    pub(super) fn read_failure(&self, reason: UpstreamFailure) -> u64 {
        self.failures.get(reason.index()).map_or(0, |counter| counter.load(Relaxed))
    }

    pub(super) fn read_taken_out(&self) -> bool {
        self.taken_out.load(Relaxed)
    }

    pub(super) fn read_healthy(&self) -> bool {
        !self.unhealthy.load(Relaxed)
    }

    pub(super) fn read_durations(&self) -> HistogramReading {
        self.durations.read()
    }
}

impl SharedFigures for UpstreamMetrics {
    fn absorb(&self, other: &Self) {
        add(&self.requests, &other.requests);
        add(&self.stream_requests, &other.stream_requests);
        add_all(&self.responses, &other.responses);
        add_all(&self.failures, &other.failures);
        // Of one that is taken out nobody knows whether it answers.
        let taken_out = other.taken_out.load(Relaxed);
        self.taken_out.fetch_or(taken_out, Relaxed);
        self.unhealthy.fetch_or(!taken_out && other.unhealthy.load(Relaxed), Relaxed);
        self.durations.absorb(&other.durations);
    }
}

/// What is counted for one forwarded domain.
#[derive(Debug, Default)]
pub struct ForwardedDomain {
    lookups: [AtomicU64; LookupResult::COUNT],
    answers: [AtomicU64; DomainSource::COUNT],
    private_answers: AtomicU64,
    durations: SharedHistogram,
}

impl ForwardedDomain {
    /// A look-up ended after this time.
    pub fn lookup(&self, result: LookupResult, took: Duration) {
        if let Some(counter) = self.lookups.get(result.index()) {
            counter.fetch_add(1, Relaxed);
        }
        self.durations.observe(took);
    }

    /// A look-up was answered.
    pub fn answered_by(&self, source: DomainSource) {
        if let Some(counter) = self.answers.get(source.index()) {
            counter.fetch_add(1, Relaxed);
        }
    }

    pub(super) fn read_answers(&self, source: DomainSource) -> u64 {
        self.answers.get(source.index()).map_or(0, |counter| counter.load(Relaxed))
    }

    /// An answer was emptied for a private address in it.
    pub fn private_answer(&self) {
        self.private_answers.fetch_add(1, Relaxed);
    }

    pub(super) fn read_private_answers(&self) -> u64 {
        self.private_answers.load(Relaxed)
    }

    pub(super) fn read_lookups(&self, result: LookupResult) -> u64 {
        self.lookups.get(result.index()).map_or(0, |counter| counter.load(Relaxed))
    }

    pub(super) fn read_durations(&self) -> HistogramReading {
        self.durations.read()
    }
}

impl SharedFigures for ForwardedDomain {
    fn absorb(&self, other: &Self) {
        add_all(&self.lookups, &other.lookups);
        add_all(&self.answers, &other.answers);
        add(&self.private_answers, &other.private_answers);
        self.durations.absorb(&other.durations);
    }
}

/// What is counted for one watched list of upstreams.
#[derive(Debug, Default)]
pub struct ListMetrics {
    changes: AtomicU64,
    bad: AtomicBool,
}

impl ListMetrics {
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

impl SharedFigures for ListMetrics {
    fn absorb(&self, other: &Self) {
        add(&self.changes, &other.changes);
        self.bad.fetch_or(other.bad.load(Relaxed), Relaxed);
    }
}

/// What is shown of one certificate, or of one file with issuers of those of clients.
#[derive(Debug, Default)]
pub struct CertificateFigures {
    expires: AtomicU64,
    bad: AtomicBool,
}

impl CertificateFigures {
    /// When it expires, in seconds since 1970, if that is shown, and whether it is that of its files.
    pub fn set(&self, expires: Option<u64>, ok: bool) {
        self.expires.store(expires.unwrap_or(0), Relaxed);
        self.bad.store(!ok, Relaxed);
    }

    pub(super) fn read(&self) -> (Option<u64>, bool) {
        let expires = self.expires.load(Relaxed);
        ((expires > 0).then_some(expires), !self.bad.load(Relaxed))
    }
}

impl SharedFigures for CertificateFigures {
    /// The earliest expiry of all.
    fn absorb(&self, other: &Self) {
        let (mine, theirs) = (self.expires.load(Relaxed), other.expires.load(Relaxed));
        // 0 stands for none.
        let earliest = [mine, theirs].into_iter().filter(|expires| *expires > 0).min();
        self.expires.store(earliest.unwrap_or(0), Relaxed);
        self.bad.fetch_or(other.bad.load(Relaxed), Relaxed);
    }
}

fn add(sum: &AtomicU64, more: &AtomicU64) {
    sum.fetch_add(more.load(Relaxed), Relaxed);
}

fn add_all(sums: &[AtomicU64], more: &[AtomicU64]) {
    sums.iter().zip(more).for_each(|(sum, more)| add(sum, more));
}

/// What is shown of the log of the state.
#[derive(Debug, Default)]
pub struct StateLogFigures {
    bytes: AtomicU64,
    unwritable: AtomicBool,
    syncs: SharedHistogram,
}

impl StateLogFigures {
    /// The logs have so many bytes.
    pub fn set_bytes(&self, bytes: u64) {
        self.bytes.store(bytes, Relaxed);
    }

    /// The disk was waited for so long; whether it took what was written, and whether it did so the time before.
    pub fn synced(&self, took: Duration, written: Option<u64>) -> bool {
        self.syncs.observe(took);
        self.bytes.fetch_add(written.unwrap_or(0), Relaxed);
        !self.unwritable.swap(written.is_none(), Relaxed)
    }

    /// Something could not be written.
    pub fn failed(&self) {
        self.unwritable.store(true, Relaxed);
    }

    pub(super) fn read(&self) -> (u64, bool, HistogramReading) {
        (self.bytes.load(Relaxed), !self.unwritable.load(Relaxed), self.syncs.read())
    }
}

/// One unit of a gauge, given back on drop: a connection that is open, a query that waits.
#[derive(Debug)]
#[must_use = "dropped at once, it counts nothing"]
pub struct GaugeUnit(Arc<AtomicU64>);

impl GaugeUnit {
    pub(super) fn one_of(level: &Arc<AtomicU64>) -> Self {
        level.fetch_add(1, Relaxed);
        Self(Arc::clone(level))
    }

    /// A unit that is on no page.
    pub(super) fn nowhere() -> Self {
        Self::one_of(&Arc::default())
    }
}

impl Drop for GaugeUnit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
