//! Answers learnt from others: whole messages by question, with their age and with where they came from.
//!
//! A hit is one short lock of one shard, a copy and a few patched words. Time is an argument: seconds of a clock that
//! never goes back. What was learnt from an upstream or a route that is gone is dropped by turning one number
//! ([`LiveOrigins`]).

mod contents;
mod entry;
mod eviction;
mod origin;
mod packed_records;
mod proof_cache;
mod record_cache;
mod record_list;
mod record_set;
mod record_shard;
mod record_walk;
mod shard;
mod stored_form;
mod terms;

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use foldhash::quality::RandomState;
use rhumb_wire::NameRef;

pub use contents::CachedEntry;
pub use entry::{AnswerKey, NotKept};
pub use origin::{AnswerOrigin, LiveOrigins};
pub use proof_cache::{KeptProof, ProofCache};
pub use record_cache::RecordCache;
pub use record_list::{CachedRecords, RecordListBuilder};
pub use record_set::{ANY_TYPE, CredibilityRank, LearntRecords, RecordContent, RecordSet, SecurityStatus};
pub use record_walk::RecordWalk;
pub use stored_form::{RestoreTime, StoredEntry, StoredEntryError, read_stored, store_proof, store_records};
pub use terms::{AnswerTerms, CacheHit, CacheLimits, STALE_TTL, WantedAnswer};

use entry::CacheEntry;
use shard::CacheShard;

/// What the cache holds and has done, for metrics and `status`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheFigures {
    /// Entries.
    pub entries: u64,
    /// Bytes of entries, bookkeeping included.
    pub bytes: u64,
    /// The limit in bytes.
    pub limit: u64,
    /// Entries put out to make room.
    pub evicted: u64,
}

/// The cache. Shared by all threads.
#[derive(Debug)]
pub struct AnswerCache {
    shards: Box<[Mutex<CacheShard>]>,
    hasher: RandomState,
    origins: LiveOrigins,
    limit: AtomicU64,
}

/// Shards; a power of two well above the number of threads.
const SHARDS: usize = 64;

