//! What is served no more, kept until no query uses it, so that no query does the work of taking it apart.

use std::sync::Arc;
use std::time::Duration;

use rhumb_zones::ZoneContents;

use super::published::ServerSnapshot;

/// The pause between two looks at what is still used.
pub const SWEEP_PAUSE: Duration = Duration::from_millis(20);
/// Bytes that are given back to the system when there is nothing else to do; fewer are used again soon.
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

    /// Whether something waits to be freed, or to be given back.
    pub const fn is_empty(&self) -> bool {
        self.snapshots.is_empty() && self.contents.is_empty() && self.freed < MUCH
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
    }

    /// Gives much memory that was freed back to the system. Among updates it would cost more than they do: the next one takes it again.
    pub fn give_back(&mut self) {
        if self.freed >= MUCH {
            self.freed = 0;
            rhumb_net::release_memory();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rhumb_wire::DomainName;
    use rhumb_zones::file::read_zone_bytes;

    use super::*;

    #[test]
    fn what_is_used_stays_and_much_waits_until_it_is_given_back() {
        let text = b"@ 60 SOA ns host 1 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n";
        let apex: DomainName = "a.test".parse().unwrap();
        let read = read_zone_bytes(apex.as_ref(), Path::new("a.test"), text).unwrap();
        let contents = Arc::new(read.contents);
        let mut retired = DeferredFree::default();
        retired.add_contents(Arc::clone(&contents));
        retired.sweep();
        assert!(!retired.is_empty(), "a query uses it");
        drop(contents);
        retired.sweep();
        assert!(retired.is_empty(), "a small zone is no reason to give memory back");
        retired.add_freed(MUCH);
        retired.sweep();
        assert!(!retired.is_empty(), "much was freed");
        retired.give_back();
        assert!(retired.is_empty());
    }
}
