//! RRsets learnt from authoritative servers, by name and type.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::quality::RandomState;
use rhumb_wire::{NameRef, Type};

use crate::record_set::LearntRecords;
use crate::record_shard::RecordShard;

/// Shards; a power of two well above the number of threads.
pub(crate) const SHARDS: usize = 64;

/// RRsets, denials and delegations, held to a number of bytes. Shared by all threads; each call holds one short lock.
#[derive(Debug)]
pub struct RecordCache {
    shards: Box<[Mutex<RecordShard>]>,
    hasher: RandomState,
    room: AtomicU64,
    ttl_least: AtomicU32,
    ttl_most: AtomicU32,
}

impl RecordCache {
    /// Empty, with room for `size` bytes.
    pub fn new(size: u64) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::default(),
            room: AtomicU64::new(size / SHARDS as u64),
            ttl_least: AtomicU32::new(0),
            ttl_most: AtomicU32::new(u32::MAX),
        }
    }

    /// Takes new limits: bytes, and the least and greatest TTL of what is kept from now on, in seconds.
    pub fn set_limits(&self, size: u64, (least, most): (u32, u32)) {
        self.room.store(size / SHARDS as u64, Relaxed);
        self.ttl_least.store(least, Relaxed);
        self.ttl_most.store(most, Relaxed);
    }

    fn hash(&self, name: NameRef<'_>, rtype: Type) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        name.hash(&mut hasher);
        hasher.write_u16(rtype.0);
        hasher.finish()
    }

    fn shard(&self, hash: u64) -> Option<MutexGuard<'_, RecordShard>> {
        self.shards.get((hash >> 40) as usize % SHARDS).map(lock)
    }

    /// What is known of `name` and `rtype` at `now`.
    pub fn get(&self, name: NameRef<'_>, rtype: Type, now: u32) -> Option<Arc<LearntRecords>> {
        self.get_within(name, rtype, now, 0)
    }

    /// The same up to so many seconds beyond its end (RFC 8767), as long as it was not pushed out.
    pub fn get_within(
        &self,
        name: NameRef<'_>,
        rtype: Type,
        now: u32,
        beyond: u32,
    ) -> Option<Arc<LearntRecords>> {
        let hash = self.hash(name, rtype);
        self.shard(hash)?.get(hash, (name, rtype), now.saturating_sub(beyond))
    }

    /// Whether something is kept of `name` and `rtype`, of whatever age.
    pub fn holds(&self, name: NameRef<'_>, rtype: Type) -> bool {
        let hash = self.hash(name, rtype);
        self.shard(hash).is_some_and(|shard| shard.holds(hash, (name, rtype)))
    }

    /// A TTL within the least and the greatest.
    pub fn hold(&self, ttl: u32) -> u32 {
        ttl.max(self.ttl_least.load(Relaxed)).min(self.ttl_most.load(Relaxed))
    }

    /// Keeps what was learnt, its TTL held to the limits, unless something more credible is there. Gives it as it is kept.
    pub fn put(&self, learnt: impl Into<Arc<LearntRecords>>) -> Arc<LearntRecords> {
        let mut learnt = learnt.into();
        let ttl = self.hold(learnt.ttl);
        if ttl != learnt.ttl {
            Arc::make_mut(&mut learnt).ttl = ttl;
        }
        self.put_shared(&learnt);
        learnt
    }

    /// The same for what another look-up may hold too; its TTL stays.
    pub fn put_shared(&self, learnt: &Arc<LearntRecords>) {
        if learnt.ttl == 0 {
            return;
        }
        let hash = self.hash(learnt.owner.as_ref(), learnt.rtype);
        if let Some(mut shard) = self.shard(hash) {
            shard.insert(hash, learnt, self.room.load(Relaxed));
        }
    }

    /// Keeps what was learnt before a restart, unless something is known already. Whether it was kept.
    pub fn restore(&self, mut learnt: LearntRecords) -> bool {
        learnt.ttl = learnt.ttl.min(self.ttl_most.load(Relaxed));
        let hash = self.hash(learnt.owner.as_ref(), learnt.rtype);
        let Some(mut shard) = self.shard(hash) else { return false };
        if learnt.ttl == 0 || shard.holds(hash, (learnt.owner.as_ref(), learnt.rtype)) {
            return false;
        }
        shard.insert(hash, &Arc::new(learnt), self.room.load(Relaxed))
    }

    /// Up to `most` of the records of a shard, those at the places from `at` on; none where it ends before.
    pub(crate) fn some_of_shard(
        &self,
        shard: usize,
        at: usize,
        most: usize,
    ) -> Option<Vec<Arc<LearntRecords>>> {
        lock(self.shards.get(shard)?).some(at, most)
    }

    /// Forgets what is known of `name` and `rtype`.
    pub fn forget(&self, name: NameRef<'_>, rtype: Type) {
        let hash = self.hash(name, rtype);
        if let Some(mut shard) = self.shard(hash) {
            shard.forget(hash, (name, rtype));
        }
    }

    /// Drops what is known of `name`, or of it and everything below it. Gives the number of entries.
    pub fn flush(&self, name: NameRef<'_>, subtree: bool) -> usize {
        let hit = |owner: NameRef<'_>| if subtree { owner.is_at_or_below(name) } else { owner == name };
        self.shards.iter().map(|shard| lock(shard).flush(hit)).sum()
    }

    /// Drops everything.
    pub fn clear(&self) {
        for shard in &self.shards {
            *lock(shard) = RecordShard::default();
        }
    }

    /// A number that changes with everything that is kept.
    pub fn changes(&self) -> u64 {
        self.shards.iter().map(|shard| u64::from(lock(shard).changes())).sum()
    }

    /// Entries and their bytes.
    pub fn figures(&self) -> (u64, u64) {
        self.shards
            .iter()
            .map(lock)
            .map(|shard| shard.figures())
            .fold((0, 0), |(entries, bytes), (more, of_them)| (entries + more, bytes + of_them))
    }
}

