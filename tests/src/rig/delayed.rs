//! What scripted upstreams do later, by one thread: a thread for each would take the processors from what is measured.

use std::collections::BTreeMap;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

type Work = Box<dyn FnOnce() + Send>;

/// A thread that does each thing at its time; those that are still to come when it is dropped are not done.
pub(super) struct DelayedWork {
    /// None once it ends.
    queue: Option<Sender<(Instant, Work)>>,
    thread: Option<JoinHandle<()>>,
}

impl DelayedWork {
    pub(super) fn start() -> Self {
        let (queue, work) = mpsc::channel();
        Self { queue: Some(queue), thread: Some(thread::spawn(move || run(&work))) }
    }

    /// Has `work`, which must not wait, done after `delay`.
    pub(super) fn after(&self, delay: Duration, work: impl FnOnce() + Send + 'static) {
        if let Some(queue) = &self.queue {
            let _ = queue.send((Instant::now() + delay, Box::new(work)));
        }
    }
}

impl Drop for DelayedWork {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(queue: &Receiver<(Instant, Work)>) {
    let mut waiting: BTreeMap<(Instant, u64), Work> = BTreeMap::new();
    let mut number = 0;
    loop {
        let now = Instant::now();
        while let Some(first) = waiting.first_entry().filter(|first| first.key().0 <= now) {
            first.remove()();
        }
        let rest = waiting.first_key_value().map_or(Duration::MAX, |((due, _), _)| *due - now);
        match queue.recv_timeout(rest) {
            Ok((due, work)) => {
                waiting.insert((due, number), work);
                number += 1;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}