impl AnswerCache {
    /// Empty, with room for `limits.size` bytes.
    pub fn new(limits: &CacheLimits) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::new(CacheShard::new(limits, SHARDS as u64))).collect();
        Self {
            shards,
            hasher: RandomState::default(),
            origins: LiveOrigins::new(),
            limit: AtomicU64::new(limits.size),
        }
    }

    /// Where answers can come from; slots are given out and taken back here.
    pub const fn origins(&self) -> &LiveOrigins {
        &self.origins
    }

    /// Takes new limits; a smaller size puts out what no longer fits.
    pub fn set_limits(&self, limits: &CacheLimits) {
        self.limit.store(limits.size, Ordering::Relaxed);
        for shard in &self.shards {
            lock(shard).set_limits(limits, SHARDS as u64);
        }
    }

    fn shard(&self, hash: u64) -> Option<MutexGuard<'_, CacheShard>> {
        // The table inside the shard uses the low and the very high bits.
        self.shards.get((hash >> 40) as usize % SHARDS).map(lock)
    }

    /// Copies the answer to `key` into `out`, its TTLs aged to `now`, in at most `limit` bytes. An OPT at its end, which is the keeper's note
    /// and goes another way, is copied beside them as far as `out` has room for it.
    ///
    /// The id, the flags RD and CD and the question are left for the caller to fill in: of a denial the type differs, of any
    /// answer the case of the name.
    ///
    /// A name that does not exist has no type (RFC 2308 section 5): its denial answers every one of them.
    #[inline]
    pub fn look_up(
        &self,
        key: &AnswerKey<'_>,
        want: WantedAnswer,
        now: u32,
        limit: usize,
        out: &mut [u8],
    ) -> Option<CacheHit> {
        self.look_up_one(key, want, now, limit, out).or_else(|| {
            let mut room = [0; entry::LONGEST_QUESTION];
            self.look_up_one(&key.of_any_type(&mut room)?, want, now, limit, out)
        })
    }

    #[inline]
    fn look_up_one(
        &self,
        key: &AnswerKey<'_>,
        want: WantedAnswer,
        now: u32,
        limit: usize,
        out: &mut [u8],
    ) -> Option<CacheHit> {
        let hash = self.hasher.hash_one(key);
        self.shard(hash)?.look_up(hash, key, want, now, limit, out, &self.origins)
    }

    /// Whether something is kept under `key` or the denial of its name, of whatever age: an answer or a failure.
    pub fn holds(&self, key: &AnswerKey<'_>) -> bool {
        let mut room = [0; entry::LONGEST_QUESTION];
        self.holds_one(key) || key.of_any_type(&mut room).is_some_and(|any| self.holds_one(&any))
    }

    fn holds_one(&self, key: &AnswerKey<'_>) -> bool {
        let hash = self.hasher.hash_one(key);
        self.shard(hash).is_some_and(|shard| shard.holds(hash, key))
    }

    /// Keeps `message`, the answer to `key`, which was learnt at `now`.
    ///
    /// The question of the message stands in lower case, uncompressed, right behind the header, and is that of the key.
    /// Errors: see [`NotKept`].
    pub fn keep(
        &self,
        key: &AnswerKey<'_>,
        message: &[u8],
        terms: AnswerTerms,
        now: u32,
    ) -> Result<(), NotKept> {
        let mut entry = CacheEntry::new(*key, message, terms.ttl, terms.origin, now)?;
        (entry.aliases, entry.stands_in) = (terms.aliases, terms.stands_in);
        self.keep_entry(key, entry, now)
    }

    fn keep_entry(&self, key: &AnswerKey<'_>, mut entry: CacheEntry, now: u32) -> Result<(), NotKept> {
        if !self.origins.is_live(entry.origin) {
            return Err(NotKept::Gone);
        }
        let mut room = [0; entry::LONGEST_QUESTION];
        let mut key = *key;
        let denies = entry.denies_the_name();
        if let Some(any) = key.of_any_type(&mut room) {
            if denies {
                entry.forget_type();
                // What was known of the type is not to be served as stale any more.
                self.forget(&key);
                key = any;
            } else {
                // The name has come into being.
                self.forget(&any);
            }
        }
        self.put(entry, &key, now)
    }

    fn put(&self, mut entry: CacheEntry, key: &AnswerKey<'_>, now: u32) -> Result<(), NotKept> {
        entry.hash = self.hasher.hash_one(key);
        match self.shard(entry.hash) {
            Some(mut shard) => shard.insert(entry, key, now),
            None => Err(NotKept::TooLarge),
        }
    }

    fn forget(&self, key: &AnswerKey<'_>) {
        let hash = self.hasher.hash_one(key);
        if let Some(mut shard) = self.shard(hash) {
            shard.forget(hash, key);
        }
    }

    /// Remembers that `key` could not be answered for `ttl` seconds (RFC 9520): `message`, the failure, is served for
    /// as long, or the stale answer where there still is one.
    ///
    /// Errors: see [`NotKept`].
    pub fn keep_failure(
        &self,
        key: &AnswerKey<'_>,
        message: &[u8],
        ttl: u32,
        origin: AnswerOrigin,
        now: u32,
    ) -> Result<(), NotKept> {
        if !self.origins.is_live(origin) {
            return Err(NotKept::Gone);
        }
        let mut entry = CacheEntry::new(*key, message, ttl, origin, now)?;
        entry.mark_failure();
        let mut room = [0; entry::LONGEST_QUESTION];
        if let Some(any) = key.of_any_type(&mut room)
            && self.note_failure(&any, now, ttl)
        {
            return Ok(());
        }
        if self.note_failure(key, now, ttl) {
            return Ok(());
        }
        self.put(entry, key, now)
    }

    fn note_failure(&self, key: &AnswerKey<'_>, now: u32, ttl: u32) -> bool {
        let hash = self.hasher.hash_one(key);
        self.shard(hash).is_some_and(|mut shard| shard.note_failure(hash, key, now, ttl, &self.origins))
    }

    /// Drops what is kept of `name`, or of it and everything below it; all of it for the root with `subtree`. Gives the number.
    pub fn flush(&self, name: NameRef<'_>, subtree: bool) -> usize {
        self.shards
            .iter()
            .map(|shard| {
                lock(shard).retain(|owner| {
                    let hit = if subtree { owner.is_at_or_below(name) } else { owner == name };
                    !hit
                })
            })
            .sum()
    }

    /// What is kept of `name`, at most so many entries; what was learnt from an upstream that is gone is left out. Looks at every
    /// entry of the cache, a part of it locked at a time.
    pub fn entries_of(&self, name: NameRef<'_>, now: u32, most: usize) -> Vec<CachedEntry> {
        let mut found = Vec::new();
        for shard in &self.shards {
            let shard = lock(shard);
            let entries = shard.entries().filter(|entry| entry.owner() == name);
            let live = entries.filter(|entry| self.origins.is_live(entry.origin));
            found
                .extend(live.take(most.saturating_sub(found.len())).map(|entry| contents::shown(entry, now)));
        }
        found
    }

    /// What it holds.
    pub fn figures(&self) -> CacheFigures {
        let mut figures =
            CacheFigures { limit: self.limit.load(Ordering::Relaxed), ..CacheFigures::default() };
        for shard in &self.shards {
            let shard = lock(shard);
            figures.entries += shard.len() as u64;
            figures.bytes += shard.bytes();
            figures.evicted += shard.evicted();
        }
        figures
    }
}

/// A thread that panicked while it held the lock left at worst one entry half counted; the rest is sound.
fn lock(shard: &Mutex<CacheShard>) -> MutexGuard<'_, CacheShard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
