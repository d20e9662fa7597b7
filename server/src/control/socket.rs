//! The socket itself: made with its permissions, taken over from the dead, never from the living.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, lchown};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, Flock, FlockArg, fcntl};
use nix::sys::socket::{self, AddressFamily, Backlog, SockFlag, SockType, UnixAddr};
use nix::unistd::geteuid;
use thiserror::Error;

/// Connections the kernel holds ready; more than are served at once, so that the rest are told rather than kept waiting.
const BACKLOG: i32 = 64;
/// How often and how long to wait for another server that is just starting in the same folder.
const LOCK_TRIES: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(25);

/// Why there is no control socket; shown with its path, and without the words that it is one.
#[derive(Debug, Error)]
pub enum ControlBindError {
    /// A process listens there.
    #[error("{}: a running server has it{}; stop that one or set another control.socket", .path.display(), held_by(*.pid))]
    ServerState {
        /// The socket.
        path: PathBuf,
        /// The process that made it, where the system tells.
        pid: Option<i32>,
    },
    /// Something that is not a stream socket has the name.
    #[error("{}: {kind} is there; remove it or set another control.socket", .path.display())]
    Occupied {
        /// The path.
        path: PathBuf,
        /// What is there.
        kind: &'static str,
    },
    /// The folder cannot be made, or not be trusted.
    #[error("{}: its folder: {source}", .path.display())]
    Folder {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The socket cannot be made.
    #[error("{}: {source}", .path.display())]
    Socket {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// None of the places to try will have it.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Nowhere(Vec<ControlBindError>),
}

fn held_by(pid: Option<i32>) -> String {
    pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
}

/// The listening control socket. Its file goes when this does, unless somebody else's has taken its place.
#[derive(Debug)]
pub struct ControlListener {
    socket: UnixListener,
    path: PathBuf,
    mode: u32,
    /// Device and inode of the file.
    identity: (u64, u64),
    folder_is_ours: bool,
    /// Whether a group was let in that may only look.
    has_readers: bool,
}

/// What a client may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ControlAccess {
    /// Run every command.
    Full,
    /// Run the commands that change nothing.
    Read,
}

impl ControlListener {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the file that account's, and its folder too if it was made for the socket: to be called before giving up
    /// root, so that the account may use the socket and remove it at the end.
    pub fn give_to(&self, uid: u32, gid: u32) -> io::Result<()> {
        lchown(&self.path, Some(uid), Some(gid))?;
        match self.path.parent() {
            Some(folder) if self.folder_is_ours => lchown(folder, Some(uid), Some(gid)),
            _ => Ok(()),
        }
    }

    /// Lets members of this group in, who may only look. Errors: this process may not give the file to the group.
    pub fn admit_readers(&mut self, gid: u32) -> io::Result<()> {
        lchown(&self.path, None, Some(gid))?;
        fs::set_permissions(&self.path, Permissions::from_mode(self.mode & 0o777 | 0o060))?;
        self.has_readers = true;
        Ok(())
    }

    pub(super) fn owns_folder(&mut self) {
        self.folder_is_ours = true;
    }

    /// The socket for tokio; to be called in its runtime.
    pub(super) fn accepting(&self) -> io::Result<tokio::net::UnixListener> {
        tokio::net::UnixListener::from_std(self.socket.try_clone()?)
    }

