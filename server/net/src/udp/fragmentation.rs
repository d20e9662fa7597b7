//! Whether IPv4 datagrams of a socket may be fragmented on their way.
//!
//! For each datagram that may be, the kernel computes an identifier (RFC 6864, section 4), a fortieth of what a query costs
//! in all. Small answers do without: every path takes them whole. Larger ones may meet a path that does not, and of
//! those no report is believed (RFC 9715), so that they may be fragmented.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::libc;
use socket2::Socket;

use crate::sys;

/// An answer of so many bytes needs no fragments: with its headers it is what every host takes (576 bytes, RFC 791, section 3.1),
/// and it is what DNS sent before EDNS.
const SMALL: usize = 512;
/// So many batches with small answers only come before the mode changes: where sizes mix, a system call for each change would
/// cost more than the identifiers.
const SMALL_BATCHES: u32 = 64;

/// The mode of one socket. Only the thread that sends its batches forbids fragments; whoever has a large message allows them.
#[derive(Debug)]
pub(super) struct FragmentMode {
    /// Whether there is a choice: not on systems and sockets without IPv4's option.
    adjustable: bool,
    forbidden: AtomicBool,
    /// Held while the mode changes, and by other threads until their large message has left.
    change: Mutex<()>,
}

impl FragmentMode {
    /// Fragments are allowed, as a new socket has it (see [`super::unfragmented`]). `v4`: whether the socket sends by IPv4.
    pub(super) fn new(v4: bool) -> Self {
        Self {
            adjustable: v4 && cfg!(any(target_os = "linux", target_os = "android")),
            forbidden: AtomicBool::new(false),
            change: Mutex::new(()),
        }
    }

    /// Before a batch whose largest answer has `largest` bytes is sent; `small_batches` is the caller's count of those before it
    /// that had small ones only. All batches of a socket come from one thread.
    pub(super) fn prepare_batch(&self, socket: &Socket, largest: usize, small_batches: &mut u32) {
        if !self.adjustable {
            return;
        }
        if largest > SMALL {
            *small_batches = 0;
            drop(self.allow(socket));
        } else if !self.forbidden.load(Ordering::Relaxed) {
            *small_batches += 1;
            if *small_batches >= SMALL_BATCHES {
                *small_batches = 0;
                let _changing = self.lock();
                self.forbidden.store(set_forbidden(socket, true).is_ok(), Ordering::Relaxed);
            }
        }
    }

    /// Before one message of `size` bytes is sent by any thread; the mode stays as it is while the result lives.
    pub(super) fn prepare_message(&self, socket: &Socket, size: usize) -> Option<MutexGuard<'_, ()>> {
        (self.adjustable && size > SMALL).then(|| self.allow(socket))
    }

    fn allow(&self, socket: &Socket) -> MutexGuard<'_, ()> {
        let changing = self.lock();
        if self.forbidden.load(Ordering::Relaxed) && set_forbidden(socket, false).is_ok() {
            self.forbidden.store(false, Ordering::Relaxed);
        }
        changing
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.change.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sets whether fragments are forbidden; either way no path MTU learnt from others counts (ip(7)).
#[cfg(any(target_os = "linux", target_os = "android"))]
fn set_forbidden(socket: &Socket, forbidden: bool) -> io::Result<()> {
    let mode = if forbidden { libc::IP_PMTUDISC_PROBE } else { libc::IP_PMTUDISC_OMIT };
    sys::set_option(socket, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, mode)
}

/// Other systems keep the mode of a new socket.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn set_forbidden(_socket: &Socket, _forbidden: bool) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
