//! Denials that cost work, or that prove more than they may.

use std::time::Duration;

use rhumb_tests::rig::hostile::{self, SIGNED, asks_keys, denies, says, signer};
use rhumb_tests::rig::internet::{denial, referral, sized};
use rhumb_tests::rig::record::type_number;
use rhumb_tests::rig::signer::{nsec, nsec3};
use rhumb_tests::rig::{Act, Asked, Internet, Record, ZoneSigner, rcode};
use rhumb_tests::{Failure, Outcome, Test, Verdict, ensure, ensure_eq};

use super::{Attack, failed};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::alone("attacks::row19_hashes_of_a_name_of_a_hundred_labels", many_hashes),
    Test::beside("attacks::row19_sixty_five_thousand_iterations", many_iterations),
    Test::beside("attacks::row20_sixty_proofs", sixty_proofs),
    Test::beside("attacks::row22_proofs_that_lead_out_of_their_zone", out_of_zone),
    Test::beside("attacks::row23_a_soa_beside_the_name", soa_beside),
];

fn zone(proofs: impl Fn(&Asked) -> Vec<Record> + Send + Sync + 'static) -> Result<Attack, Failure> {
    Attack::with(&Internet::config(true), &[], SIGNED, move |asked| {
        if asks_keys(asked) {
            return says(asked, signer().sign(&[signer().key()]));
        }
        sized(asked, denies(asked, &proofs(asked)))
    })
}

/// Eight NSEC3 records of fifty iterations that match nothing (CVE-2023-50868).
fn many_hashes() -> Verdict {
    let attack = Attack::with(&Internet::config(true), &[], SIGNED, hostile::many_hashes)?;
    let before = attack.0.server.cpu_time()?;
    let toll = attack.ask(&format!("{}attack.", "a.".repeat(105)), "A")?;
    failed(&toll)?;
    ensure!((100..=150).contains(&toll.hashes), "{} names hashed", toll.hashes);
    ensure!(toll.signatures <= 32, "{} signatures checked", toll.signatures);
    ensure!(toll.took <= Duration::from_secs(2), "it took {:?}", toll.took);
    let cpu = attack.0.server.cpu_since(before)?;
    ensure!(cpu <= Duration::from_millis(100), "{cpu:?} of CPU, the innocent questions included");
    Ok(Outcome::Passed)
}

/// An unsigned delegation, proven by NSEC3 with more iterations than anyone follows: it is insecure, and names below it resolve.
fn many_iterations() -> Verdict {
    let attack = Attack::with(&Internet::config(true), &[], SIGNED, |asked| {
        if asks_keys(asked) {
            return says(asked, signer().sign(&[signer().key()]));
        }
        if asked.to.to_string() == "198.19.0.1" {
            return says(asked, vec![Record::from_text(&format!("{}. 300 IN A 198.18.6.80", asked.name()))]);
        }
        let proof = nsec3("attack.", u16::MAX, ("sub.attack.", 0), ("sub.attack.", 1), &["NS"]);
        if asked.message.kind() == type_number("DS") {
            return sized(asked, denies(asked, &[proof]).with_rcode(rcode::NOERROR));
        }
        let mut reply = referral(asked, "sub.attack.", &[("ns.sub.attack.", "198.19.0.1")]);
        reply.authority.extend(signer().sign(&[proof]));
        sized(asked, reply)
    })?;
    let toll = attack.ask("www.sub.attack.", "A")?;
    ensure_eq!(toll.reply.rcode(), rcode::NOERROR, "response code below an insecure delegation");
    ensure!(!toll.reply.has(rhumb_tests::rig::message::AD), "AD for what is insecure");
    ensure!(toll.hashes <= 8, "{} names hashed", toll.hashes);
    ensure!(toll.took <= Duration::from_secs(2), "it took {:?}", toll.took);
    Ok(Outcome::Passed)
}

/// CVE-2026-11605: the proof that would do stands last.
fn sixty_proofs() -> Verdict {
    let attack = zone(|_| {
        let padding = (0..60).map(|n| {
            nsec(&format!("p{n:02}.attack."), &format!("p{n:02}x.attack."), &["A", "NSEC", "RRSIG"])
        });
        let right = nsec("attack.", "p00.attack.", &["SOA", "NS", "NSEC", "RRSIG", "DNSKEY"]);
        padding.chain([right]).collect()
    })?;
    let toll = attack.ask("a.attack.", "A")?;
    failed(&toll)?;
    ensure!((1..=32).contains(&toll.signatures), "{} signatures checked", toll.signatures);
    Ok(Outcome::Passed)
}

/// What an NSEC or NSEC3 record says of names outside of the zone that signed it is nothing.
fn out_of_zone() -> Verdict {
    type Proofs = fn(&Asked) -> Vec<Record>;
    let cases: [(&str, Proofs); 4] = [
        ("NSEC to a name beside the zone", |_| {
            vec![nsec("attack.", "zzz.", &["SOA", "NS", "NSEC", "RRSIG"])]
        }),
        ("NSEC to the root", |_| vec![nsec("attack.", ".", &["SOA", "NS", "NSEC", "RRSIG"])]),
        ("NSEC of another zone", |_| vec![nsec("good.", "zzz.", &["SOA", "NS", "NSEC", "RRSIG"])]),
        ("NSEC3 of another zone", |asked| {
            let name = format!("{}.", asked.name());
            let under = |zone, of: &str| nsec3(zone, 0, (of, -1), (of, 1), &["SOA", "NS"]);
            let matching = |zone, of: &str| nsec3(zone, 0, (of, 0), (of, 1), &["SOA", "NS"]);
            vec![matching("good.", "attack."), under("good.", &name), under("good.", "*.attack.")]
        }),
    ];
    for (what, proofs) in cases {
        let attack = zone(proofs)?;
        let toll = attack.ask("x.attack.", "A")?;
        failed(&toll)?;
        ensure!(toll.queries <= 12, "{what}: {} queries", toll.queries);
        // Nothing was learnt of the others.
        let other = attack.0.client.ask(attack.0.to, "zz.good.", "A")?;
        ensure_eq!(other.data("A"), ["198.18.8.80"], "{what}: a name of the innocent");
    }
    Ok(Outcome::Passed)
}

/// RUSTSEC-2026-0118: denials whose SOA and proofs belong to a zone that does not hold the name.
fn soa_beside() -> Verdict {
    let deep = format!("{}attack.", "a.".repeat(100));
    for owner in ["other.attack.", "a.other.attack.", "www.x.attack.", "attack.attack."] {
        let attack = Attack::with(&Internet::config(true), &[], SIGNED, move |asked| {
            if asks_keys(asked) {
                return says(asked, signer().sign(&[signer().key()]));
            }
            let stranger = ZoneSigner::new(owner, 0);
            let soa = format!("{owner} 60 IN SOA ns.{owner} host.{owner} 1 3600 600 86400 60");
            let mut reply = denial(asked, owner, rcode::NXDOMAIN);
            reply.authority = stranger.sign_lines(&[&soa]);
            reply.authority.extend(stranger.sign(&[nsec(owner, owner, &["SOA", "NS"])]));
            Act::Reply(reply)
        })?;
        for name in ["x.attack.", &deep] {
            let toll = attack.ask(name, "A")?;
            failed(&toll)?;
            ensure!(toll.took <= Duration::from_secs(2), "{owner}: it took {:?}", toll.took);
            ensure!(toll.queries <= 40, "{owner}: {} queries", toll.queries);
        }
    }
    Ok(Outcome::Passed)
}
