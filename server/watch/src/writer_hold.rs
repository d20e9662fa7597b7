//! A changed file that is not reported before its writer closes it.

use std::path::Path;
use std::time::{Duration, Instant};

/// After so long the log says what is waited for.
const LONG: Duration = Duration::from_secs(10);

pub(super) struct WriterHold {
    since: Instant,
    warned: bool,
}

impl WriterHold {
    pub(super) const fn new(now: Instant) -> Self {
        Self { since: now, warned: false }
    }

    /// Warns, once, of a writer that has had the file at `path` open for long.
    pub(super) fn warn_if_long(&mut self, path: &Path, now: Instant) {
        if !self.warned && now.saturating_duration_since(self.since) >= LONG {
            self.warned = true;
            tracing::warn!(
                "{}: changed, but a program has had it open for writing for more than {} s; it is read once it is closed",
                path.display(),
                LONG.as_secs()
            );
        }
    }
}
