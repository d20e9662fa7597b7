//! The files that something was read from.

use std::fs::Metadata;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Within one tick of the kernel's clock (at most 10 ms, at 100 Hz) a second change can leave the mark as it is.
const TICK: Duration = Duration::from_millis(20);
/// The same where the file system keeps whole seconds.
const COARSE_TICK: Duration = Duration::from_millis(1100);

/// What tells one version of a file from the next without reading it: a hash of device, inode, size, and the times of the last
/// changes of content and of inode. The latter (`st_ctime`) cannot be set back, so that a file of the same size and time of
/// modification but other content has another mark. In eight bytes, for there may be a hundred thousand of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FileMark(u64);

impl FileMark {
    /// The mark of the file at `path` as it is now; to be taken before it is read, so that a change in between is seen as one.
    /// A file that cannot be looked at has a mark too.
    pub fn now(path: &Path) -> Self {
        std::fs::metadata(path).as_ref().map_or(Self(0), Self::of)
    }

    fn of(metadata: &Metadata) -> Self {
        let mut hasher = DefaultHasher::new();
        let file = (metadata.dev(), metadata.ino(), metadata.size());
        let content = (metadata.mtime(), metadata.mtime_nsec());
        let inode = (metadata.ctime(), metadata.ctime_nsec());
        (file, content, inode).hash(&mut hasher);
        Self(hasher.finish().max(1))
    }

    /// Whether the file at `path` is what it was. One that was read while root, and that the present user cannot look at, is
    /// taken to be.
    pub fn is_current(self, path: &Path) -> bool {
        Self::now(path) == self
            || std::fs::metadata(path)
                .is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
    }
}

/// A file as it was at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRead {
    path: PathBuf,
    mark: FileMark,
    /// When it changed last, content or inode.
    changed: SystemTime,
    /// Whether it changed while it was read, or may have.
    is_changing: bool,
}

impl FileRead {
    /// The file at `path` as it is now.
    pub fn now(path: PathBuf) -> Self {
        let (mark, changed) = match std::fs::metadata(&path) {
            Ok(metadata) => (FileMark::of(&metadata), time_of_change(&metadata)),
            Err(_) => (FileMark(0), UNIX_EPOCH),
        };
        Self { path, mark, changed, is_changing: false }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What tells this version of it from others.
    pub const fn mark(&self) -> FileMark {
        self.mark
    }

    /// The same, of a file that changed while it was read, or may have: what was read may be half of one version and half of another.
    #[must_use]
    pub fn changing(self) -> Self {
        Self { mark: FileMark(0), is_changing: true, ..self }
    }

    /// Whether it is as [`Self::changing`] says.
    pub const fn is_changing(&self) -> bool {
        self.is_changing
    }

    /// Whether the file is what it was.
    pub fn is_current(&self) -> bool {
        self.mark.is_current(&self.path)
    }

    /// Whether the file is another than it was. Never of one that was not there, for nothing is known of it.
    pub(super) fn was_replaced(&self) -> bool {
        self.mark != FileMark(0) && !self.is_current()
    }

    /// Whether it changed within `window` of `moment`, before or after. Times further off are those of another clock.
    pub fn changed_within(&self, window: Duration, moment: SystemTime) -> bool {
        let apart = moment.duration_since(self.changed).unwrap_or_else(|later| later.duration());
        apart <= window
    }

    /// Whether it changed at `moment` or later.
    pub fn changed_since(&self, moment: SystemTime) -> bool {
        self.changed >= moment
    }

    /// The time within which a second change may leave the mark as it is.
    pub fn tick(&self) -> Duration {
        let whole = self.changed.duration_since(UNIX_EPOCH).is_ok_and(|since| since.subsec_nanos() == 0);
        if whole { COARSE_TICK } else { TICK }
    }
}

fn time_of_change(metadata: &Metadata) -> SystemTime {
    let seconds = u64::try_from(metadata.ctime()).unwrap_or(0);
    let nanoseconds = u32::try_from(metadata.ctime_nsec()).unwrap_or(0);
    UNIX_EPOCH + Duration::new(seconds, nanoseconds)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::FileExt;

    use super::*;

    #[test]
    fn other_content_of_the_same_size_and_time_has_another_mark() {
        let path = std::env::temp_dir().join(format!("rhumb-file-mark-{}", std::process::id()));
        std::fs::write(&path, "one").unwrap();
        let before = FileRead::now(path.clone());
        assert!(before.is_current() && before.changed_within(Duration::from_mins(1), SystemTime::now()));
        std::thread::sleep(before.tick());
        let file = File::options().write(true).open(&path).unwrap();
        let modified = file.metadata().unwrap().modified().unwrap();
        file.write_at(b"two", 0).unwrap();
        file.set_modified(modified).unwrap();
        assert!(!before.is_current());
        std::fs::remove_file(&path).unwrap();
        assert!(!before.is_current());
    }

    #[test]
    fn times_of_another_clock_are_not_near() {
        let file =
            |changed| FileRead { path: PathBuf::new(), mark: FileMark(1), changed, is_changing: false };
        let now = UNIX_EPOCH + Duration::from_secs(1000);
        let within = |seconds| {
            file(UNIX_EPOCH + Duration::from_secs(seconds)).changed_within(Duration::from_secs(10), now)
        };
        assert!(within(1000) && within(990) && within(1010));
        assert!(!within(989) && !within(1011) && !within(0));
        assert_eq!(file(now).tick(), COARSE_TICK);
        assert_eq!(file(now + Duration::from_nanos(1)).tick(), TICK);
    }
}
