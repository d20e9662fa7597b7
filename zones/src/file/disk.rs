//! Where the text of files comes from.
//!
//! Only regular files are opened. A FIFO would block its reader until something writes to it, and a device may act on
//! being opened at all; so a file is looked at first, opened without waiting, and looked at again, as it may have been
//! replaced in between.

use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

use crate::verify::DigestPolicy;

/// Gives files by name.
pub(super) trait FileSource {
    /// The file called `name`; `from` is the file that includes it. Errors: a sentence.
    fn open(&self, name: &Path, from: Option<&Path>) -> Result<OpenFile, String>;

    /// The paths at which the file called `name` is looked for where the one at `from` includes it, if it may lie there.
    fn places(&self, name: &Path, from: &Path) -> Vec<PathBuf>;
}

/// No file can be had.
pub(super) struct NoFiles;

impl FileSource for NoFiles {
    fn open(&self, _: &Path, _: Option<&Path>) -> Result<OpenFile, String> {
        Err("nothing can be included here".to_owned())
    }

    fn places(&self, _: &Path, _: &Path) -> Vec<PathBuf> {
        Vec::new()
    }
}

/// A regular file, not read yet.
#[derive(Debug)]
pub(super) struct OpenFile {
    /// The path under which it was found.
    pub(super) path: PathBuf,
    /// Device and inode: the same for every path that leads to it.
    pub(super) identity: (u64, u64),
    /// Its length in bytes when it was opened.
    pub(super) length: u64,
    file: File,
}

impl OpenFile {
    /// Opens the file at `real` and calls it `path`. Errors: a sentence; it cannot be opened, or is no regular file.
    fn new(path: PathBuf, real: &Path) -> Result<Self, String> {
        let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
        is_regular(&real.metadata().map_err(unreadable)?)?;
        let file = OpenOptions::new()
            .read(true)
            .custom_flags((OFlag::O_NONBLOCK | OFlag::O_CLOEXEC | OFlag::O_NOCTTY).bits())
            .open(real)
            .map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        is_regular(&metadata)?;
        let identity = (metadata.dev(), metadata.ino());
        Ok(Self { path, identity, length: metadata.len(), file })
    }

    /// Its text. Errors: a sentence; it has more than `most` bytes, or reading it would block: some files under `/proc`
    /// and `/sys` are regular by name alone.
    pub(super) fn read(self, most: u64) -> Result<Vec<u8>, String> {
        let too_large = || format!("has more than the {most} bytes that are left for the files of a zone");
        if self.length > most {
            return Err(too_large());
        }
        let mut text = Vec::with_capacity(usize::try_from(self.length).unwrap_or(0) + 1);
        match self.file.take(most + 1).read_to_end(&mut text) {
            Ok(_) if text.len() as u64 > most => Err(too_large()),
            Ok(_) => Ok(text),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                Err("cannot be read: it has no end, reading it would block".to_owned())
            }
            Err(error) => Err(format!("cannot be read: {error}")),
        }
    }
}

/// Whether there is something with this name, a link to nothing among it.
fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Errors: a sentence that says what it is instead.
fn is_regular(metadata: &Metadata) -> Result<(), String> {
    let kind = metadata.file_type();
    if kind.is_file() { Ok(()) } else { Err(format!("is {}, not a regular file", kind_of(kind))) }
}

fn kind_of(kind: FileType) -> &'static str {
    if kind.is_dir() {
        "a directory"
    } else if kind.is_fifo() {
        "a FIFO"
    } else if kind.is_socket() {
        "a socket"
    } else if kind.is_char_device() || kind.is_block_device() {
        "a device"
    } else {
        "a special file"
    }
}

/// How a zone is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ZoneReadOptions {
    /// Folders from which files may be included, besides that of the zone file. What lies below them counts too.
    pub include_folders: Vec<PathBuf>,
    /// What is made of ZONEMD.
    pub digest: DigestPolicy,
}

/// The folder of a zone file and further ones, and what lies below them.
pub(super) struct ZoneFolder<'p> {
    own: &'p Path,
    further: &'p [PathBuf],
}

impl<'p> ZoneFolder<'p> {
    /// The folder that the file at `path` lies in, and those of `options`.
    pub(super) fn of(path: &'p Path, options: &'p ZoneReadOptions) -> Self {
        let own = match path.parent() {
            Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
            Some(folder) => folder,
            None => Path::new("/"),
        };
        Self { own, further: &options.include_folders }
    }

    /// Whether a path without links lies in one of the folders.
    fn holds(&self, real: &Path) -> bool {
        let folders = std::iter::once(self.own).chain(self.further.iter().map(PathBuf::as_path));
        folders.filter_map(|folder| folder.canonicalize().ok()).any(|folder| real.starts_with(folder))
    }

    /// Whether a file that is not there may be put there: what there is of its path lies in one of the folders.
    fn may_hold(&self, path: &Path) -> bool {
        let above = path.ancestors().skip(1);
        let mut above = above.map(|path| if path.as_os_str().is_empty() { Path::new(".") } else { path });
        above.find_map(|path| path.canonicalize().ok()).is_some_and(|real| self.holds(&real))
    }

    /// The path without links. Errors: the file lies elsewhere, also by way of `..` or of a link.
    fn resolve(&self, path: &Path) -> Result<PathBuf, String> {
        let real = path.canonicalize().map_err(|error| format!("cannot be read: {error}"))?;
        if self.holds(&real) {
            return Ok(real);
        }
        Err(format!(
            "{} does not lie in the folder of the zone file, nor in one that files may be included from",
            path.display()
        ))
    }
}

impl FileSource for ZoneFolder<'_> {
    fn open(&self, name: &Path, from: Option<&Path>) -> Result<OpenFile, String> {
        let Some(folder) = from.and_then(Path::parent) else {
            return OpenFile::new(name.to_owned(), name);
        };
        // Beside the file that includes it; else in the folder of the zone, where BIND and NSD look from, if it is there.
        let (beside, in_zone) = (folder.join(name), self.own.join(name));
        let path = if !exists(&beside) && exists(&in_zone) { in_zone } else { beside };
        let real = self.resolve(&path)?;
        OpenFile::new(path, &real)
    }

    fn places(&self, name: &Path, from: &Path) -> Vec<PathBuf> {
        let folders = [from.parent().unwrap_or(self.own), self.own];
        let paths = folders.into_iter().map(|folder| folder.join(name));
        paths.filter(|path| self.may_hold(path)).collect()
    }
}
