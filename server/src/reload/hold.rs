//! A reload that waits for the writers of its files.

use std::path::Path;
use std::time::{Duration, Instant};

use super::request::{FilesSignal, ReloadFailure};
use crate::snapshot::{CONFIRM, FileRead, WRITER_BOUND};

/// How long a reload has waited, and what it has seen.
#[derive(Debug)]
pub(super) struct ReloadHold {
    since: Instant,
    /// When to look again.
    next: Instant,
    seen: Vec<FileRead>,
}

impl ReloadHold {
    pub(super) const fn new(now: Instant) -> Self {
        Self { since: now, next: now, seen: Vec::new() }
    }

    /// Whether it is too early to look again.
    pub(super) fn is_early(&self, now: Instant) -> bool {
        now < self.next
    }

    /// Whether it has waited long enough.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= WRITER_BOUND
    }

    /// The files as they were at the last look.
    pub(super) fn seen(&self) -> &[FileRead] {
        &self.seen
    }

    /// Has the reloader look again in a while.
    pub(super) fn wait(&mut self, seen: Vec<FileRead>, now: Instant, signal: &FilesSignal) {
        self.seen = seen;
        self.next = now + CONFIRM;
        let signal = signal.clone();
        let notify = move || {
            // A little more, so that the time has come for certain.
            std::thread::sleep(CONFIRM + Duration::from_millis(5));
            signal.send();
        };
        if let Err(error) = std::thread::Builder::new().name("reload-wait".into()).spawn(notify) {
            tracing::error!(%error, "no thread to wait for a file");
        }
    }
}

/// The configuration cannot be read.
pub(super) fn still_open(file: &Path) -> ReloadFailure {
    let seconds = WRITER_BOUND.as_secs();
    let error =
        format!("{}: a program has had it open for writing for more than {seconds} s", file.display());
    ReloadFailure { errors: vec![error] }
}
