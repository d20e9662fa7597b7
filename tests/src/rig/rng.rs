//! Chance for message ids and test data; seeded by the process, no cryptography.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

thread_local! {
    static STATE: Cell<u64> = Cell::new(RandomState::new().hash_one(0_u8) | 1);
}

/// The next 64 bits of this thread.
pub fn bits() -> u64 {
    STATE.with(|state| {
        let mut word = state.get();
        word ^= word << 13;
        word ^= word >> 7;
        word ^= word << 17;
        state.set(word);
        word.wrapping_mul(0x2545_f491_4f6c_dd1d)
    })
}

/// A message id.
pub fn id() -> u16 {
    (bits() >> 48) as u16
}
