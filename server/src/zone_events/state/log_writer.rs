//! Writes what waits for the log, in whichever thread.

use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use rhumb_zones::journal::JournalRecord;
use tokio::sync::oneshot;

use super::files::StateFile;
use super::folder::StateFolder;
use super::index::StateIndex;
use super::log::LogFiles;
use super::state_error::StateError;
use crate::metrics::StateLogFigures;

/// Records to append to the log, and who waits for them.
#[derive(Debug)]
pub(super) struct QueuedAppend {
    pub(super) bytes: Vec<u8>,
    pub(super) done: oneshot::Sender<Result<(), StateError>>,
}

/// Where the log is, and what is known of it.
#[derive(Debug)]
pub(super) struct LogPlace<'s> {
    pub(super) folder: &'s StateFolder,
    pub(super) index: &'s Mutex<StateIndex>,
    pub(super) figures: &'s StateLogFigures,
}

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
    pub(super) fn write(&mut self, place: &LogPlace<'_>) -> bool {
        let Ok(first) = self.queued.try_recv() else { return false };
        let before = self.files.current();
        self.write_together(place, first);
        if let Some(current) = self.files.current().filter(|_| before != self.files.current()) {
            // It has been woken already where this is full.
            let _ = self.full.try_send(current);
        }
        true
    }

    fn write_together(&mut self, place: &LogPlace<'_>, first: QueuedAppend) {
        let QueuedAppend { mut bytes, done } = first;
        let mut waiting = vec![done];
        while bytes.len() < MOST_AT_ONCE
            && let Ok(QueuedAppend { bytes: more, done }) = self.queued.try_recv()
        {
            bytes.extend_from_slice(&more);
            waiting.push(done);
        }
        let begun = Instant::now();
        let written = self.files.append(place.folder, &bytes, begun);
        let length = written.is_ok().then_some(bytes.len() as u64);
        let was_writable = place.figures.synced(begun.elapsed(), length);
        let result = match written {
            Ok((file, offset)) => {
                if !was_writable {
                    tracing::info!("state: the log can be written again");
                }
                note(place.index, file, offset, &bytes);
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

/// Notes the records that were written.
fn note(index: &Mutex<StateIndex>, file: StateFile, offset: u64, bytes: &[u8]) {
    let mut index = index.lock().unwrap_or_else(PoisonError::into_inner);
    let mut at = 0;
    while let Some(Ok((record, length))) = bytes.get(at..).map(JournalRecord::parse_head) {
        index.note(&record, file, offset + at as u64, length as u64);
        at += length;
    }
}
