//! Who is at the other end of a Unix socket.

use std::io;
use std::os::fd::AsFd;

/// The credentials of the process that connected, as they were when it did (unix(7), `SO_PEERCRED`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PeerCredentials {
    /// The process id, as this process's namespace numbers it; `None` if the system does not say or the
    /// process is of another namespace.
    pub pid: Option<i32>,
    /// The effective user id.
    pub uid: u32,
    /// The effective group id.
    pub gid: u32,
}

/// Reads the credentials of the peer of a connected Unix socket; fails for any other socket.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn credentials(stream: impl AsFd) -> io::Result<PeerCredentials> {
    use nix::sys::socket::{AddressFamily, SockaddrLike, SockaddrStorage, getsockname, getsockopt, sockopt};
    use std::os::fd::AsRawFd;

    // On sockets of other families the option answers with ids of no account, and no error.
    let name: SockaddrStorage = getsockname(stream.as_fd().as_raw_fd())?;
    if name.family() != Some(AddressFamily::Unix) {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let peer = getsockopt(&stream.as_fd(), sockopt::PeerCredentials)?;
    Ok(PeerCredentials { pid: Some(peer.pid()).filter(|pid| *pid > 0), uid: peer.uid(), gid: peer.gid() })
}

/// Reads the credentials of the peer of a connected Unix socket. Not run here.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn credentials(stream: impl AsFd) -> io::Result<PeerCredentials> {
    let (uid, gid) = nix::unistd::getpeereid(stream)?;
    Ok(PeerCredentials { pid: None, uid: uid.as_raw(), gid: gid.as_raw() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    #[test]
    fn own_credentials() {
        let (one, _other) = UnixStream::pair().unwrap();
        let found = credentials(&one).unwrap();
        let me = PeerCredentials {
            pid: Some(std::process::id().cast_signed()),
            uid: nix::unistd::geteuid().as_raw(),
            gid: nix::unistd::getegid().as_raw(),
        };
        assert_eq!(found, me);
    }

    #[test]
    fn other_sockets_have_none() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        assert!(credentials(&socket).is_err());
    }
}
