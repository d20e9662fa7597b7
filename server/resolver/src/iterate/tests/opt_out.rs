//! Names that a chain of NSEC3 leaves open (RFC 5155 section 6).

use rhumb_wire::Type;

use super::internet::{ServerSays, referral};
use super::signed::{NOW, resolver, told};

/// The only NSEC3 record of `test.`, of the apex with its SOA: it covers all else. Behind its hash algorithm stand flags and iterations.
fn only_proof(flags: u8, iterations: u16) -> String {
    let next = "2f852144acc01cb593698cb2ba78f9728d08679f";
    format!(
        "5u2i2h5co0ebb4r9hipbku7pea6ggpsv.test. 60 NSEC3 \\# 01{flags:02x}{iterations:04x}0014{next}000102"
    )
}

/// What may be data of an unsigned zone needs no signature, but a wrong one by the zone above is not that of an unsigned zone.
#[tokio::test(start_paused = true)]
async fn a_wrong_signature_is_bogus_where_an_unsigned_zone_may_be() {
    let (valid, expired) = ((NOW - 1000, NOW + 1000), (NOW - 20, NOW - 10));
    for (flags, iterations) in [(1, 0), (0, 200)] {
        for (times, outcome) in
            [(Some(valid), "NOERROR AD"), (None, "NOERROR"), (Some(expired), "expired 10 s ago")]
        {
            let resolver = resolver(move |asked, test, said| {
                let proof = || test.sign(&[&only_proof(flags, iterations)]);
                let record = "open.test. 300 A 198.51.100.1";
                let reply = ServerSays { rcode: 0, authoritative: true, ..ServerSays::default() };
                match (asked.name.as_str(), asked.qtype, times) {
                    ("open.test.", Type::A, Some(times)) => {
                        ServerSays { answer: test.sign_with(&[record], 2, times), ..reply }
                    }
                    ("open.test.", Type::A, None) => ServerSays { answer: vec![record.to_owned()], ..reply },
                    ("open.test.", ..) => {
                        let authority = [test.sign(&["test. 3600 SOA ns.test. 60"]), proof()].concat();
                        ServerSays { authority, ..reply }
                    }
                    _ => said,
                }
            });
            let told = told(&resolver, "open.test", Type::A).await;
            let is_it = if outcome.starts_with("NOERROR") { told == outcome } else { told.contains(outcome) };
            assert!(is_it, "{flags} {iterations} {outcome}: {told}");
        }
    }
}

/// A server may leave an empty non-terminal unproven that is there for an unsigned delegation alone (RFC 5155 section 7.1), and prove that
/// delegation.
#[tokio::test(start_paused = true)]
async fn a_delegation_below_an_unproven_name_is_insecure_where_it_is_proven_itself() {
    for (proven, outcome) in [(true, "NOERROR"), (false, "that ent.test. has no DS is not proven")] {
        let mut resolver = resolver(move |asked, test, said| {
            let proof = if proven { test.sign(&[&only_proof(1, 0)]) } else { Vec::new() };
            let soa = test.sign(&["test. 3600 SOA ns.test. 60"]);
            let authority = match (asked.name.as_str(), asked.qtype) {
                ("ent.test.", _) => soa,
                ("sub.ent.test.", Type::DS) => [soa, proof].concat(),
                (name, _) if name.ends_with("sub.ent.test.") => {
                    let mut said = referral("sub.ent.test.", &[("ns.sub.ent.test.", "192.0.2.3")]);
                    said.authority.extend(proof);
                    return said;
                }
                _ => return said,
            };
            ServerSays { rcode: 0, authoritative: true, authority, ..ServerSays::default() }
        });
        resolver.settings.aggressive_nsec = false;
        for asked in ["www.sub.ent.test", "www.sub.ent.test", "mail.sub.ent.test"] {
            assert_eq!(told(&resolver, asked, Type::A).await, outcome, "{asked}");
        }
    }
}
