//! A query over UDP and the wait for its reply.

use std::cell::RefCell;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::task::{Context, Poll, ready};

use tokio::time::{Instant, timeout_at};

use super::datagrams::{connected, same};
#[cfg(any(target_os = "linux", target_os = "android"))]
use super::reply_watch::{ReplyWatch, WatchedSocket};
#[cfg(not(any(target_os = "linux", target_os = "android")))]
use super::reply_watch_portable::{PortableSocket as WatchedSocket, PortableWatch as ReplyWatch};
use crate::local::canonical;

/// The largest datagram taken: above what servers are told that is taken.
const DATAGRAM: usize = 4096;

thread_local! {
    /// Where datagrams are read, which takes no longer than a look at each.
    static ROOM: RefCell<[u8; DATAGRAM]> = const { RefCell::new([0; DATAGRAM]) };
}

/// What the caller makes of a datagram from the server asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReceiveVerdict {
    /// It is the answer.
    Accept,
    /// It is none, and the true one may still come.
    Ignore,
    /// Something is wrong: wait no longer, ask another way.
    Stop,
}

/// Why a query over UDP has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryExchangeError {
    /// No answer before the deadline.
    #[error("no answer in time")]
    Timeout,
    /// The caller judged so.
    #[error("stopped by what came instead of an answer")]
    Stopped,
    /// The network says that the server cannot be reached or that no socket is bound there; or there is no socket to ask with.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Asks other servers over UDP, each time from a fresh socket with an unpredictable port.
#[derive(Debug, Default)]
pub struct QuerySockets {
    watch: ReplyWatch,
}

impl QuerySockets {
    /// Sends a query to `to` from a socket of its own, bound to `source` where one is given, and shows `judge` each datagram that comes from
    /// there, until it accepts an answer, whose length in bytes is returned, or stops, or the deadline passes. Of a datagram of more
    /// than 4096 bytes the end is lost. An ICMP error ends it at once. The socket is closed at the end, and with it what may still come
    /// (RFC 5452, section 9.2). Needs a tokio runtime with I/O.
    pub async fn exchange(
        &self,
        to: SocketAddr,
        source: Option<IpAddr>,
        query: &[u8],
        deadline: Instant,
        mut judge: impl FnMut(&[u8]) -> ReceiveVerdict,
    ) -> Result<usize, QueryExchangeError> {
        let to = canonical(to);
        // A query is shorter than what every path carries whole, so that nothing is to be said of fragments.
        let socket = self.watch.watch(UdpSocket::from(connected(to, source)?))?;
        // What is sent in one run costs the kernel less, and wakes a server on this host once.
        tokio::task::yield_now().await;
        socket.socket().send(query)?;
        let answer = std::future::poll_fn(|cx| poll_answer(&socket, to, cx, &mut judge));
        timeout_at(deadline, answer).await.unwrap_or(Err(QueryExchangeError::Timeout))
    }
}

fn poll_answer(
    socket: &WatchedSocket,
    to: SocketAddr,
    cx: &mut Context<'_>,
    judge: &mut impl FnMut(&[u8]) -> ReceiveVerdict,
) -> Poll<Result<usize, QueryExchangeError>> {
    loop {
        ready!(socket.poll_readable(cx))?;
        if let Some(answer) = receive(socket.socket(), to, judge) {
            return Poll::Ready(answer);
        }
    }
}

/// Reads what has come. None once nothing more is there.
fn receive(
    socket: &UdpSocket,
    to: SocketAddr,
    judge: &mut impl FnMut(&[u8]) -> ReceiveVerdict,
) -> Option<Result<usize, QueryExchangeError>> {
    ROOM.with_borrow_mut(|room| {
        loop {
            let (length, from) = match socket.recv_from(room) {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
                Err(error) => return Some(Err(error.into())),
            };
            // Between bind and connect a datagram of anyone may have been queued.
            if !same(from, to) {
                continue;
            }
            match judge(room.get(..length).unwrap_or_default()) {
                ReceiveVerdict::Accept => return Some(Ok(length)),
                ReceiveVerdict::Ignore => {}
                ReceiveVerdict::Stop => return Some(Err(QueryExchangeError::Stopped)),
            }
        }
    })
}
