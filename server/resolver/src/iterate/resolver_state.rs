//! What all questions share: what was learnt, which exchanges are under way, what failed a moment ago.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rhumb_cache::{ProofCache, RecordCache};
use rhumb_wire::{DomainName, NameRef, Type};
use tokio::time::Instant;

use super::clock_doubt::ClockDoubt;
use super::last_heard::LastHeard;
use super::limits;
use super::zone_cut::DELEGATION;
use super::zone_exchange::{ExchangeEffort, ExchangeFailure};
use super::zone_reply::ZoneReply;
use super::zone_trust::ZoneTrust;
use crate::exchange::{RemoteServer, ServerStore};
use crate::seeded_map::SeededMap;
use crate::validate;

/// What is known of the names of the world and asked for at this moment. It survives reloads.
#[derive(Debug)]
pub struct ResolverState {
    /// RRsets, denials and delegations.
    pub records: RecordCache,
    /// Proofs of denial of secure zones.
    pub proofs: ProofCache,
    /// The servers asked so far.
    pub servers: ServerStore,
    joined: Mutex<SeededMap<Arc<ExchangeKey>, Arc<JoinedExchange>>>,
    failures: Mutex<SeededMap<(DomainName, Type), Instant>>,
    /// What is known of the keys of zones, and until when in seconds of the cache's clock.
    zones: Mutex<SeededMap<DomainName, (ZoneTrust, u32)>>,
    /// When the root may be asked for its servers again.
    prime_at: Mutex<Option<Instant>>,
    pub(super) heard: Arc<LastHeard>,
    pub(super) clock_doubt: ClockDoubt,
}

/// The part of the bytes that is for proofs of denial.
const SHARE_OF_PROOFS: u64 = 8;

/// What makes two exchanges one: the zone whose servers are asked, whether recursive ones are in their place, the name, the type.
pub(super) type ExchangeKey = (DomainName, bool, DomainName, Type);

/// An exchange that others may wait for too. Whoever holds the lock asks, unless a result is there; should it be dropped on the way, the
/// next one asks.
pub(super) type JoinedExchange = tokio::sync::Mutex<Option<SharedResult>>;

/// What came of an exchange, for others who asked the same.
#[derive(Clone, Debug)]
pub(super) struct SharedResult {
    pub(super) reply: Result<ZoneReply, ExchangeFailure>,
    pub(super) effort: ExchangeEffort,
    pub(super) asked: Vec<SocketAddr>,
}

impl SharedResult {
    /// Whether it is one for whoever would ask these servers: a failure is where all of them were asked, and no less.
    pub(super) fn is_for(&self, servers: &[Arc<RemoteServer>], effort: ExchangeEffort) -> bool {
        let asked = |server: &Arc<RemoteServer>| self.asked.contains(&server.identity().address);
        self.reply.is_ok() || self.effort >= effort && servers.iter().all(asked)
    }
}

/// A place at an exchange, until this is dropped.
#[derive(Debug)]
pub(super) struct ExchangePlace<'s> {
    state: &'s ResolverState,
    key: Arc<ExchangeKey>,
    pub(super) exchange: Arc<JoinedExchange>,
}

impl ExchangePlace<'_> {
    /// Ends the exchange: whoever asks from now on begins another one.
    pub(super) fn end(&self) {
        self.leave(|_| true);
    }

    /// Whether others wait for an exchange that was ended by whoever holds its lock.
    pub(super) fn is_shared(&self) -> bool {
        // This one, and the lock.
        Arc::strong_count(&self.exchange) > 2
    }

    fn leave(&self, ends: impl Fn(usize) -> bool) {
        let mut joined = lock(&self.state.joined);
        let present = joined.get(&self.key).filter(|present| Arc::ptr_eq(present, &self.exchange));
        if present.is_some_and(|present| ends(Arc::strong_count(present))) {
            joined.remove(&self.key);
        }
    }
}

impl Drop for ExchangePlace<'_> {
    fn drop(&mut self) {
        // The table and this one.
        self.leave(|holders| holders <= 2);
    }
}

impl ResolverState {
    /// Nothing is known. `size`: bytes for what is learnt.
    pub fn new(size: u64) -> Self {
        let state = Self {
            records: RecordCache::new(0),
            proofs: ProofCache::default(),
            servers: ServerStore::default(),
            joined: Mutex::default(),
            failures: Mutex::default(),
            zones: Mutex::default(),
            prime_at: Mutex::default(),
            heard: Arc::default(),
            clock_doubt: ClockDoubt::default(),
        };
        state.set_limits(size, (0, u32::MAX));
        state
    }

