//! What is served no more, kept until no query uses it, so that no query does the work of taking it apart.

use std::sync::Arc;
use std::time::Duration;

use rhumb_zones::ZoneContents;

use super::published::ServerSnapshot;

/// The pause between two looks at what is still used.
pub const SWEEP_PAUSE: Duration = Duration::from_millis(20);
/// Bytes that are given back to the system at once when they are freed; fewer are used again soon.
const MUCH: usize = 1024 * 1024;

/// Snapshots and contents of zones that were replaced.
#[derive(Debug, Default)]
pub struct DeferredFree {
    snapshots: Vec<Arc<ServerSnapshot>>,
    contents: Vec<Arc<ZoneContents>>,
    /// Bytes freed and not yet given back.
    freed: usize,
}

impl DeferredFree {
    /// Takes over the contents of a zone, which some query may still use.
    pub fn add_contents(&mut self, contents: Arc<ZoneContents>) {
        self.contents.push(contents);
    }

    /// The same for a snapshot.
    pub fn add_snapshot(&mut self, snapshot: Arc<ServerSnapshot>) {
        self.snapshots.push(snapshot);
    }

    /// Notes that so many bytes were used and freed besides.
    pub const fn add_freed(&mut self, bytes: usize) {
        self.freed += bytes;
    }

    /// Whether something waits to be freed.
    pub const fn is_empty(&self) -> bool {
        self.snapshots.is_empty() && self.contents.is_empty()
    }

    /// Frees what is used no more.
    pub fn sweep(&mut self) {
        // One reference is ours: a count of one cannot grow again.
        self.snapshots.retain(|snapshot| Arc::strong_count(snapshot) > 1);
        let freed = &mut self.freed;
        self.contents.retain(|contents| {
            let used = Arc::strong_count(contents) > 1;
            *freed += if used { 0 } else { contents.memory() };
            used
        });
        if self.freed >= MUCH {
            self.freed = 0;
            rhumb_net::release_memory();
        }
    }
}
