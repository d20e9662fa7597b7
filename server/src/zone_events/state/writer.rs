//! What writes the log: one thread at a time, whichever waits for the disk.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::Instant;

use rhumb_zones::journal::JournalRecord;

use super::files::StateFile;
use super::log::LogFiles;
use super::shared::{QueuedAppend, StateError, StateShared};
use crate::supervision::WorkerRegistry;

/// Bytes that are written at once, about.
const MOST_AT_ONCE: usize = 8 << 20;

/// The log, and what is to be written to it.
#[derive(Debug)]
pub(super) struct LogWriter {
    files: LogFiles,
    queued: Receiver<QueuedAppend>,
    /// Wakes the thread of `compaction` whenever a log is full.
    full: SyncSender<StateFile>,
}

impl LogWriter {
    pub(super) const fn new(
        files: LogFiles,
        queued: Receiver<QueuedAppend>,
        full: SyncSender<StateFile>,
    ) -> Self {
        Self { files, queued, full }
    }

    /// Writes what waits, has the disk take it, and tells those who wait. Whether there was anything.
    pub(super) fn write(&mut self, shared: &StateShared) -> bool {
        let Ok(first) = self.queued.try_recv() else { return false };
        let before = self.files.current();
        self.write_together(shared, first);
        if let Some(current) = self.files.current().filter(|_| before != self.files.current()) {
            // It has been woken already where this is full.
            let _ = self.full.try_send(current);
        }
        true
    }

    fn write_together(&mut self, shared: &StateShared, first: QueuedAppend) {
        let QueuedAppend { mut bytes, done } = first;
        let mut waiting = vec![done];
        while bytes.len() < MOST_AT_ONCE
            && let Ok(QueuedAppend { bytes: more, done }) = self.queued.try_recv()
        {
            bytes.extend_from_slice(&more);
            waiting.push(done);
        }
        let begun = Instant::now();
        let written = self.files.append(&shared.folder, &bytes, begun);
        let length = written.is_ok().then_some(bytes.len() as u64);
        let was_writable = shared.figures.synced(begun.elapsed(), length);
        let result = match written {
            Ok((file, offset)) => {
                if !was_writable {
                    tracing::info!("state: the log can be written again");
                }
                note(shared, file, offset, &bytes);
                Ok(())
            }
            Err(error) => {
                if was_writable {
                    tracing::error!("state: the log cannot be written: {error}; zones go on as they are");
                }
                Err(StateError::Write(error.to_string()))
            }
        };
        for done in waiting {
            // Whoever asked may be gone.
            let _ = done.send(result.clone());
        }
    }
}

/// Starts the thread that writes for those who do not wait in a thread of their own. It is woken by `woken`.
///
/// Errors: the thread could not be made.
pub(super) fn start(
    shared: Arc<StateShared>,
    woken: Receiver<()>,
    workers: &Arc<WorkerRegistry>,
) -> io::Result<()> {
    let worker = workers.register("state", "state-log");
    std::thread::Builder::new().name("state-log".into()).spawn(move || {
        worker.supervise(|worker| {
            while woken.recv().is_ok() {
                let _busy = worker.busy();
                // Others may write between two times.
                while shared.writer().write(&shared) {}
            }
        });
    })?;
    Ok(())
}

/// Notes the records that were written.
fn note(shared: &StateShared, file: StateFile, offset: u64, bytes: &[u8]) {
    let mut index = shared.index();
    let mut at = 0;
    while let Some(Ok((record, length))) = bytes.get(at..).map(JournalRecord::parse_head) {
        index.note(&record, file, offset + at as u64, length as u64);
        at += length;
    }
}
