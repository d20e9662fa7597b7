//! Where an answer was learnt: one upstream of one route, in its present life.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

/// The most pairs of route and upstream that can be told apart at a time.
const SLOTS: usize = 1 << 18;

/// A pair of route and upstream. It is alive until it is retired; whatever carries it is dead from then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AnswerOrigin {
    slot: u32,
    generation: u32,
}

/// Which origins are alive.
#[derive(Debug)]
pub struct LiveOrigins {
    generations: Box<[AtomicU32]>,
    free: Mutex<Free>,
}

#[derive(Debug, Default)]
struct Free {
    slots: Vec<u32>,
    next: u32,
}

impl AnswerOrigin {
    /// An origin that never lives: nothing learnt from it is kept.
    pub const NONE: Self = Self { slot: u32::MAX, generation: 0 };

    /// The number of its slot; with [`LiveOrigins::is_live`] enough to find out whose it is.
    pub const fn slot(self) -> u32 {
        self.slot
    }
}

impl Default for LiveOrigins {
    fn default() -> Self {
        Self::new()
    }
}

impl LiveOrigins {
    /// None alive.
    pub fn new() -> Self {
        let generations = (0..SLOTS).map(|_| AtomicU32::new(0)).collect();
        Self { generations, free: Mutex::new(Free::default()) }
    }

    /// A new one; [`AnswerOrigin::NONE`] where all slots are taken, so that its answers are used but not kept.
    pub fn allocate(&self) -> AnswerOrigin {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = match free.slots.pop() {
            Some(slot) => slot,
            None if (free.next as usize) < SLOTS => {
                free.next += 1;
                free.next - 1
            }
            None => return AnswerOrigin::NONE,
        };
        let generation = self.generations.get(slot as usize).map_or(0, |g| g.load(Ordering::Acquire));
        AnswerOrigin { slot, generation }
    }

    /// Ends it: everything learnt from it is gone at once. Ending it again does nothing.
    pub fn retire(&self, origin: AnswerOrigin) {
        let Some(generation) = self.generations.get(origin.slot as usize) else { return };
        let next = origin.generation.wrapping_add(1);
        if generation.compare_exchange(origin.generation, next, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            self.free.lock().unwrap_or_else(PoisonError::into_inner).slots.push(origin.slot);
        }
    }

    /// Whether what was learnt from it may still be served.
    #[inline]
    pub fn is_live(&self, origin: AnswerOrigin) -> bool {
        self.generations
            .get(origin.slot as usize)
            .is_some_and(|generation| generation.load(Ordering::Acquire) == origin.generation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_given_out_one_by_one_and_again_once_they_are_free() {
        let origins = LiveOrigins::default();
        assert!(!origins.is_live(AnswerOrigin::NONE));
        let [first, second] = [(); 2].map(|()| origins.allocate());
        assert_eq!((first.slot(), second.slot()), (0, 1));
        origins.retire(first);
        assert_eq!([first, second].map(|origin| origins.is_live(origin)), [false, true]);
        // Ended twice, its slot is given out once.
        origins.retire(first);
        let again = origins.allocate();
        assert_eq!((again.slot(), again == first, origins.is_live(again)), (0, false, true));
        assert!(!origins.is_live(first));
        assert_eq!(origins.allocate().slot(), 2);
        origins.retire(AnswerOrigin::NONE);
        assert_ne!(origins.allocate(), AnswerOrigin::NONE);
    }

    #[test]
    fn there_are_so_many_slots() {
        let origins = LiveOrigins::new();
        let last = (0..SLOTS).map(|_| origins.allocate()).last().unwrap();
        assert_eq!((last.slot() as usize, origins.is_live(last)), (SLOTS - 1, true));
        assert_eq!(origins.allocate(), AnswerOrigin::NONE);
        origins.retire(last);
        assert_eq!(origins.allocate().slot(), last.slot());
    }
}
