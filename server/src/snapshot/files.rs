//! The files that a zone was read from.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What tells one version of a file from the next without reading it: a hash of device, inode, time of the last change and
/// size. In eight bytes, for there may be a hundred thousand of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FileMark(u64);

impl FileMark {
    /// The mark of the file at `path` as it is now; to be taken before it is read, so that a change in between is seen as one.
    /// A file that cannot be looked at has a mark too.
    pub fn now(path: &Path) -> Self {
        std::fs::metadata(path).map_or(Self(0), |metadata| {
            let mut hasher = DefaultHasher::new();
            let file = (metadata.dev(), metadata.ino(), metadata.size());
            (file, metadata.mtime(), metadata.mtime_nsec()).hash(&mut hasher);
            Self(hasher.finish().max(1))
        })
    }

    /// Whether the file at `path` is what it was. One that was read while root, and that the present user cannot look at, is
    /// taken to be.
    pub fn is_current(self, path: &Path) -> bool {
        Self::now(path) == self
            || std::fs::metadata(path)
                .is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
    }
}

/// A file as it was when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRead {
    path: PathBuf,
    mark: FileMark,
}

impl FileRead {
    /// The file at `path` as it is now.
    pub fn now(path: PathBuf) -> Self {
        let mark = FileMark::now(&path);
        Self { path, mark }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file is what it was.
    pub fn is_current(&self) -> bool {
        self.mark.is_current(&self.path)
    }
}
