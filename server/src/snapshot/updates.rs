//! Dynamic updates that wait until the one thread that changes zones carries them out.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use rhumb_config::UpdateQueueLimits;
use rhumb_wire::edns::ExtendedError;
use rhumb_wire::{DomainName, Rcode};

/// How a message is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateAnswer {
    /// The response code.
    pub rcode: Rcode,
    /// Why, where there is more to say.
    pub error: Option<(ExtendedError, Cow<'static, str>)>,
}

/// Gives the answer. One that is dropped answers SERVFAIL.
pub(super) type UpdateReply = Box<dyn FnOnce(UpdateAnswer) + Send>;

/// A signature that was found good (RFC 8945).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestSignature {
    /// The beginning of the MAC, as much of it as there is in every case: it may come truncated (section 5.2.2.1).
    pub mac: [u8; 10],
    /// Until when it is good, in seconds since 1970.
    pub until: u64,
}

/// A message that waits.
pub struct QueuedUpdate {
    /// The zone.
    pub zone: DomainName,
    /// The message without its TSIG.
    pub message: Vec<u8>,
    /// Who sent it.
    pub client: SocketAddr,
    /// The name of the key that it was signed with.
    pub key: Option<DomainName>,
    /// The signature, if it was signed.
    pub signature: Option<RequestSignature>,
    /// The names of the certificate that its client showed, as far as rules of the zone have them.
    pub names: Vec<DomainName>,
    /// When it came.
    pub received: Instant,
    /// Where its answer goes.
    pub reply: UpdateReply,
}

impl fmt::Debug for QueuedUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { zone, client, .. } = self;
        f.debug_struct("QueuedUpdate").field("zone", zone).field("client", client).finish_non_exhaustive()
    }
}

/// The messages that wait, by zone.
#[derive(Debug, Default)]
struct WaitingUpdates {
    zones: HashMap<DomainName, Vec<QueuedUpdate>>,
    count: usize,
}

/// The way to the thread.
#[derive(Default)]
pub struct UpdateQueue {
    waiting: Mutex<WaitingUpdates>,
    wake: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl fmt::Debug for UpdateQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpdateQueue").field("waiting", &self.lock().count).finish_non_exhaustive()
    }
}

impl UpdateQueue {
    /// What is called for the first message that waits.
    pub fn set_wake(&self, wake: impl Fn() + Send + Sync + 'static) {
        // It is set once, at the start.
        let _ = self.wake.set(Box::new(wake));
    }

    /// Takes a message.
    ///
    /// Errors: so many wait already; the message is given back.
    pub fn enter(&self, update: QueuedUpdate, limits: UpdateQueueLimits) -> Result<(), Box<QueuedUpdate>> {
        let mut waiting = self.lock();
        let for_zone = waiting.zones.get(&update.zone).map_or(0, Vec::len);
        if waiting.count >= limits.waiting || for_zone >= limits.waiting_per_zone {
            return Err(Box::new(update));
        }
        let is_first = waiting.count == 0;
        waiting.count += 1;
        waiting.zones.entry(update.zone.clone()).or_default().push(update);
        drop(waiting);
        if let Some(wake) = self.wake.get().filter(|_| is_first) {
            wake();
        }
        Ok(())
    }

    /// Takes all that wait, those of a zone in the order they came.
    pub fn take(&self) -> HashMap<DomainName, Vec<QueuedUpdate>> {
        std::mem::take(&mut *self.lock()).zones
    }

    fn lock(&self) -> MutexGuard<'_, WaitingUpdates> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use super::*;

    fn update(zone: &str) -> QueuedUpdate {
        QueuedUpdate {
            zone: zone.parse().unwrap(),
            message: Vec::new(),
            client: "192.0.2.1:53".parse().unwrap(),
            key: None,
            signature: None,
            names: Vec::new(),
            received: Instant::now(),
            reply: Box::new(|_| {}),
        }
    }

    #[test]
    fn so_many_wait_and_no_more() {
        let (queue, woken) = (UpdateQueue::default(), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&woken);
        queue.set_wake(move || {
            counted.fetch_add(1, Relaxed);
        });
        let limits = UpdateQueueLimits { waiting: 3, waiting_per_zone: 2 };
        let enter = |zone: &str| queue.enter(update(zone), limits).is_ok();
        assert_eq!(
            [enter("a."), enter("A."), enter("a."), enter("b."), enter("c.")],
            [true, true, false, true, false]
        );
        assert_eq!(woken.load(Relaxed), 1);
        let taken = queue.take();
        assert_eq!((taken.len(), taken[&"a.".parse().unwrap()].len()), (2, 2));
        assert!(queue.take().is_empty() && enter("a."));
        assert_eq!(woken.load(Relaxed), 2);
    }
}
