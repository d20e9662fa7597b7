//! Proofs of denial that were found to be right, by zone and in the order of their chain (RFC 8198).

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rhumb_wire::{DomainName, NameRef, Type};

use crate::record_set::RecordSet;

/// Bytes of a proof beside its data.
const OVERHEAD: usize = size_of::<RecordSet>() + size_of::<KeptProof>() + 96;
/// The part of the room that one zone may take.
const SHARE_OF_ZONE: u64 = 4;

/// NSEC and NSEC3 records of secure zones, held to a number of bytes. The zone that was begun first goes first; one that takes more than a
/// quarter of the room begins anew.
#[derive(Debug, Default)]
pub struct ProofCache {
    table: Mutex<ProofTable>,
    room: AtomicU64,
}

/// A record set that proves something until a moment, in seconds of the caller's clock.
#[derive(Clone, Debug)]
pub struct KeptProof {
    /// NSEC, NSEC3 or SOA, with its signatures.
    pub set: Arc<RecordSet>,
    /// Until when.
    pub until: u32,
}

#[derive(Debug, Default)]
struct ProofTable {
    zones: HashMap<DomainName, ZoneProofs>,
    order: VecDeque<DomainName>,
    bytes: u64,
}

#[derive(Debug, Default)]
struct ZoneProofs {
    soa: Option<KeptProof>,
    nsec: BTreeMap<CanonicalName, KeptProof>,
    nsec3: BTreeMap<CanonicalName, KeptProof>,
    bytes: u64,
}

/// A name in canonical order (RFC 4034 section 6.1), which is that of the hashes of NSEC3 too.
#[derive(Debug)]
struct CanonicalName(DomainName);

impl Ord for CanonicalName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.as_ref().canonical_cmp(other.0.as_ref())
    }
}

impl PartialOrd for CanonicalName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for CanonicalName {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for CanonicalName {}

impl ProofCache {
    /// Takes a new limit in bytes.
    pub fn set_room(&self, bytes: u64) {
        self.room.store(bytes, Relaxed);
    }

    /// Keeps proofs of `zone`, whose names are in lower case, and its SOA.
    pub fn keep(&self, zone: &DomainName, proofs: impl IntoIterator<Item = KeptProof>) {
        self.add(zone, proofs, |_, _| true);
    }

    /// Keeps a proof from before a restart, unless there is one in its place already. Whether it was kept.
    pub fn restore(&self, zone: &DomainName, proof: KeptProof) -> bool {
        let mut kept = false;
        self.add(zone, [proof], |known, proof| {
            kept = !known.has(proof);
            kept
        });
        kept
    }

    /// The zones of which something is kept.
    pub fn zones(&self) -> Vec<DomainName> {
        self.table().order.iter().cloned().collect()
    }

    /// All that is kept of `zone`.
    pub fn proofs_of(&self, zone: &DomainName) -> Vec<KeptProof> {
        let table = self.table();
        let all = |zone: &ZoneProofs| {
            zone.soa.iter().chain(zone.nsec.values()).chain(zone.nsec3.values()).cloned().collect()
        };
        table.zones.get(zone).map(all).unwrap_or_default()
    }

    fn add(
        &self,
        zone: &DomainName,
        proofs: impl IntoIterator<Item = KeptProof>,
        mut wanted: impl FnMut(&ZoneProofs, &KeptProof) -> bool,
    ) {
        let room = self.room.load(Relaxed);
        let mut table = self.table();
        let table = &mut *table;
        if !table.zones.contains_key(zone) {
            table.order.push_back(zone.clone());
            table.zones.insert(zone.clone(), ZoneProofs::default());
        }
        let Some(kept) = table.zones.get_mut(zone) else { return };
        let before = kept.bytes;
        for proof in proofs {
            if wanted(kept, &proof) {
                kept.add(proof);
            }
        }
        if kept.bytes > room / SHARE_OF_ZONE {
            *kept = ZoneProofs::default();
        }
        table.bytes = table.bytes + kept.bytes - before;
        while table.bytes > room
            && let Some(first) = table.order.pop_front()
        {
            let gone = table.zones.remove(&first).map_or(0, |zone| zone.bytes);
            table.bytes -= gone;
        }
    }

