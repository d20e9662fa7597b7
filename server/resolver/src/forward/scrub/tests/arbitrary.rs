//! Replies nobody would think of.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::super::super::tests::build::{a, cname, name, nsec, question, rr, rrsig, soa};
use super::*;

const NAMES: [&str; 9] = [
    ".",
    "com",
    "example.com",
    "www.example.com",
    "WWW.Example.com",
    "a.www.example.com",
    "b.example.com",
    "example.net",
    "www.example.net",
];

fn record() -> impl Strategy<Value = Rr> {
    let name_of = || proptest::sample::select(NAMES.to_vec());
    (name_of(), name_of(), 0u8..9, any::<u32>(), 0u8..4).prop_map(|(owner, other, kind, ttl, n)| {
        let ttl = if n == 0 { ttl } else { ttl % 100_000 };
        match kind {
            0 | 1 => a(owner, ttl, n),
            2 | 3 => cname(owner, ttl, other),
            4 => rr(owner, ttl, Type::DNAME, name(other)),
            5 => soa(owner, ttl, u32::from(n) * 1000),
            6 => nsec(owner, ttl, other),
            7 => rrsig(owner, ttl, [Type::A, Type::CNAME, Type::SOA, Type::NSEC][usize::from(n)], n, other),
            _ => rr(owner, ttl, Type::NS, name(other)),
        }
    })
}

fn asking() -> impl Strategy<Value = OutboundQuestion> {
    let types = vec![Type::A, Type::CNAME, Type::ANY, Type::RRSIG, Type::DNAME, Type::SOA, Type::NSEC];
    (proptest::sample::select(NAMES.to_vec()), proptest::sample::select(types), any::<[bool; 2]>()).prop_map(
        |(name, qtype, [dnssec_ok, checking_disabled])| OutboundQuestion {
            dnssec_ok,
            checking_disabled,
            ..question(name, qtype)
        },
    )
}

fn reply() -> impl Strategy<Value = (OutboundQuestion, Vec<u8>)> {
    let section = || prop::collection::vec(record(), 0..12);
    (asking(), section(), section(), prop::sample::select(vec![0u16, 3])).prop_map(
        |(q, answer, authority, rcode)| {
            let reply = replied(&q, rcode, &answer, &authority);
            (q, reply)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn sound_replies_become_clean((question, reply) in reply()) {
        match scrub(&reply, &question) {
            Ok(scrubbed) => assert_scrubbed(&scrubbed, &question),
            Err(unusable) => assert!(!matches!(unusable, UnusableReply::Malformed | UnusableReply::NoAnswer), "{unusable}"),
        }
    }

    #[test]
    fn mutated_replies_become_clean_or_nothing(
        (question, mut reply) in reply(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
        whole in any::<bool>(),
    ) {
        for (at, to) in changes {
            let at = at.index(reply.len());
            reply[at] = to;
        }
        if !whole {
            reply.truncate(cut.index(reply.len()));
        }
        if let Ok(scrubbed) = scrub(&reply, &question) {
            assert_scrubbed(&scrubbed, &question);
        }
    }

    #[test]
    fn any_bytes_are_survived(question in asking(), head in any::<[u8; 4]>(), counts in any::<[u8; 4]>(), rest in prop::collection::vec(any::<u8>(), 0..600)) {
        let [a, b, c, d] = counts.map(|n| n % 8);
        let mut reply = head.to_vec();
        reply.extend([0, a % 2, 0, b, 0, c, 0, d]);
        reply.extend(rest);
        reply[2] = 0x80;
        reply[3] = 0;
        if let Ok(scrubbed) = scrub(&reply, &question) {
            assert_scrubbed(&scrubbed, &question);
        }
    }
}

#[test]
fn the_worst_of_64_kib_takes_no_time_to_speak_of() {
    let longest = format!("{}a", "a.".repeat(126));
    let q = OutboundQuestion { dnssec_ok: true, ..question(&longest, Type::A) };
    // Pointers alone: a thousand DNAMEs above the name, none of them the one that leads on.
    let mut reply = replied(&q, 0, &[], &[]);
    reply[6..8].copy_from_slice(&1000u16.to_be_bytes());
    for n in 0..1000u16 {
        reply.extend((0xc00c + 2 * (1 + n % 100)).to_be_bytes());
        reply.extend([0, 39, 0, 1, 0, 0, 0, 60, 0, 1, 0]);
    }
    let start = Instant::now();
    let _ = scrub(&reply, &q);
    assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
    // All the records that fit.
    for (owner, count) in [(&[0xc0, 12][..], 5400u16), (&[0], 5900)] {
        let mut reply = replied(&q, 0, &[], &[]);
        reply[6..8].copy_from_slice(&count.to_be_bytes());
        for _ in 0..count {
            reply.extend(owner);
            reply.extend([0, 1, 0, 1, 0, 0, 0, 60, 0, 0]);
        }
        let start = Instant::now();
        assert!(scrub(&reply, &q).is_err());
        assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
    }
    // Aliases of aliases, with hundreds of records at each.
    let name = |n: u16| format!("c{n}.example.com");
    let mut answer = Vec::new();
    for n in 0..11u16 {
        answer.push(cname(&if n == 0 { longest.clone() } else { name(n) }, 60, &name(n + 1)));
        let text = |k: u16| k.to_be_bytes().iter().flat_map(|&byte| [1, byte]).collect();
        answer.extend((0..450u16).map(|k| rr(&name(n + 1), 60, Type::TXT, text(k))));
    }
    let start = Instant::now();
    let _ = scrubbed(&q, 0, &answer, &[]);
    assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
}
