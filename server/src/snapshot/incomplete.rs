//! Files that their writers have not finished.

use std::time::{Duration, SystemTime};

use rhumb_watch::{OpenWriters, WriterState};

use super::files::FileRead;

/// A file that inotify does not see is complete when two looks so far apart find the same.
pub const CONFIRM: Duration = Duration::from_millis(500);
/// Whoever asks for a reload waits for open files so long; then they are left as they were.
pub const WRITER_BOUND: Duration = Duration::from_secs(10);
/// A file that inotify does not see is complete when it changed longer ago. Clocks of file servers differ by less.
const YOUNG: Duration = Duration::from_secs(10);

/// The first of these files, as they were when they were read, that is not complete: it was changed while it was read, its writer has
/// it open or has changed it since, or it is young, inotify does not see it, and it was not `seen` the same at least [`CONFIRM`] ago.
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
        match state {
            WriterState::Open => true,
            // Asked after the writer: what was read is what it left.
            WriterState::Closed => file.was_replaced(),
            WriterState::Unknown => young && !seen.contains(file) || file.was_replaced(),
        }
    })
}
