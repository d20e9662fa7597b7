//! Accepting connections, also when descriptors run out: the one loop of everything that listens for streams.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::pin::pin;
use std::time::Duration;

use nix::errno::Errno;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};

use crate::local::{LocalAddress, canonical};

/// The first pause when there is no descriptor left; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A listening socket of tokio.
pub trait StreamListener {
    /// What it accepts.
    type Stream;

    /// The next connection, or the error of accept(2). May be cancelled: no connection is lost.
    fn accept_one(&self) -> impl Future<Output = io::Result<Self::Stream>>;
}

/// A new TCP connection.
#[derive(Debug)]
pub struct AcceptedConnection {
    /// The connection; it does not delay small segments (`TCP_NODELAY`).
    pub stream: TcpStream,
    /// Who connected; IPv4 is shown as such, also through an IPv6 socket.
    pub peer: SocketAddr,
    /// The address that was connected to.
    pub local: LocalAddress,
}

/// What the server of a listening socket may want to log.
#[derive(Debug)]
pub enum AcceptEvent<'e> {
    /// There is no descriptor or memory for a connection that waits; it is tried again after a pause.
    Exhausted(&'e io::Error),
    /// The task of a connection panicked.
    Panicked(JoinError),
}

/// A listener of [`crate::tcp::bind`], for tokio. Needs a runtime with I/O.
pub fn tcp_listener(listener: StdListener) -> io::Result<TcpListener> {
    TcpListener::from_std(listener)
}

impl StreamListener for TcpListener {
    type Stream = AcceptedConnection;

    async fn accept_one(&self) -> io::Result<AcceptedConnection> {
        let (stream, peer) = self.accept().await?;
        describe(stream, peer)
    }
}

impl StreamListener for UnixListener {
    type Stream = UnixStream;

    async fn accept_one(&self) -> io::Result<UnixStream> {
        Ok(self.accept().await?.0)
    }
}

/// Serves the connections of `listener` until `stopped` is ready: `serve` is given each with the number of those that are being
/// served, and makes the future that does, for a task of its own; none closes the connection, or it is served elsewhere. Then the
/// listener is closed, and the tasks have `drain` to end before they are aborted.
///
/// Where descriptors or memory run out it pauses, up to a second, and tries again; connections that broke while they waited are
/// passed over. Errors: the listener is of no more use.
pub async fn serve_connections<L: StreamListener, F>(
    listener: L,
    stopped: impl Future<Output = ()>,
    drain: Duration,
    mut serve: impl FnMut(L::Stream, usize) -> Option<F>,
    mut event: impl FnMut(AcceptEvent<'_>),
) -> io::Result<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    let mut stopped = pin!(stopped);
    let mut pause = FIRST_PAUSE;
    let ended = loop {
        let accepted = tokio::select! {
            () = &mut stopped => break Ok(()),
            Some(ended) = tasks.join_next() => {
                report_panic(ended, &mut event);
                continue;
            }
            accepted = listener.accept_one() => accepted,
        };
        match accepted {
            Ok(stream) => {
                pause = FIRST_PAUSE;
                if let Some(future) = serve(stream, tasks.len()) {
                    tasks.spawn(future);
                }
            }
            Err(error) => match cause_of(&error) {
                AcceptFailure::Connection => tokio::task::consume_budget().await,
                AcceptFailure::Exhausted => {
                    event(AcceptEvent::Exhausted(&error));
                    tokio::select! {
                        () = &mut stopped => break Ok(()),
                        () = sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
                    }
                }
                AcceptFailure::Listener => break Err(error),
            },
        }
    };
    drop(listener);
    let drained = async {
        while let Some(ended) = tasks.join_next().await {
            report_panic(ended, &mut event);
        }
    };
    // Past the time, dropping the set aborts what is left.
    let _ = timeout(drain, drained).await;
    ended
}

fn report_panic(ended: Result<(), JoinError>, event: &mut impl FnMut(AcceptEvent<'_>)) {
    if let Err(error) = ended
        && error.is_panic()
    {
        event(AcceptEvent::Panicked(error));
    }
}

/// What a failure of accept(2) is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum AcceptFailure {
    Connection,
    Exhausted,
    Listener,
}

/// Most errors of accept(2) on Linux are those of the connection it would have given.
fn cause_of(error: &io::Error) -> AcceptFailure {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM) => AcceptFailure::Exhausted,
        Some(Errno::EBADF | Errno::EINVAL | Errno::ENOTSOCK | Errno::EOPNOTSUPP | Errno::EFAULT) => {
            AcceptFailure::Listener
        }
        Some(_) => AcceptFailure::Connection,
        None => AcceptFailure::Listener,
    }
}

