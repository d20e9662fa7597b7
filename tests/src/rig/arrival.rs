//! When the kernel received a datagram, however late the program reads it.

use std::io::IoSliceMut;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::time::Duration;

use nix::sys::socket::sockopt::ReceiveTimestampns;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt};

use crate::failure::{Context, Failure};

/// Has the kernel note when each datagram of the socket comes in (`SO_TIMESTAMPNS`, socket(7)).
pub fn note_arrivals(socket: &UdpSocket) -> Result<(), Failure> {
    setsockopt(socket, ReceiveTimestampns, &true).context("timestamps of datagrams")
}

/// The next datagram of such a socket: its length, and when it came, in time since 1970. `None` if none came within the time-out of the
/// socket.
pub fn next_arrival(socket: &UdpSocket, buffer: &mut [u8]) -> Option<(usize, Duration)> {
    let mut control = nix::cmsg_space!(nix::sys::time::TimeSpec);
    let mut parts = [IoSliceMut::new(buffer)];
    let received =
        recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut parts, Some(&mut control), MsgFlags::empty())
            .ok()?;
    let time = received.cmsgs().ok()?.find_map(|message| match message {
        ControlMessageOwned::ScmTimestampns(time) => Some(Duration::from(time)),
        _ => None,
    })?;
    Some((received.bytes, time))
}
