//! The files that a zone was read from.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// A file as it was when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRead {
    path: PathBuf,
    signature: Option<Signature>,
}

/// What tells one version of a file from the next without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Signature {
    device: u64,
    inode: u64,
    modified: (i64, i64),
    size: u64,
}

impl FileRead {
    /// The file at `path` as it is now; to be taken before it is read, so that a change in between is seen as one.
    pub fn now(path: PathBuf) -> Self {
        let signature = std::fs::metadata(&path).ok().map(|metadata| Signature {
            device: metadata.dev(),
            inode: metadata.ino(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            size: metadata.size(),
        });
        Self { path, signature }
    }

    /// Its path.
    pub const fn path(&self) -> &PathBuf {
        &self.path
    }

    /// Whether the file is what it was. One that was read while root, and that the present user cannot look at, is taken to be.
    pub fn is_current(&self) -> bool {
        match std::fs::metadata(&self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => true,
            _ => Self::now(self.path.clone()) == *self,
        }
    }
}
