//! Watching over the workers of the server, its threads and its tasks that run as long as it does: what panics is started
//! again, and `/health` fails where a worker is gone for good or is stuck.
//!
//! A worker [registers](WorkerRegistry::register) and runs within [`WorkerHandle::supervise`] or
//! [`WorkerHandle::supervise_task`]. One that may be stuck, as by a file, says through [`WorkerHandle::busy`] that it has
//! something to do and through [`BusyWorker::progress`] that it gets on.

mod restarts;

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use restarts::WorkerRestarts;

/// From so long without progress on, a worker that has something to do is stuck.
pub const STUCK_AFTER: Duration = Duration::from_secs(30);

/// All workers of the server.
#[derive(Debug)]
pub struct WorkerRegistry {
    zero: Instant,
    workers: Mutex<Vec<Arc<WorkerState>>>,
    /// Restarts by kind of worker; a kind stays here when its last worker has ended, for counters never fall.
    restarts: Mutex<BTreeMap<&'static str, u64>>,
    panics: AtomicU64,
}

#[derive(Debug)]
struct WorkerState {
    kind: &'static str,
    name: String,
    gone: AtomicBool,
    /// Milliseconds from `zero` to the last progress, one at least; 0 while there is nothing to do.
    progress: AtomicU64,
}

impl Default for WorkerRegistry {
    fn default() -> Self {
        Self {
            zero: Instant::now(),
            workers: Mutex::default(),
            restarts: Mutex::default(),
            panics: AtomicU64::new(0),
        }
    }
}

impl WorkerRegistry {
    /// Adds a worker. `kind` is what its restarts are counted under (`udp`, `resolve`), `name` what tells it from others of
    /// its kind (`udp 127.0.0.1:53/0`).
    pub fn register(self: &Arc<Self>, kind: &'static str, name: impl Into<String>) -> WorkerHandle {
        lock(&self.restarts).entry(kind).or_insert(0);
        let state = Arc::new(WorkerState {
            kind,
            name: name.into(),
            gone: AtomicBool::new(false),
            progress: AtomicU64::new(0),
        });
        lock(&self.workers).push(Arc::clone(&state));
        WorkerHandle { state, zero: self.zero, registry: Arc::downgrade(self) }
    }

    /// Each worker that is gone for good or stuck, one sentence each; empty if all is well.
    pub fn failures(&self) -> Vec<String> {
        self.failures_at(Instant::now())
    }

    fn failures_at(&self, now: Instant) -> Vec<String> {
        let now = self.millis(now);
        let failure = |worker: &Arc<WorkerState>| {
            if worker.gone.load(Relaxed) {
                return Some(format!("{}: has panicked too often and is gone", worker.name));
            }
            let progress = worker.progress.load(Relaxed);
            let without = Duration::from_millis(now.saturating_sub(progress));
            let stuck = progress > 0 && without > STUCK_AFTER;
            stuck.then(|| format!("{}: no progress for {} s", worker.name, without.as_secs()))
        };
        lock(&self.workers).iter().filter_map(failure).collect()
    }

    /// How often workers were started again, by kind.
    pub fn restarts(&self) -> Vec<(&'static str, u64)> {
        lock(&self.restarts).iter().map(|(kind, count)| (*kind, *count)).collect()
    }

    /// Panics that ended a run of a worker.
    pub fn panics(&self) -> u64 {
        self.panics.load(Relaxed)
    }

    fn millis(&self, at: Instant) -> u64 {
        millis_since(self.zero, at)
    }
}

/// At least one, for 0 stands for nothing to do.
fn millis_since(zero: Instant, at: Instant) -> u64 {
    u64::try_from(at.saturating_duration_since(zero).as_millis()).unwrap_or(u64::MAX).max(1)
}

/// A worker's place in the registry. Dropped, the worker has ended as it should; dropped by a panic, it is gone for good.
#[derive(Debug)]
pub struct WorkerHandle {
    state: Arc<WorkerState>,
    /// The registry's.
    zero: Instant,
    registry: Weak<WorkerRegistry>,
}

