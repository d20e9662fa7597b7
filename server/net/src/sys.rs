//! The calls that neither std, nix nor socket2 offer: some socket options, and many datagrams at once with control
//! data for each.
#![allow(unsafe_code, reason = "these calls take raw memory")]

use std::io;
use std::mem::size_of_val;
use std::os::fd::{AsFd, AsRawFd, RawFd};

use nix::libc::{self, c_int, c_uint, msghdr, socklen_t};

/// Sets a socket option that is a plain integer; for `level` and `option` see ip(7) and ipv6(7).
pub(crate) fn set_option(fd: impl AsFd, level: c_int, option: c_int, value: c_int) -> io::Result<()> {
    let length = size_of_val(&value) as socklen_t;
    // SAFETY: `value` lives across the call, and `length` is its size; the kernel only reads it.
    let status =
        unsafe { libc::setsockopt(fd.as_fd().as_raw_fd(), level, option, (&raw const value).cast(), length) };
    if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Reads a socket option that is a plain integer.
#[cfg(test)]
pub(crate) fn option(fd: impl AsFd, level: c_int, option: c_int) -> io::Result<c_int> {
    let mut value: c_int = 0;
    let mut length = size_of_val(&value) as socklen_t;
    // SAFETY: `value` and `length` live across the call, and the kernel writes no more than `length` bytes.
    let status = unsafe {
        libc::getsockopt(fd.as_fd().as_raw_fd(), level, option, (&raw mut value).cast(), &raw mut length)
    };
    if status == 0 { Ok(value) } else { Err(io::Error::last_os_error()) }
}

/// How many datagrams the kernel threw away because the socket's receive buffer was full, since it was made; it
/// wraps at 2^32. `None` where the kernel does not say.
#[cfg(target_os = "linux")]
pub(crate) fn drops(fd: impl AsFd) -> Option<u64> {
    // SO_MEMINFO and SK_MEMINFO_DROPS of linux/sock_diag.h.
    const MEMINFO: c_int = 55;
    const DROPS: usize = 8;
    let mut info = [0_u32; 16];
    let mut length = size_of_val(&info) as socklen_t;
    // SAFETY: `info` and `length` live across the call, and the kernel writes no more than `length` bytes.
    let status = unsafe {
        libc::getsockopt(
            fd.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            MEMINFO,
            info.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    let known = length as usize / size_of::<u32>();
    if status != 0 || known <= DROPS {
        return None;
    }
    info.get(DROPS).copied().map(u64::from)
}

/// See the Linux variant; other systems do not say.
#[cfg(not(target_os = "linux"))]
pub(crate) fn drops(_fd: impl AsFd) -> Option<u64> {
    None
}

/// `struct mmsghdr`, which not all systems have: a message and how many of its bytes were received or sent.
#[repr(C)]
pub(crate) struct RawMessage {
    pub(crate) header: msghdr,
    pub(crate) length: c_uint,
}

impl RawMessage {
    pub(crate) fn empty() -> Self {
        // SAFETY: the structure is integers and raw pointers, for which all zeros are a value; some systems have
        // padding fields of other names in it.
        let header = unsafe { std::mem::zeroed::<msghdr>() };
        Self { header, length: 0 }
    }
}

/// Wait for the first datagram, take the others that are there.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) const WAIT_FOR_ONE: c_int = libc::MSG_WAITFORONE;
/// One datagram a call, so there are no others.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) const WAIT_FOR_ONE: c_int = 0;

/// Receives into the first messages and says how many were filled (recvmmsg(2)).
///
/// # Safety
/// Each message must point at memory that the kernel may read and write, with the lengths beside it.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) unsafe fn receive_messages(
    fd: RawFd,
    messages: &mut [RawMessage],
    flags: c_int,
) -> io::Result<usize> {
    // The call itself, not the C library's function of that name: musl's copies and, for sending, loops.
    // SAFETY: `Message` has the layout of `struct mmsghdr`; the rest is the caller's promise. No timeout is given.
    let count = unsafe {
        libc::syscall(libc::SYS_recvmmsg, fd, messages.as_mut_ptr(), messages.len() as c_uint, flags, 0_usize)
    };
    usize::try_from(count).map_err(|_| io::Error::last_os_error())
}

/// Sends messages in order and says how many; an error is that of the first one, and none was sent (sendmmsg(2)).
/// Never waits.
///
/// # Safety
/// Each message must point at memory that the kernel may read, with the lengths beside it.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) unsafe fn send_messages(fd: RawFd, messages: &mut [RawMessage]) -> io::Result<usize> {
    let (count, flags) = (messages.len() as c_uint, libc::MSG_DONTWAIT);
    // SAFETY: as for receiving.
    let count = unsafe { libc::syscall(libc::SYS_sendmmsg, fd, messages.as_mut_ptr(), count, flags) };
    usize::try_from(count).map_err(|_| io::Error::last_os_error())
}

/// Receives into the first message, one a call. Not run here.
///
/// # Safety
/// Each message must point at memory that the kernel may read and write, with the lengths beside it.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) unsafe fn receive_messages(
    fd: RawFd,
    messages: &mut [RawMessage],
    flags: c_int,
) -> io::Result<usize> {
    let Some(first) = messages.first_mut() else { return Ok(0) };
    // SAFETY: the caller's promise.
    let length = unsafe { libc::recvmsg(fd, &raw mut first.header, flags) };
    first.length = c_uint::try_from(length).map_err(|_| io::Error::last_os_error())?;
    Ok(1)
}

/// Sends the first message, one a call. Not run here.
///
/// # Safety
/// Each message must point at memory that the kernel may read, with the lengths beside it.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) unsafe fn send_messages(fd: RawFd, messages: &mut [RawMessage]) -> io::Result<usize> {
    let Some(first) = messages.first() else { return Ok(0) };
    // SAFETY: the caller's promise.
    let length = unsafe { libc::sendmsg(fd, &raw const first.header, libc::MSG_DONTWAIT) };
    usize::try_from(length).map(|_| 1).map_err(|_| io::Error::last_os_error())
}
