//! Files that their writers have not finished.

use std::path::Path;
use std::time::{Duration, SystemTime};

use rhumb_net::has_writer;
use rhumb_watch::{OpenWriters, WriterState};

use super::files::FileRead;

/// A file that inotify does not see is complete when two looks so far apart find the same.
pub const CONFIRM: Duration = Duration::from_millis(500);
/// Whoever asks for a reload waits for open files so long; then they are left as they were.
pub const WRITER_BOUND: Duration = Duration::from_secs(10);
/// A file that inotify does not see is complete when it changed longer ago. Clocks of file servers differ by less.
const YOUNG: Duration = Duration::from_secs(10);

/// The first of these files, as they were when they were read, that is not complete: it was changed while it was read, its writer has
/// it open or has changed it since, or it is young, its writer is not known, and it was not `seen` the same at least [`CONFIRM`] ago.
pub fn incomplete_file<'f>(
    writers: &OpenWriters,
    files: &'f [FileRead],
    seen: &[FileRead],
) -> Option<&'f FileRead> {
    let (any, now) = (writers.any(), SystemTime::now());
    files.iter().find(|file| {
        if file.is_changing() {
            return true;
        }
        let young = file.changed_within(YOUNG, now);
        let state = if any || young { writers.state(file.path()) } else { WriterState::Closed };
        let unfinished = match state {
            WriterState::Open => return true,
            WriterState::Closed => false,
            WriterState::Early => early_writer(file)
                .unwrap_or_else(|| file.changed_within(CONFIRM, now) && !seen.contains(file)),
            WriterState::Unknown => young && !seen.contains(file),
        };
        // Asked after the writer: what was read is what it left.
        unfinished || file.was_replaced()
    })
}

/// Whether a writer that came before the file was followed has it open still; `None` where nobody knows. One that has changed nothing
/// for [`YOUNG`] is not waited for.
pub fn early_writer(file: &FileRead) -> Option<bool> {
    if file.changed_within(YOUNG, SystemTime::now()) { has_writer(file.path()) } else { Some(false) }
}

/// Whether a program is known to have the file at `path` open for writing and to have changed it.
pub fn is_open(writers: &OpenWriters, path: &Path) -> bool {
    match writers.state(path) {
        WriterState::Open => true,
        WriterState::Early => early_writer(&FileRead::now(path.to_owned())) == Some(true),
        WriterState::Closed | WriterState::Unknown => false,
    }
}
