//! The answers to one read, written where they are sent from.

use super::bounds::{FULL, LONGEST, PREFIX};

/// Answers on their way into one write, each behind its length.
#[derive(Debug)]
pub struct OutgoingMessages {
    bytes: Vec<u8>,
    length: usize,
}

impl OutgoingMessages {
    pub(super) fn new() -> Self {
        Self { bytes: vec![0; FULL + LONGEST], length: 0 }
    }

    /// Lets `write` put one answer into the buffer, which takes the longest there can be and holds whatever was in it
    /// before. It says how many bytes the answer has; `None` and 0 add none.
    #[inline]
    pub fn put(&mut self, write: impl FnOnce(&mut [u8]) -> Option<usize>) {
        let room = self.bytes.get_mut(self.length..).unwrap_or_default();
        let Some((prefix, rest)) = room.split_first_chunk_mut::<PREFIX>() else { return };
        let Some(place) = rest.get_mut(..LONGEST - PREFIX) else { return };
        if let Some(length @ 1..) = write(place)
            && let Ok(announced) = u16::try_from(length)
        {
            *prefix = announced.to_be_bytes();
            self.length += PREFIX + length;
        }
    }

    /// How much they are, in bytes.
    #[inline]
    pub(super) fn length(&self) -> usize {
        self.length
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    pub(super) fn clear(&mut self) {
        self.length = 0;
    }
}
