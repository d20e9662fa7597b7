//! What was learnt of authoritative servers, kept in the folder of the state over a restart.
//!
//! One thread of low priority writes the file every few minutes and at the end: under another name, synced, renamed, its folder synced.
//! So there is always one whole file or none. At the start it is read with suspicion: checksums first, then each entry as if it came
//! from the network. How old an entry is comes from the clock of the host, and a clock that went back makes the file useless. What was
//! learnt of servers that the configuration no longer names is left out, and what validation found counts only where it would validate
//! as it did.

mod file_head;
mod frames;
mod keeper;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::io;

use frames::FrameError;

pub use keeper::CacheFile;

/// Why a file is not used.
#[derive(Debug, thiserror::Error)]
enum CacheFileError {
    /// The system says so.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is no such file, or one of another version.
    #[error("is no cache file of this version")]
    Foreign,
    /// A part of it is not what was written.
    #[error("is damaged at byte {0}")]
    Damaged(u64),
    /// It was written later than it is now, by the clock of this host.
    #[error("was written {0} s later than it is now: the clock of this host went back")]
    Later(u64),
    /// The clock cannot be right.
    #[error("cannot be used while the clock of this host is wrong")]
    Clock,
    /// It took too long.
    #[error("takes too long to write")]
    Late,
}

impl From<FrameError> for CacheFileError {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::Io(error) => Self::Io(error),
            FrameError::Foreign => Self::Foreign,
            FrameError::Damaged(at) => Self::Damaged(at),
        }
    }
}