    /// The closest zone at or above `name` whose SOA is known at `now`, and that SOA.
    pub fn zone_of(&self, name: NameRef<'_>, now: u32) -> Option<(DomainName, KeptProof)> {
        let table = self.table();
        if table.zones.is_empty() {
            return None;
        }
        let mut above = Some(name);
        while let Some(zone) = above {
            let zone_name = zone.to_lowercase();
            let soa = table.zones.get(&zone_name).and_then(|zone| zone.soa.as_ref());
            if let Some(soa) = soa.filter(|soa| soa.until > now) {
                return Some((zone_name, soa.clone()));
            }
            above = zone.parent();
        }
        None
    }

    /// The record of this type that stands at `owner`, or last before it in the chain of `zone`, as far as it is known at `now`.
    pub fn at_or_before(
        &self,
        zone: &DomainName,
        owner: NameRef<'_>,
        rtype: Type,
        now: u32,
    ) -> Option<KeptProof> {
        let table = self.table();
        let chain = table.zones.get(zone)?.chain(rtype)?;
        let before = chain.range(..=CanonicalName(owner.to_lowercase())).next_back();
        // The last hash of a chain leads to the first one.
        let last = || if rtype == Type::NSEC3 { chain.last_key_value() } else { None };
        let (_, proof) = before.or_else(last)?;
        (proof.until > now).then(|| proof.clone())
    }

    /// Any record of this type of `zone`.
    pub fn any(&self, zone: &DomainName, rtype: Type, now: u32) -> Option<KeptProof> {
        let table = self.table();
        let (_, proof) = table.zones.get(zone)?.chain(rtype)?.first_key_value()?;
        (proof.until > now).then(|| proof.clone())
    }

    /// Drops the proofs of all zones that can say something of `name`, or of anything at or below it. Gives their number.
    pub fn flush(&self, name: NameRef<'_>, subtree: bool) -> usize {
        let mut table = self.table();
        let table = &mut *table;
        let mut dropped = 0;
        let bytes = &mut table.bytes;
        table.zones.retain(|zone, proofs| {
            let concerned =
                name.is_at_or_below(zone.as_ref()) || subtree && zone.as_ref().is_at_or_below(name);
            if concerned {
                dropped += proofs.nsec.len() + proofs.nsec3.len();
                *bytes -= proofs.bytes;
            }
            !concerned
        });
        let zones = &table.zones;
        table.order.retain(|zone| zones.contains_key(zone));
        dropped
    }

    /// Drops everything.
    pub fn clear(&self) {
        *self.table() = ProofTable::default();
    }

    /// Records and their bytes.
    pub fn figures(&self) -> (u64, u64) {
        let table = self.table();
        let count = |zone: &ZoneProofs| (zone.nsec.len() + zone.nsec3.len()) as u64;
        (table.zones.values().map(count).sum(), table.bytes)
    }

    /// A thread that panicked while it held the lock left at worst one proof half counted; the rest is sound.
    fn table(&self) -> MutexGuard<'_, ProofTable> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ZoneProofs {
    fn chain(&self, rtype: Type) -> Option<&BTreeMap<CanonicalName, KeptProof>> {
        match rtype {
            Type::NSEC => Some(&self.nsec),
            Type::NSEC3 => Some(&self.nsec3),
            _ => None,
        }
    }

    fn has(&self, proof: &KeptProof) -> bool {
        let owner = CanonicalName(proof.set.owner.as_ref().to_lowercase());
        match self.chain(proof.set.rtype) {
            Some(chain) => chain.contains_key(&owner),
            None => self.soa.is_some(),
        }
    }

