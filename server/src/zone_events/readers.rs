//! The threads that read zone files, so that no other thread waits for one.

use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rhumb_watch::OpenWriters;

use super::configured::ConfiguredZone;
use super::load::{ZoneRead, ZoneRefusal, files_read};
use super::read_job::{IncompleteZone, ReadJob, ZoneReadOutcome};
use super::read_queue::{ReadQueue, ReadTicket};
use crate::metrics::{CounterBlock, ServerMetrics};
use crate::snapshot::{FileRead, ServedZone, ZoneEntry, incomplete_file, is_open};

/// A file that cannot even be opened within this time lies on a file system that does not respond.
const OPEN_BOUND: Duration = Duration::from_secs(10);
/// The same for reading it: the largest zones take a few minutes.
const READ_BOUND: Duration = Duration::from_mins(10);
/// Threads started at most in place of those that do not come back.
const MOST_REPLACEMENTS: usize = 16;

/// Reads a zone that may be served already; none where there is nothing to read.
type LoadZone = Box<dyn Fn(&ConfiguredZone, Option<&ServedZone>) -> Option<ZoneRead> + Send + Sync>;

/// How reading is bounded, and done.
pub(super) struct ReaderSettings {
    pub(super) threads: usize,
    pub(super) open_bound: Duration,
    pub(super) read_bound: Duration,
    pub(super) most_replacements: usize,
    /// Opens the file of a zone, to see whether its file system responds.
    pub(super) open: Box<dyn Fn(&ConfiguredZone) + Send + Sync>,
    pub(super) load: LoadZone,
}

impl ReaderSettings {
    /// As many threads as there are cores, and at least two: a small zone does not wait for a large one.
    pub(super) fn new(
        load: impl Fn(&ConfiguredZone, Option<&ServedZone>) -> Option<ZoneRead> + Send + Sync + 'static,
    ) -> Self {
        Self {
            threads: std::thread::available_parallelism().map_or(2, NonZeroUsize::get).max(2),
            open_bound: OPEN_BOUND,
            read_bound: READ_BOUND,
            most_replacements: MOST_REPLACEMENTS,
            open: Box::new(open_file),
            load: Box::new(load),
        }
    }
}

/// Opens a regular file and closes it.
fn open_file(zone: &ConfiguredZone) {
    use std::os::unix::fs::OpenOptionsExt;
    let Some(file) = zone.file().filter(|file| file.is_file()) else { return };
    // What is wrong is found again when it is read.
    let _ = std::fs::OpenOptions::new().read(true).custom_flags(nix::libc::O_NONBLOCK).open(file);
}

/// What all reading threads share.
struct ReaderContext {
    queue: ReadQueue,
    metrics: Arc<ServerMetrics>,
    writers: OpenWriters,
    settings: ReaderSettings,
    done: Box<dyn Fn(ReadJob, ZoneReadOutcome) + Send + Sync>,
}

/// The threads. They end when this is dropped and what they were given is read.
pub(super) struct ZoneReaders {
    context: Arc<ReaderContext>,
    threads: usize,
}

impl fmt::Debug for ZoneReaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZoneReaders").field("threads", &self.threads).finish_non_exhaustive()
    }
}

impl ZoneReaders {
    /// Starts the threads. `done` is called by them with what each job gave.
    ///
    /// Errors: a thread could not be made.
    pub(super) fn start(
        metrics: &Arc<ServerMetrics>,
        writers: OpenWriters,
        settings: ReaderSettings,
        done: impl Fn(ReadJob, ZoneReadOutcome) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let threads = settings.threads;
        let context = Arc::new(ReaderContext {
            queue: ReadQueue::default(),
            metrics: Arc::clone(metrics),
            writers,
            settings,
            done: Box::new(done),
        });
        let mut readers = Self { context, threads: 0 };
        for _ in 0..threads {
            readers.add_thread()?;
        }
        Ok(readers)
    }

    fn add_thread(&mut self) -> io::Result<()> {
        let context = Arc::clone(&self.context);
        let name = format!("zone-read-{}", self.threads);
        let worker = context.metrics.workers().register("zone-read", &name);
        std::thread::Builder::new().name(name).spawn(move || {
            rhumb_net::yield_to_others();
            // Not watched for being stuck: `replace_stuck` does so.
            worker.supervise(|_| {
                while let Some((job, ticket)) = context.queue.next() {
                    context.read(job, &ticket);
                }
            });
        })?;
        self.threads += 1;
        Ok(())
    }

