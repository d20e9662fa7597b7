//! Which requests of a connection wait for what.

use std::collections::VecDeque;
use std::time::Duration;

use rhumb_http2::Http2Connection;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::open_request::{NeededRoom, OpenRequest};
use super::replies::RepliedRequest;
use crate::listen::https::bounds::{
    CLOSING_TIME, LARGE_BODIES, LONGEST, MOST_UNSENT, PASSED_OVER, REQUEST_TIMEOUT,
};
use crate::query::QueryClient;

/// The requests of a connection.
pub(super) struct RequestWork {
    pub(super) http: Http2Connection,
    /// Those whose body is still coming.
    pub(super) open: Vec<OpenRequest>,
    /// How many of them have room for a large query.
    large: usize,
    /// Those that wait until the client takes answers to others.
    pub(super) held: VecDeque<HeldRequest>,
    /// Those whose answer comes later.
    pub(super) late: Vec<LateAnswer>,
    /// Since when none of them is open, as far as that was seen.
    pub(super) rests: Option<Instant>,
    /// The client has broken the rules, and was told so.
    pub(super) has_failed: bool,
    /// The client was told that the connection ends.
    pub(super) is_leaving: bool,
    /// When the connection is to end, unless something happens before.
    pub(super) due: Instant,
}

/// A whole request.
pub(super) struct HeldRequest {
    pub(super) request: RepliedRequest,
    pub(super) client: QueryClient<'static>,
    pub(super) query: Vec<u8>,
}

/// An answer that comes by a channel. Without this the look-up is given up.
pub(super) struct LateAnswer {
    pub(super) request: RepliedRequest,
    pub(super) receiver: mpsc::Receiver<Vec<u8>>,
    pub(super) due: Instant,
}

impl RequestWork {
    /// The first request has until `due`.
    pub(super) fn new(http: Http2Connection, due: Instant) -> Self {
        Self {
            http,
            open: Vec::new(),
            large: 0,
            held: VecDeque::new(),
            late: Vec::new(),
            rests: Some(Instant::now()),
            has_failed: false,
            is_leaving: false,
            due,
        }
    }

    /// A request begins.
    pub(super) fn begin(&mut self, now: Instant) {
        self.rests = None;
        if !self.is_leaving {
            self.due = now + REQUEST_TIMEOUT;
        }
    }

    /// After some were answered: the idle time begins where no others are open.
    pub(super) fn settle(&mut self, now: Instant, idle: Duration) {
        if self.rests.is_none() && self.http.open_streams() == 0 {
            self.rests = Some(now);
            if !self.is_leaving {
                self.due = now + idle;
            }
        }
    }

    /// Tells the client that the connection ends.
    pub(super) fn shut_down(&mut self, out: &mut Vec<u8>) {
        self.is_leaving = true;
        self.due = Instant::now() + CLOSING_TIME;
        self.http.shut_down(out);
    }

    /// When the first of them has waited for too long.
    pub(super) fn first_due(&self) -> Instant {
        let open = self.open.iter().map(|request| request.due);
        open.chain(self.late.iter().map(|late| late.due)).fold(self.due, Instant::min)
    }

    /// Whether so much waits to be sent that further answers have to wait too.
    pub(super) const fn is_full(&self) -> bool {
        self.http.unsent() >= MOST_UNSENT
    }

    /// Whether one that was held can go on.
    pub(super) fn can_go_on(&self) -> bool {
        !self.held.is_empty() && !self.is_full()
    }

    /// Where the open request of a stream is.
    pub(super) fn place(&self, stream: u32) -> Option<usize> {
        self.open.iter().rposition(|request| request.request.stream == stream)
    }

    /// Takes out an open request, which may make room for another.
    pub(super) fn remove(&mut self, place: usize, out: &mut Vec<u8>) -> Option<OpenRequest> {
        if place >= self.open.len() {
            return None;
        }
        let gone = self.open.swap_remove(place);
        if gone.is_large {
            self.large -= 1;
            if let Some(next) = self.open.iter().position(|request| request.needs() == NeededRoom::Large) {
                self.give_room(next, out);
            }
        }
        Some(gone)
    }

    /// Lets more of the body of a request come, if there may be more.
    pub(super) fn give_room(&mut self, place: usize, out: &mut Vec<u8>) {
        let Some(request) = self.open.get_mut(place) else { return };
        let stream = request.request.stream;
        match request.needs() {
            NeededRoom::Large if self.large < LARGE_BODIES => {
                self.large += 1;
                request.is_large = true;
                // One byte more shows that it is too long.
                self.http.allow(stream, LONGEST as u32 + 1, out);
            }
            NeededRoom::PassedOver => {
                request.is_passed_over = true;
                self.http.allow(stream, PASSED_OVER as u32, out);
            }
            NeededRoom::Large | NeededRoom::None | NeededRoom::Enough => {}
        }
    }

    /// Forgets the request of a stream.
    pub(super) fn forget(&mut self, stream: u32, out: &mut Vec<u8>) {
        if let Some(place) = self.place(stream) {
            self.remove(place, out);
        }
        self.held.retain(|held| held.request.stream != stream);
        self.late.retain(|late| late.request.stream != stream);
    }
}
