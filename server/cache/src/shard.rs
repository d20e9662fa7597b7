//! A part of the cache under one lock: a table over a slab of entries, and the queues of eviction.

use hashbrown::HashTable;
use rhumb_wire::NameRef;

use crate::entry::{AnswerKey, CacheEntry, EntryState, NotKept};
use crate::eviction::{EvictedHashes, EvictionQueues, QueueTicket};
use crate::origin::LiveOrigins;
use crate::terms::{CacheHit, CacheLimits, STALE_TTL, WantedAnswer};

/// The share of the small queue in the shard's room: one in this many bytes.
const SMALL_SHARE: u64 = 10;
/// The fewest places by which the slab grows.
const LEAST_GROWTH: usize = 16;
/// Uses counted for an entry at most.
const MOST_USES: u8 = 3;
/// An entry with a shorter TTL than this many seconds is not worth asking for ahead of time.
const LEAST_PREFETCH_TTL: u32 = 10;

#[derive(Debug)]
struct Slot {
    serial: u32,
    small: bool,
    entry: Option<CacheEntry>,
}

#[derive(Debug)]
pub(crate) struct CacheShard {
    table: HashTable<u32>,
    slots: Vec<Slot>,
    free: Vec<u32>,
    queues: EvictionQueues,
    ghosts: EvictedHashes,
    limits: CacheLimits,
    room: u64,
    bytes: u64,
    evicted: u64,
    serial: u32,
}

