//! Why the file is not used.

use std::io;

use super::frames::FrameError;

/// Why a file is not used.
#[derive(Debug, thiserror::Error)]
pub(super) enum CacheFileError {
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