    /// Reads a zone as soon as a thread is free.
    pub(super) fn read(&self, job: ReadJob) {
        self.context.queue.push(job);
    }

    /// Whether a zone is being read or waits for it.
    pub(super) fn is_busy(&self) -> bool {
        self.context.queue.is_busy()
    }

    /// Finds the jobs whose files do not respond, each once, and starts a thread in place of each that reads one.
    pub(super) fn replace_stuck(&mut self, now: Instant) -> Vec<(ReadJob, ZoneRefusal)> {
        let settings = &self.context.settings;
        let stuck = self.context.queue.take_stuck(now, settings.open_bound, settings.read_bound);
        let most = settings.threads + settings.most_replacements;
        for _ in &stuck {
            if self.threads >= most {
                tracing::warn!("{most} threads read zone files, and no more are started");
            } else if let Err(error) = self.add_thread() {
                tracing::error!(%error, "no thread to read zone files");
            }
        }
        stuck
            .into_iter()
            .map(|(job, took)| {
                let refusal = refused(&job.zone, took);
                (job, refusal)
            })
            .collect()
    }
}

impl Drop for ZoneReaders {
    fn drop(&mut self) {
        self.context.queue.close();
    }
}

impl ReaderContext {
    fn read(&self, job: ReadJob, ticket: &ReadTicket) {
        (self.settings.open)(&job.zone);
        let open = job.seen.iter().find(|file| is_open(&self.writers, file.path()));
        self.queue.note_open(ticket);
        let outcome = match open {
            Some(file) => ZoneReadOutcome::Incomplete(IncompleteZone {
                file: file.path().to_owned(),
                is_open: true,
                files: job.seen.clone(),
            }),
            None => self.read_closed(&job),
        };
        let outcome = if self.queue.finish(ticket) { outcome } else { ZoneReadOutcome::Late };
        (self.done)(job, outcome);
    }

    fn read_closed(&self, job: &ReadJob) -> ZoneReadOutcome {
        if job.kept.as_ref().is_some_and(ZoneEntry::is_current) {
            return ZoneReadOutcome::Unchanged;
        }
        match self.load(&job.zone, job.base.as_deref()) {
            Some(read) => self.checked(job, read),
            None => ZoneReadOutcome::Unchanged,
        }
    }

    /// Loads a zone; once more where that panicked. A file that makes it panic twice is refused.
    fn load(&self, zone: &ConfiguredZone, served: Option<&ServedZone>) -> Option<ZoneRead> {
        for _ in 0..2 {
            match catch_unwind(AssertUnwindSafe(|| (self.settings.load)(zone, served))) {
                Ok(read) => return read,
                Err(_) => self.metrics.with_local(CounterBlock::panic),
            }
        }
        let problem = format!(
            "{}: internal error while zone {} was read; the log has more",
            shown_file(zone),
            zone.name
        );
        Some(Err(ZoneRefusal {
            problems: vec![problem],
            files: zone.file().map(FileRead::now).into_iter().collect(),
        }))
    }

    /// Asked after reading, so that a writer that came meanwhile is seen.
    fn checked(&self, job: &ReadJob, read: ZoneRead) -> ZoneReadOutcome {
        let files = files_read(&read);
        // They were complete before.
        if job.base.as_ref().is_some_and(|zone| zone.was_read_from(files)) {
            return ZoneReadOutcome::Read(read);
        }
        match incomplete_file(&self.writers, files, &job.seen) {
            Some(file) => ZoneReadOutcome::Incomplete(IncompleteZone {
                file: file.path().to_owned(),
                is_open: is_open(&self.writers, file.path()),
                files: files.to_vec(),
            }),
            None => ZoneReadOutcome::Read(read),
        }
    }
}

fn shown_file(zone: &ConfiguredZone) -> String {
    zone.file().map_or_else(|| "built-in".to_owned(), |file| file.display().to_string())
}

fn refused(zone: &ConfiguredZone, took: Duration) -> ZoneRefusal {
    let problem = format!(
        "{}: reading it has not come to an end for {} s; its file system may not respond",
        shown_file(zone),
        took.as_secs()
    );
    ZoneRefusal { problems: vec![problem], files: Vec::new() }
}

#[cfg(test)]
mod tests;
