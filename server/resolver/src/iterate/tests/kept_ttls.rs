//! How long what was validated is kept.

use rhumb_wire::{MessageView, Type};

use super::internet::ServerSays;
use super::signed::{NOW, nsec, resolver, told};

/// The least TTL counts for what was validated too, as long as its signature is valid.
#[tokio::test(start_paused = true)]
async fn ttls_are_held_to_the_limits_once_validated() {
    for (least, left) in [(0, 300), (600, 600), (5000, 1000)] {
        let resolver = resolver(|_, _, said| said);
        resolver.state.set_limits(1 << 20, (least, u32::MAX));
        assert_eq!(told(&resolver, "www.test", Type::A).await, "NOERROR AD");
        assert_eq!(resolver.ask("www.test", Type::A).await.unwrap().ttl, left, "{least}");
        let denied = resolver.ask("none.test", Type::A).await.unwrap().ttl;
        assert_eq!(denied, [60, least][usize::from(least > 60)].min(1000), "{least}");
    }
}

/// An answer of a wildcard and a denial are good for no longer than their proofs (RFC 4035 section 5.3.3): by the TTL of the proof, and by
/// the end of its signature, whatever least TTL is configured.
#[tokio::test(start_paused = true)]
async fn answers_are_kept_for_no_longer_than_their_proofs() {
    for (proof_ttl, proof_left, least, kept) in [
        (3600, 1000, 0, [300, 60]),
        (30, 1000, 0, [30, 30]),
        (3600, 20, 0, [20, 20]),
        (3600, 20, 600, [20, 20]),
    ] {
        let resolver = resolver(move |asked, test, said| {
            if !asked.name.ends_with(".w.test.") {
                return said;
            }
            let proof = |owner: &str, next: &str| {
                let record =
                    nsec(owner, next, &[Type::A]).replace(" 3600 NSEC", &format!(" {proof_ttl} NSEC"));
                test.sign_with(
                    &[&record],
                    3 - usize::from(owner.starts_with('*')),
                    (NOW - 9, NOW + proof_left),
                )
            };
            let made = |labels| {
                test.sign_with(
                    &[&format!("{} 300 A 198.51.100.1", asked.name)],
                    labels,
                    (NOW - 9, NOW + 1000),
                )
            };
            match asked.qtype {
                Type::A => ServerSays {
                    rcode: 0,
                    authoritative: true,
                    answer: made(2),
                    authority: proof("*.w.test.", "z.w.test."),
                    ..ServerSays::default()
                },
                _ => ServerSays {
                    rcode: 0,
                    authoritative: true,
                    authority: [test.sign(&["test. 3600 SOA ns.test. 60"]), proof("a.w.test.", "z.w.test.")]
                        .concat(),
                    ..ServerSays::default()
                },
            }
        });
        resolver.state.set_limits(1 << 20, (least, u32::MAX));
        for (qtype, kept) in [Type::A, Type::AAAA].into_iter().zip(kept) {
            assert_eq!(told(&resolver, "a.w.test", qtype).await, "NOERROR AD", "{qtype}");
            let found = resolver.ask("a.w.test", qtype).await.unwrap();
            assert_eq!(found.ttl, kept, "{qtype} {proof_ttl} {proof_left} {least}");
            let message = MessageView::parse(&found.message).unwrap();
            assert!(
                message.records().all(|record| record.unwrap().ttl <= kept),
                "{qtype} {proof_ttl} {proof_left}"
            );
        }
    }
}

/// An alias has an NSEC record of its own, whether the alias is known before or not (RFC 4035 section 2.5).
#[tokio::test(start_paused = true)]
async fn a_known_alias_hides_no_proof() {
    let resolver = resolver(|asked, test, said| {
        let record = match (asked.name.as_str(), asked.qtype) {
            ("alias.test.", Type::NSEC) => nsec("alias.test.", "z.test.", &[Type::CNAME]),
            ("alias.test.", _) => "alias.test. 300 CNAME www.test.".to_owned(),
            _ => return said,
        };
        ServerSays { rcode: 0, authoritative: true, answer: test.sign(&[&record]), ..ServerSays::default() }
    });
    assert_eq!(resolver.told("alias.test", Type::A).await, "NOERROR alias.test. CNAME www.test. A");
    assert_eq!(resolver.told("alias.test", Type::NSEC).await, "NOERROR alias.test. NSEC");
    assert_eq!(resolver.told("alias.test", Type::A).await, "NOERROR alias.test. CNAME www.test. A");
}