impl WorkerHandle {
    /// Runs `work` on this thread until it returns. After a panic it is called again, within a second at most; after too many
    /// in a row the worker is gone.
    pub fn supervise(self, mut work: impl FnMut(&Self)) {
        let mut restarts = WorkerRestarts::default();
        loop {
            let begun = Instant::now();
            let Err(panic) = catch_unwind(AssertUnwindSafe(|| work(&self))) else { return };
            let Some(pause) = self.after_panic(&*panic, restarts.next(begun.elapsed())) else { return };
            std::thread::sleep(pause);
        }
    }

    /// As [`Self::supervise`], for a task of tokio. `work` makes a future, which runs as a task of its own; it is aborted where
    /// the one returned here is dropped.
    pub async fn supervise_task<F>(self, mut work: impl FnMut(&Self) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut restarts = WorkerRestarts::default();
        loop {
            let begun = tokio::time::Instant::now();
            let mut task = JoinSet::new();
            task.spawn(work(&self));
            let Some(Err(error)) = task.join_next().await else { return };
            // Aborted: the runtime ends.
            let Ok(panic) = error.try_into_panic() else { return };
            let Some(pause) = self.after_panic(&*panic, restarts.next(begun.elapsed())) else { return };
            tokio::time::sleep(pause).await;
        }
    }

    /// Says that the worker has something to do, until the value is dropped; taken while it lives, a second one counts as progress
    /// and ends both.
    pub fn busy(&self) -> BusyWorker {
        let busy = BusyWorker { state: Arc::clone(&self.state), registry: Weak::clone(&self.registry) };
        busy.progress();
        busy
    }

    /// As [`Self::busy`], at the price of a store: the worker has something to do from `begun` until [`Self::end`].
    #[inline]
    pub fn begin(&self, begun: Instant) {
        self.state.progress.store(millis_since(self.zero, begun), Relaxed);
    }

    /// The worker has nothing to do.
    #[inline]
    pub fn end(&self) {
        self.state.progress.store(0, Relaxed);
    }

    /// Counts and logs a panic. Gives the pause before the next start; none: the worker is given up.
    fn after_panic(&self, panic: &(dyn Any + Send), pause: Option<Duration>) -> Option<Duration> {
        let worker = &self.state;
        worker.progress.store(0, Relaxed);
        worker.gone.store(pause.is_none(), Relaxed);
        if let Some(registry) = self.registry.upgrade() {
            registry.panics.fetch_add(1, Relaxed);
            *lock(&registry.restarts).entry(worker.kind).or_insert(0) += u64::from(pause.is_some());
        }
        let (name, cause) = (&worker.name, panic_text(panic));
        let consequence = if pause.is_some() { "it is started again" } else { "too often: it is given up" };
        tracing::error!("{name}: panicked ({cause}); {consequence}");
        pause
    }
}

impl Drop for WorkerHandle {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.state.gone.store(true, Relaxed);
        }
        if !self.state.gone.load(Relaxed)
            && let Some(registry) = self.registry.upgrade()
        {
            lock(&registry.workers).retain(|worker| !Arc::ptr_eq(worker, &self.state));
        }
    }
}

/// A worker that has something to do.
#[derive(Debug)]
#[must_use = "dropped at once, the worker has nothing to do"]
pub struct BusyWorker {
    state: Arc<WorkerState>,
    registry: Weak<WorkerRegistry>,
}

impl BusyWorker {
    /// The worker got on: to be called at least every few seconds.
    pub fn progress(&self) {
        if let Some(registry) = self.registry.upgrade() {
            self.state.progress.store(registry.millis(Instant::now()), Relaxed);
        }
    }
}

impl Drop for BusyWorker {
    fn drop(&mut self) {
        self.state.progress.store(0, Relaxed);
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text")
}

/// What is guarded is whole after every step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
