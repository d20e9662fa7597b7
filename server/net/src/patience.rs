//! When to accept again after accepting failed.

use std::io;
use std::time::Duration;

/// The pause after an accept that failed for want of descriptors or memory: trying again at once would spin.
const PAUSE: Duration = Duration::from_millis(200);

/// How long to wait before accepting again; none where the error is that of one connection (accept(2)), and the next is as good
/// as any. All other errors will be met again by the next accept.
pub fn pause_after(error: &io::Error) -> Option<Duration> {
    match error.kind() {
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted => {
            None
        }
        _ => Some(PAUSE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::libc;

    #[test]
    fn only_a_lasting_error_pauses_accepting() {
        for errno in [libc::EMFILE, libc::ENFILE, libc::ENOMEM, libc::ENOBUFS] {
            assert_eq!(pause_after(&io::Error::from_raw_os_error(errno)), Some(PAUSE));
        }
        for errno in [libc::ECONNABORTED, libc::ECONNRESET, libc::EINTR] {
            assert_eq!(pause_after(&io::Error::from_raw_os_error(errno)), None);
        }
    }
}
