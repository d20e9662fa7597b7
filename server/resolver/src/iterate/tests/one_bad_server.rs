//! Some servers of a zone say what cannot be believed, the others are right.

use rhumb_wire::Type;

use super::Resolver;
use super::internet::{AskedQuestion, ServerSays, mixed};
use super::signed::{Signer, resolver_of, told};

/// The servers of `test.`.
const SERVERS: &[(&str, &str)] =
    &[("ns1.test.", "192.0.2.11"), ("ns2.test.", "192.0.2.12"), ("ns3.test.", "192.0.2.13")];
/// The first chances that are tried: which server is asked first depends on them.
const CHANCES: u64 = 60;

/// What a bad server makes of what it should say.
type Fault = fn(&AskedQuestion, ServerSays) -> ServerSays;

fn is_signature(record: &str) -> bool {
    record.split(' ').nth(2) == Some("RRSIG")
}

fn unsigned(mut said: ServerSays) -> ServerSays {
    said.answer.retain(|record| !is_signature(record));
    said.authority.retain(|record| !is_signature(record));
    said
}

fn broken(mut said: ServerSays) -> ServerSays {
    for record in said.answer.iter_mut().chain(&mut said.authority).filter(|record| is_signature(record)) {
        let last = if record.ends_with('0') { "1" } else { "0" };
        record.replace_range(record.len() - 1.., last);
    }
    said
}

const FAULTS: [(&str, Fault); 7] = [
    (
        "keys without signatures",
        |asked, said| {
            if asked.qtype == Type::DNSKEY { unsigned(said) } else { said }
        },
    ),
    (
        "keys with broken signatures",
        |asked, said| {
            if asked.qtype == Type::DNSKEY { broken(said) } else { said }
        },
    ),
    ("other keys", |asked, said| {
        if asked.qtype != Type::DNSKEY {
            return said;
        }
        let other = Signer::new("test.", 7);
        ServerSays { answer: other.sign(&[&other.dnskey()]), ..said }
    }),
    ("no keys", |asked, said| {
        if asked.qtype != Type::DNSKEY {
            return said;
        }
        ServerSays { authoritative: true, ..ServerSays::default() }
    }),
    (
        "answers without signatures",
        |asked, said| {
            if asked.qtype == Type::DNSKEY { said } else { unsigned(said) }
        },
    ),
    (
        "answers with broken signatures",
        |asked, said| {
            if asked.qtype == Type::DNSKEY { said } else { broken(said) }
        },
    ),
    ("nothing but what is wrong", |_, said| broken(said)),
];

/// A resolver for whom the first `bad` servers of `test.` are so.
fn resolver(fault: Fault, bad: usize, chance: u64) -> Resolver {
    let is_bad = move |asked: &AskedQuestion| {
        SERVERS.iter().take(bad).any(|(_, address)| address.parse() == Ok(asked.server))
    };
    let mut resolver =
        resolver_of(SERVERS, move |asked, _, said| if is_bad(asked) { fault(asked, said) } else { said });
    resolver.net = std::mem::take(&mut resolver.net).seeded(mixed(chance));
    resolver
}

const RIGHT: [(&str, Type, &str); 3] = [
    ("www.test", Type::A, "NOERROR AD"),
    ("www.test", Type::AAAA, "NOERROR AD"),
    ("none.test", Type::A, "NXDOMAIN AD"),
];

/// Whichever server is asked first, the answer is that of a right one; and it costs little more than without bad servers.
#[tokio::test(start_paused = true)]
async fn the_others_are_asked() {
    for (what, fault) in FAULTS {
        for bad in [1, 2] {
            for chance in 0..CHANCES {
                let resolver = resolver(fault, bad, chance);
                for (text, rtype, right) in RIGHT {
                    let told = told(&resolver, text, rtype).await;
                    assert_eq!(told, right, "{what}, {bad} bad, chance {chance}: {text} {rtype}");
                }
                let asked = resolver.asked();
                // Without bad servers: the root twice, the keys of both zones, and three questions.
                assert!(asked.len() <= 8 + 8 * bad, "{what}: {}: {asked:#?}", asked.len());
            }
        }
    }
}

/// Where all servers are bad, the question ends soon.
#[tokio::test(start_paused = true)]
async fn all_servers_are_bad() {
    for (what, fault) in FAULTS {
        for chance in 0..CHANCES {
            let resolver = resolver(fault, SERVERS.len(), chance);
            let told = told(&resolver, "www.test", Type::A).await;
            assert!(!told.starts_with("NOERROR"), "{what}: {told}");
            let asked = resolver.asked();
            assert!(asked.len() <= 16, "{what}: {}: {asked:#?}", asked.len());
            let found = resolver.ask("www.test", Type::A).await;
            let checks = found.map_or_else(|failure| failure.cost, |found| found.cost).signatures;
            assert!(checks <= 12, "{what}: {checks} signatures checked");
        }
    }
}

/// Keys that cannot be believed are asked of other servers, as long as there are any, three times in all.
#[tokio::test(start_paused = true)]
async fn keys_are_asked_of_few_servers() {
    const MANY: &[(&str, &str)] = &[
        ("ns1.test.", "192.0.2.11"),
        ("ns2.test.", "192.0.2.12"),
        ("ns3.test.", "192.0.2.13"),
        ("ns4.test.", "192.0.2.14"),
        ("ns5.test.", "192.0.2.15"),
    ];
    for (count, times) in [(1, 1), (2, 2), (3, 3), (5, 3)] {
        let resolver = resolver_of(MANY.get(..count).unwrap(), |asked, _, said| {
            if asked.qtype == Type::DNSKEY { broken(said) } else { said }
        });
        let told = told(&resolver, "www.test", Type::A).await;
        assert!(told.contains("wrong signature"), "{told}");
        let asked = resolver.asked();
        let keys = asked.iter().filter(|asked| asked.starts_with("test. DNSKEY")).count();
        assert_eq!(keys, times, "{count}: {asked:#?}");
        // For a while nobody is asked again.
        let again = self::told(&resolver, "www.test", Type::AAAA).await;
        assert!(again.contains("wrong signature"), "{again}");
        assert!(resolver.asked().iter().all(|asked| !asked.contains("DNSKEY")), "{count}");
    }
}
