use rhumb_wire::{DomainName, MessageHeader, Type, header};

use super::*;
use crate::origin::AnswerOrigin;

const LIMITS: CacheLimits =
    CacheLimits { size: 1 << 16, serve_stale: 100, min_ttl: 0, max_ttl: 10_000, prefetch: true };

/// A shard with one origin, and entries named by numbers.
struct ShardRig {
    shard: CacheShard,
    origins: LiveOrigins,
    origin: AnswerOrigin,
}

fn question(number: u64) -> Vec<u8> {
    let name: DomainName = format!("n{number}.example").parse().unwrap();
    [name.as_ref().as_bytes(), &Type::A.0.to_be_bytes(), &[0, 1]].concat()
}

fn key(question: &[u8]) -> AnswerKey<'_> {
    AnswerKey { question, route: 1, dnssec_ok: false, checking_disabled: false }
}

const fn hash(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl ShardRig {
    fn new(limits: &CacheLimits) -> Self {
        let origins = LiveOrigins::new();
        let origin = origins.allocate();
        Self { shard: CacheShard::new(limits, 1), origins, origin }
    }

    /// An empty answer to the question of this number, filled up by so many bytes behind it.
    fn keep(&mut self, number: u64, ttl: u32, now: u32, padding: usize) -> Result<(), NotKept> {
        self.keep_as(number, ttl, now, padding, |_| {})
    }

    fn keep_as(
        &mut self,
        number: u64,
        ttl: u32,
        now: u32,
        padding: usize,
        mark: impl FnOnce(&mut CacheEntry),
    ) -> Result<(), NotKept> {
        let question = question(number);
        let head = MessageHeader { flags: header::QR, questions: 1, ..MessageHeader::default() };
        let message = [&head.to_bytes()[..], &question, &vec![0; padding]].concat();
        let mut entry = CacheEntry::new(key(&question), &message, ttl, self.origin, now)?;
        entry.hash = hash(number);
        mark(&mut entry);
        self.shard.insert(entry, &key(&question), now)
    }

    fn get(&mut self, number: u64, want: WantedAnswer, now: u32) -> Option<CacheHit> {
        let mut out = [0; 512];
        self.shard.look_up(hash(number), &key(&question(number)), want, now, 512, &mut out, &self.origins)
    }

    /// What is counted is what is there.
    fn check(&self) {
        let shard = &self.shard;
        let bytes = |small: Option<bool>| -> u64 {
            let slots = shard.slots.iter().filter(|slot| small.is_none_or(|small| slot.small == small));
            slots.filter_map(|slot| slot.entry.as_ref()).map(CacheEntry::bytes).sum()
        };
        assert_eq!((shard.bytes, shard.queues.small_bytes), (bytes(None), bytes(Some(true))));
        assert_eq!(shard.len(), shard.entries().count());
        assert_eq!(shard.free.len() + shard.len(), shard.slots.len());
        assert!(shard.bytes <= shard.room);
        assert!(shard.queues.small.len() + shard.queues.main.len() <= 2 * shard.len() + 64);
        let ticket = |place: usize, slot: &Slot| QueueTicket { place: place as u32, serial: slot.serial };
        for (place, slot) in shard.slots.iter().enumerate().filter(|(_, slot)| slot.entry.is_some()) {
            let (small, main) = (&shard.queues.small, &shard.queues.main);
            let queued = [small, main].map(|queue| queue.contains(&ticket(place, slot)));
            assert_eq!(queued, [slot.small, !slot.small], "each stands in its queue");
        }
    }
}

#[test]
fn what_is_asked_ahead_of_time_is_popular_fresh_and_close_to_its_end() {
    let off = CacheLimits { prefetch: false, ..LIMITS };
    for (case, limits, ttl, hits, at, prefetch) in [
        ("close to its end", &LIMITS, 100, 2, 90, true),
        ("a second before", &LIMITS, 100, 2, 89, false),
        ("at its last second", &LIMITS, 100, 2, 99, true),
        ("asked once", &LIMITS, 100, 1, 95, false),
        ("asked often", &LIMITS, 100, 9, 95, true),
        ("the shortest TTL", &LIMITS, 10, 2, 9, true),
        ("a TTL too short", &LIMITS, 9, 2, 8, false),
        ("not configured", &off, 100, 2, 95, false),
        ("stale", &LIMITS, 100, 2, 100, false),
    ] {
        let mut rig = ShardRig::new(limits);
        rig.keep(1, ttl, 0, 0).unwrap();
        let asked: Vec<bool> =
            (0..hits).map(|_| rig.get(1, WantedAnswer::Stale, at).unwrap().prefetch).collect();
        assert_eq!(asked.iter().filter(|asked| **asked).count(), usize::from(prefetch), "{case}");
        assert!(!asked[0], "{case}");
    }
    let mut rig = ShardRig::new(&LIMITS);
    rig.keep(1, 100, 0, 0).unwrap();
    let ask = |rig: &mut ShardRig, at| rig.get(1, WantedAnswer::Fresh, at).unwrap().prefetch;
    assert_eq!([95, 95, 95].map(|at| ask(&mut rig, at)), [false, true, false]);
    // Once that has failed it is asked for again.
    assert!(rig.shard.note_failure(hash(1), &key(&question(1)), 96, 1, &rig.origins));
    assert!(ask(&mut rig, 97));
}

#[test]
fn an_entry_is_served_so_long_and_no_longer() {
    // Kept at 10 with a TTL of 60: fresh up to 70, stale up to 170.
    for (now, fresh, stale) in [
        (10, Some((0, 60)), Some((0, 60))),
        (69, Some((59, 1)), Some((59, 1))),
        (70, None, Some((60, 0))),
        (169, None, Some((159, 0))),
        (170, None, None),
        // A clock of another thread may be a second behind.
        (9, Some((0, 61)), Some((0, 61))),
    ] {
        for (want, wanted) in [(WantedAnswer::Fresh, fresh), (WantedAnswer::Stale, stale)] {
            let mut rig = ShardRig::new(&LIMITS);
            rig.keep(1, 60, 10, 0).unwrap();
            let hit = rig.get(1, want, now);
            assert_eq!(hit.map(|hit| (hit.age, hit.left)), wanted, "{want:?} at {now}");
            assert!(hit.is_none_or(|hit| hit.stale == (now >= 70)), "{want:?} at {now}");
            // What nobody can be given any more is dropped at the first sight.
            assert_eq!(rig.shard.len(), usize::from(now < 170), "{want:?} at {now}");
            rig.check();
        }
    }
}

#[test]
fn a_failure_lets_stale_answers_stand_in_for_a_while() {
    let failed = |at, ttl| {
        let mut rig = ShardRig::new(&LIMITS);
        rig.keep(1, 60, 0, 0).unwrap();
        let noted = rig.shard.note_failure(hash(1), &key(&question(1)), at, ttl, &rig.origins);
        (rig, noted)
    };
    for (at, noted) in [(59, true), (60, true), (159, true), (160, false), (500, false)] {
        assert_eq!(failed(at, 5).1, noted, "failed at {at}");
    }
    let (mut rig, _) = failed(80, 5);
    let served = [80, 84, 85].map(|now| rig.get(1, WantedAnswer::Fresh, now).is_some());
    assert_eq!(served, [true, true, false]);
    assert!(!rig.shard.note_failure(hash(2), &key(&question(2)), 80, 5, &rig.origins), "nothing is kept");
    rig.origins.retire(rig.origin);
    assert!(!rig.shard.note_failure(hash(1), &key(&question(1)), 80, 5, &rig.origins), "its origin is gone");
}

/// RFC 8767 section 4: every answer of the servers has refreshed the data, one that may not be kept too. What was there before is not what
/// the zone holds any more, and would be wrong as a stale answer. A failure that may not be kept has refreshed nothing.
#[test]
fn an_answer_that_may_not_be_kept_ends_the_older_one() {
    for (at, failed) in [(30, false), (61, false), (61, true)] {
        let mut rig = ShardRig::new(&LIMITS);
        rig.keep(1, 60, 0, 0).unwrap();
        let question = question(1);
        let note =
            |rig: &mut ShardRig, now| rig.shard.note_failure(hash(1), &key(&question), now, 9, &rig.origins);
        assert!(!failed || note(&mut rig, at));
        rig.keep(1, 0, at + 1, 0).unwrap_err();
        assert!(rig.get(1, WantedAnswer::Stale, at + 1).is_none(), "at {at}");
        assert!(!note(&mut rig, at + 2), "at {at}");
        rig.check();
    }
    let mut rig = ShardRig::new(&LIMITS);
    rig.keep(1, 60, 0, 0).unwrap();
    rig.keep_as(1, 0, 61, 0, CacheEntry::mark_failure).unwrap_err();
    assert!(rig.get(1, WantedAnswer::Stale, 62).unwrap().stale);
}

/// No more than a quarter of the slab stands empty, and it is moved few times.
#[test]
fn the_slab_grows_by_a_quarter() {
    let mut rig = ShardRig::new(&CacheLimits { size: 1 << 24, ..LIMITS });
    let mut growths = 0;
    for number in 0..2000 {
        let before = rig.shard.slots.capacity();
        rig.keep(number, 60, 0, 0).unwrap();
        let (length, room) = (rig.shard.slots.len(), rig.shard.slots.capacity());
        assert!(room <= (length * 5 / 4).max(length + LEAST_GROWTH), "{room} places for {length} entries");
        growths += usize::from(room != before);
    }
    assert!(growths < 30, "{growths} times");
}

#[test]
fn an_entry_takes_half_of_the_room_at_most() {
    let room = 4096;
    let mut rig = ShardRig::new(&CacheLimits { size: room, ..LIMITS });
    rig.keep(1, 60, 0, 0).unwrap();
    let empty = rig.shard.bytes();
    for (bytes, result) in [(room / 2, Ok(())), (room / 2 + 1, Err(NotKept::TooLarge))] {
        let mut rig = ShardRig::new(&CacheLimits { size: room, ..LIMITS });
        assert_eq!(rig.keep(1, 60, 0, (bytes - empty) as usize), result, "{bytes}");
        assert_eq!(rig.shard.bytes(), if result.is_ok() { bytes } else { 0 });
        rig.check();
    }
    assert_eq!(rig.keep(2, 0, 0, 0), Err(NotKept::Fleeting));
}

/// Each time an entry is renewed its last ticket is left behind.
#[test]
fn tickets_do_not_outnumber_the_entries_by_much() {
    let mut rig = ShardRig::new(&LIMITS);
    for now in 0..300 {
        rig.keep(u64::from(now) % 3, 60, now, 0).unwrap();
        rig.check();
    }
    assert_eq!(rig.shard.len(), 3);
}

#[test]
fn a_smaller_limit_puts_out_what_does_not_fit() {
    let mut rig = ShardRig::new(&LIMITS);
    for number in 0..200 {
        rig.keep(number, 600, 0, 0).unwrap();
    }
    let (kept, bytes) = (rig.shard.len(), rig.shard.bytes());
    assert_eq!((kept, rig.shard.evicted()), (200, 0));
    // The room is shared by the shards.
    rig.shard.set_limits(&CacheLimits { size: bytes, ..LIMITS }, 2);
    rig.check();
    let (left, evicted) = (rig.shard.len() as u64, rig.shard.evicted());
    assert_eq!((rig.shard.room, left + evicted), (bytes / 2, 200));
    assert!((95..=100).contains(&left), "{left}");
    // The newest of them are there.
    assert!(rig.get(199, WantedAnswer::Fresh, 1).is_some() && rig.get(0, WantedAnswer::Fresh, 1).is_none());
}

#[test]
fn what_is_used_outlives_what_is_not() {
    let mut rig = ShardRig::new(&LIMITS);
    for number in 0..100 {
        rig.keep(number, 600, 0, 0).unwrap();
    }
    for number in 0..10 {
        assert!(rig.get(number, WantedAnswer::Fresh, 1).is_some());
    }
    for number in 100..1500 {
        rig.keep(number, 600, 2, 0).unwrap();
    }
    rig.check();
    let used = (0..10).filter(|number| rig.get(*number, WantedAnswer::Fresh, 3).is_some()).count();
    let unused = (10..100).filter(|number| rig.get(*number, WantedAnswer::Fresh, 3).is_some()).count();
    assert_eq!((used, unused), (10, 0));
    // Who comes back soon after it has gone is kept apart from what is asked once.
    let is_gone = |number: &u64| rig.shard.find(hash(*number), &key(&question(*number))).is_none();
    let gone = (1000..1500).rev().find(is_gone).unwrap();
    rig.keep(gone, 600, 3, 0).unwrap();
    assert!(
        rig.shard
            .queues
            .main
            .iter()
            .any(|ticket| { rig.shard.entry(ticket.place).is_some_and(|entry| entry.hash == hash(gone)) })
    );
}

proptest::proptest! {
    #[test]
    fn what_is_counted_is_what_is_there(
        steps in proptest::collection::vec((0u8..8, 0u64..60, 1u32..300, 0usize..600), 1..100),
    ) {
        let mut rig = ShardRig::new(&CacheLimits { size: 8192, ..LIMITS });
        for (now, (step, number, ttl, padding)) in (0..).zip(steps) {
            match step {
                0..=2 => rig.keep(number, ttl, now, padding).unwrap(),
                3 => rig.shard.forget(hash(number), &key(&question(number))),
                4 => {
                    let owner: DomainName = format!("n{number}.example").parse().unwrap();
                    let before = rig.shard.len();
                    let gone = rig.shard.retain(|name| name != owner.as_ref());
                    assert_eq!(before - gone, rig.shard.len());
                }
                _ => _ = rig.get(number, WantedAnswer::Fresh, now),
            }
            rig.check();
        }
    }
}
