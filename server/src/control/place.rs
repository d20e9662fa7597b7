//! Where the control socket is, for the server that makes it and the client that looks for it.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;
use rhumb_config::ServerConfig;

use super::socket::{ControlBindError, ControlListener, bind};

/// Where the socket is when no configuration says so and the folder can be written.
const SYSTEM: &str = "/run/rhumb/control.sock";
/// The file's name in the folders of an account.
const FILE: &str = "control.sock";

/// A place where the socket may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketPlace {
    /// The socket.
    pub path: PathBuf,
    /// Whether its folder must be this account's own and closed to others. In a place that anybody may write to, a folder
    /// of somebody else could hold a socket of theirs.
    pub private: bool,
}

impl SocketPlace {
    fn open(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), private: false }
    }

    /// Whether a client may trust what it finds there. Errors: it may not; or the folder cannot be looked at.
    pub fn check(&self) -> io::Result<()> {
        match self.path.parent() {
            Some(folder) if self.private => check_private(folder, geteuid().as_raw()),
            _ => Ok(()),
        }
    }

    /// Makes the folder if it is missing; true if it did.
    fn prepare(&self) -> io::Result<bool> {
        let Some(folder) = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()) else {
            return Ok(false);
        };
        let made = match DirBuilder::new().mode(if self.private { 0o700 } else { 0o755 }).create(folder) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
            Err(error) => return Err(error),
        };
        self.check().map(|()| made)
    }
}

/// The places to look at, in order: the one that the configuration file names, or, where there is no file or it names
/// none, that of the system and those of this account.
pub fn candidates(config: &ServerConfig) -> Vec<SocketPlace> {
    match &config.control.socket {
        // The built-in default names the system's place, and has to work for everybody.
        Some(path) if config.file.is_some() => vec![SocketPlace::open(path)],
        _ => well_known(std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from), geteuid().as_raw()),
    }
}

fn well_known(runtime: Option<PathBuf>, uid: u32) -> Vec<SocketPlace> {
    // The XDG Base Directory Specification has a relative path ignored.
    let runtime = runtime.filter(|folder| folder.is_absolute());
    let own = runtime.map(|folder| folder.join("rhumb").join(FILE));
    let last = PathBuf::from(format!("/tmp/rhumb-{uid}")).join(FILE);
    let own = own.into_iter().chain([last]).map(|path| SocketPlace { path, private: true });
    [SocketPlace::open(SYSTEM)].into_iter().chain(own).collect()
}

/// Makes the control socket at the first of its [`candidates`] that will have it. A folder that is missing is made.
///
/// Errors: [`BindError::Live`] as soon as a server is found at one of them; else that of the place that was configured,
/// or [`BindError::Nowhere`] with those of all that were tried.
pub fn bind_configured(config: &ServerConfig) -> Result<ControlListener, ControlBindError> {
    bind_first(candidates(config), config.control.mode)
}

fn bind_first(places: Vec<SocketPlace>, mode: u32) -> Result<ControlListener, ControlBindError> {
    let mut errors = Vec::new();
    for place in places {
        match bind_at(&place, mode) {
            Ok(listener) => return Ok(listener),
            Err(error @ ControlBindError::ServerState { .. }) => return Err(error),
            Err(error) => errors.push(error),
        }
    }
    match errors.pop() {
        Some(only) if errors.is_empty() => Err(only),
        last => {
            errors.extend(last);
            Err(ControlBindError::Nowhere(errors))
        }
    }
}

fn bind_at(place: &SocketPlace, mode: u32) -> Result<ControlListener, ControlBindError> {
    let made =
        place.prepare().map_err(|source| ControlBindError::Folder { path: place.path.clone(), source })?;
    let mut listener = bind(&place.path, mode)?;
    if made {
        listener.owns_folder();
    }
    Ok(listener)
}

/// Whether `folder` is a folder of `uid` that nobody else may enter.
fn check_private(folder: &Path, uid: u32) -> io::Result<()> {
    // Not followed: a link would be somebody else's say.
    let found = fs::symlink_metadata(folder)?;
    let wrong = if !found.is_dir() {
        "is not a folder".to_owned()
    } else if found.uid() != uid {
        format!("belongs to user {}, not to user {uid}", found.uid())
    } else if found.mode() & 0o077 != 0 {
        format!("is open to others (mode {:04o})", found.mode() & 0o7777)
    } else {
        return Ok(());
    };
    let message = format!("{} {wrong}; what is in it is not trusted", folder.display());
    Err(io::Error::new(io::ErrorKind::PermissionDenied, message))
}

#[cfg(test)]
mod tests;
