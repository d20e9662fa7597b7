//! The folder of the state: made, given to the server's user, locked.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::{Gid, Uid, chown};

/// Where the logs are.
const LOGS: &str = "log";
/// Where it is kept what zone files held.
const FILES: &str = "files";
/// Where the files of large zones are.
const ZONES: &str = "zones";

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateFolderError {
    /// Another process has it.
    #[error("state: {}: another process uses it", path.display())]
    Used {
        /// The folder.
        path: PathBuf,
    },
    /// The system says so.
    #[error("state: {}: {error}", path.display())]
    Failed {
        /// The folder.
        path: PathBuf,
        /// What it says.
        error: io::Error,
    },
}

/// The folder, kept from other processes until this is dropped.
#[derive(Debug)]
pub struct StateFolder {
    path: PathBuf,
    _lock: Flock<File>,
}

impl StateFolder {
    /// Makes the folder if it is missing, and gives it to `owner` if it was made or is root's own and the server will be another user.
    ///
    /// Errors: see [`StateFolderError`].
    pub fn prepare(path: &Path, owner: Option<(Uid, Gid)>) -> Result<(), StateFolderError> {
        let failed = |error| StateFolderError::Failed { path: path.to_owned(), error };
        let made = !path.exists();
        if made {
            DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        }
        let Some((uid, gid)) = owner else { return Ok(()) };
        let is_roots = fs::metadata(path).map_err(failed)?.uid() == 0;
        if made || is_roots {
            chown(path, Some(uid), Some(gid)).map_err(|errno| failed(errno.into()))?;
        }
        Ok(())
    }

    /// Takes the folder.
    ///
    /// Errors: see [`StateFolderError`].
    pub fn open(path: &Path) -> Result<Self, StateFolderError> {
        let failed = |error| StateFolderError::Failed { path: path.to_owned(), error };
        for folder in [LOGS, ZONES] {
            match DirBuilder::new().mode(0o700).create(path.join(folder)) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
                _ => {}
            }
        }
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(path.join("lock")).map_err(failed)?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err((_, Errno::EWOULDBLOCK)) => Err(StateFolderError::Used { path: path.to_owned() }),
            Err((_, errno)) => Err(failed(errno.into())),
        }
    }

    /// The folder within it of what zone files held.
    ///
    /// Errors: see [`StateFolderError`].
    pub fn files(&self) -> Result<Self, StateFolderError> {
        let path = self.path.join(FILES);
        match DirBuilder::new().mode(0o700).create(&path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(StateFolderError::Failed { path, error })
            }
            _ => Self::open(&path),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of the logs.
    pub(super) fn logs(&self) -> PathBuf {
        self.path.join(LOGS)
    }

    /// The folder of the files of large zones.
    pub(super) fn zones(&self) -> PathBuf {
        self.path.join(ZONES)
    }
}
