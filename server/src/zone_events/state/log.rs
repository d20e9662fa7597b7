//! The log that is written.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::time::{Duration, Instant};

use rhumb_zones::journal::SEGMENT_START;

use super::files::{StateFile, sync_folder};
use super::folder::StateFolder;
use crate::test_hooks::state_divisor;

/// Bytes after which the next log is begun.
const MOST_BYTES: u64 = 64 << 20;
/// After a failure, a new log is tried so often.
const RETRY: Duration = Duration::from_secs(5);

fn most_bytes() -> u64 {
    MOST_BYTES / u64::from(state_divisor())
}

/// An open log.
#[derive(Debug)]
struct OpenLog {
    number: u64,
    file: File,
    length: u64,
}

/// Writes logs, one after the other. One that could not be synced is not written to again: what the disk has of it is not known.
#[derive(Debug)]
pub(super) struct LogFiles {
    open: Option<OpenLog>,
    next: u64,
    /// When writing last failed.
    failed: Option<Instant>,
}

impl LogFiles {
    /// Goes on with the log `last` of so many bytes, or with the log `next`.
    ///
    /// Errors: the system says so.
    pub(super) fn new(folder: &StateFolder, last: Option<(u64, u64)>, next: u64) -> io::Result<Self> {
        let open = match last.filter(|(_, length)| *length < most_bytes()) {
            Some((number, length)) => {
                let file = OpenOptions::new().append(true).open(StateFile::Log(number).path(folder))?;
                Some(OpenLog { number, file, length })
            }
            None => None,
        };
        Ok(Self { open, next, failed: None })
    }

    /// The log that is written to.
    pub(super) fn current(&self) -> Option<StateFile> {
        self.open.as_ref().map(|open| StateFile::Log(open.number))
    }

    /// Appends, and has the disk take it. The log, and where in it the bytes are.
    ///
    /// Errors: the system says so, or said so less than five seconds ago. The bytes may be there or not.
    pub(super) fn append(
        &mut self,
        folder: &StateFolder,
        bytes: &[u8],
        now: Instant,
    ) -> io::Result<(StateFile, u64)> {
        if self.failed.is_some_and(|failed| now < failed + RETRY) {
            return Err(io::Error::other("the log could not be written a moment ago"));
        }
        let appended = self.try_append(folder, bytes);
        match &appended {
            Ok(_) => self.failed = None,
            Err(_) => {
                (self.open, self.failed) = (None, Some(now));
            }
        }
        appended
    }

    fn try_append(&mut self, folder: &StateFolder, bytes: &[u8]) -> io::Result<(StateFile, u64)> {
        if self.open.as_ref().is_some_and(|open| open.length >= most_bytes()) {
            self.open = None;
        }
        let open = match &mut self.open {
            Some(open) => open,
            none => none.insert(Self::begin(folder, &mut self.next)?),
        };
        open.file.write_all(bytes)?;
        open.file.sync_data()?;
        let offset = open.length;
        open.length += bytes.len() as u64;
        Ok((StateFile::Log(open.number), offset))
    }

    fn begin(folder: &StateFolder, next: &mut u64) -> io::Result<OpenLog> {
        let number = *next;
        *next += 1;
        let path = StateFile::Log(number).path(folder);
        let mut file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(&SEGMENT_START)?;
        sync_folder(&folder.logs())?;
        Ok(OpenLog { number, file, length: SEGMENT_START.len() as u64 })
    }
}