    fn add(&mut self, proof: KeptProof) {
        self.bytes += cost(&proof);
        let owner = CanonicalName(proof.set.owner.as_ref().to_lowercase());
        let old = match proof.set.rtype {
            Type::NSEC => self.nsec.insert(owner, proof),
            Type::NSEC3 => self.nsec3.insert(owner, proof),
            _ => self.soa.replace(proof),
        };
        self.bytes -= old.as_ref().map_or(0, cost);
    }
}

fn cost(proof: &KeptProof) -> u64 {
    let owner = proof.set.owner.as_ref().len();
    (OVERHEAD + 2 * owner + proof.set.records.bytes() + proof.set.signatures.bytes()) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record_list::CachedRecords;

    fn name(text: &str) -> DomainName {
        text.parse().unwrap()
    }

    fn proof(owner: &str, rtype: Type, until: u32) -> KeptProof {
        let records = [&[0; 40][..]].into_iter().collect();
        let set =
            RecordSet { owner: name(owner), rtype, ttl: 60, records, signatures: CachedRecords::default() };
        KeptProof { set: Arc::new(set), until }
    }

    fn found(cache: &ProofCache, owner: &str, rtype: Type, now: u32) -> Option<String> {
        let proof = cache.at_or_before(&name("example"), name(owner).as_ref(), rtype, now)?;
        Some(proof.set.owner.to_string())
    }

    #[test]
    fn the_record_before_a_name_is_found() {
        let cache = ProofCache::default();
        cache.set_room(1 << 20);
        let nsec = ["example", "c.example", "a.c.example", "m.example"];
        let nsec = nsec.map(|owner| proof(owner, Type::NSEC, 100));
        cache.keep(&name("example"), nsec.into_iter().chain([proof("example", Type::SOA, 200)]));
        cache.keep(
            &name("example"),
            [proof("z.example", Type::NSEC, 50), proof("bb.example", Type::NSEC3, 100)],
        );
        for (asked, expected) in [
            ("example", "example."),
            ("b.example", "example."),
            ("C.example", "c.example."),
            ("d.c.example", "a.c.example."),
            ("x.example", "m.example."),
        ] {
            assert_eq!(found(&cache, asked, Type::NSEC, 10).as_deref(), Some(expected), "{asked}");
        }
        assert_eq!(found(&cache, "zz.example", Type::NSEC, 49).as_deref(), Some("z.example."));
        assert_eq!(found(&cache, "zz.example", Type::NSEC, 50), None);
        assert_eq!(found(&cache, "aa.example", Type::NSEC3, 10).as_deref(), Some("bb.example."));
        assert_eq!(cache.zone_of(name("a.b.example").as_ref(), 199).unwrap().0, name("example"));
        assert!(cache.zone_of(name("a.b.example").as_ref(), 200).is_none());
        assert!(cache.zone_of(name("other").as_ref(), 10).is_none());
        assert_eq!(cache.flush(name("other").as_ref(), true), 0);
        assert_eq!(cache.flush(name("x.example").as_ref(), false), 6);
        assert_eq!(cache.figures(), (0, 0));
    }

    #[test]
    fn any_record_of_a_chain_is_found_while_it_lives() {
        let cache = ProofCache::default();
        cache.set_room(1 << 20);
        let zone = name("example");
        let proofs = [proof("b.example", Type::NSEC3, 100), proof("example", Type::SOA, 200)];
        cache.keep(&zone, proofs.into_iter().chain([proof("c.example", Type::NSEC3, 300)]));
        let any = |zone: &DomainName, rtype: Type, now: u32| {
            cache.any(zone, rtype, now).map(|proof| proof.set.owner.to_string())
        };
        assert_eq!(any(&zone, Type::NSEC3, 99).as_deref(), Some("b.example."));
        assert_eq!(any(&zone, Type::NSEC3, 100), None);
        assert_eq!(
            (any(&zone, Type::NSEC, 0), any(&zone, Type::SOA, 0), any(&name("other"), Type::NSEC3, 0)),
            (None, None, None)
        );
    }

    #[test]
    fn a_proof_costs_its_owner_twice_and_its_data() {
        let plain = proof("example", Type::NSEC, 100);
        let signatures = [&[0; 90][..], &[0; 10]].into_iter().collect();
        let signed = RecordSet { signatures, ..RecordSet::clone(&plain.set) };
        let signed = KeptProof { set: Arc::new(signed), until: 100 };
        // `example.` has nine bytes, and each record two for its length.
        let of_plain = (OVERHEAD + 2 * 9 + 42) as u64;
        assert_eq!((cost(&plain), cost(&signed)), (of_plain, of_plain + 92 + 12));
    }

    #[test]
    fn bytes_are_bounded() {
        let cache = ProofCache::default();
        let room = 1 << 16;
        cache.set_room(room);
        for zone in 0..40 {
            for owner in 0..20 {
                let zone_name = format!("{zone}.test");
                cache.keep(&name(&zone_name), [proof(&format!("{owner}.{zone_name}"), Type::NSEC, 100)]);
                let (entries, bytes) = cache.figures();
                assert!(bytes <= room && entries > 0, "{zone} {owner}: {bytes}");
            }
        }
        for owner in 0..1000 {
            cache.keep(&name("test"), [proof(&format!("{owner}.test"), Type::NSEC, 100)]);
            assert!(cache.figures().1 <= room);
        }
        let table = cache.table();
        assert_eq!(table.bytes, table.zones.values().map(|zone| zone.bytes).sum::<u64>());
        assert_eq!(table.order.len(), table.zones.len());
    }

    #[test]
    fn what_is_kept_anew_is_counted_once() {
        let cache = ProofCache::default();
        cache.set_room(1 << 20);
        let zone = name("example");
        let proofs = || {
            let rows = [("example", Type::SOA), ("a.example", Type::NSEC), ("x.example", Type::NSEC3)];
            rows.map(|(owner, rtype)| proof(owner, rtype, 100))
        };
        let bytes: u64 = proofs().iter().map(cost).sum();
        for _ in 0..3 {
            cache.keep(&zone, proofs());
            assert_eq!(cache.figures(), (2, bytes));
        }
        cache.keep(&zone, [proof("A.example", Type::NSEC, 500)]);
        assert_eq!(cache.figures(), (2, bytes));
        assert_eq!(
            found(&cache, "b.example", Type::NSEC, 499).as_deref(),
            Some("A.example."),
            "the newer one"
        );
        cache.clear();
        assert_eq!((cache.figures(), cache.zone_of(zone.as_ref(), 0).is_none()), ((0, 0), true));
    }

    #[test]
    fn the_closest_zone_is_found_whose_soa_lives() {
        let cache = ProofCache::default();
        cache.set_room(1 << 20);
        for (zone, until) in [("example", 300), ("a.example", 100), ("c.b.example", 200)] {
            cache.keep(&name(zone), [proof(zone, Type::SOA, until)]);
        }
        cache.keep(&name("without.example"), [proof("without.example", Type::NSEC, 300)]);
        for (asked, now, zone) in [
            ("example", 0, Some("example.")),
            ("X.A.Example", 99, Some("a.example.")),
            ("x.a.example", 100, Some("example.")),
            ("b.example", 0, Some("example.")),
            ("d.c.b.example", 0, Some("c.b.example.")),
            ("x.without.example", 0, Some("example.")),
            ("example", 300, None),
            ("test", 0, None),
            (".", 0, None),
        ] {
            let found = cache.zone_of(name(asked).as_ref(), now).map(|(zone, _)| zone.to_string());
            assert_eq!(found.as_deref(), zone, "{asked} at {now}");
        }
    }

    #[test]
    fn proofs_are_flushed_by_what_they_can_say() {
        for (flushed, subtree, left) in [
            ("example", false, &["a.example", "test"][..]),
            ("example", true, &["test"]),
            ("b.example", false, &["a.example", "test"]),
            ("x.a.example", false, &["test"]),
            (".", false, &["a.example", "example", "test"]),
            (".", true, &[]),
            ("other", true, &["a.example", "example", "test"]),
        ] {
            let cache = ProofCache::default();
            cache.set_room(1 << 20);
            let zones = ["a.example", "example", "test"];
            for zone in zones {
                cache.keep(&name(zone), [proof(zone, Type::SOA, 9), proof(zone, Type::NSEC, 9)]);
            }
            let (entries, bytes) = cache.figures();
            let gone = cache.flush(name(flushed).as_ref(), subtree);
            let kept =
                |zone: &&&str| cache.zone_of(name(zone).as_ref(), 0).is_some_and(|(at, _)| at == name(zone));
            assert!(zones.iter().filter(kept).eq(left), "{flushed} {subtree}");
            assert_eq!(cache.figures().0, entries - gone as u64, "{flushed} {subtree}");
            assert_eq!(cache.figures().1 == bytes, gone == 0, "{flushed} {subtree}");
            assert_eq!(cache.table().order.len(), left.len(), "{flushed} {subtree}");
        }
    }

    /// A quarter of the room, to the byte, and then no more.
    #[test]
    fn a_zone_that_takes_too_much_begins_anew() {
        let one = cost(&proof("a.test", Type::NSEC, 9));
        for (room, kept) in [(8 * one, 2), (8 * one - 1, 0)] {
            let cache = ProofCache::default();
            cache.set_room(room);
            for owner in ["a.test", "b.test"] {
                cache.keep(&name("test"), [proof(owner, Type::NSEC, 9)]);
            }
            assert_eq!(cache.figures(), (kept, kept * one), "{room}");
        }
        // The zone that was begun first goes first.
        let cache = ProofCache::default();
        cache.set_room(4 * cost(&proof("0.test", Type::NSEC, 9)));
        let zones = ["0.test", "1.test", "2.test", "3.test", "4.test"];
        for zone in zones {
            cache.keep(&name(zone), [proof(zone, Type::NSEC, 9)]);
        }
        let kept = zones.map(|zone| cache.any(&name(zone), Type::NSEC, 0).is_some());
        assert_eq!(kept, [false, true, true, true, true]);
    }
}
