//! Who has to go when room is short: two queues and a memory of who went, after S3-FIFO (Yang et al., SOSP 2023). What is asked
//! once passes through the small queue and never pushes out what is asked again and again.

use std::collections::VecDeque;

/// Where an entry stands in the slab, and the entry's serial number: a place may have been taken by another since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct QueueTicket {
    pub(crate) place: u32,
    pub(crate) serial: u32,
}

/// The two queues; what they point to may be gone already.
#[derive(Debug, Default)]
pub(crate) struct EvictionQueues {
    pub(crate) small: VecDeque<QueueTicket>,
    pub(crate) main: VecDeque<QueueTicket>,
    pub(crate) small_bytes: u64,
}

/// The hashes of those who left the small queue last, one to a slot; a collision forgets the older one.
#[derive(Debug)]
pub(crate) struct EvictedHashes(Box<[u32]>);

impl EvictedHashes {
    /// One slot for every 512 bytes of room, at least 64, at most 65536.
    pub(crate) fn for_bytes(bytes: u64) -> Self {
        let slots = (bytes / 512).clamp(64, 65_536).next_power_of_two();
        Self(vec![0; slots as usize].into_boxed_slice())
    }

    fn split(&self, hash: u64) -> (usize, u32) {
        ((hash as usize) % self.0.len(), ((hash >> 32) as u32) | 1)
    }

    pub(crate) fn remember(&mut self, hash: u64) {
        let (slot, mark) = self.split(hash);
        if let Some(slot) = self.0.get_mut(slot) {
            *slot = mark;
        }
    }

    pub(crate) fn recall(&mut self, hash: u64) -> bool {
        let (slot, mark) = self.split(hash);
        match self.0.get_mut(slot) {
            Some(slot) if *slot == mark => {
                *slot = 0;
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_recalled_once_and_by_all_of_its_bits() {
        let mut evicted = EvictedHashes::for_bytes(0);
        let hash = 0x1234_5678_0000_0005;
        assert!(!evicted.recall(hash));
        evicted.remember(hash);
        // Another one of the same slot, and one of another slot.
        assert!(!evicted.recall(0x4321_5678_0000_0005) && !evicted.recall(0x1234_5678_0000_0006));
        assert!(evicted.recall(hash) && !evicted.recall(hash));
        // The newer one of a slot stays.
        evicted.remember(hash);
        evicted.remember(0x4321_5678_0000_0005);
        assert!(!evicted.recall(hash) && evicted.recall(0x4321_5678_0000_0005));
    }

    #[test]
    fn slots_are_by_the_room() {
        for (bytes, slots) in [(0, 64), (64 * 512, 64), (65 * 512, 128), (1 << 20, 2048), (1 << 40, 65_536)] {
            assert_eq!(EvictedHashes::for_bytes(bytes).0.len(), slots, "{bytes}");
        }
    }
}
