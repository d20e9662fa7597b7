//! Files that may be anything: only regular ones are read, whole, bounded, and without ever waiting.

use std::fs::{self, File, FileType, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;

use thiserror::Error;

/// Why a file is not read.
#[derive(Debug, Error)]
pub enum FileError {
    /// It is missing, or not this user's to read, or the reading failed.
    #[error("cannot be read: {0}")]
    Read(#[from] io::Error),
    /// It is something else; the word says what.
    #[error("is {0} and not a file")]
    Special(&'static str),
    /// It has no content now and might have some later, as `/proc/kmsg`.
    #[error("is a file that has to be waited for")]
    Waits,
    /// It is larger than the bound, in bytes.
    #[error("is larger than {} KiB", .0 >> 10)]
    TooLarge(usize),
}

impl FileError {
    /// Whether there is no such file.
    pub fn is_missing(&self) -> bool {
        matches!(self, FileError::Read(error) if error.kind() == ErrorKind::NotFound)
    }
}

/// The content of a regular file of at most `most` bytes, and what it was when it was opened.
///
/// Nothing else is opened: opening a pipe waits for its writer, and opening a device may do something. It is opened so that it
/// cannot wait, in case it has become a pipe since.
pub fn read_regular_file(path: &Path, most: usize) -> Result<(Vec<u8>, Metadata), FileError> {
    let file = open_regular_file(path)?;
    let found = file.metadata()?;
    let mut bytes = Vec::new();
    let read = file.take((most as u64).saturating_add(1)).read_to_end(&mut bytes);
    match read {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Err(FileError::Waits),
        Err(error) => Err(error.into()),
        Ok(_) if bytes.len() > most => Err(FileError::TooLarge(most)),
        Ok(_) => Ok((bytes, found)),
    }
}

/// Opens a regular file and nothing else, without waiting.
pub fn open_regular_file(path: &Path) -> Result<File, FileError> {
    regular(fs::metadata(path)?.file_type())?;
    let flags = nix::libc::O_NONBLOCK | nix::libc::O_NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    regular(file.metadata()?.file_type())?;
    Ok(file)
}

fn regular(kind: FileType) -> Result<(), FileError> {
    let word = match kind {
        kind if kind.is_file() => return Ok(()),
        kind if kind.is_dir() => "a folder",
        kind if kind.is_fifo() => "a pipe",
        kind if kind.is_socket() => "a socket",
        _ => "a device",
    };
    Err(FileError::Special(word))
}
