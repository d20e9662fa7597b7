use rhumb_wire::DomainName;

use super::*;
use crate::record_cache::tests::learnt;

/// What is asked for again before others have come stays ready, what is asked for later comes back the same, and twice is ready again.
#[test]
fn what_is_not_asked_for_is_packed() {
    let mut shard = RecordShard::default();
    let name = |n: u64| format!("n{n}.test").parse::<DomainName>().unwrap();
    let entry = |n: u64| learnt(&format!("n{n}.test"), 60, CredibilityRank::Answer, &[n as u8; 4]);
    let is_packed = |shard: &RecordShard, n: u32| {
        let slot = shard.table.find(spread(n), |slot| slot.hash == n).unwrap();
        matches!(slot.kept, KeptRecords::Packed(_))
    };
    for n in 1..=YOUNG as u64 + 1 {
        shard.insert(n, &Arc::new(entry(n)), u64::MAX);
        shard.get(2, (name(2).as_ref(), Type::A), 100);
        assert!(shard.is_sound());
    }
    assert_eq!([1, 2, 3].map(|n| is_packed(&shard, n)), [true, false, false]);
    shard.insert(100, &Arc::new(entry(100)), u64::MAX);
    shard.insert(101, &Arc::new(entry(101)), u64::MAX);
    assert_eq!([1, 2, 3, 4].map(|n| is_packed(&shard, n)), [true, false, true, true]);
    for ready in [false, true] {
        let found = shard.get(1, (name(1).as_ref(), Type::A), 159);
        assert_eq!(found.as_deref(), Some(&entry(1)));
        assert_eq!(is_packed(&shard, 1), !ready);
        assert!(shard.is_sound());
    }
    assert!(shard.get(3, (name(3).as_ref(), Type::A), 160).is_none(), "its time is over");
    assert!(shard.get(3, (name(1).as_ref(), Type::A), 100).is_none(), "another name");
    assert!(shard.get(3, (name(3).as_ref(), Type::AAAA), 100).is_none(), "another type");
    // What is less credible does not take the place of what is packed.
    let referral = learnt("n3.test", 60, CredibilityRank::Referral, &[9; 4]);
    assert!(!shard.insert(3, &Arc::new(referral), u64::MAX));
    assert_eq!(shard.some(0, 100).map(|all| all.len()), Some(YOUNG + 3));
    assert_eq!(shard.flush(|owner| owner == name(3).as_ref()), 1);
    assert!(shard.is_sound());
}

/// Of what was learnt the oldest goes, unless it was used since.
#[test]
fn the_oldest_goes_first() {
    let one = Arc::new(learnt("a.example", 10, CredibilityRank::Answer, b"x"));
    let room = one.bytes() * 3;
    let mut shard = RecordShard::default();
    for hash in 1..=3 {
        shard.insert(hash, &one, room);
    }
    let used = shard.table.find_mut(spread(1), |slot| slot.hash == 1).unwrap();
    used.used = true;
    let kept = |shard: &RecordShard| {
        let mut hashes: Vec<u32> = shard.table.iter().map(|slot| slot.hash).collect();
        hashes.sort_unstable();
        hashes
    };
    shard.insert(4, &one, room);
    assert_eq!((kept(&shard), shard.bytes), (vec![1, 3, 4], room));
    shard.insert(5, &one, room);
    assert_eq!(kept(&shard), [1, 4, 5]);
    shard.insert(6, &one, room);
    assert_eq!(kept(&shard), [1, 5, 6], "once more and no longer");
    for _ in 0..1000 {
        shard.insert(6, &one, room);
        assert!(shard.queue.len() <= 2 * shard.table.len() + 64);
    }
    assert_eq!(kept(&shard), [1, 5, 6]);
    assert!(shard.is_sound() && shard.bytes <= room);
}

/// Each replacement leaves a place in the queue; these are swept out once they outnumber the entries by 64.
#[test]
fn places_that_entries_left_are_swept_out() {
    let mut shard = RecordShard::default();
    let entry = |n: u64| Arc::new(learnt(&format!("n{n}.test"), 60, CredibilityRank::Answer, &[1; 4]));
    for n in 0..100 {
        shard.insert(n, &entry(n), u64::MAX);
    }
    for places in 101..=264 {
        shard.insert(7, &entry(7), u64::MAX);
        assert_eq!((shard.table.len(), shard.queue.len()), (100, places));
    }
    shard.insert(7, &entry(7), u64::MAX);
    assert_eq!((shard.table.len(), shard.queue.len()), (100, 100));
    // The order is that of the last replacement.
    assert_eq!([shard.queue[0], shard.queue[99]].map(|ticket| ticket.hash), [0, 7]);
    assert_eq!(shard.flush(|name| *name.as_bytes() != *entry(7).owner.as_ref().as_bytes()), 99);
    assert_eq!((shard.table.len(), shard.queue.len()), (1, 1));
}
