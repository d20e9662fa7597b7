//! What the threads of the store share, and how a change gets to the one that writes.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Sender, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use rhumb_wire::DomainName;
use rhumb_zones::journal::JournalSignature;
use rhumb_zones::{HistoryLimits, ZoneVersion};
use tokio::sync::oneshot;

use super::checkpoint;
use super::encode::{StateChange, StateVersion};
use super::files::StateFile;
use super::folder::StateFolder;
use super::index::StateIndex;
use super::log_writer::{LogPlace, LogWriter, QueuedAppend};
use super::state_error::StateError;
use crate::metrics::StateLogFigures;
use crate::test_hooks::state_divisor;

/// A whole zone of more bytes gets a file of its own.
const MOST_IN_LOG: u64 = 1 << 20;

/// The ways to the log.
#[derive(Debug)]
pub(super) struct LogQueue {
    /// What is to be written.
    pub(super) queue: Sender<QueuedAppend>,
    /// Wakes the thread that writes it.
    pub(super) wake: SyncSender<()>,
    /// Writes it, in whichever thread.
    pub(super) writer: Mutex<LogWriter>,
}

/// What the threads of the store share.
#[derive(Debug)]
pub(super) struct StateShared {
    pub(super) folder: StateFolder,
    index: Mutex<StateIndex>,
    sequence: AtomicU64,
    /// What is kept of earlier versions of zones that are not kept as is usual.
    limits: Mutex<HashMap<DomainName, HistoryLimits>>,
    pub(super) figures: Arc<StateLogFigures>,
    log: LogQueue,
    /// Those that were found at the start and are still good, until somebody takes them.
    signatures: Mutex<Vec<JournalSignature>>,
}

impl StateShared {
    /// Of what was found in `folder`.
    pub(super) fn new(
        folder: StateFolder,
        (index, signatures): (StateIndex, Vec<JournalSignature>),
        log: LogQueue,
        figures: Arc<StateLogFigures>,
    ) -> Self {
        let sequence = AtomicU64::new(index.sequence);
        let (index, signatures) = (Mutex::new(index), Mutex::new(signatures));
        Self { folder, index, sequence, limits: Mutex::default(), figures, log, signatures }
    }

    /// What is kept of earlier versions of a zone.
    pub(super) fn history_limits(&self, zone: &DomainName) -> HistoryLimits {
        let limits = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        limits.get(zone).copied().unwrap_or_default()
    }

    /// See [`super::StateStore::set_limits`].
    pub(super) fn set_limits(&self, limits: HashMap<DomainName, HistoryLimits>) {
        *self.limits.lock().unwrap_or_else(PoisonError::into_inner) = limits;
    }

    /// See [`super::StateStore::take_signatures`].
    pub(super) fn take_signatures(&self) -> Vec<JournalSignature> {
        std::mem::take(&mut self.signatures.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn index(&self) -> MutexGuard<'_, StateIndex> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what is queued once no other thread writes, and says whether there was anything.
    pub(super) fn write_next(&self) -> bool {
        self.log.writer.lock().unwrap_or_else(PoisonError::into_inner).write(&self.place())
    }

    fn place(&self) -> LogPlace<'_> {
        LogPlace { folder: &self.folder, index: &self.index, figures: &self.figures }
    }

    /// Has the thread of the log write what is queued.
    pub(super) fn wake_writer(&self) {
        // Where it has been woken already, it sees what is queued by now.
        let _ = self.log.wake.try_send(());
    }

    /// Writes what is queued, and says whether there was anything; where another thread writes at this moment, the thread of the log does
    /// so next.
    pub(super) fn write_queued(&self) -> bool {
        match self.log.writer.try_lock() {
            Ok(mut writer) => writer.write(&self.place()),
            Err(TryLockError::Poisoned(writer)) => writer.into_inner().write(&self.place()),
            Err(TryLockError::WouldBlock) => {
                self.wake_writer();
                false
            }
        }
    }

    /// Queues a change that follows what was kept of its zone up to `base`; without it, the last version. A large zone is on the disk
    /// when this returns, all else when it was written and the receiver says so.
    pub(super) fn queue(
        &self,
        change: &StateChange,
        base: Option<u64>,
        earlier: &[ZoneVersion],
    ) -> oneshot::Receiver<Result<(), StateError>> {
        let (done, result) = oneshot::channel();
        let sequence = self.sequence.fetch_add(1, Relaxed) + 1;
        let is_whole = matches!(change.version, StateVersion::Whole(_));
        let known = || {
            let index = self.index();
            index.zones.get(&change.zone.as_ref().to_lowercase()).map_or(0, |zone| zone.sequence)
        };
        let base = base.unwrap_or_else(|| if is_whole { sequence } else { known() });
        let written = match &change.version {
            StateVersion::Whole(contents)
                if contents.memory() as u64 > MOST_IN_LOG / u64::from(state_divisor()) =>
            {
                checkpoint::write(&self.folder, change, (sequence, base), earlier)
                    .and_then(|(file, _)| self.note_file(file).map(|()| None))
            }
            _ => {
                let mut bytes = Vec::new();
                let encoded = change.encode(sequence, base, earlier, &mut |record| {
                    bytes.extend_from_slice(record);
                    Ok(())
                });
                encoded.map(|()| Some(bytes))
            }
        };
        // Whoever asked may be gone; what writes is as long there as this.
        match written {
            Ok(Some(bytes)) => drop(self.log.queue.send(QueuedAppend { bytes, done })),
            Ok(None) => drop(done.send(Ok(()))),
            Err(error) => {
                tracing::error!(zone = %change.zone, "state: {error}");
                self.figures.failed();
                drop(done.send(Err(StateError::Write(error.to_string()))));
            }
        }
        result
    }

    /// Notes the file of a large zone, and removes the one that it takes the place of.
    fn note_file(&self, file: StateFile) -> io::Result<()> {
        let mut index = self.index();
        let before = index.files();
        checkpoint::note(&mut index, &self.folder, file)?;
        let after = index.files();
        drop(index);
        for gone in before.difference(&after).filter(|file| matches!(file, StateFile::Zone(_))) {
            gone.remove(&self.folder);
        }
        Ok(())
    }
}
