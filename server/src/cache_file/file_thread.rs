//! The thread that reads the file at the start, and writes it now and then and at the end.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::file_error::CacheFileError;
use super::file_head::FileHead;
use super::read::{LoadedFile, read_file};
use super::write::{WrittenFile, rename_file, write_file};
use crate::metrics::CacheFileFigures;
use crate::snapshot::{ServerState, cache_limits};

/// The file in the folder of the state; what is not finished; what was damaged.
const FILE: &str = "cache";
const PART: &str = "cache.part";
const DAMAGED: &str = "cache.damaged";
/// How often it is looked whether the file is due.
const LOOK: Duration = Duration::from_secs(1);
/// How long the start waits for the file to be read; the rest is read while queries are answered.
const READ: Duration = Duration::from_secs(2);
/// What is left at the end for the disk to take what was written.
const SYNC: Duration = Duration::from_millis(700);

/// What the thread is told.
#[derive(Debug)]
enum WriterOrder {
    /// To read the file.
    Read(SyncSender<()>),
    /// To write it until then, and to end.
    End(SyncSender<()>, Instant),
}

/// The file that the cache is kept in over a restart, and the thread that looks after it.
#[derive(Debug, Clone)]
pub struct CacheFile {
    shared: Arc<WriterShared>,
    orders: Sender<WriterOrder>,
}

#[derive(Debug)]
struct WriterShared {
    live: Arc<ServerState>,
    folder: PathBuf,
    figures: Arc<CacheFileFigures>,
    /// Counts the times that what is on the disk was to be forgotten; held while a file gets its name.
    forgotten: Mutex<u64>,
}

impl CacheFile {
    /// Starts the thread, for the file in the folder of the state.
    ///
    /// Errors: the thread could not be made.
    pub fn start(live: &Arc<ServerState>, folder: &Path) -> io::Result<Self> {
        let shared = Arc::new(WriterShared {
            live: Arc::clone(live),
            folder: folder.to_owned(),
            figures: live.metrics.cache_file(),
            forgotten: Mutex::default(),
        });
        let (orders, inbox) = channel();
        let worker = live.metrics.workers().register("cache-file", "cache-file");
        let thread = Arc::clone(&shared);
        std::thread::Builder::new().name("cache-file".into()).spawn(move || {
            rhumb_net::yield_to_others();
            worker.supervise(|_| thread.run(&inbox));
        })?;
        Ok(Self { shared, orders })
    }

    /// Has the file read. Returns once that is done, or takes long. To be called once the configuration is in force.
    pub fn read(&self) {
        let (done, read) = sync_channel(1);
        // The thread is gone only where it panicked too often.
        let _ = self.orders.send(WriterOrder::Read(done));
        let _ = read.recv_timeout(READ);
    }

    /// Has the file written a last time: what is not in it `by` then is left out. Returns once that is done, or at that time.
    pub fn end(&self, by: Instant) {
        let (done, written) = sync_channel(1);
        let until = by.checked_sub(SYNC).unwrap_or(by);
        let _ = self.orders.send(WriterOrder::End(done, until));
        let _ = written.recv_timeout(by.saturating_duration_since(Instant::now()));
    }

    /// Removes the file: what an operator had dropped does not come back with a restart.
    pub fn forget(&self) {
        self.shared.forget();
    }
}

impl WriterShared {
    fn run(&self, inbox: &Receiver<WriterOrder>) {
        let mut due = Instant::now();
        let mut written = None;
        loop {
            let every = self.live.snapshot.load().config.cache.keep;
            match inbox.recv_timeout(LOOK) {
                Ok(WriterOrder::Read(done)) => {
                    self.read();
                    let _ = done.send(());
                }
                Ok(WriterOrder::End(done, until)) => {
                    if !every.is_zero() {
                        self.write(Some(until));
                    }
                    let _ = done.send(());
                    return;
                }
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) if every.is_zero() => self.forget(),
                Err(RecvTimeoutError::Timeout) if due.elapsed() >= every => {
                    let state = Some((self.live.resolver.changes(), *self.forgotten()));
                    if state != written && self.write(None) {
                        written = state;
                    }
                    due = Instant::now();
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    fn forgotten(&self) -> MutexGuard<'_, u64> {
        self.forgotten.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self) -> PathBuf {
        self.folder.join(FILE)
    }

    fn forget(&self) {
        let mut forgotten = self.forgotten();
        *forgotten += 1;
        let path = self.path();
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                tracing::error!("{}: {error}", path.display());
            }
            _ => {}
        }
    }

    fn read(&self) {
        let path = self.path();
        let begun = Instant::now();
        match self.read_from(&path) {
            Ok(None) => {}
            Ok(Some(LoadedFile { loaded, left_out })) => {
                self.figures.loaded(loaded, left_out);
                let took = begun.elapsed().as_millis();
                tracing::info!(
                    "{}: {loaded} entries of the cache before the restart, {left_out} left out, in {took} ms",
                    path.display()
                );
            }
            Err(error) => {
                self.figures.refused();
                tracing::warn!("{}: {error}; the cache begins empty", path.display());
                if matches!(error, CacheFileError::Damaged(_) | CacheFileError::Foreign) {
                    // Kept for those who want to know what happened to it.
                    let _ = fs::rename(&path, self.folder.join(DAMAGED));
                }
            }
        }
    }

    /// None where there is nothing to read.
    fn read_from(&self, path: &Path) -> Result<Option<LoadedFile>, CacheFileError> {
        let snapshot = self.live.snapshot.load_full();
        if snapshot.config.cache.keep.is_zero() || snapshot.iteration.settings.is_none() {
            return Ok(None);
        }
        let file = match File::open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let (now, unix) = self.live.clock.with_wall_clock();
        let head = FileHead::of(&snapshot, u64::from(unix));
        let stale = cache_limits(&snapshot.config.cache).serve_stale;
        read_file(file, &head, &self.live.resolver, now, stale).map(Some)
    }

    /// Writes the file: whether that went well.
    fn write(&self, until: Option<Instant>) -> bool {
        let snapshot = self.live.snapshot.load_full();
        if snapshot.iteration.settings.is_none() {
            return true;
        }
        let (now, unix) = self.live.clock.with_wall_clock();
        let head = FileHead::of(&snapshot, u64::from(unix));
        match self.write_at(&head, now, until) {
            Ok(Some(WrittenFile { entries, bytes })) => {
                self.figures.written(head.written, entries, bytes);
                true
            }
            Ok(None) => false,
            Err(error) => {
                self.figures.failed();
                tracing::error!("{}: {error}", self.path().display());
                // What is not finished is of no use.
                let _ = fs::remove_file(self.folder.join(PART));
                false
            }
        }
    }

    /// None where it was to be forgotten meanwhile.
    fn write_at(
        &self,
        head: &FileHead,
        now: u32,
        until: Option<Instant>,
    ) -> Result<Option<WrittenFile>, CacheFileError> {
        let before = *self.forgotten();
        let part = self.folder.join(PART);
        let written = write_file(&part, head, &self.live.resolver, now, until)?;
        let forgotten = self.forgotten();
        if *forgotten != before {
            return Ok(None);
        }
        rename_file(&part, &self.path())?;
        drop(forgotten);
        Ok(Some(written))
    }
}
