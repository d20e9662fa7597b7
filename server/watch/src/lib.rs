//! Following files and folders through symbolic links. It knows nothing of what is in them.
//!
//! Two ways at once. inotify on every folder that the path passes, symlinks included, finds a change within a
//! tenth of a second; comparing what the path leads to every few seconds finds it where inotify sees nothing
//! (network and FUSE mounts, files bound into a container). Either way alone is enough.

mod certain;
mod chain;
mod directory;
mod entries;
mod file;
mod folders;
mod follower;
mod interest;
mod listing;
mod pattern;
mod reports;
mod signature;
mod targets;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Sender, SyncSender, channel, sync_channel};
use std::time::Duration;

use nix::sys::eventfd::{EfdFlags, EventFd};

pub use pattern::NamePattern;
use reports::Reports;

/// How long [`Watch::set`] waits for the first look at every path: a dead network mount must not hold a reload.
const FIRST_LOOK: Duration = Duration::from_secs(10);

/// What is followed, by the path the configuration names (relative ones start at the working folder).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Followed {
    /// One file, which need not exist.
    File(PathBuf),
    /// The files of a folder whose names match, not those of the folders within it.
    Directory(PathBuf, NamePattern),
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The file differs from before: written, replaced, gone, back, readable or unreadable. Path as followed.
    Changed(PathBuf),
    /// Files of a followed folder came, went or changed.
    Directory {
        /// The folder as followed.
        path: PathBuf,
        /// Their names in the folder. Empty: it has to be listed anew, for it came or went, or files did of which only the
        /// number is known.
        names: Vec<OsString>,
    },
    /// The file can no longer change: what is mounted here was replaced on the host. Told once.
    Stale {
        /// The file as followed.
        path: PathBuf,
        /// What was seen and what to do about it.
        why: String,
    },
}

/// A message to the following thread.
enum Order {
    /// Follow these and no others; answer when the first look at each is done.
    Set(Vec<Followed>, SyncSender<()>),
    /// Tell at once what changed; answer whether that is all for every folder.
    Look(SyncSender<bool>),
    /// End.
    Stop,
}

/// The following thread. It ends when this is dropped.
pub struct Watch {
    orders: Sender<Order>,
    wakeup: Arc<EventFd>,
    reports: Reports,
}

impl Watch {
    /// Starts the thread, following nothing yet. `interval` is the time between two comparisons; it is stretched
    /// so that they cost no more than a hundredth of one CPU. `wake` is called, by that thread, when there are events
    /// to [take](Self::take). Fails when no thread can be had.
    pub fn start(interval: Duration, wake: impl Fn() + Send + 'static) -> io::Result<Self> {
        Self::start_with(interval, true, wake)
    }

    /// The same, with inotify or by comparing alone.
    fn start_with(interval: Duration, inotify: bool, wake: impl Fn() + Send + 'static) -> io::Result<Self> {
        let (orders, inbox) = channel();
        let wakeup = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        let (wakeup, reports) = (Arc::new(wakeup), Reports::default());
        let (woken, told) = (Arc::clone(&wakeup), reports.clone());
        let folders = folders::Folders::new(inotify);
        let follower = follower::Follower::new((inbox, woken), told, Box::new(wake), folders, interval);
        std::thread::Builder::new().name("watch".into()).spawn(move || follower.run())?;
        Ok(Self { orders, wakeup, reports })
    }

    /// Replaces what is followed. Paths followed before keep what was last seen of them.
    ///
    /// To miss nothing, call it before reading the files: what changes after it returned is told. It waits for the
    /// first look at the new paths, some tenths of a second for a folder of 100,000 files, so it is not for an
    /// async task. `false`: that look has not come to its end within ten seconds, and goes on.
    pub fn set(&self, paths: &[Followed]) -> bool {
        let (done, waiting) = sync_channel(1);
        self.order(Order::Set(paths.to_vec(), done)) && waiting.recv_timeout(FIRST_LOOK).is_ok()
    }

    /// Looks at once: what changed before the call is among the events to [take](Self::take) when it returns, as far as the
    /// kernel tells. True: for every folder followed the events name every file that changed, came or went. False: a folder
    /// has to be listed and its files looked at, for it is small enough, or lies where the kernel does not tell.
    pub fn look(&self) -> bool {
        let (done, waiting) = sync_channel(1);
        self.order(Order::Look(done)) && waiting.recv_timeout(FIRST_LOOK).unwrap_or(false)
    }

    /// Takes what has happened; nothing is told twice.
    pub fn take(&self) -> Vec<Event> {
        self.reports.take()
    }

    fn order(&self, order: Order) -> bool {
        let sent = self.orders.send(order).is_ok();
        // It fails when it has woken 2^64 times unheard.
        let _ = self.wakeup.write(1);
        sent
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // A thread that is gone already needs no telling.
        self.order(Order::Stop);
    }
}