/// A thread that panicked while it held the lock left at worst one entry half counted; the rest is sound.
fn lock(shard: &Mutex<RecordShard>) -> MutexGuard<'_, RecordShard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
pub(crate) mod tests {
    use rhumb_wire::DomainName;

    use super::*;
    use crate::record_list::CachedRecords;
    use crate::record_set::{CredibilityRank, RecordContent, RecordSet, SecurityStatus};

    /// An address of `name`, learnt at 100.
    pub(crate) fn learnt(name: &str, ttl: u32, credibility: CredibilityRank, rdata: &[u8]) -> LearntRecords {
        let owner: DomainName = name.parse().unwrap();
        let set = RecordSet {
            owner: owner.clone(),
            rtype: Type::A,
            ttl,
            records: [rdata].into_iter().collect(),
            signatures: CachedRecords::default(),
        };
        LearntRecords {
            owner,
            rtype: Type::A,
            content: RecordContent::Records(set),
            attached: Box::default(),
            credibility,
            security: SecurityStatus::Unchecked,
            ttl,
            stored: 100,
        }
    }

    fn found(cache: &RecordCache, name: &str, now: u32) -> Option<Vec<u8>> {
        let found = cache.get(name.parse::<DomainName>().unwrap().as_ref(), Type::A, now)?;
        found.records()?.records.iter().next().map(<[u8]>::to_vec)
    }

    #[test]
    fn what_is_less_credible_does_not_replace_what_lives() {
        let cache = RecordCache::new(1 << 20);
        cache.put(learnt("a.example", 10, CredibilityRank::Authoritative, b"true"));
        cache.put(learnt("A.example", 10, CredibilityRank::Referral, b"glue"));
        assert_eq!(found(&cache, "a.EXAMPLE", 109).as_deref(), Some(&b"true"[..]));
        assert_eq!(found(&cache, "a.example", 110), None);
        cache.put(LearntRecords {
            stored: 110,
            ..learnt("a.example", 10, CredibilityRank::Referral, b"glue")
        });
        assert_eq!(found(&cache, "a.example", 111).as_deref(), Some(&b"glue"[..]));
        cache.put(LearntRecords { stored: 111, ..learnt("a.example", 10, CredibilityRank::Answer, b"new") });
        assert_eq!(found(&cache, "a.example", 111).as_deref(), Some(&b"new"[..]));
        cache.put(learnt("zero.example", 0, CredibilityRank::Authoritative, b"never"));
        assert_eq!((found(&cache, "zero.example", 100), cache.figures().0), (None, 1));
    }

