//! Addresses and interfaces that come and go, as rtnetlink(7) reports them. Only Linux has it.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, socket,
};

/// Room for many notices; one that does not fit is cut, and its type is read all the same.
const BUFFER: usize = 16_384;
/// The size of `struct nlmsghdr`, and the alignment of messages (netlink(7)).
const HEADER: usize = 16;
const ALIGN: usize = 4;

/// Notices of changed addresses and interfaces. What has changed is for the caller to look up: notices may be lost.
#[derive(Debug)]
pub struct AddressWatch {
    socket: OwnedFd,
    buffer: Vec<u8>,
}

impl AddressWatch {
    /// From now on changes are noticed. Errors: those of socket(2) and bind(2), as where a sandbox has no netlink.
    pub fn open() -> io::Result<Self> {
        let flags = SockFlag::SOCK_CLOEXEC;
        let socket = socket(AddressFamily::Netlink, SockType::Raw, flags, SockProtocol::NetlinkRoute)?;
        let groups = libc::RTMGRP_LINK | libc::RTMGRP_IPV4_IFADDR | libc::RTMGRP_IPV6_IFADDR;
        bind(socket.as_raw_fd(), &NetlinkAddr::new(0, groups.unsigned_abs()))?;
        Ok(Self { socket, buffer: vec![0; BUFFER] })
    }

    /// Blocks until an address or an interface has come, gone or changed; changes that are reported already are one. Errors: the
    /// socket is of no more use.
    pub fn wait(&mut self) -> io::Result<()> {
        let mut changed = false;
        loop {
            let flags = if changed { MsgFlags::MSG_DONTWAIT } else { MsgFlags::empty() };
            match recv(self.socket.as_raw_fd(), &mut self.buffer, flags) {
                Ok(length) => changed |= has_change(self.buffer.get(..length).unwrap_or_default()),
                // More changes than there is room for: which, is not known.
                Err(Errno::ENOBUFS) => changed = true,
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) if changed => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Whether one of the messages is about an address or an interface.
fn has_change(mut bytes: &[u8]) -> bool {
    while let Some((header, _)) = bytes.split_first_chunk::<HEADER>() {
        let [l0, l1, l2, l3, t0, t1, ..] = *header;
        let kind = u16::from_ne_bytes([t0, t1]);
        if matches!(kind, libc::RTM_NEWLINK | libc::RTM_DELLINK | libc::RTM_NEWADDR | libc::RTM_DELADDR) {
            return true;
        }
        let length = u32::from_ne_bytes([l0, l1, l2, l3]) as usize;
        if length < HEADER {
            return false;
        }
        bytes = bytes.get(length.next_multiple_of(ALIGN)..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u16, length: u32) -> Vec<u8> {
        let mut message = vec![0; length.max(16) as usize];
        message[..4].copy_from_slice(&length.to_ne_bytes());
        message[4..6].copy_from_slice(&kind.to_ne_bytes());
        message.resize(message.len().next_multiple_of(ALIGN), 0);
        message
    }

    #[test]
    fn only_addresses_and_interfaces_count() {
        let (route, address, link) =
            (message(24, 33), message(libc::RTM_NEWADDR, 80), message(libc::RTM_DELLINK, 16));
        assert!(!has_change(&[]) && !has_change(&route) && !has_change(&route[..15]));
        assert!(has_change(&address) && has_change(&link));
        assert!(has_change(&[route.clone(), route.clone(), address].concat()));
        // Cut short, or with a length that leads nowhere.
        assert!(has_change(&message(libc::RTM_DELADDR, 4000)[..16]));
        assert!(!has_change(&[message(24, 3), link.clone()].concat()));
        assert!(!has_change(&[&message(24, 4000)[..16], &link].concat()));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_end(bytes: Vec<u8>) {
            has_change(&bytes);
        }
    }
}
