//! The thread that follows: waits for events, lets writers finish, compares, tells.

use std::collections::{HashMap, HashSet};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::EventFd;

use super::directory::{Directory, Hit, pause};
use super::file::{File, LONGEST, Verdict};
use super::folders::{Folders, Touched};
use super::interest::Needed;
use super::reports::Reports;
use super::{Followed, Order};

/// A file is compared when no event has come for so long: its writer has truncated it and written it.
const QUIET: Duration = Duration::from_millis(60);
/// Every so many regular comparisons all paths are walked anew, which finds folders whose watch died unseen.
const WALK_EVERY: u32 = 15;

/// What a stale mount means and what helps.
const STALE: &str = "the mounted file has no name on the host any more (st_nlink is 0): it was replaced there, and this \
                     mount will show the old one for ever; mount its folder instead of the file, and restart";

/// A comparison to come.
#[derive(Clone, Copy)]
struct Settle {
    first: Instant,
    at: Instant,
}

/// The state of the thread.
pub(super) struct Follower {
    orders: Receiver<Order>,
    /// Rings when there is an order.
    wakeup: Arc<EventFd>,
    reports: Reports,
    wake: Box<dyn Fn() + Send>,
    folders: Folders,
    files: Vec<File>,
    directories: Vec<Directory>,
    interval: Duration,
    next_poll: Instant,
    polls: u32,
    settle: Option<Settle>,
}

impl Follower {
    /// Follows nothing yet. `wake` is called when there are new reports.
    pub(super) fn new(
        (orders, wakeup): (Receiver<Order>, Arc<EventFd>),
        reports: Reports,
        wake: Box<dyn Fn() + Send>,
        folders: Folders,
        interval: Duration,
    ) -> Self {
        Self {
            orders,
            wakeup,
            reports,
            wake,
            folders,
            files: Vec::new(),
            directories: Vec::new(),
            interval,
            next_poll: Instant::now() + interval,
            polls: 0,
            settle: None,
        }
    }

    /// Follows until it is told to stop.
    pub(super) fn run(mut self) {
        loop {
            self.wait();
            if self.obey().is_none() {
                return;
            }
            if self.folders.drain() {
                self.look_soon();
            }
            if self.settled(Instant::now()) {
                self.compare_touched();
            }
            if self.next_poll <= Instant::now() {
                self.poll();
            }
            if self.reports.wakes() {
                (self.wake)();
            }
        }
    }

    /// Waits for an order, for events, or until it is time for something.
    fn wait(&self) {
        let until = self.settle.map_or(self.next_poll, |settle| settle.at.min(self.next_poll));
        // A millisecond more, for poll(2) does not know parts of it.
        let left = until.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        let mut descriptors = vec![PollFd::new(self.wakeup.as_fd(), PollFlags::POLLIN)];
        descriptors.extend(self.folders.descriptor().map(|fd| PollFd::new(fd, PollFlags::POLLIN)));
        // An interrupted wait is a short one.
        let _ = poll(&mut descriptors, timeout);
        // It has nothing to read where no order came.
        let _ = self.wakeup.read();
    }

    /// Does what was ordered. `None`: to end.
    fn obey(&mut self) -> Option<()> {
        loop {
            match self.orders.try_recv() {
                // One who no longer waits need not be told.
                Ok(Order::Set(followed, done)) => {
                    self.set(followed);
                    let _ = done.send(());
                }
                Ok(Order::Look(done)) => {
                    let certain = self.look();
                    let _ = done.send(certain);
                }
                Err(TryRecvError::Empty) => return Some(()),
                Ok(Order::Stop) | Err(TryRecvError::Disconnected) => return None,
            }
        }
    }

    fn look_soon(&mut self) {
        let now = Instant::now();
        self.settle.get_or_insert(Settle { first: now, at: now + QUIET });
    }

    /// Whether it is time to compare; put off while events keep coming, within bounds.
    fn settled(&mut self, now: Instant) -> bool {
        let last = self.folders.last();
        let Some(settle) = &mut self.settle else { return false };
        if settle.at > now {
            return false;
        }
        let quiet = last.map_or(now, |last| last + QUIET).min(settle.first + LONGEST);
        if quiet > now {
            settle.at = quiet;
            return false;
        }
        true
    }