    /// What a client of this user may do. Root and the server's own account may do everything. Where the mode lets others in, the
    /// kernel has asked it when they connected, and they may too; but where a group is let in to look, all others may only look.
    pub(super) fn access(&self, uid: u32) -> Option<ControlAccess> {
        if uid == 0 || uid == geteuid().as_raw() {
            Some(ControlAccess::Full)
        } else if self.has_readers {
            Some(ControlAccess::Read)
        } else {
            (self.mode & 0o077 != 0).then_some(ControlAccess::Full)
        }
    }
}

impl Drop for ControlListener {
    fn drop(&mut self) {
        let same =
            fs::symlink_metadata(&self.path).is_ok_and(|file| (file.dev(), file.ino()) == self.identity);
        if same && let Err(error) = fs::remove_file(&self.path) {
            // The next start replaces it.
            tracing::debug!(path = %self.path.display(), %error, "the control socket's file stays");
        }
    }
}

/// Makes a control socket at `path` that the permission bits `mode` (of 0o777) let in. The file of a server that is gone is
/// replaced.
///
/// Errors: see [`ControlBindError`]; `path` is too long for a socket above 107 bytes.
pub fn bind(path: &Path, mode: u32) -> Result<ControlListener, ControlBindError> {
    let failed = |source: io::Error| ControlBindError::Socket { path: path.to_owned(), source };
    let address = UnixAddr::new(path).map_err(|error| failed(error.into()))?;
    let _lock = lock_folder(path);
    clear(path)?;
    let socket = stream_socket().map_err(failed)?;
    socket::bind(socket.as_raw_fd(), &address).map_err(|error| failed(error.into()))?;
    listen(socket, path, mode).map_err(|error| {
        // Nothing listens there: not to be left behind.
        let _ = fs::remove_file(path);
        failed(error)
    })
}

/// The bound socket gets its permissions before it listens: until then every client is refused.
fn listen(socket: OwnedFd, path: &Path, mode: u32) -> io::Result<ControlListener> {
    fs::set_permissions(path, Permissions::from_mode(mode & 0o777))?;
    let file = fs::symlink_metadata(path)?;
    socket::listen(&socket, Backlog::new(BACKLOG)?)?;
    let socket = UnixListener::from(socket);
    socket.set_nonblocking(true)?;
    let identity = (file.dev(), file.ino());
    Ok(ControlListener {
        socket,
        path: path.to_owned(),
        mode,
        identity,
        folder_is_ours: false,
        has_readers: false,
    })
}

/// Two servers that start at once take turns, or the later would take the earlier for dead, between its `bind` and its
/// `listen`. A folder that cannot be locked, or that somebody keeps locked, does not stop the start.
fn lock_folder(path: &Path) -> Option<Flock<File>> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = File::open(folder).ok()?;
    for _ in 0..LOCK_TRIES {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Some(lock),
            Err((back, Errno::EWOULDBLOCK)) => file = back,
            Err(_) => return None,
        }
        sleep(LOCK_PAUSE);
    }
    None
}

/// Makes the name free, if no living server has it.
fn clear(path: &Path) -> Result<(), ControlBindError> {
    let failed = |source| ControlBindError::Socket { path: path.to_owned(), source };
    let occupied = |kind| ControlBindError::Occupied { path: path.to_owned(), kind };
    let kind = match fs::symlink_metadata(path) {
        Ok(found) => found.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    if !kind.is_socket() {
        return Err(occupied(match kind {
            kind if kind.is_dir() => "a folder",
            kind if kind.is_symlink() => "a symbolic link",
            kind if kind.is_file() => "a file",
            _ => "something that is no socket",
        }));
    }
    match connect(path) {
        Ok(stream) => {
            let pid = rhumb_net::peer::credentials(&stream).ok().and_then(|peer| peer.pid);
            Err(ControlBindError::ServerState { path: path.to_owned(), pid })
        }
        // A full backlog is that of a living server.
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            Err(ControlBindError::ServerState { path: path.to_owned(), pid: None })
        }
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
            _ => Ok(()),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.raw_os_error() == Some(Errno::EPROTOTYPE as i32) => {
            Err(occupied("a socket of another kind"))
        }
        Err(error) => Err(failed(error)),
    }
}

/// Connects without waiting: `WouldBlock` if the server's backlog is full. The stream then waits in reads and writes.
pub(crate) fn connect(path: &Path) -> io::Result<UnixStream> {
    let stream = UnixStream::from(stream_socket()?);
    stream.set_nonblocking(true)?;
    socket::connect(stream.as_raw_fd(), &UnixAddr::new(path)?)?;
    stream.set_nonblocking(false)?;
    Ok(stream)
}

fn stream_socket() -> io::Result<OwnedFd> {
    let socket = socket::socket(AddressFamily::Unix, SockType::Stream, SockFlag::empty(), None)?;
    fcntl(&socket, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    Ok(socket)
}

#[cfg(test)]
mod tests;
