//! The thread that follows: waits for events, lets writers finish, compares, reports.

use std::collections::{HashMap, HashSet};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::EventFd;

use super::event_queue::EventQueue;
use super::folder_contents::pause;
use super::followed_file::{FileComparison, FollowedFile};
use super::followed_folder::{FolderChanges, FollowedFolder};
use super::followed_path::FollowedPath;
use super::name_pattern::NamePattern;
use super::needed_folders::NeededFolders;
use super::touched_paths::TouchedPaths;
use super::watch_order::WatchOrder;
use super::watched_folders::WatchedFolders;

/// What events name is compared when none has come for so long.
const QUIET: Duration = Duration::from_millis(60);
/// While events keep coming it is compared after this long at the latest.
const MAX_DELAY: Duration = Duration::from_millis(400);
/// Every so many regular comparisons all paths are walked anew, which finds folders whose watch died unseen.
const WALK_EVERY: u32 = 15;

/// What a stale mount means and what helps.
const STALE: &str = "the mounted file has no name on the host any more (st_nlink is 0): it was replaced there, and this \
                     mount will show the old one for ever; mount its folder instead of the file, and restart";

/// A comparison to come.
#[derive(Clone, Copy)]
struct PendingComparison {
    /// The first event that it is for.
    first: Instant,
    at: Instant,
}

/// What to do after comparing.
#[derive(Default)]
struct NextSteps {
    /// Other folders have to be watched than before.
    arm: bool,
    /// When to compare again.
    again: Option<Instant>,
}

impl NextSteps {
    fn compare_at(&mut self, at: Instant) {
        self.again = Some(self.again.map_or(at, |known| known.min(at)));
    }
}

/// What follows, to be run by a thread of the caller: see [`Self::run`].
pub struct FileFollower {
    orders: Receiver<WatchOrder>,
    /// Becomes readable when there is an order, or when another thread has read events.
    signal: Arc<EventFd>,
    queue: EventQueue,
    notify: Box<dyn Fn() + Send>,
    watched: WatchedFolders,
    /// What was last ordered to be followed.
    ordered: Vec<FollowedPath>,
    files: Vec<FollowedFile>,
    folders: Vec<FollowedFolder>,
    /// Whether [`Self::run`] was called and did not return.
    interrupted: bool,
    interval: Duration,
    next_regular: Instant,
    /// Regular comparisons so far.
    count: u32,
    pending: Option<PendingComparison>,
}

impl FileFollower {
    /// Follows nothing yet. `notify` is called when there are new events.
    pub(super) fn new(
        (orders, signal): (Receiver<WatchOrder>, Arc<EventFd>),
        queue: EventQueue,
        notify: Box<dyn Fn() + Send>,
        watched: WatchedFolders,
        interval: Duration,
    ) -> Self {
        Self {
            orders,
            signal,
            queue,
            notify,
            watched,
            ordered: Vec::new(),
            files: Vec::new(),
            folders: Vec::new(),
            interrupted: false,
            interval,
            next_regular: Instant::now() + interval,
            count: 0,
            pending: None,
        }
    }

    /// Follows until its [`FileWatch`](super::FileWatch) is dropped. Called again after a panic, it looks at everything anew.
    /// `busy` is called with true before it looks at files, which may block on a dead mount, and with false when it waits.
    pub fn run(&mut self, busy: impl Fn(bool)) {
        if std::mem::replace(&mut self.interrupted, true) {
            self.resume();
        }
        loop {
            busy(false);
            self.wait();
            busy(true);
            if self.execute_orders().is_none() {
                self.interrupted = false;
                return;
            }
            self.read_events();
            if self.is_due(Instant::now()) {
                self.compare_touched();
            }
            if self.next_regular <= Instant::now() {
                self.compare_regularly();
            }
            if self.queue.take_unnotified() {
                (self.notify)();
            }
        }
    }

    /// Goes on after a panic: nothing that was seen until then is trusted.
    fn resume(&mut self) {
        self.follow(self.ordered.clone());
        self.files.iter_mut().for_each(FollowedFile::recheck);
        self.folders.iter_mut().for_each(FollowedFolder::recheck);
        self.compare_soon();
    }

