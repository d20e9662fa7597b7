//! The streams of a connection (RFC 9113, section 5.1).

use std::collections::VecDeque;

/// Streams that this side has ended before the client, and whose frames may still be on their way; further ones are forgotten.
const MOST_ABANDONED: usize = 512;
/// Streams that a connection keeps room for while it has none.
const KEPT: usize = 4;

/// A stream on which a request comes or is answered.
#[derive(Debug)]
pub(super) struct OpenStream {
    pub(super) id: u32,
    /// Whether the client has not ended it.
    pub(super) is_receiving: bool,
    /// How much the client may send, in bytes.
    pub(super) receive_window: i64,
    /// How much it has sent.
    pub(super) received: usize,
    /// How much of that the connection got no room for in exchange.
    pub(super) withheld: usize,
    /// Whether more may come than any usual query.
    pub(super) is_allowed: bool,
    /// How much content is to come, as the client said.
    pub(super) announced: Option<u64>,
    /// How much may be sent.
    pub(super) send_window: i64,
    pub(super) is_answered: bool,
    /// What could not be sent yet of the content of the response, and how much of that was since.
    pub(super) unsent: Vec<u8>,
    pub(super) sent: usize,
}

impl OpenStream {
    /// How much waits to be sent, in bytes.
    pub(super) fn waiting(&self) -> usize {
        self.unsent.len() - self.sent
    }

    /// So much more of what waited is sent. What takes memory is no more than twice what waits.
    pub(super) fn sent_more(&mut self, length: usize) {
        self.sent += length;
        if self.sent > self.unsent.len() / 2 {
            self.unsent = self.unsent.split_off(self.sent);
            self.sent = 0;
        }
    }
}

/// What is known of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StreamState {
    /// Nothing was sent on it.
    Idle,
    Open,
    /// This side has ended it, the client maybe not.
    Abandoned,
    Closed,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct StreamTable {
    /// In the order of their numbers, as they are opened.
    open: Vec<OpenStream>,
    abandoned: VecDeque<u32>,
    last: u32,
}

impl StreamTable {
    /// The last one that the client has opened.
    pub(super) const fn last(&self) -> u32 {
        self.last
    }

    pub(super) const fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn state(&self, id: u32) -> StreamState {
        if id > self.last || id.is_multiple_of(2) {
            StreamState::Idle
        } else if self.place(id).is_some() {
            StreamState::Open
        } else if self.abandoned.contains(&id) {
            StreamState::Abandoned
        } else {
            StreamState::Closed
        }
    }

    /// The client has opened one, and with it closed all before that it left out.
    pub(super) fn note(&mut self, id: u32) {
        self.last = self.last.max(id);
    }

    pub(super) fn push(&mut self, stream: OpenStream) {
        self.open.push(stream);
    }

    #[inline]
    pub(super) fn get_mut(&mut self, id: u32) -> Option<&mut OpenStream> {
        let place = self.place(id)?;
        self.open.get_mut(place)
    }

    pub(super) fn all_mut(&mut self) -> impl Iterator<Item = &mut OpenStream> {
        self.open.iter_mut()
    }

    pub(super) fn remove(&mut self, id: u32) -> Option<OpenStream> {
        let place = self.place(id)?;
        // Mostly it is the last one, which leaves nothing to be moved.
        let gone = if place + 1 == self.open.len() { self.open.pop()? } else { self.open.remove(place) };
        if self.open.is_empty() && self.open.capacity() > KEPT {
            self.open = Vec::new();
        }
        Some(gone)
    }

    /// Frames of this stream are passed over from now on.
    pub(super) fn abandon(&mut self, id: u32) {
        if self.abandoned.len() >= MOST_ABANDONED {
            self.abandoned.pop_front();
        }
        self.abandoned.push_back(id);
    }

    #[inline]
    fn place(&self, id: u32) -> Option<usize> {
        // Mostly it is the last one.
        let last = self.open.len().checked_sub(1)?;
        if self.open.get(last).is_some_and(|stream| stream.id == id) {
            return Some(last);
        }
        self.open.binary_search_by_key(&id, |stream| stream.id).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(id: u32) -> OpenStream {
        OpenStream {
            id,
            is_receiving: true,
            receive_window: 0,
            received: 0,
            withheld: 0,
            is_allowed: false,
            announced: None,
            send_window: 0,
            is_answered: false,
            unsent: Vec::new(),
            sent: 0,
        }
    }

    #[test]
    fn a_connection_without_streams_has_little_room_for_them() {
        for count in [1, 4, 5, 100] {
            let mut streams = StreamTable::default();
            for round in 0..2 {
                let ids: Vec<u32> = (0..count).map(|number| (round * count + number) * 2 + 1).collect();
                for &id in &ids {
                    streams.note(id);
                    streams.push(stream(id));
                }
                for &id in ids.iter().rev().chain(&ids) {
                    streams.remove(id);
                }
                assert_eq!(streams.len(), 0);
                assert!(streams.open.capacity() <= KEPT, "{} after {count}", streams.open.capacity());
            }
        }
    }
}
