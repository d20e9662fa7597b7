//! The one thread that writes the log.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::Instant;

use rhumb_zones::journal::JournalRecord;

use super::files::StateFile;
use super::log::LogFiles;
use super::shared::{StateError, StateEvent, StateShared};
use crate::supervision::WorkerRegistry;

/// Bytes that are written at once, about.
const MOST_AT_ONCE: usize = 8 << 20;

/// Starts the thread. It wakes the thread of `compaction` whenever a log is full.
///
/// Errors: the thread could not be made.
pub(super) fn start(
    shared: Arc<StateShared>,
    mut files: LogFiles,
    inbox: Receiver<StateEvent>,
    wake: SyncSender<StateFile>,
    workers: &Arc<WorkerRegistry>,
) -> io::Result<()> {
    let worker = workers.register("state", "state-log");
    std::thread::Builder::new().name("state-log".into()).spawn(move || {
        worker.supervise(|worker| {
            while let Ok(first) = inbox.recv() {
                let _busy = worker.busy();
                let before = files.current();
                write(&shared, &mut files, first, &inbox);
                let current = files.current();
                if let Some(current) = current.filter(|_| before != current) {
                    // It has been woken already where this is full.
                    let _ = wake.try_send(current);
                }
            }
        });
    })?;
    Ok(())
}

/// Writes all that waits, has the disk take it, and tells those who wait.
fn write(shared: &StateShared, files: &mut LogFiles, first: StateEvent, inbox: &Receiver<StateEvent>) {
    let StateEvent::Append { mut bytes, done } = first;
    let mut waiting = vec![done];
    while bytes.len() < MOST_AT_ONCE
        && let Ok(StateEvent::Append { bytes: more, done }) = inbox.try_recv()
    {
        bytes.extend_from_slice(&more);
        waiting.push(done);
    }
    let begun = Instant::now();
    let written = files.append(&shared.folder, &bytes, begun);
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

/// Notes the records that were written.
fn note(shared: &StateShared, file: StateFile, offset: u64, bytes: &[u8]) {
    let mut index = shared.index();
    let mut at = 0;
    while let Some(Ok((record, length))) = bytes.get(at..).map(JournalRecord::parse_head) {
        index.note(&record, file, offset + at as u64, length as u64);
        at += length;
    }
}