    /// Waits for an order, for events, or until it is time for something.
    fn wait(&self) {
        let until = self.pending.map_or(self.next_regular, |pending| pending.at.min(self.next_regular));
        // A millisecond more, for poll(2) does not know parts of it.
        let left = until.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        let inotify = self.watched.descriptor();
        let mut descriptors = vec![PollFd::new(self.signal.as_fd(), PollFlags::POLLIN)];
        descriptors.extend(inotify.as_deref().map(|inotify| PollFd::new(inotify.as_fd(), PollFlags::POLLIN)));
        // An interrupted wait is a short one.
        let _ = poll(&mut descriptors, timeout);
        // It has nothing to read where it was not written to.
        let _ = self.signal.read();
    }

    /// Does what was ordered. `None`: to end.
    fn execute_orders(&mut self) -> Option<()> {
        loop {
            match self.orders.try_recv() {
                // Whoever ordered it may not wait any more.
                Ok(WatchOrder::Follow(followed, done)) => {
                    self.follow(followed);
                    let _ = done.send(());
                }
                Ok(WatchOrder::Look(done)) => {
                    let certain = self.look();
                    let _ = done.send(certain);
                }
                Err(TryRecvError::Empty) => return Some(()),
                Ok(WatchOrder::Stop) | Err(TryRecvError::Disconnected) => return None,
            }
        }
    }

    fn read_events(&mut self) {
        let mut events = self.watched.events();
        events.drain();
        let touched = events.has_touched();
        drop(events);
        if touched {
            self.compare_soon();
        }
    }

    fn compare_soon(&mut self) {
        let now = Instant::now();
        self.schedule(now, now + QUIET);
    }

    fn schedule(&mut self, first: Instant, at: Instant) {
        let pending = self.pending.get_or_insert(PendingComparison { first, at });
        pending.first = pending.first.min(first);
        pending.at = pending.at.min(at);
    }

    /// Whether it is time to compare; put off while events keep coming, within bounds.
    fn is_due(&mut self, now: Instant) -> bool {
        let last = self.watched.events().last();
        let Some(pending) = &mut self.pending else { return false };
        if pending.at > now {
            return false;
        }
        let quiet = last.map_or(now, |last| last + QUIET).min(pending.first + MAX_DELAY);
        if quiet > now {
            pending.at = quiet;
            return false;
        }
        true
    }

    /// Replaces what is followed.
    fn follow(&mut self, followed: Vec<FollowedPath>) {
        self.ordered.clone_from(&followed);
        let mut files: HashMap<PathBuf, FollowedFile> =
            self.files.drain(..).map(|file| (file.path().to_owned(), file)).collect();
        // One folder may be followed for files of several kinds.
        let mut folders: HashMap<(PathBuf, NamePattern), FollowedFolder> = self
            .folders
            .drain(..)
            .map(|folder| ((folder.path().to_owned(), folder.pattern().clone()), folder))
            .collect();
        let (mut new_files, mut new_folders) = (Vec::new(), Vec::new());
        let mut seen = HashSet::new();
        for followed in followed {
            if !seen.insert(followed.clone()) {
                continue;
            }
            match followed {
                FollowedPath::File(path) => match files.remove(&path) {
                    Some(known) => self.files.push(known),
                    None => new_files.push(FollowedFile::new(&path)),
                },
                FollowedPath::Folder(path, pattern) => {
                    let kind = (path, pattern);
                    match folders.remove(&kind) {
                        Some(known) => self.folders.push(known),
                        None => new_folders.push(FollowedFolder::new(&kind.0, kind.1)),
                    }
                }
            }
        }
        let (known_files, known_folders) = (self.files.len(), self.folders.len());
        self.files.extend(new_files);
        self.folders.extend(new_folders);
        // Watched before looked at, so that nothing falls between.
        self.arm();
        for file in self.files.iter_mut().skip(known_files) {
            file.baseline(&self.watched);
        }
        for folder in self.folders.iter_mut().skip(known_folders) {
            folder.baseline(self.interval, &self.watched);
        }
        // A first listing may have found symlinks that lead elsewhere.
        let mut moved = false;
        for folder in &mut self.folders {
            moved |= folder.walk();
        }
        if moved {
            self.arm_and_recheck();
        }
    }

    /// Watches the folders that are needed now. Says whether one was not watched before.
    fn arm(&mut self) -> bool {
        let mut needed = NeededFolders::default();
        for file in &self.files {
            file.need(&mut needed);
        }
        for folder in &self.folders {
            folder.need(&mut needed);
        }
        self.watched.arm(needed)
    }

