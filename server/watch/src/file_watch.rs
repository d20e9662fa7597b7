//! The handle of the following thread.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::time::Duration;

use nix::sys::eventfd::{EfdFlags, EventFd};

use super::event_queue::EventQueue;
use super::file_follower::FileFollower;
use super::followed_path::FollowedPath;
use super::open_writers::OpenWriters;
use super::watch_event::WatchEvent;
use super::watch_order::WatchOrder;
use super::watched_folders::WatchedFolders;

/// How long [`FileWatch::follow`] waits for the first look at every path: a dead network mount must not hold a reload.
const FIRST_LOOK: Duration = Duration::from_secs(10);

/// The handle of what follows, which ends when this is dropped.
#[derive(Debug)]
pub struct FileWatch {
    orders: Sender<WatchOrder>,
    signal: Arc<EventFd>,
    writers: OpenWriters,
    pub(super) queue: EventQueue,
}

impl FileWatch {
    /// Follows nothing yet, and needs a thread to [run](FileFollower::run) what it comes with. `interval` is the time between
    /// two comparisons; it is stretched so that they cost no more than a hundredth of one CPU. `notify` is called, by that
    /// thread, when there are events to [take](Self::take). Fails when no descriptor can be had.
    pub fn new(interval: Duration, notify: impl Fn() + Send + 'static) -> io::Result<(Self, FileFollower)> {
        Self::with(interval, true, notify)
    }

    /// The same, with inotify or by comparing alone.
    pub(super) fn with(
        interval: Duration,
        inotify: bool,
        notify: impl Fn() + Send + 'static,
    ) -> io::Result<(Self, FileFollower)> {
        let (orders, inbox) = channel();
        let signal = Arc::new(EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?);
        let queue = EventQueue::default();
        let watched = WatchedFolders::new(inotify);
        let writers = OpenWriters::new(watched.shared_events(), Arc::clone(&signal));
        let orders_and_signal = (inbox, Arc::clone(&signal));
        let follower =
            FileFollower::new(orders_and_signal, queue.clone(), Box::new(notify), watched, interval);
        Ok((Self { orders, signal, writers, queue }, follower))
    }

    /// Replaces what is followed. Paths followed before keep what was last seen of them.
    ///
    /// To miss nothing, call it before reading the files: what changes after it returned is reported. It waits for the
    /// first look at the new paths, some tenths of a second for a folder of 100,000 files, so it is not for an
    /// async task. `false`: that look has not come to its end within ten seconds, and goes on.
    pub fn follow(&self, paths: &[FollowedPath]) -> bool {
        let (done, waiting) = sync_channel(1);
        self.order(WatchOrder::Follow(paths.to_vec(), done)) && waiting.recv_timeout(FIRST_LOOK).is_ok()
    }

    /// Looks at once: what changed before the call is among the events to [take](Self::take) when it returns, as far as the
    /// kernel reports changes, in folders also the files that are being written. True: for every folder followed the events name every
    /// file that changed, came or went. False: a folder has to be listed and its files looked at, for it is small enough, or
    /// lies where the kernel does not report them.
    pub fn look(&self) -> bool {
        let (done, waiting) = sync_channel(1);
        self.order(WatchOrder::Look(done)) && waiting.recv_timeout(FIRST_LOOK).unwrap_or(false)
    }

    /// Takes what has happened; nothing is reported twice.
    pub fn take(&self) -> Vec<WatchEvent> {
        self.queue.take()
    }

    /// Which files are being written.
    pub fn writers(&self) -> OpenWriters {
        self.writers.clone()
    }

    fn order(&self, order: WatchOrder) -> bool {
        let sent = self.orders.send(order).is_ok();
        // It fails when it was written 2^64 times unread.
        let _ = self.signal.write(1);
        sent
    }
}

impl Drop for FileWatch {
    fn drop(&mut self) {
        // The thread may have ended already.
        self.order(WatchOrder::Stop);
    }
}
