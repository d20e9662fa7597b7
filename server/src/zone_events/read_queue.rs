//! The zones that wait to be read, and those that are being read.

use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::read_job::ReadJob;

/// Stands for a job that a thread has taken.
#[derive(Debug)]
pub(super) struct ReadTicket(u64);

#[derive(Debug)]
struct ActiveRead {
    job: ReadJob,
    since: Instant,
    /// Its file could be opened.
    open: bool,
}

#[derive(Debug, Default)]
struct QueueState {
    waiting: VecDeque<ReadJob>,
    /// By ticket; those found stuck are not among them.
    active: HashMap<u64, ActiveRead>,
    last_ticket: u64,
    closed: bool,
}

#[derive(Debug, Default)]
pub(super) struct ReadQueue {
    state: Mutex<QueueState>,
    changed: Condvar,
}

impl ReadQueue {
    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, job: ReadJob) {
        self.lock().waiting.push_back(job);
        self.changed.notify_one();
    }

    /// Nothing more is pushed.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// The next job, waited for; none once the queue is closed and empty.
    pub(super) fn next(&self) -> Option<(ReadJob, ReadTicket)> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.waiting.pop_front() {
                state.last_ticket += 1;
                let ticket = state.last_ticket;
                let active = ActiveRead { job: job.clone(), since: Instant::now(), open: false };
                state.active.insert(ticket, active);
                return Some((job, ReadTicket(ticket)));
            }
            if state.closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(super) fn note_open(&self, ticket: &ReadTicket) {
        if let Some(active) = self.lock().active.get_mut(&ticket.0) {
            active.open = true;
        }
    }

    /// A job is done. False: it was found stuck before.
    pub(super) fn finish(&self, ticket: &ReadTicket) -> bool {
        self.lock().active.remove(&ticket.0).is_some()
    }

    pub(super) fn is_busy(&self) -> bool {
        let state = self.lock();
        !state.active.is_empty() || !state.waiting.is_empty()
    }

    /// Takes the jobs that are stuck: their files could not be opened within `open_bound`, or not be read within `read_bound`.
    /// With the time that each took.
    pub(super) fn take_stuck(
        &self,
        now: Instant,
        open_bound: Duration,
        read_bound: Duration,
    ) -> Vec<(ReadJob, Duration)> {
        let mut state = self.lock();
        let stuck = state.active.extract_if(|_, active| {
            now.saturating_duration_since(active.since) >= if active.open { read_bound } else { open_bound }
        });
        stuck.map(|(_, active)| (active.job, now.saturating_duration_since(active.since))).collect()
    }
}
