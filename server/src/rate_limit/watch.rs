//! Which networks are being limited, for the log: when it begins and when it ends.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use rhumb_config::IpNetwork;

/// Networks that the log may speak of at one time; a flood from more is told by the first.
const MOST: usize = 64;
/// Seconds without an answer over the limit after which a network is no longer limited.
const QUIET: u32 = 15;

/// A network whose answers are no longer limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LimitEnd {
    pub(super) network: IpNetwork,
    /// Answers that were over the limit.
    pub(super) answers: u64,
}

#[derive(Debug)]
struct Entry {
    network: IpNetwork,
    last: u32,
    answers: u64,
}

/// The networks that are being limited. Its lock is taken for answers over the limit, and once a second.
#[derive(Debug)]
pub(super) struct LimitedNetworks {
    entries: Mutex<Vec<Entry>>,
    swept: AtomicU32,
    limited: AtomicU32,
}

impl LimitedNetworks {
    /// No network yet, and room for all that there may be.
    pub(super) fn new() -> Self {
        let entries = Mutex::new(Vec::with_capacity(MOST));
        Self { entries, swept: AtomicU32::new(0), limited: AtomicU32::new(0) }
    }

    /// An answer to `network` is over the limit, at `now` in seconds. Gives how many there were in all (it wraps), and whether
    /// it is the first of this network. Where others hold the lock it is left out of what is told.
    pub(super) fn limited(&self, network: IpNetwork, now: u32) -> (u32, bool) {
        let count = self.limited.fetch_add(1, Relaxed);
        let mut entries = match self.entries.try_lock() {
            Ok(entries) => entries,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return (count, false),
        };
        if let Some(entry) = entries.iter_mut().find(|entry| entry.network == network) {
            entry.last = now;
            entry.answers += 1;
            return (count, false);
        }
        let room = entries.len() < MOST;
        if room {
            entries.push(Entry { network, last: now, answers: 1 });
        }
        (count, room)
    }

    /// Tells which networks have been quiet, at `now` in seconds; looks once a second.
    #[inline]
    pub(super) fn sweep(&self, now: u32, tell: impl FnMut(&LimitEnd)) {
        if self.swept.load(Relaxed) != now && self.swept.swap(now, Relaxed) != now {
            self.look(now, tell);
        }
    }

    #[cold]
    fn look(&self, now: u32, mut tell: impl FnMut(&LimitEnd)) {
        self.lock().retain(|entry| {
            let over = now.saturating_sub(entry.last) >= QUIET;
            if over {
                tell(&LimitEnd { network: entry.network, answers: entry.answers });
            }
            !over
        });
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(third: u8) -> IpNetwork {
        IpNetwork { addr: [10, 0, third, 0].into(), prefix: 24 }
    }

    #[test]
    fn a_network_is_told_when_it_begins_and_when_it_ends() {
        let watch = LimitedNetworks::new();
        let mut ended = Vec::new();
        assert_eq!(watch.limited(network(1), 100), (0, true));
        assert_eq!(watch.limited(network(1), 101), (1, false));
        assert_eq!(watch.limited(network(2), 110), (2, true));
        for now in 101..=116 {
            watch.sweep(now, |end| ended.push(*end));
        }
        assert_eq!(ended, [LimitEnd { network: network(1), answers: 2 }]);
        watch.sweep(125, |end| ended.push(*end));
        watch.sweep(126, |end| ended.push(*end));
        assert_eq!(ended.len(), 2);
        assert!(watch.limited(network(1), 130).1, "it begins anew");
    }

    #[test]
    fn a_flood_from_everywhere_is_told_by_its_first() {
        let watch = LimitedNetworks::new();
        let begun = (0..=255).filter(|third| watch.limited(network(*third), 7).1).count();
        assert_eq!(begun, MOST);
        let mut ended = 0;
        watch.sweep(100, |_| ended += 1);
        assert_eq!(ended, MOST);
        assert!(watch.limited(network(200), 101).1);
    }
}