impl CacheShard {
    pub(crate) fn new(limits: &CacheLimits, shards: u64) -> Self {
        let room = limits.size / shards;
        Self {
            table: HashTable::new(),
            slots: Vec::new(),
            free: Vec::new(),
            queues: EvictionQueues::default(),
            ghosts: EvictedHashes::for_bytes(room),
            limits: *limits,
            room,
            bytes: 0,
            evicted: 0,
            serial: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) const fn evicted(&self) -> u64 {
        self.evicted
    }

    pub(crate) fn set_limits(&mut self, limits: &CacheLimits, shards: u64) {
        self.room = limits.size / shards;
        self.limits = *limits;
        self.make_room();
    }

    fn find(&self, hash: u64, key: &AnswerKey<'_>) -> Option<u32> {
        self.table.find(hash, |&place| self.entry(place).is_some_and(|e| e.is_for(hash, key))).copied()
    }

    pub(crate) fn holds(&self, hash: u64, key: &AnswerKey<'_>) -> bool {
        self.find(hash, key).is_some()
    }

    fn entry(&self, place: u32) -> Option<&CacheEntry> {
        self.slots.get(place as usize).and_then(|slot| slot.entry.as_ref())
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &CacheEntry> {
        self.slots.iter().filter_map(|slot| slot.entry.as_ref())
    }

    fn entry_mut(&mut self, place: u32) -> Option<&mut CacheEntry> {
        self.slots.get_mut(place as usize).and_then(|slot| slot.entry.as_mut())
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one look-up, passed on as they came")]
    #[inline]
    pub(crate) fn look_up(
        &mut self,
        hash: u64,
        key: &AnswerKey<'_>,
        want: WantedAnswer,
        now: u32,
        limit: usize,
        out: &mut [u8],
        origins: &LiveOrigins,
    ) -> Option<CacheHit> {
        let place = self.find(hash, key)?;
        let limits = self.limits;
        let entry = self.entry_mut(place)?;
        let expires = entry.expires();
        let stale = now >= expires;
        if !origins.is_live(entry.origin) || now >= expires.saturating_add(stale_span(entry, &limits)) {
            self.remove(place);
            return None;
        }
        if stale && want == WantedAnswer::Fresh && now >= entry.failed_until {
            return None;
        }
        let age = now.saturating_sub(entry.stored);
        let cap = if stale { STALE_TTL } else { u32::MAX };
        let aged = if stale { 0 } else { age };
        let (length, truncated) = entry.copy_to(out, limit, aged, cap)?;
        entry.uses = (entry.uses + 1).min(MOST_USES);
        let left = expires.saturating_sub(now);
        let prefetch = limits.prefetch
            && !entry.prefetched
            && !stale
            && entry.kind == EntryState::Answer
            && entry.uses > 1
            && entry.ttl >= LEAST_PREFETCH_TTL
            && left <= entry.ttl / 10;
        entry.prefetched |= prefetch;
        let failure = entry.kind == EntryState::Failure;
        Some(CacheHit {
            length,
            truncated,
            stale,
            stands_in: entry.stands_in,
            prefetch,
            failure,
            origin: entry.origin,
            age,
            left,
            aliases: entry.aliases,
        })
    }

    pub(crate) fn insert(
        &mut self,
        mut entry: CacheEntry,
        key: &AnswerKey<'_>,
        now: u32,
    ) -> Result<(), NotKept> {
        if let Err(why) = entry.hold_to(&self.limits) {
            // It is an answer all the same: the older one was refreshed by it, and is not what there is to know any more (RFC 8767 section 4).
            if entry.kind == EntryState::Answer {
                self.forget(entry.hash, key);
            }
            return Err(why);
        }
        let bytes = entry.bytes();
        if bytes > self.room / 2 {
            return Err(NotKept::TooLarge);
        }
        let hash = entry.hash;
        let mut uses = 0;
        if let Some(old) = self.find(hash, key) {
            uses = self.entry(old).filter(|e| e.expires() > now).map_or(0, |e| e.uses);
            self.remove(old);
        }
        entry.uses = uses;
        let small = uses == 0 && !self.ghosts.recall(hash);
        self.place(entry, small);
        self.make_room();
        Ok(())
    }

    fn place(&mut self, entry: CacheEntry, small: bool) {
        let hash = entry.hash;
        let bytes = entry.bytes();
        self.serial = self.serial.wrapping_add(1);
        let slot = Slot { serial: self.serial, small, entry: Some(entry) };
        let place = if let Some(place) = self.free.pop() {
            if let Some(room) = self.slots.get_mut(place as usize) {
                *room = slot;
            }
            place
        } else {
            if self.slots.len() == self.slots.capacity() {
                // By a quarter: twice as many would stand empty for half of the time.
                self.slots.reserve_exact((self.slots.len() / 4).max(LEAST_GROWTH));
            }
            self.slots.push(slot);
            (self.slots.len() - 1) as u32
        };
        let slots = &self.slots;
        self.table.insert_unique(hash, place, |&p| {
            slots.get(p as usize).and_then(|s| s.entry.as_ref()).map_or(0, |e| e.hash)
        });
        let ticket = QueueTicket { place, serial: self.serial };
        if small {
            self.queues.small.push_back(ticket);
            self.queues.small_bytes += bytes;
        } else {
            self.queues.main.push_back(ticket);
        }
        self.bytes += bytes;
    }

    /// Lets a stale answer stand in for the failure just met, for `ttl` seconds. Whether there was one.
    pub(crate) fn note_failure(
        &mut self,
        hash: u64,
        key: &AnswerKey<'_>,
        now: u32,
        ttl: u32,
        origins: &LiveOrigins,
    ) -> bool {
        let limits = self.limits;
        let Some(place) = self.find(hash, key) else { return false };
        let Some(entry) = self.entry_mut(place) else { return false };
        let usable = entry.kind == EntryState::Answer
            && origins.is_live(entry.origin)
            && now < entry.expires().saturating_add(stale_span(entry, &limits));
        if usable {
            entry.failed_until = now.saturating_add(ttl);
            entry.prefetched = false;
        }
        usable
    }

    /// Drops what is kept under `key`, if anything is.
    pub(crate) fn forget(&mut self, hash: u64, key: &AnswerKey<'_>) {
        if let Some(place) = self.find(hash, key) {
            self.remove(place);
        }
    }

    fn remove(&mut self, place: u32) -> Option<CacheEntry> {
        let slot = self.slots.get_mut(place as usize)?;
        let entry = slot.entry.take()?;
        if slot.small {
            self.queues.small_bytes -= entry.bytes();
        }
        self.bytes -= entry.bytes();
        if let Ok(found) = self.table.find_entry(entry.hash, |&p| p == place) {
            found.remove();
        }
        self.free.push(place);
        Some(entry)
    }

    fn make_room(&mut self) {
        while self.bytes > self.room {
            let small = self.queues.small_bytes * SMALL_SHARE > self.room || self.queues.main.is_empty();
            let moved = if small { self.turn_small() } else { self.turn_main() };
            if !moved {
                break;
            }
        }
        self.forget_tickets();
    }

    /// Takes the oldest of the small queue: used again, it moves to the main one, else it goes. False once the queue is empty.
    fn turn_small(&mut self) -> bool {
        let Some(ticket) = self.queues.small.pop_front() else { return false };
        let Some(slot) = self.slots.get_mut(ticket.place as usize).filter(|s| s.serial == ticket.serial)
        else {
            return true;
        };
        let Some(entry) = slot.entry.as_mut() else { return true };
        if entry.uses > 0 {
            entry.uses = 0;
            slot.small = false;
            self.queues.small_bytes -= entry.bytes();
            self.queues.main.push_back(ticket);
        } else {
            let hash = entry.hash;
            self.remove(ticket.place);
            self.ghosts.remember(hash);
            self.evicted += 1;
        }
        true
    }

    /// Takes the oldest of the main queue: used again, it goes round once more, else it goes. False once the queue is empty.
    fn turn_main(&mut self) -> bool {
        let Some(ticket) = self.queues.main.pop_front() else { return false };
        let Some(slot) = self.slots.get_mut(ticket.place as usize).filter(|s| s.serial == ticket.serial)
        else {
            return true;
        };
        let Some(entry) = slot.entry.as_mut() else { return true };
        if entry.uses > 0 {
            entry.uses -= 1;
            self.queues.main.push_back(ticket);
        } else {
            self.remove(ticket.place);
            self.evicted += 1;
        }
        true
    }

    /// Entries renewed or dropped leave their tickets behind; swept out once they outnumber the entries.
    fn forget_tickets(&mut self) {
        let tickets = self.queues.small.len() + self.queues.main.len();
        if tickets <= 2 * self.table.len() + 64 {
            return;
        }
        let slots = &self.slots;
        let live = |t: &QueueTicket| {
            slots.get(t.place as usize).is_some_and(|s| s.serial == t.serial && s.entry.is_some())
        };
        self.queues.small.retain(live);
        self.queues.main.retain(live);
    }

    /// Keeps the entries whose owner `keep` says yes to; gives the number of the others.
    pub(crate) fn retain(&mut self, keep: impl Fn(NameRef<'_>) -> bool) -> usize {
        let gone: Vec<u32> = (0..self.slots.len() as u32)
            .filter(|&place| self.entry(place).is_some_and(|entry| !keep(entry.owner())))
            .collect();
        for &place in &gone {
            self.remove(place);
        }
        self.forget_tickets();
        gone.len()
    }
}

fn stale_span(entry: &CacheEntry, limits: &CacheLimits) -> u32 {
    if entry.kind == EntryState::Failure { 0 } else { limits.serve_stale }
}

#[cfg(test)]
mod tests;