    /// Takes new limits: bytes, and the least and greatest TTL of what is kept from now on, in seconds.
    pub fn set_limits(&self, size: u64, ttl: (u32, u32)) {
        let proofs = size / SHARE_OF_PROOFS;
        self.proofs.set_room(proofs);
        self.records.set_limits(size - proofs, ttl);
    }

    /// Drops what is known of `name`, or of it and everything below it. Gives the number of entries.
    pub fn flush(&self, name: NameRef<'_>, subtree: bool) -> usize {
        lock(&self.zones).retain(|zone, _| {
            let zone = zone.as_ref();
            !(zone == name || subtree && zone.is_at_or_below(name))
        });
        self.records.flush(name, subtree) + self.proofs.flush(name, subtree)
    }

    /// A number that changes with everything that is learnt.
    pub fn changes(&self) -> u64 {
        self.records.changes()
    }

    /// Whether the caller is to ask the root for its servers: nobody has for [`limits::PRIME_EVERY`].
    pub fn claim_priming(&self) -> bool {
        let now = Instant::now();
        let mut at = lock(&self.prime_at);
        let due = at.is_none_or(|at| at <= now);
        if due {
            *at = Some(now + limits::PRIME_EVERY);
        }
        due
    }

    /// Forgets which servers the root has, so that those of the configuration are asked.
    pub fn forget_root(&self) {
        self.records.forget(NameRef::ROOT, DELEGATION);
        *lock(&self.prime_at) = None;
    }

    /// Forgets everything but the servers.
    pub fn clear(&self) {
        self.records.clear();
        self.proofs.clear();
        lock(&self.failures).clear();
        lock(&self.zones).clear();
        *lock(&self.prime_at) = None;
    }

    /// Whether a clock that shows `unix`, seconds since 1970, is far from the times that the root's keys are signed for.
    pub fn is_far_from_signatures(&self, unix: u32) -> bool {
        self.clock_doubt.is_far(unix)
    }

    /// How many exchanges are under way.
    #[cfg(test)]
    pub(super) fn under_way(&self) -> usize {
        lock(&self.joined).len()
    }

    /// Forgets which keys zones have, so that all of them are led back to the trust anchors anew.
    pub fn forget_trust(&self) {
        lock(&self.zones).clear();
    }

    /// The exchange of this key that is under way, or a new one.
    pub(super) fn join(&self, key: Arc<ExchangeKey>) -> ExchangePlace<'_> {
        let exchange = Arc::clone(lock(&self.joined).entry(Arc::clone(&key)).or_default());
        ExchangePlace { state: self, key, exchange }
    }

    /// What is known of the keys of `zone`.
    pub(super) fn zone_trust(&self, zone: &DomainName, now: u32) -> Option<ZoneTrust> {
        lock(&self.zones).get(zone).filter(|(_, until)| *until > now).map(|(trust, _)| trust.clone())
    }

    /// Remembers what is known of the keys of `zone` until then.
    pub(super) fn keep_zone_trust(&self, zone: &DomainName, trust: &ZoneTrust, now: u32, until: u32) {
        let mut zones = lock(&self.zones);
        if zones.len() >= validate::limits::ZONES {
            zones.retain(|_, (_, until)| *until > now);
            if zones.len() >= validate::limits::ZONES {
                zones.clear();
            }
        }
        zones.insert(zone.clone(), (trust.clone(), until));
    }

    /// Remembers that these records could not be found.
    pub(super) fn failed(&self, name: &DomainName, rtype: Type, now: Instant) {
        let mut failures = lock(&self.failures);
        if failures.len() >= limits::FAILURES {
            failures.retain(|_, until| *until > now);
            if failures.len() >= limits::FAILURES {
                failures.clear();
            }
        }
        failures.insert((name.clone(), rtype), now + limits::FAILURE_MEMORY);
    }

    /// Whether these records could not be found a moment ago.
    pub(super) fn has_failed(&self, name: &DomainName, rtype: Type, now: Instant) -> bool {
        lock(&self.failures).get(&(name.clone(), rtype)).is_some_and(|until| *until > now)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
