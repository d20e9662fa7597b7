//! The requests of a connection, and the connection they are on.

use std::task::Context;
use std::time::Duration;

use rhumb_http2::Http2Connection;
use tokio::time::Instant;

use super::request_batch::{REQUEST_ROOM, RequestBatch};
use super::request_work::RequestWork;
use crate::listen::https::bounds::CLOSING_TIME;
use crate::listen::https::connection::HttpConnection;
use crate::listen::stream::StreamServices;

/// What a connection has beside its socket.
pub(super) struct Http2Requests {
    connection: HttpConnection,
    streams: StreamServices,
    work: RequestWork,
    idle: Duration,
    is_over: bool,
}

impl Http2Requests {
    /// The time for the first request began at `begun`. What the connection begins with is appended to `out`.
    pub(super) fn new(
        connection: HttpConnection,
        streams: StreamServices,
        begun: Instant,
        out: &mut Vec<u8>,
    ) -> Self {
        let work = RequestWork::new(Http2Connection::new(out), begun + streams.first_query_time());
        let idle = streams.live.snapshot.load().config.server.tcp_idle;
        Self { connection, streams, work, idle, is_over: false }
    }

    /// Takes what has come, and answers it. Whether there is more to do once that is sent.
    pub(super) fn take(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> bool {
        self.with_batch(out, |batch| batch.take(input))
    }

    /// Whether answers are waited for, or requests can go on.
    pub(super) fn is_waiting(&self) -> bool {
        !self.work.late.is_empty() || self.can_go_on()
    }

    /// Whether requests that were held can go on.
    pub(super) fn can_go_on(&self) -> bool {
        self.work.can_go_on()
    }

    /// Appends the answers that are there now.
    pub(super) fn put_waiting(&mut self, cx: &mut Context<'_>, out: &mut Vec<u8>) {
        self.with_batch(out, |batch| {
            batch.take_late(cx);
            batch.take_held();
        });
    }

    /// Whether the client has broken the rules, and was told so.
    pub(super) const fn has_failed(&self) -> bool {
        self.work.has_failed
    }

    /// Whether the time is over that the connection had to end.
    pub(super) const fn is_over(&self) -> bool {
        self.is_over
    }

    /// Whether nothing more is to come.
    pub(super) const fn is_done(&self) -> bool {
        self.is_over || self.work.http.is_closing() && self.work.http.open_streams() == 0
    }

    /// Whether the server may have been told to stop, and the client not.
    pub(super) fn may_stop(&self) -> bool {
        !self.work.is_leaving && self.streams.stop.has_changed().unwrap_or(true)
    }

    /// Tells those who count connections since when this one rests, where all that it has answered `is_sent`.
    pub(super) fn tell_rest(&self, is_sent: bool) {
        self.connection.among.rests_since(self.work.rests.filter(|_| is_sent));
    }

    /// When something has waited for too long.
    pub(super) fn due(&self) -> Instant {
        self.work.first_due()
    }

    /// Tells the client that the connection ends.
    pub(super) fn shut_down(&mut self, out: &mut Vec<u8>) {
        self.work.shut_down(out);
    }

    /// Ends what has waited for too long.
    pub(super) fn expire(&mut self, out: &mut Vec<u8>) {
        let now = Instant::now();
        self.with_batch(out, |batch| batch.expire(now));
        if self.work.due > now {
            return;
        }
        if !self.work.is_leaving {
            self.work.shut_down(out);
        } else if self.work.late.is_empty() {
            self.is_over = true;
        } else {
            // What is looked up is still answered: it ends by its own time, or with the server.
            self.work.due = now + CLOSING_TIME;
        }
    }

    fn with_batch<T>(&mut self, out: &mut Vec<u8>, run: impl FnOnce(&mut RequestBatch<'_>) -> T) -> T {
        let Self { connection, streams, work, idle, .. } = self;
        REQUEST_ROOM.with_borrow_mut(|room| {
            let mut batch = RequestBatch::new((connection, streams), work, room, out);
            let result = run(&mut batch);
            batch.end(*idle);
            result
        })
    }
}