    /// Replaces what is followed.
    fn set(&mut self, followed: Vec<Followed>) {
        let mut files: HashMap<PathBuf, File> =
            self.files.drain(..).map(|file| (file.path().to_owned(), file)).collect();
        let mut directories: HashMap<PathBuf, Directory> =
            self.directories.drain(..).map(|it| (it.path().to_owned(), it)).collect();
        let (mut new_files, mut new_directories) = (Vec::new(), Vec::new());
        let mut seen = HashSet::new();
        for followed in followed {
            if !seen.insert(followed.clone()) {
                continue;
            }
            match followed {
                Followed::File(path) => match files.remove(&path) {
                    Some(known) => self.files.push(known),
                    None => new_files.push(File::new(&path)),
                },
                Followed::Directory(path, pattern) => match directories.remove(&path) {
                    Some(known) if *known.pattern() == pattern => self.directories.push(known),
                    _ => new_directories.push(Directory::new(&path, pattern)),
                },
            }
        }
        let (known_files, known_directories) = (self.files.len(), self.directories.len());
        self.files.extend(new_files);
        self.directories.extend(new_directories);
        // Watched before looked at, so that nothing falls between.
        self.arm();
        for file in self.files.iter_mut().skip(known_files) {
            file.baseline();
        }
        for directory in self.directories.iter_mut().skip(known_directories) {
            directory.baseline(self.interval);
        }
        // A first listing may have found symlinks that lead elsewhere.
        let mut moved = false;
        for directory in &mut self.directories {
            moved |= directory.walk();
        }
        if moved {
            self.arm_and_recheck();
        }
    }

    /// Watches the folders that are needed now. Says whether one was not watched before.
    fn arm(&mut self) -> bool {
        let mut needed = Needed::default();
        for file in &self.files {
            file.need(&mut needed);
        }
        for directory in &self.directories {
            directory.need(&mut needed);
        }
        self.folders.arm(needed)
    }

    /// The same, and what happened in a newly watched folder until now is looked for.
    fn arm_and_recheck(&mut self) {
        if self.arm() {
            self.files.iter_mut().for_each(File::recheck);
            self.directories.iter_mut().for_each(Directory::recheck);
            self.look_soon();
        }
    }

    /// Compares what events touched and what awaits a second look.
    fn compare_touched(&mut self) {
        self.settle = None;
        let touched = self.folders.take();
        let (mut moved, mut again) = self.compare_files(&touched);
        for directory in &mut self.directories {
            let hit = directory.hit(&touched);
            if hit == Hit::None && !directory.unsettled() {
                continue;
            }
            if let Some(names) = directory.settle(hit, self.interval) {
                self.reports.directory(directory.path(), names);
            }
            moved |= directory.walk();
            again |= directory.unsettled();
        }
        if moved {
            self.arm_and_recheck();
        }
        if again {
            self.look_soon();
        }
    }

    /// Says whether other folders have to be watched, and whether another look is needed.
    fn compare_files(&mut self, touched: &Touched) -> (bool, bool) {
        let now = Instant::now();
        let (mut moved, mut again) = (touched.lost(), false);
        for file in &mut self.files {
            let (wanted, quiet) = file.wants(touched);
            if wanted {
                moved |= file.walk();
                again |= compare(file, quiet, now, &self.reports);
            }
        }
        (moved, again)
    }

    /// Tells at once what changed until now. Says whether that is certainly all for every folder.
    fn look(&mut self) -> bool {
        self.folders.drain();
        let touched = self.folders.take();
        let (mut moved, again) = self.compare_files(&touched);
        for directory in &mut self.directories {
            let hit = directory.hit(&touched);
            moved |= directory.walk();
            if let Some(names) = directory.look(hit, self.interval) {
                self.reports.directory(directory.path(), names);
            }
        }
        if moved {
            self.arm_and_recheck();
        }
        if again {
            self.look_soon();
        }
        self.directories.iter().all(|directory| directory.is_certain(&self.folders))
    }

    /// The regular comparison of everything; folders a portion at a time.
    fn poll(&mut self) {
        let start = Instant::now();
        let (mut again, mut moved, mut more) = (false, false, false);
        for directory in &mut self.directories {
            let (found, goes_on) = directory.poll(start, self.interval);
            again |= found;
            more |= goes_on;
        }
        if more {
            // What waits meanwhile comes first.
            self.next_poll = Instant::now();
        } else {
            let start = Instant::now();
            self.polls = self.polls.wrapping_add(1);
            let walk = self.polls.is_multiple_of(WALK_EVERY);
            for file in &mut self.files {
                moved |= walk && file.walk();
                again |= compare(file, false, start, &self.reports);
            }
            self.next_poll = Instant::now() + pause(self.interval, start.elapsed());
            for directory in &mut self.directories {
                moved |= walk && directory.walk();
            }
            if moved || walk {
                self.arm_and_recheck();
            }
        }
        if again {
            self.look_soon();
        }
    }
}

/// Compares one file and tells. Says whether it needs another look.
fn compare(file: &mut File, quiet: bool, now: Instant, reports: &Reports) -> bool {
    let (verdict, stale) = file.compare(quiet, now);
    if stale {
        reports.stale(file.path(), STALE);
    }
    if verdict == Verdict::Changed {
        reports.changed(file.path());
    }
    verdict == Verdict::Settling
}
