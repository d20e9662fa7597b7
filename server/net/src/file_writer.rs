//! Whether somebody has a file open for writing, asked of the kernel.
#![allow(unsafe_code, reason = "no other crate offers these calls")]

use std::fs::OpenOptions;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::libc;

/// Whether any program has the file at `path` open for writing or mapped so: a read lease is refused then (`F_SETLEASE` of
/// fcntl(2)). `None` where the kernel does not tell: of a file that cannot be opened, of one of another user without
/// `CAP_LEASE`, on file systems without leases, on other systems than Linux.
pub fn has_writer(path: &Path) -> Option<bool> {
    if !path.is_file() {
        return None;
    }
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path).ok()?;
    take_lease(file.as_raw_fd())
}

/// The lease ends when the descriptor is closed.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn take_lease(fd: std::os::fd::RawFd) -> Option<bool> {
    // Of asm-generic/fcntl.h.
    const F_SETSIG: libc::c_int = 10;
    // A writer that comes meanwhile waits for the end of the lease, and the process is sent a signal: one that does nothing, instead
    // of SIGIO, which would end it.
    // SAFETY: both calls take integers; `fd` is open.
    let status = unsafe {
        if libc::fcntl(fd, F_SETSIG, libc::SIGURG) != 0 {
            return None;
        }
        libc::fcntl(fd, libc::F_SETLEASE, libc::F_RDLCK)
    };
    match status {
        0 => Some(false),
        _ => (nix::errno::Errno::last() == nix::errno::Errno::EAGAIN).then_some(true),
    }
}

/// See the Linux variant.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn take_lease(_fd: std::os::fd::RawFd) -> Option<bool> {
    None
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use super::*;

    #[test]
    fn a_writer_is_seen_until_it_closes_the_file() {
        let path = std::env::temp_dir().join(format!("rhumb-file-writer-{}", std::process::id()));
        let writer = File::create(&path).unwrap();
        // Not every file system has leases.
        if has_writer(&path).is_some() {
            assert_eq!(has_writer(&path), Some(true));
            drop(writer);
            let reader = File::open(&path).unwrap();
            assert_eq!(has_writer(&path), Some(false), "one that reads is none");
            drop(reader);
        }
        fs::remove_file(&path).unwrap();
        assert_eq!(has_writer(&path), None);
    }

    #[test]
    fn a_writer_that_comes_during_a_lease_ends_nothing() {
        let path = std::env::temp_dir().join(format!("rhumb-file-writer-broken-{}", std::process::id()));
        fs::write(&path, "a").unwrap();
        let file = File::open(&path).unwrap();
        if take_lease(file.as_raw_fd()) == Some(false) {
            let open = OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK).open(&path);
            assert_eq!(open.unwrap_err().raw_os_error(), Some(libc::EWOULDBLOCK));
            drop(file);
            assert!(OpenOptions::new().write(true).open(&path).is_ok());
        }
        fs::remove_file(&path).unwrap();
    }
}
