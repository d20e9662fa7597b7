//! An input that is read piece by piece, by whoever needs the next one.

use std::sync::{Mutex, PoisonError};

/// The bytes that are left; zeros once there are none.
pub struct InputScript<'i>(Mutex<&'i [u8]>);

impl<'i> InputScript<'i> {
    pub const fn new(input: &'i [u8]) -> Self {
        Self(Mutex::new(input))
    }

    pub fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    pub fn byte(&self) -> u8 {
        self.bytes(1).first().copied().unwrap_or(0)
    }

    /// At most so many.
    pub fn bytes(&self, most: usize) -> &'i [u8] {
        let mut rest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (taken, left) = rest.split_at(rest.len().min(most));
        *rest = left;
        taken
    }

    /// One of `choices`; none of none.
    pub fn choose<'c, T>(&self, choices: &'c [T]) -> Option<&'c T> {
        choices.get(usize::from(self.byte()) % choices.len().max(1))
    }
}
