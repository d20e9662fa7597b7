//! The counters of one thread.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::histogram::{HistogramReading, WriterHistogram};
use rhumb_wire::Transport;

use super::labels::{
    AccessList, CacheEvent, ClientFamily, DropReason, RcodeLabel, ResponseSource, TypeLabel,
};
use super::sizes::{SizeHistogram, SizeReading};

/// A counter with one writing thread. A load and a store cost half a nanosecond where `fetch_add` costs five.
#[derive(Debug)]
struct Counter(AtomicU64);

impl Counter {
    const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    #[inline]
    fn add(&self, count: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(count), Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

const REQUESTS: usize = Transport::ALL.len() * ClientFamily::COUNT * TypeLabel::COUNT;

#[inline]
const fn request_index(transport: Transport, family: ClientFamily, qtype: TypeLabel) -> usize {
    (transport as usize * ClientFamily::COUNT + family.index()) * TypeLabel::COUNT + qtype.index()
}

#[inline]
fn add_at(counters: &[Counter], index: usize) {
    if let Some(counter) = counters.get(index) {
        counter.add(1);
    }
}

fn read_at(counters: &[Counter], index: usize) -> u64 {
    counters.get(index).map_or(0, Counter::read)
}

/// The counters of one thread, written by that thread only and read by any.
///
/// Counting from two threads into one block loses counts; it does nothing worse. The alignment keeps the blocks of two
/// threads, and the pairs of cache lines that processors fetch together, apart.
#[derive(Debug)]
#[repr(align(128))]
pub struct CounterBlock {
    requests: [Counter; REQUESTS],
    responses: [Counter; RcodeLabel::COUNT],
    sources: [Counter; ResponseSource::COUNT],
    refused: [Counter; AccessList::COUNT],
    durations: [WriterHistogram; Transport::ALL.len()],
    request_sizes: [SizeHistogram; Transport::ALL.len()],
    response_sizes: [SizeHistogram; Transport::ALL.len()],
    cache: [Counter; CacheEvent::COUNT],
    dropped: [Counter; DropReason::COUNT],
    edns: Counter,
    dnssec_ok: Counter,
    truncated: Counter,
    slipped: Counter,
    panics: Counter,
}

impl CounterBlock {
    pub(super) const fn new() -> Self {
        Self {
            requests: [const { Counter::new() }; REQUESTS],
            responses: [const { Counter::new() }; RcodeLabel::COUNT],
            sources: [const { Counter::new() }; ResponseSource::COUNT],
            refused: [const { Counter::new() }; AccessList::COUNT],
            durations: [const { WriterHistogram::new() }; Transport::ALL.len()],
            request_sizes: [const { SizeHistogram::new() }; Transport::ALL.len()],
            response_sizes: [const { SizeHistogram::new() }; Transport::ALL.len()],
            cache: [const { Counter::new() }; CacheEvent::COUNT],
            dropped: [const { Counter::new() }; DropReason::COUNT],
            edns: Counter::new(),
            dnssec_ok: Counter::new(),
            truncated: Counter::new(),
            slipped: Counter::new(),
            panics: Counter::new(),
        }
    }

    /// A query whose question could be read.
    #[inline]
    pub fn request(&self, transport: Transport, family: ClientFamily, qtype: u16) {
        add_at(&self.requests, request_index(transport, family, TypeLabel::of(qtype)));
    }

    /// Such a query has so many bytes.
    #[inline]
    pub fn request_size(&self, transport: Transport, bytes: usize) {
        if let Some(sizes) = self.request_sizes.get(transport as usize) {
            sizes.observe(bytes);
        }
    }

    /// The query carried EDNS (RFC 6891), with the DO bit or without.
    #[inline]
    pub fn edns(&self, dnssec_ok: bool) {
        self.edns.add(1);
        self.dnssec_ok.add(u64::from(dnssec_ok));
    }

    /// A response was made; `rcode` with its upper eight bits from the OPT record (RFC 6891, section 6.1.3).
    #[inline]
    pub fn response(&self, rcode: u16, source: ResponseSource) {
        add_at(&self.responses, RcodeLabel::of(rcode).index());
        add_at(&self.sources, source.index());
    }

    /// A response message has so many bytes.
    #[inline]
    pub fn response_size(&self, transport: Transport, bytes: usize) {
        if let Some(sizes) = self.response_sizes.get(transport as usize) {
            sizes.observe(bytes);
        }
    }

    /// An access list refused a query.
    #[inline]
    pub fn refused(&self, list: AccessList) {
        add_at(&self.refused, list.index());
    }

    /// The response left with TC=1.
    #[inline]
    pub fn truncated(&self) {
        self.truncated.add(1);
    }

    /// The response is over the limit of its rate and was sent empty.
    #[inline]
    pub fn slipped(&self) {
        self.slipped.add(1);
    }

    /// A query or a reply went no further.
    #[inline]
    pub fn dropped(&self, reason: DropReason) {
        add_at(&self.dropped, reason.index());
    }

    /// `count` queries took this long each, from reading to handing over the reply. A batch of datagrams is one call.
    #[inline]
    pub fn duration(&self, transport: Transport, took: Duration, count: u64) {
        if let Some(histogram) = self.durations.get(transport as usize) {
            histogram.observe(took, count);
        }
    }

    /// What the cache did for a query.
    #[inline]
    pub fn cache(&self, event: CacheEvent) {
        add_at(&self.cache, event.index());
    }

    /// A panic was caught, and the thread went on.
    #[inline]
    pub fn panic(&self) {
        self.panics.add(1);
    }

    /// Adds everything another block holds. The caller is this block's one writer.
    pub(super) fn absorb(&self, other: &Self) {
        for (mine, theirs) in self.all().zip(other.all()) {
            mine.add(theirs.read());
        }
        for (mine, theirs) in self.durations.iter().zip(&other.durations) {
            mine.absorb(theirs);
        }
        for (mine, theirs) in self.sizes().zip(other.sizes()) {
            mine.absorb(theirs);
        }
    }

    fn sizes(&self) -> impl Iterator<Item = &SizeHistogram> {
        self.request_sizes.iter().chain(&self.response_sizes)
    }

    fn all(&self) -> impl Iterator<Item = &Counter> {
        let Self {
            requests,
            responses,
            sources,
            refused,
            durations: _,
            request_sizes: _,
            response_sizes: _,
            cache,
            dropped,
            edns,
            dnssec_ok,
            truncated,
            slipped,
            panics,
        } = self;
        let arrays =
            requests.iter().chain(responses).chain(sources).chain(refused).chain(cache).chain(dropped);
        arrays.chain([edns, dnssec_ok, truncated, slipped, panics])
    }

    pub(super) fn read_request(&self, transport: Transport, family: ClientFamily, qtype: TypeLabel) -> u64 {
        read_at(&self.requests, request_index(transport, family, qtype))
    }

    pub(super) fn read_all_requests(&self) -> u64 {
        self.requests.iter().map(Counter::read).fold(0, u64::wrapping_add)
    }

    pub(super) fn read_response(&self, rcode: RcodeLabel) -> u64 {
        read_at(&self.responses, rcode.index())
    }

    pub(super) fn read_dropped(&self, reason: DropReason) -> u64 {
        read_at(&self.dropped, reason.index())
    }

    pub(super) fn read_cache(&self, event: CacheEvent) -> u64 {
        read_at(&self.cache, event.index())
    }

    pub(super) fn read_duration(&self, transport: Transport) -> Option<HistogramReading> {
        self.durations.get(transport as usize).map(WriterHistogram::read)
    }

    pub(super) fn read_source(&self, source: ResponseSource) -> u64 {
        read_at(&self.sources, source.index())
    }

    pub(super) fn read_refused(&self, list: AccessList) -> u64 {
        read_at(&self.refused, list.index())
    }

    /// Sizes of queries and of responses.
    pub(super) fn read_sizes(&self, transport: Transport) -> Option<(SizeReading, SizeReading)> {
        let requests = self.request_sizes.get(transport as usize)?;
        Some((requests.read(), self.response_sizes.get(transport as usize)?.read()))
    }

    pub(super) fn read_edns(&self) -> u64 {
        self.edns.read()
    }

    pub(super) fn read_dnssec_ok(&self) -> u64 {
        self.dnssec_ok.read()
    }

    pub(super) fn read_truncated(&self) -> u64 {
        self.truncated.read()
    }

    pub(super) fn read_slipped(&self) -> u64 {
        self.slipped.read()
    }

    pub(super) fn read_panics(&self) -> u64 {
        self.panics.read()
    }
}

#[cfg(test)]
mod tests;
