//! The wait for replies: one epoll(7) for the sockets of all queries.
//!
//! A socket of tokio's own is told to its epoll again before it is closed, and waits for room to send that it always has.
#![allow(unsafe_code, reason = "tokio takes descriptors of others by an unsafe call alone")]

use std::io;
use std::net::UdpSocket;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::task::JoinHandle;

/// Events taken from the kernel at a time.
const EVENTS: usize = 64;

/// The sockets that wait for replies, and the task that wakes those who read them.
#[derive(Debug, Default)]
pub(super) struct ReplyWatch {
    begun: Mutex<Option<BegunWatch>>,
}

#[derive(Debug)]
struct BegunWatch {
    table: Arc<WatchTable>,
    task: JoinHandle<io::Result<()>>,
}

#[derive(Debug)]
struct WatchTable {
    epoll: Epoll,
    places: Mutex<WatchPlaces>,
}

#[derive(Debug, Default)]
struct WatchPlaces {
    all: Vec<WatchPlace>,
    free: Vec<u32>,
}

/// What is known of one socket. Its serial number changes with each socket, so that events of the one before are told from its own.
#[derive(Debug, Default)]
struct WatchPlace {
    serial: u32,
    ready: bool,
    waker: Option<Waker>,
}

/// A socket that is watched until it is dropped, and closed then.
#[derive(Debug)]
pub(super) struct WatchedSocket {
    socket: UdpSocket,
    table: Arc<WatchTable>,
    place: u32,
}

struct WatchDescriptor(Arc<WatchTable>);

impl AsRawFd for WatchDescriptor {
    fn as_raw_fd(&self) -> RawFd {
        self.0.epoll.0.as_raw_fd()
    }
}

impl Drop for ReplyWatch {
    fn drop(&mut self) {
        if let Some(begun) = lock(&self.begun).take() {
            begun.task.abort();
        }
    }
}

impl ReplyWatch {
    /// Watches a socket from now on. Needs a tokio runtime with I/O. Errors: the kernel's, for want of descriptors or memory.
    pub(super) fn watch(&self, socket: UdpSocket) -> io::Result<WatchedSocket> {
        let table = self.table()?;
        let (place, serial) = table.take_place();
        let watched = WatchedSocket { socket, table, place };
        let event = EpollEvent::new(
            EpollFlags::EPOLLIN | EpollFlags::EPOLLET,
            u64::from(serial) << 32 | u64::from(place),
        );
        watched.table.epoll.add(&watched.socket, event)?;
        Ok(watched)
    }

    /// The table of the task that runs; one that has ended, with its runtime or by an error, is begun anew.
    fn table(&self) -> io::Result<Arc<WatchTable>> {
        let mut begun = lock(&self.begun);
        if let Some(begun) = begun.as_ref().filter(|begun| !begun.task.is_finished()) {
            return Ok(Arc::clone(&begun.table));
        }
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let table = Arc::new(WatchTable { epoll, places: Mutex::default() });
        let descriptor = WatchDescriptor(Arc::clone(&table));
        // SAFETY: the epoll is open as long as the table, which the descriptor holds.
        let readable = unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE)? };
        let task = tokio::spawn(wake_readers(readable));
        *begun = Some(BegunWatch { table: Arc::clone(&table), task });
        Ok(table)
    }
}

/// Wakes those whose sockets have something to read, for ever.
async fn wake_readers(watch: AsyncFd<WatchDescriptor>) -> io::Result<()> {
    let mut events = [EpollEvent::empty(); EVENTS];
    loop {
        let mut ready = watch.readable().await?;
        let table = &ready.get_inner().0;
        let count = match table.epoll.wait(&mut events, EpollTimeout::ZERO) {
            Err(Errno::EINTR) => continue,
            result => result?,
        };
        let mut wakers = [const { None }; EVENTS];
        table.note_events(events.get(..count).unwrap_or_default(), &mut wakers);
        if count < EVENTS {
            ready.clear_ready();
        }
        wakers.into_iter().flatten().for_each(Waker::wake);
    }
}

impl WatchTable {
    fn take_place(&self) -> (u32, u32) {
        let mut places = lock(&self.places);
        let places = &mut *places;
        let place = places.free.pop().unwrap_or_else(|| {
            places.all.push(WatchPlace::default());
            (places.all.len() - 1) as u32
        });
        (place, places.all.get(place as usize).map_or(0, |place| place.serial))
    }

    /// Marks the sockets of `events` as ready, and takes the wakers of those who wait for them.
    fn note_events(&self, events: &[EpollEvent], wakers: &mut [Option<Waker>]) {
        let mut places = lock(&self.places);
        for (event, waker) in events.iter().zip(wakers) {
            let (place, serial) = (event.data() as u32, (event.data() >> 32) as u32);
            let place = places.all.get_mut(place as usize).filter(|place| place.serial == serial);
            if let Some(place) = place {
                place.ready = true;
                *waker = place.waker.take();
            }
        }
    }
}

impl WatchedSocket {
    /// The socket, which does not block.
    pub(super) const fn socket(&self) -> &UdpSocket {
        &self.socket
    }

    /// Ready where something may have come since it was last so. The socket is to be read then until it would block.
    pub(super) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut places = lock(&self.table.places);
        let Some(place) = places.all.get_mut(self.place as usize) else { return Poll::Pending };
        if std::mem::take(&mut place.ready) {
            return Poll::Ready(Ok(()));
        }
        if !place.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            place.waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}

impl Drop for WatchedSocket {
    fn drop(&mut self) {
        let mut places = lock(&self.table.places);
        let waker = places.all.get_mut(self.place as usize).and_then(|place| {
            place.serial = place.serial.wrapping_add(1);
            place.ready = false;
            place.waker.take()
        });
        places.free.push(self.place);
        drop(places);
        drop(waker);
    }
}

/// A thread that panicked while it held the lock left at worst one place that nobody takes.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