    #[test]
    fn ttls_are_held_to_the_limits() {
        let cache = RecordCache::new(1 << 20);
        cache.set_limits(1 << 20, (5, 20));
        for (ttl, kept) in [(0, 5), (10, 10), (1000, 20)] {
            assert_eq!(cache.put(learnt("a.example", ttl, CredibilityRank::Authoritative, b"")).ttl, kept);
        }
    }

    #[test]
    fn bytes_are_bounded_and_what_is_used_stays() {
        let cache = RecordCache::new(4 << 20);
        for n in 0..40_000 {
            cache.put(learnt(&format!("{n}.example"), 1000, CredibilityRank::Authoritative, &[7; 100]));
            assert!(found(&cache, "0.example", 101).is_some(), "{n}");
        }
        let (entries, bytes) = cache.figures();
        assert!(bytes <= 4 << 20 && entries > 5000, "{entries} {bytes}");
        assert!(cache.shards.iter().all(|shard| lock(shard).is_sound()));
        let all = cache.flush("example".parse::<DomainName>().unwrap().as_ref(), true);
        assert_eq!((all as u64, cache.figures()), (entries, (0, 0)));
    }

    fn name(text: &str) -> DomainName {
        text.parse().unwrap()
    }

    #[test]
    fn what_has_run_out_is_given_so_long_beyond_its_end() {
        let cache = RecordCache::new(1 << 20);
        // Learnt at 100.
        cache.put(learnt("a.example", 10, CredibilityRank::Answer, b"x"));
        let get = |now, beyond| cache.get_within(name("a.example").as_ref(), Type::A, now, beyond).is_some();
        for (now, beyond, given) in [
            (109, 0, true),
            (110, 0, false),
            (110, 1, true),
            (129, 20, true),
            (130, 20, false),
            (50, 0, true),
        ] {
            assert_eq!(get(now, beyond), given, "at {now}, {beyond} beyond");
        }
        assert!(cache.get(name("a.example").as_ref(), Type::AAAA, 100).is_none(), "another type");
        assert!(cache.get(name("b.example").as_ref(), Type::A, 100).is_none(), "another name");
    }

    #[test]
    fn what_is_forgotten_is_not_counted() {
        let cache = RecordCache::new(1 << 20);
        let fill = || {
            for text in ["example", "a.example", "b.a.example", "other"] {
                cache.put(learnt(text, 10, CredibilityRank::Answer, b"x"));
            }
            let types = [Type::AAAA, Type::TXT];
            for rtype in types {
                cache.put(LearntRecords { rtype, ..learnt("a.example", 10, CredibilityRank::Answer, b"x") });
            }
            assert_eq!(cache.figures().0, 6);
        };
        fill();
        let one = learnt("a.example", 10, CredibilityRank::Answer, b"x").bytes();
        let before = cache.figures().1;
        cache.forget(name("A.example").as_ref(), Type::A);
        cache.forget(name("a.example").as_ref(), Type::MX);
        assert_eq!(cache.figures(), (5, before - one));
        for (text, subtree, gone) in [
            ("none", true, 0),
            ("a.example", false, 3),
            ("a.example", true, 4),
            ("example", true, 5),
            (".", true, 6),
        ] {
            fill();
            assert_eq!(cache.flush(name(text).as_ref(), subtree), gone, "{text} {subtree}");
            assert_eq!(cache.figures().0, 6 - gone as u64, "{text} {subtree}");
        }
        assert_eq!(cache.figures(), (0, 0));
        fill();
        cache.clear();
        assert_eq!(cache.figures(), (0, 0));
    }

    #[test]
    fn an_entry_takes_half_of_a_share_at_most() {
        let bytes = learnt("a.example", 10, CredibilityRank::Answer, &[7; 1000]).bytes();
        for (size, kept) in [(bytes * 2, 1), (bytes * 2 - 2, 0)] {
            let cache = RecordCache::new(1);
            cache.set_limits(size * SHARDS as u64, (0, u32::MAX));
            cache.put(learnt("a.example", 10, CredibilityRank::Answer, &[7; 1000]));
            assert_eq!(cache.figures().0, kept, "{size}");
        }
        let learnt = Arc::new(learnt("a.example", 1000, CredibilityRank::Answer, b"x"));
        let cache = RecordCache::new(1 << 20);
        cache.set_limits(1 << 20, (0, 5));
        cache.put_shared(&learnt);
        let found = cache.get(name("a.example").as_ref(), Type::A, 100).unwrap();
        assert_eq!(found.ttl, 1000, "what is shared keeps its TTL");
    }
}
