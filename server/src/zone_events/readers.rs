//! The threads that read zone files, so that nobody else waits for one.

use std::io;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use rhumb_wire::Name;

use super::configured::ConfiguredZone;
use super::load::{ZoneRead, ZoneRefusal, load};
use crate::metrics::{Block, Metrics};
use crate::snapshot::FileMark;

/// Why a zone is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ReadReason {
    /// For a plan: its number, and the zone's place in it.
    Planned { plan: u64, index: usize },
    /// Its file changed.
    Changed { name: Name, version: u32 },
}

/// A zone to be read.
#[derive(Debug)]
pub(super) struct ReadJob {
    pub(super) reason: ReadReason,
    pub(super) zone: ConfiguredZone,
}

/// The threads. They end when this is dropped and what they were given is read.
#[derive(Debug)]
pub(super) struct ZoneReaders(Sender<ReadJob>);

impl ZoneReaders {
    /// Starts as many threads as there are cores, and at least two: a small zone does not wait for a large one.
    /// `done` is called by them with what each job gave.
    pub(super) fn start(
        metrics: &Arc<Metrics>,
        done: impl Fn(ReadReason, ZoneRead) + Clone + Send + 'static,
    ) -> io::Result<Self> {
        let (sender, jobs) = channel();
        let jobs = Arc::new(Mutex::new(jobs));
        let threads = std::thread::available_parallelism().map_or(2, NonZeroUsize::get).max(2);
        for number in 0..threads {
            let (jobs, metrics, done) = (Arc::clone(&jobs), Arc::clone(metrics), done.clone());
            let name = format!("zone-read-{number}");
            let worker = metrics.workers().register("zone-read", &name);
            std::thread::Builder::new().name(name).spawn(move || {
                rhumb_net::yield_to_others();
                // Not watched for being stuck: however long a zone takes, the others go on.
                worker.supervise(|_| {
                    while let Some(job) = next(&jobs) {
                        let read = read(&job.zone, &metrics);
                        done(job.reason, read);
                    }
                });
            })?;
        }
        Ok(Self(sender))
    }

    /// Reads a zone as soon as a thread is free.
    pub(super) fn read(&self, job: ReadJob) {
        // The threads outlive every sender.
        let _ = self.0.send(job);
    }
}

fn next(jobs: &Mutex<Receiver<ReadJob>>) -> Option<ReadJob> {
    jobs.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

/// Reads a zone; once more where that panicked. A file that makes it panic twice is refused.
fn read(zone: &ConfiguredZone, metrics: &Metrics) -> ZoneRead {
    let file = zone.file();
    for _ in 0..2 {
        let read = catch_unwind(AssertUnwindSafe(|| load(&zone.name, file.as_deref())));
        match read {
            Ok(read) => return read,
            Err(_) => metrics.with_local(Block::panic),
        }
    }
    let shown = file.as_ref().map_or_else(|| "built-in".to_owned(), |file| file.display().to_string());
    Err(ZoneRefusal {
        problems: vec![format!(
            "{shown}: internal error while zone {} was read; the log has more",
            zone.name
        )],
        file: file.as_deref().map(FileMark::now).unwrap_or_default(),
    })
}