    /// The same, and what happened in a newly watched folder until now is looked for.
    fn arm_and_recheck(&mut self) {
        if self.arm() {
            self.files.iter_mut().for_each(FollowedFile::recheck);
            self.folders.iter_mut().for_each(FollowedFolder::recheck);
            self.compare_soon();
        }
    }

    fn proceed(&mut self, next: &NextSteps) {
        if next.arm {
            self.arm_and_recheck();
        }
        if let Some(at) = next.again {
            self.schedule(at, at);
        }
    }

    /// Compares what events touched and what awaits a second look.
    fn compare_touched(&mut self) {
        self.pending = None;
        let touched = self.watched.events().take();
        let mut next = self.compare_files(&touched);
        let now = Instant::now();
        for folder in &mut self.folders {
            let changes = folder.changes(&touched);
            if changes == FolderChanges::None && folder.next_look().is_none_or(|at| at > now) {
                if let Some(at) = folder.next_look() {
                    next.compare_at(at);
                }
                continue;
            }
            folder.compare(changes, touched.is_complete(), self.interval, now);
            if let Some(names) = folder.take_report(&self.watched, now) {
                self.queue.add_folder(folder.path(), names);
            }
            next.arm |= folder.walk();
            if let Some(at) = folder.next_look() {
                next.compare_at(at);
            }
        }
        self.proceed(&next);
    }

    fn compare_files(&mut self, touched: &TouchedPaths) -> NextSteps {
        let now = Instant::now();
        let mut next = NextSteps { arm: touched.needs_arming(), again: None };
        for file in &mut self.files {
            if file.needs_look(touched) {
                let is_touched = file.is_touched(touched);
                next.arm |= file.walk();
                compare(file, is_touched, now, &self.watched, &self.queue, &mut next);
            }
        }
        next
    }

    /// Reports at once what changed until now. Says whether that is certainly all for every folder.
    fn look(&mut self) -> bool {
        self.watched.events().drain();
        let touched = self.watched.events().take();
        let mut next = self.compare_files(&touched);
        let now = Instant::now();
        for folder in &mut self.folders {
            let changes = folder.changes(&touched);
            next.arm |= folder.walk();
            folder.compare(changes, touched.is_complete(), self.interval, now);
            if let Some(names) = folder.take_all(&self.watched, now) {
                self.queue.add_folder(folder.path(), names);
            }
        }
        self.proceed(&next);
        self.folders.iter().all(|folder| folder.is_certain(&self.watched))
    }

    /// The regular comparison of everything; folders a portion at a time.
    fn compare_regularly(&mut self) {
        let start = Instant::now();
        let (mut next, mut more) = (NextSteps::default(), false);
        for folder in &mut self.folders {
            more |= folder.compare_regularly(start, self.interval);
        }
        if more {
            // What waits meanwhile comes first.
            self.next_regular = Instant::now();
        } else {
            let start = Instant::now();
            self.count = self.count.wrapping_add(1);
            let walk = self.count.is_multiple_of(WALK_EVERY);
            for file in &mut self.files {
                next.arm |= walk && file.walk();
                compare(file, false, start, &self.watched, &self.queue, &mut next);
            }
            self.next_regular = Instant::now() + pause(self.interval, start.elapsed());
            for folder in &mut self.folders {
                next.arm |= walk && folder.walk();
            }
            next.arm |= walk;
        }
        let now = Instant::now();
        for folder in &mut self.folders {
            folder.confirm(now);
            if let Some(names) = folder.take_report(&self.watched, now) {
                self.queue.add_folder(folder.path(), names);
            }
            if let Some(at) = folder.next_look() {
                next.compare_at(at);
            }
        }
        self.proceed(&next);
    }
}

/// Compares one file and reports it. `touched`: events spoke for it.
fn compare(
    file: &mut FollowedFile,
    touched: bool,
    now: Instant,
    watched: &WatchedFolders,
    queue: &EventQueue,
    next: &mut NextSteps,
) {
    let (comparison, stale) = file.compare(touched, watched, now);
    if stale {
        queue.add_stale(file.path(), STALE);
    }
    match comparison {
        FileComparison::Changed => queue.add_file(file.path()),
        FileComparison::Unconfirmed(at) => next.compare_at(at),
        FileComparison::Same | FileComparison::Open => {}
    }
}
