//! Whether a connection of HTTP/1.1 is of use: the time it may rest, and how often it may ask for what there is not.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rhumb_http2::MOST_USELESS;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::bounds::{LARGE_BODIES, MOST_UNSENT, REQUEST_TIMEOUT};

/// What a connection does.
#[derive(Debug)]
pub(super) struct ConnectionActivity {
    idle: Duration,
    requests: AtomicUsize,
    useless: AtomicU32,
    unsent: AtomicUsize,
    /// Answers were sent.
    sent: Notify,
    /// Too many requests were useless.
    abused: Notify,
    bodies: Arc<Semaphore>,
    due: Mutex<Instant>,
}

impl ConnectionActivity {
    /// The first request has until `first`; later ones come within `idle` after the one before has ended.
    pub(super) fn new(first: Instant, idle: Duration) -> Arc<Self> {
        Arc::new(Self {
            idle,
            requests: AtomicUsize::new(0),
            useless: AtomicU32::new(0),
            unsent: AtomicUsize::new(0),
            sent: Notify::new(),
            abused: Notify::new(),
            bodies: Arc::new(Semaphore::new(LARGE_BODIES)),
            due: Mutex::new(first),
        })
    }

    /// When the connection is to end, unless something happens before.
    pub(super) fn due(&self) -> Instant {
        *self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_due(&self, due: Instant) {
        *self.due.lock().unwrap_or_else(PoisonError::into_inner) = due;
    }

    /// A request begins.
    pub(super) fn request(self: &Arc<Self>) -> CountedRequest {
        self.requests.fetch_add(1, Relaxed);
        self.set_due(Instant::now() + REQUEST_TIMEOUT);
        CountedRequest { activity: Arc::clone(self), answered: false }
    }

    /// Waits until so many answers are sent that there is room for more.
    pub(super) async fn room(&self) {
        loop {
            let sent = self.sent.notified();
            if self.unsent.load(Relaxed) < MOST_UNSENT {
                return;
            }
            sent.await;
        }
    }

    /// Leave to read a large body.
    pub(super) async fn large_body(&self) -> Option<OwnedSemaphorePermit> {
        // It is never closed.
        Arc::clone(&self.bodies).acquire_owned().await.ok()
    }

    /// An answer that counts until it is sent.
    pub(super) fn unsent(self: &Arc<Self>, message: Vec<u8>) -> UnsentAnswer {
        self.unsent.fetch_add(message.len(), Relaxed);
        UnsentAnswer { message, activity: Arc::clone(self) }
    }

    fn ended(&self, answered: bool) {
        if answered {
            self.useless.store(0, Relaxed);
        } else if self.useless.fetch_add(1, Relaxed) + 1 >= MOST_USELESS {
            self.abused.notify_one();
        }
        if self.requests.fetch_sub(1, Relaxed) == 1 {
            self.set_due(Instant::now() + self.idle);
        }
    }

    /// Waits until too many requests in a row were useless.
    pub(super) async fn abused(&self) {
        self.abused.notified().await;
    }
}

/// A request that is being answered. Dropped without an answer, it was useless: it had no query, or the client has given it up.
#[derive(Debug)]
pub(super) struct CountedRequest {
    activity: Arc<ConnectionActivity>,
    answered: bool,
}

impl CountedRequest {
    /// Its query was answered, or is left unanswered for reasons of the server.
    pub(super) fn answered(&mut self) {
        self.answered = true;
    }
}

impl Drop for CountedRequest {
    fn drop(&mut self) {
        self.activity.ended(self.answered);
    }
}

/// An answer that waits to be sent.
#[derive(Debug)]
pub(super) struct UnsentAnswer {
    message: Vec<u8>,
    activity: Arc<ConnectionActivity>,
}

impl AsRef<[u8]> for UnsentAnswer {
    fn as_ref(&self) -> &[u8] {
        &self.message
    }
}

impl Drop for UnsentAnswer {
    fn drop(&mut self) {
        let before = self.activity.unsent.fetch_sub(self.message.len(), Relaxed);
        if before >= MOST_UNSENT {
            self.activity.sent.notify_waiters();
        }
    }
}
