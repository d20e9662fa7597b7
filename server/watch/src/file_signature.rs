//! What a path leads to, small enough to keep and compare.

use std::fs::{self, File, Metadata, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Files up to this size are compared by content too: a second write within the clock tick of the first leaves time
/// and size as they were.
const HASHED: u64 = 1024 * 1024;
/// Bytes read at a time.
const PIECE: usize = 16 * 1024;

/// A file without its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct FileStamp {
    device: u64,
    inode: u64,
    seconds: i64,
    nanoseconds: i64,
    size: u64,
}

impl FileStamp {
    /// The stamp of a file or folder.
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            seconds: metadata.mtime(),
            nanoseconds: metadata.mtime_nsec(),
            size: metadata.size(),
        }
    }

    /// The device.
    pub(super) const fn device(&self) -> u64 {
        self.device
    }

    /// The stamp in eight bytes, never 0.
    pub(super) fn mark(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish().max(1)
    }
}

/// What a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FileSignature {
    /// Nothing.
    Missing,
    /// Something that cannot be read, and how.
    Unreadable(ErrorKind),
    /// A folder, a device, a pipe.
    NotAFile,
    /// A file.
    File(FileStamp, ContentMark),
}

/// What tells contents apart where stamps are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ContentMark {
    /// The hash of a small file.
    Hash(u64),
    /// When a large file was changed, or its owner, mode or links (`st_ctime`, in seconds and nanoseconds). Nobody can set that back.
    Time(i64, i64),
}

/// A look at a path.
pub(super) struct FileLook {
    /// What it leads to.
    pub(super) signature: FileSignature,
    /// It leads to a file that no folder names any more: only a mount of that single file can do so.
    pub(super) orphan: bool,
}

/// Looks at what a path leads to. Never blocks on a pipe.
pub(super) fn look(path: &Path) -> FileLook {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) => return FileLook { signature: failed(&error), orphan: false },
    };
    if !metadata.is_file() {
        return FileLook { signature: FileSignature::NotAFile, orphan: false };
    }
    let signature = read(path).unwrap_or_else(|error| failed(&error));
    FileLook { signature, orphan: metadata.nlink() == 0 && still_orphan(path, &metadata) }
}

/// A file being renamed over this instant may show no links for a moment; a stale mount still does on a second look.
fn still_orphan(path: &Path, before: &Metadata) -> bool {
    fs::metadata(path)
        .is_ok_and(|now| now.nlink() == 0 && now.ino() == before.ino() && now.dev() == before.dev())
}

fn failed(error: &io::Error) -> FileSignature {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => FileSignature::Missing,
        kind => FileSignature::Unreadable(kind),
    }
}

fn read(path: &Path) -> io::Result<FileSignature> {
    // Between the look and the open a pipe may have taken the place: it must not hold the thread.
    let file = OpenOptions::new().read(true).custom_flags(nix::libc::O_NONBLOCK).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Ok(FileSignature::NotAFile);
    }
    let content = if metadata.size() <= HASHED {
        ContentMark::Hash(hash(file)?)
    } else {
        ContentMark::Time(metadata.ctime(), metadata.ctime_nsec())
    };
    Ok(FileSignature::File(FileStamp::of(&metadata), content))
}

/// The hash of a file's content, of a growing one's first part.
fn hash(file: File) -> io::Result<u64> {
    let mut hasher = DefaultHasher::new();
    let mut file = file.take(HASHED + 1);
    let mut piece = [0; PIECE];
    loop {
        let read = match file.read(&mut piece) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.write(piece.get(..read).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{FileExt, PermissionsExt};
    use std::time::Duration;

    use super::*;

    #[test]
    fn contents_are_told_apart_at_the_same_size_and_time() {
        let path = std::env::temp_dir().join(format!("rhumb-signature-{}", std::process::id()));
        for size in [1, HASHED, HASHED + 1, 2 * HASHED] {
            fs::write(&path, vec![b'a'; size as usize]).unwrap();
            let before = look(&path).signature;
            assert_eq!(look(&path).signature, before, "{size}");
            // Longer than a tick of the clock that files get their times from.
            std::thread::sleep(Duration::from_millis(20));
            let file = OpenOptions::new().write(true).open(&path).unwrap();
            let modified = file.metadata().unwrap().modified().unwrap();
            if size <= HASHED {
                fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
                fs::hard_link(&path, path.with_extension("link")).unwrap();
                fs::remove_file(path.with_extension("link")).unwrap();
                assert_eq!(look(&path).signature, before, "{size}, the same content");
            }
            file.write_at(b"b", 0).unwrap();
            file.set_modified(modified).unwrap();
            assert_ne!(look(&path).signature, before, "{size}");
        }
        fs::remove_file(&path).unwrap();
    }
}
