//! [`ServerMetrics`]: where every counter of the server is found again.

use std::cell::RefCell;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prometheus::process_collector::ProcessCollector;

use super::block::CounterBlock;
use super::cache_file_figures::{CacheFileFigures, CacheFileReading};
use super::client_counters::ClientCounters;
use super::handles::{
    CertificateFigures, ForwardedDomain, GaugeUnit, ListMetrics, StateLogFigures, UpstreamMetrics,
};
use super::histogram::SharedHistogram;
use super::labelled_handles::LabelledHandles;
use super::labels::{
    AnswerSecurity, NotifyInResult, NotifyResult, RefuseReason, ReloadResult, SuspiciousReply, TsigReason,
    UpdateResult, WorkBound,
};
use super::samples::SampleSource;
use super::transfer_figures::TransferFigures;
use crate::supervision::WorkerRegistry;

/// Zones with series of their own, unless set otherwise.
const ZONE_SERIES: usize = 1000;
/// Upstreams, forwarded domains, list files and certificates with series of their own; the rest of each kind share one.
const MAX_UPSTREAMS: usize = 256;

/// Tells one `Metrics` from the next, so that a thread's block is never counted into another one's page.
static NEXT_ID: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// This thread's block, and the `Metrics` it belongs to.
    static LOCAL: RefCell<Option<(u64, Arc<CounterBlock>)>> = const { RefCell::new(None) };
}

/// A block and, for I/O threads, the thread's name.
type Named = (Option<String>, Arc<CounterBlock>);

/// Blocks of running threads, and what those of ended threads held.
struct Blocks {
    live: Vec<Named>,
    ended: CounterBlock,
}

impl Blocks {
    /// Takes over the counts of threads that have ended, so that no counter falls and no memory stays with them.
    fn fold(&mut self) {
        let Self { live, ended } = self;
        live.retain_mut(|(_, block)| match Arc::get_mut(block) {
            // Nobody else holds it any more, and `get_mut` makes the last counts of its thread visible here.
            Some(block) => {
                ended.absorb(block);
                false
            }
            None => true,
        });
    }
}

/// All counters of the server. Shared by `Arc`; outlives every reload.
pub struct ServerMetrics {
    id: u64,
    blocks: Mutex<Blocks>,
    sources: Mutex<Vec<Arc<dyn SampleSource>>>,
    workers: Arc<WorkerRegistry>,
    pub(super) version: String,
    pub(super) started: u64,
    pub(super) zone_series: AtomicUsize,
    pub(super) upstreams: LabelledHandles<UpstreamMetrics>,
    pub(super) domains: LabelledHandles<ForwardedDomain>,
    pub(super) lists: LabelledHandles<ListMetrics>,
    pub(super) waiting: Arc<AtomicU64>,
    pub(super) clients: ClientCounters,
    pub(super) tcp_refused: [AtomicU64; RefuseReason::COUNT],
    pub(super) certificates: LabelledHandles<CertificateFigures>,
    /// The log of the state; none as long as there is none.
    pub(super) state_log: OnceLock<Arc<StateLogFigures>>,
    /// The file of the cache; none as long as there is none.
    pub(super) cache_file: OnceLock<Arc<CacheFileFigures>>,
    pub(super) transfers: TransferFigures,
    pub(super) received: TransferFigures,
    pub(super) notifies: [AtomicU64; NotifyResult::COUNT],
    pub(super) notified: [AtomicU64; NotifyInResult::COUNT],
    pub(super) transfer_misfits: AtomicU64,
    pub(super) transfer_invalid: AtomicU64,
    pub(super) updates: [AtomicU64; UpdateResult::COUNT],
    pub(super) update_times: SharedHistogram,
    pub(super) tsig_errors: [AtomicU64; TsigReason::COUNT],
    pub(super) resolver_requests: AtomicU64,
    pub(super) clock_wrong: AtomicBool,
    pub(super) resolver_answers: [AtomicU64; AnswerSecurity::COUNT],
    pub(super) resolver_signatures: AtomicU64,
    pub(super) resolver_hashes: AtomicU64,
    pub(super) resolver_bounds: [AtomicU64; WorkBound::COUNT],
    pub(super) suspicious: [AtomicU64; SuspiciousReply::COUNT],
    pub(super) reloads: [AtomicU64; ReloadResult::COUNT],
    pub(super) reload_failed: AtomicBool,
    pub(super) loaded: AtomicU64,
    /// Locked: two scrapes at once would add the same CPU seconds twice.
    pub(super) process: Mutex<ProcessCollector>,
}

impl fmt::Debug for ServerMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("version", &self.version).finish_non_exhaustive()
    }
}

