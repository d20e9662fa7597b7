//! Following files: configuration, upstream lists, `resolv.conf`, certificates, folders of zone files.
//!
//! Two ways at once. inotify on every folder that the path passes, symlinks included, finds a change within a
//! tenth of a second; comparing what the path leads to every few seconds finds it where inotify sees nothing
//! (network and FUSE mounts, files bound into a container). Either way alone is enough.

mod chain;
mod directory;
mod file;
mod folders;
mod follower;
mod reports;
mod signature;
mod targets;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Sender, SyncSender, channel, sync_channel};
use std::time::Duration;

/// How long [`Watch::set`] waits for the first look at every path: a dead network mount must not hold a reload.
const PATIENCE: Duration = Duration::from_secs(10);

/// Events that may wait for the receiver; more are kept, merged, on the sending side.
const WAITING: usize = 64;

/// What is followed, by the path the configuration names (relative ones start at the working folder).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Followed {
    /// One file, which need not exist.
    File(PathBuf),
    /// The zone files of a folder (`NAME.zone`, not hidden), not of the folders within it.
    Directory(PathBuf),
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The file differs from before: written, replaced, gone, back, readable or unreadable. Path as followed.
    Changed(PathBuf),
    /// Zone files of a followed folder came, went or changed.
    Directory {
        /// The folder as followed.
        path: PathBuf,
        /// Their names in the folder. Empty: the folder itself came or went, so it has to be listed anew.
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
    /// inotify saw something.
    Touched,
    /// End.
    Stop,
}

/// The following thread. It ends when this is dropped, or when the receiver of its events is.
pub(crate) struct Watch {
    orders: Sender<Order>,
}

impl Watch {
    /// Starts the thread, following nothing yet. `interval` is the time between two comparisons; it is stretched
    /// so that they cost no more than a hundredth of one CPU. The receiver ending means that the thread has died.
    /// Fails when no thread can be had.
    pub(crate) fn start(interval: Duration) -> io::Result<(Self, tokio::sync::mpsc::Receiver<Event>)> {
        Self::start_with(interval, true)
    }

    /// The same, with inotify or by comparing alone.
    fn start_with(
        interval: Duration,
        inotify: bool,
    ) -> io::Result<(Self, tokio::sync::mpsc::Receiver<Event>)> {
        let (orders, inbox) = channel();
        let (events, receiver) = tokio::sync::mpsc::channel(WAITING);
        let folders = folders::Folders::new(inotify.then(|| orders.clone()));
        let follower = follower::Follower::new(inbox, events, folders, interval);
        std::thread::Builder::new().name("watch".into()).spawn(move || follower.run())?;
        Ok((Self { orders }, receiver))
    }

    /// Replaces what is followed. Paths followed before keep what was last seen of them.
    ///
    /// To miss nothing, call it before reading the files: what changes after it returned is told. It waits for the
    /// first look at the new paths, some tenths of a second for a folder of 100,000 files, so it is not for an
    /// async task. `false`: that look has not come to its end within ten seconds, and goes on.
    pub(crate) fn set(&self, paths: &[Followed]) -> bool {
        let (done, waiting) = sync_channel(1);
        self.orders.send(Order::Set(paths.to_vec(), done)).is_ok() && waiting.recv_timeout(PATIENCE).is_ok()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // A thread that is gone already needs no telling.
        let _ = self.orders.send(Order::Stop);
    }
}