/// A connection that was reset already is in no state to be asked for its address or to take options.
fn describe(stream: TcpStream, peer: SocketAddr) -> io::Result<AcceptedConnection> {
    let broken = |_| io::Error::from_raw_os_error(Errno::ECONNABORTED as i32);
    stream.set_nodelay(true).map_err(broken)?;
    let local = LocalAddress::from(stream.local_addr().map_err(broken)?);
    Ok(AcceptedConnection { stream, peer: canonical(peer), local })
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[test]
    fn errors_are_told_apart() {
        for (errno, wanted) in [
            (Errno::EMFILE, AcceptFailure::Exhausted),
            (Errno::ENFILE, AcceptFailure::Exhausted),
            (Errno::ENOMEM, AcceptFailure::Exhausted),
            (Errno::ENOBUFS, AcceptFailure::Exhausted),
            (Errno::ECONNABORTED, AcceptFailure::Connection),
            (Errno::EPERM, AcceptFailure::Connection),
            (Errno::ENETUNREACH, AcceptFailure::Connection),
            (Errno::EINTR, AcceptFailure::Connection),
            (Errno::EBADF, AcceptFailure::Listener),
            (Errno::EINVAL, AcceptFailure::Listener),
        ] {
            assert_eq!(cause_of(&io::Error::from_raw_os_error(errno as i32)), wanted, "{errno}");
        }
        assert_eq!(cause_of(&io::Error::other("the runtime ended")), AcceptFailure::Listener);
    }

    /// Fails or accepts as it is told; at the end of the list it waits for ever.
    struct Script(std::cell::RefCell<Vec<Result<u8, Errno>>>);

    impl StreamListener for Script {
        type Stream = u8;

        async fn accept_one(&self) -> io::Result<u8> {
            let next = self.0.borrow_mut().pop();
            match next {
                Some(Ok(number)) => Ok(number),
                Some(Err(errno)) => Err(io::Error::from_raw_os_error(errno as i32)),
                None => pending().await,
            }
        }
    }

    fn script(steps: &[Result<u8, Errno>]) -> Script {
        Script(std::cell::RefCell::new(steps.iter().rev().copied().collect()))
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_double_and_begin_anew_after_a_connection() {
        let full = Err(Errno::EMFILE);
        let listener = script(&[full, full, full, Ok(1), full, Err(Errno::ECONNABORTED), Ok(2)]);
        let begun = tokio::time::Instant::now();
        let (mut served, mut exhausted) = (Vec::new(), 0);
        let serve = |number, _| {
            served.push((number, begun.elapsed().as_millis()));
            None::<std::future::Ready<()>>
        };
        let event = |_: AcceptEvent<'_>| exhausted += 1;
        serve_connections(listener, sleep(Duration::from_secs(2)), Duration::ZERO, serve, event)
            .await
            .unwrap();
        assert_eq!((served.len(), exhausted), (2, 4));
        assert!((140..150).contains(&served[0].1) && (160..175).contains(&served[1].1), "{served:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_listener_that_is_of_no_use_is_an_error() {
        let listener = script(&[Ok(1), Err(Errno::EBADF)]);
        let serve = |_, _| Some(ready(()));
        let ended = serve_connections(listener, pending(), Duration::from_secs(1), serve, |_| ()).await;
        assert_eq!(ended.unwrap_err().raw_os_error(), Some(Errno::EBADF as i32));
    }

    #[tokio::test(start_paused = true)]
    async fn tasks_have_their_time_to_end_and_panics_are_reported() {
        let listener = script(&[Ok(1), Ok(2), Ok(3)]);
        let (sender, ended) = std::sync::mpsc::channel();
        let mut open = Vec::new();
        let serve = |number, served: usize| {
            open.push(served);
            let sender = sender.clone();
            Some(async move {
                assert_ne!(number, 1, "on purpose");
                sleep(Duration::from_secs(if number == 2 { 4 } else { 60 })).await;
                let _ = sender.send(number);
            })
        };
        let mut panics = 0;
        let event = |event: AcceptEvent<'_>| panics += usize::from(matches!(event, AcceptEvent::Panicked(_)));
        let stop = sleep(Duration::from_secs(1));
        serve_connections(listener, stop, Duration::from_secs(5), serve, event).await.unwrap();
        assert_eq!((open.first(), open.len(), panics), (Some(&0), 3, 1));
        assert_eq!(ended.try_iter().collect::<Vec<u8>>(), [2]);
    }
}