impl ServerMetrics {
    /// Everything at zero, the start time now, the configuration of the start counted as loaded well.
    pub fn new(version: &str) -> Self {
        let now = unix_seconds();
        Self {
            id: NEXT_ID.fetch_add(1, Relaxed),
            blocks: Mutex::new(Blocks { live: Vec::new(), ended: CounterBlock::new() }),
            sources: Mutex::default(),
            workers: Arc::default(),
            version: version.to_owned(),
            started: now,
            zone_series: AtomicUsize::new(ZONE_SERIES),
            upstreams: LabelledHandles::new(MAX_UPSTREAMS),
            domains: LabelledHandles::new(MAX_UPSTREAMS),
            lists: LabelledHandles::new(MAX_UPSTREAMS),
            waiting: Arc::default(),
            clients: ClientCounters::default(),
            tcp_refused: Default::default(),
            certificates: LabelledHandles::new(MAX_UPSTREAMS),
            state_log: OnceLock::new(),
            cache_file: OnceLock::new(),
            transfers: TransferFigures::default(),
            received: TransferFigures::default(),
            notifies: Default::default(),
            notified: Default::default(),
            transfer_misfits: AtomicU64::new(0),
            transfer_invalid: AtomicU64::new(0),
            updates: Default::default(),
            update_times: SharedHistogram::default(),
            tsig_errors: Default::default(),
            resolver_requests: AtomicU64::new(0),
            clock_wrong: AtomicBool::new(false),
            resolver_answers: Default::default(),
            resolver_signatures: AtomicU64::new(0),
            resolver_hashes: AtomicU64::new(0),
            resolver_bounds: Default::default(),
            suspicious: Default::default(),
            reloads: Default::default(),
            reload_failed: AtomicBool::new(false),
            loaded: AtomicU64::new(now),
            process: Mutex::new(ProcessCollector::for_self()),
        }
    }

    /// A block for an I/O thread, which keeps it as long as it runs. Once the thread has dropped it, its counts stay in
    /// the sums.
    pub fn block(&self, name: &str) -> Arc<CounterBlock> {
        self.register(Some(name.to_owned()))
    }

    /// Counts on a thread that has no block in its hands, as those of tokio.
    pub fn with_local(&self, count: impl FnOnce(&CounterBlock)) {
        count(&self.local_block());
    }

    /// The block of a thread that has none in its hands, made at the thread's first use. A new one on a thread that ends.
    pub fn local_block(&self) -> Arc<CounterBlock> {
        let found = LOCAL.try_with(|slot| {
            let mut mine = slot.try_borrow_mut().ok()?;
            match &*mine {
                Some((id, block)) if *id == self.id => Some(Arc::clone(block)),
                _ => Some(Arc::clone(&mine.insert((self.id, self.register(None))).1)),
            }
        });
        found.ok().flatten().unwrap_or_else(|| self.register(None))
    }

    fn register(&self, name: Option<String>) -> Arc<CounterBlock> {
        let block = Arc::new(CounterBlock::new());
        let mut blocks = self.lock_blocks();
        blocks.fold();
        blocks.live.push((name, Arc::clone(&block)));
        block
    }

    fn lock_blocks(&self) -> MutexGuard<'_, Blocks> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The sum over all threads that run or ran, and what each named thread that runs has read.
    pub(super) fn sum(&self) -> (Box<CounterBlock>, Vec<(String, u64)>) {
        let mut blocks = self.lock_blocks();
        blocks.fold();
        let total = Box::new(CounterBlock::new());
        total.absorb(&blocks.ended);
        let mut threads: Vec<(String, u64)> = Vec::new();
        for (name, block) in &blocks.live {
            total.absorb(block);
            if let Some(name) = name {
                threads.push((name.clone(), block.read_all_requests()));
            }
        }
        (total, threads)
    }

