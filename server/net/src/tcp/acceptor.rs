//! Accepting connections, also when descriptors run out.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nix::errno::Errno;
use tokio::net::{TcpListener, TcpStream};

use crate::local::{Local, canonical};

/// The first pause when there is no descriptor left; it doubles each time.
const SHORT: Duration = Duration::from_millis(20);
/// The longest pause.
const LONG: Duration = Duration::from_secs(1);

/// A listening socket that outlives a lack of descriptors.
#[derive(Debug)]
pub struct Acceptor {
    listener: TcpListener,
    address: SocketAddr,
    exhausted: AtomicU64,
}

/// A new connection.
#[derive(Debug)]
pub struct Accepted {
    /// The connection; it does not delay small segments (`TCP_NODELAY`).
    pub stream: TcpStream,
    /// Who connected; IPv4 is shown as such, also through an IPv6 socket.
    pub peer: SocketAddr,
    /// The address that was connected to.
    pub local: Local,
}

impl Acceptor {
    /// Takes a listener made by [`super::bind`]. Needs a tokio runtime with I/O.
    pub fn new(listener: StdListener) -> io::Result<Self> {
        let listener = TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, exhausted: AtomicU64::new(0) })
    }

    /// The address and port the socket is bound to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How often there was no descriptor or memory for a connection that waited.
    pub fn exhausted(&self) -> u64 {
        self.exhausted.load(Ordering::Relaxed)
    }

    /// The next connection. Where descriptors or memory run out it pauses, up to a second, and tries again;
    /// connections that broke while they waited are passed over. An error means that this listener is of no more
    /// use. May be cancelled: no connection is lost.
    pub async fn accept(&self) -> io::Result<Accepted> {
        let mut pause = SHORT;
        loop {
            let error = match self.listener.accept().await {
                Ok((stream, peer)) => match describe(stream, peer) {
                    Ok(accepted) => return Ok(accepted),
                    Err(error) => error,
                },
                Err(error) => error,
            };
            match trouble(&error) {
                Trouble::Connection => tokio::task::consume_budget().await,
                Trouble::Exhausted => {
                    self.exhausted.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONG);
                }
                Trouble::Listener => return Err(error),
            }
        }
    }
}

/// What an error is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Trouble {
    Connection,
    Exhausted,
    Listener,
}

/// Most errors of accept(2) on Linux are those of the connection it would have given.
fn trouble(error: &io::Error) -> Trouble {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM) => Trouble::Exhausted,
        Some(Errno::EBADF | Errno::EINVAL | Errno::ENOTSOCK | Errno::EOPNOTSUPP | Errno::EFAULT) => {
            Trouble::Listener
        }
        Some(_) => Trouble::Connection,
        None => Trouble::Listener,
    }
}

/// A connection that was reset already is in no state to be asked for its address or to take options.
fn describe(stream: TcpStream, peer: SocketAddr) -> io::Result<Accepted> {
    let broken = |_| io::Error::from_raw_os_error(Errno::ECONNABORTED as i32);
    stream.set_nodelay(true).map_err(broken)?;
    let local = Local::from(stream.local_addr().map_err(broken)?);
    Ok(Accepted { stream, peer: canonical(peer), local })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_apart() {
        for (errno, wanted) in [
            (Errno::EMFILE, Trouble::Exhausted),
            (Errno::ENFILE, Trouble::Exhausted),
            (Errno::ENOMEM, Trouble::Exhausted),
            (Errno::ECONNABORTED, Trouble::Connection),
            (Errno::EPERM, Trouble::Connection),
            (Errno::ENETUNREACH, Trouble::Connection),
            (Errno::EBADF, Trouble::Listener),
            (Errno::EINVAL, Trouble::Listener),
        ] {
            assert_eq!(trouble(&io::Error::from_raw_os_error(errno as i32)), wanted, "{errno}");
        }
        assert_eq!(trouble(&io::Error::other("the runtime ended")), Trouble::Listener);
    }
}