    /// Has `source` asked at every scrape from now on.
    pub fn watch(&self, source: Arc<dyn SampleSource>) {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).push(source);
    }

    pub(super) fn sources(&self) -> Vec<Arc<dyn SampleSource>> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The threads and tasks that are watched over. Their restarts and panics are on the page.
    pub const fn workers(&self) -> &Arc<WorkerRegistry> {
        &self.workers
    }

    /// How many zones get series of their own; the rest count in the totals only.
    pub fn set_zone_series(&self, most: usize) {
        self.zone_series.store(most, Relaxed);
    }

    /// The counters of one upstream, labelled by its address as the configuration writes it. The same label gives the
    /// same counters while any handle to them lives; the series go with the last one.
    pub fn upstream(&self, label: &str) -> Arc<UpstreamMetrics> {
        self.upstreams.get(label)
    }

    /// The counters of one forwarded domain; as [`Self::upstream`].
    pub fn domain(&self, domain: &str) -> Arc<ForwardedDomain> {
        self.domains.get(domain)
    }

    /// The counters of one watched list of upstreams; as [`Self::upstream`].
    pub fn list(&self, file: &str) -> Arc<ListMetrics> {
        self.lists.get(file)
    }

    /// A client's query waits for an answer from elsewhere until the value is dropped.
    pub fn waiting(&self) -> GaugeUnit {
        GaugeUnit::one_of(&self.waiting)
    }

    /// What is counted of connections of clients, their sessions and streams.
    pub const fn clients(&self) -> &ClientCounters {
        &self.clients
    }

    /// A stream connection was closed as soon as it was accepted.
    pub fn refused(&self, reason: RefuseReason) {
        if let Some(counter) = self.tcp_refused.get(reason.index()) {
            counter.fetch_add(1, Relaxed);
        }
    }

    /// What is shown of one certificate; as [`Self::upstream`].
    pub fn certificate(&self, name: &str) -> Arc<CertificateFigures> {
        self.certificates.get(name)
    }

    /// What is shown of the log of the state, on the page from now on.
    pub fn state_log(&self) -> Arc<StateLogFigures> {
        Arc::clone(self.state_log.get_or_init(Arc::default))
    }

    /// Whether the disk takes what is written to the log of the state; true where there is none.
    pub fn state_is_kept(&self) -> bool {
        self.state_log.get().is_none_or(|log| log.read().1)
    }

    /// What is shown of the file of the cache, on the page from now on.
    pub fn cache_file(&self) -> Arc<CacheFileFigures> {
        Arc::clone(self.cache_file.get_or_init(Arc::default))
    }

    /// What is shown of the file of the cache, if there is one.
    pub fn read_cache_file(&self) -> Option<CacheFileReading> {
        self.cache_file.get().map(|file| file.read())
    }

    /// What is counted of zone transfers to clients.
    pub const fn transferred(&self) -> &TransferFigures {
        &self.transfers
    }

    /// What is counted of zone transfers from primaries.
    pub const fn received(&self) -> &TransferFigures {
        &self.received
    }

    /// So many records of a difference from a primary did not fit.
    pub fn passed_misfits(&self, records: u64) {
        self.transfer_misfits.fetch_add(records, Relaxed);
    }

    /// The keys of a version from a primary do not prove all of it.
    pub fn refused_invalid(&self) {
        self.transfer_invalid.fetch_add(1, Relaxed);
    }

    /// A NOTIFY message of another server was answered so.
    pub fn was_notified(&self, result: NotifyInResult) {
        if let Some(counter) = self.notified.get(result.index()) {
            counter.fetch_add(1, Relaxed);
        }
    }

    /// A dynamic update that had to wait was answered so long after it came.
    pub fn update_took(&self, took: Duration) {
        self.update_times.observe(took);
    }

    /// This came of a dynamic update.
    pub fn updated(&self, result: UpdateResult) {
        if let Some(counter) = self.updates.get(result.index()) {
            counter.fetch_add(1, Relaxed);
        }
    }

    /// A NOTIFY message was sent, and this came of it.
    pub fn notified(&self, result: NotifyResult) {
        if let Some(counter) = self.notifies.get(result.index()) {
            counter.fetch_add(1, Relaxed);
        }
    }

    /// The signature of a request was not accepted.
    pub fn tsig_failed(&self, reason: TsigReason) {
        if let Some(counter) = self.tsig_errors.get(reason.index()) {
            counter.fetch_add(1, Relaxed);
        }
    }

    /// Whether the clock of this host is plainly wrong.
    pub fn clock_is_wrong(&self, wrong: bool) {
        self.clock_wrong.store(wrong, Relaxed);
    }

    /// So many queries were sent to authoritative servers for one question.
    pub fn resolver_sent(&self, requests: usize) {
        self.resolver_requests.fetch_add(requests as u64, Relaxed);
    }

    /// So many signatures were checked and names hashed for a question that has ended.
    pub fn resolver_worked(&self, signatures: usize, hashes: usize) {
        self.resolver_signatures.fetch_add(signatures as u64, Relaxed);
        self.resolver_hashes.fetch_add(hashes as u64, Relaxed);
    }

    /// A question was resolved, or its answer is bogus.
    pub fn resolved(&self, security: AnswerSecurity) {
        if let Some(counter) = self.resolver_answers.get(security.index()) {
            counter.fetch_add(1, Relaxed);
        }
    }

    /// A datagram of another server was not believed.
    pub fn suspicious(&self, reply: SuspiciousReply) {
        if let Some(counter) = self.suspicious.get(reply.index()) {
            counter.fetch_add(1, Relaxed);
        }
    }

    /// A question ended at a bound.
    pub fn resolver_bound(&self, bound: WorkBound) {
        if let Some(counter) = self.resolver_bounds.get(bound.index()) {
            counter.fetch_add(1, Relaxed);
        }
    }

    /// A reload ended.
    pub fn reload(&self, result: ReloadResult) {
        if let Some(counter) = self.reloads.get(result.index()) {
            counter.fetch_add(1, Relaxed);
        }
        let failed = result == ReloadResult::Failed;
        self.reload_failed.store(failed, Relaxed);
        if !failed {
            self.loaded.store(unix_seconds(), Relaxed);
        }
    }
}

pub(super) fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests;
