//! Signatures and flags that say more than they may.

use rhumb_tests::rig::hostile::{SIGNED, answer, asks_keys, says, signer};
use rhumb_tests::rig::internet::{authoritative, denial, sized};
use rhumb_tests::rig::message::AD;
use rhumb_tests::rig::record::type_number;
use rhumb_tests::rig::signer::nsec;
use rhumb_tests::rig::{Act, Asked, Internet, Message, Record, ZoneSigner, rcode};
use rhumb_tests::{Failure, Outcome, Test, Verdict, ensure, ensure_eq};

use super::{Attack, failed};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("attacks::row21_signatures_with_fewer_labels_than_their_zone", fewer_labels),
    Test::beside("attacks::row24_proofs_and_keys_that_are_not_there", not_there),
    Test::beside("attacks::row25_downgrades", downgrades),
    Test::beside("attacks::row25_what_was_asked_with_cd_is_not_secure", checking_disabled),
];

/// CD.
const CD: u16 = 0x0010;

fn record(asked: &Asked, rest: &str) -> Record {
    Record::from_text(&format!("{}. 300 IN {rest}", asked.name()))
}

/// The attacker's signed zone, whose keys are right.
fn zone(script: impl Fn(&Asked) -> Act + Send + Sync + 'static) -> Result<Attack, Failure> {
    Attack::with(&Internet::config(true), &[], SIGNED, move |asked| {
        if asks_keys(asked) { says(asked, signer().sign(&[signer().key()])) } else { script(asked) }
    })
}

/// CVE-2026-11721: a wildcard of a zone above.
fn fewer_labels() -> Verdict {
    let attack = zone(|asked| {
        let set = [record(asked, "A 203.0.113.66")];
        let proof = signer().sign(&[nsec("attack.", "attack.", &["SOA", "NS", "NSEC", "RRSIG"])]);
        let mut reply = Message { answer: signer().sign_as(&set, 0, "*."), ..authoritative(asked) };
        reply.authority = proof;
        sized(asked, reply)
    })?;
    for name in ["www.attack.", "other.attack.", "deep.other.attack."] {
        let toll = attack.ask(name, "A")?;
        failed(&toll)?;
        ensure!(toll.reply.answer.is_empty(), "an answer from a wildcard of the root: {:?}", toll.reply);
        ensure!(toll.signatures <= 16 && toll.queries <= 8, "it cost {toll:?}");
    }
    Ok(Outcome::Passed)
}

fn not_there() -> Verdict {
    type Reaction = fn(&Asked) -> Act;
    let wildcard: Reaction = |asked| {
        if asked.name().starts_with("target") {
            return says(asked, signer().sign(&[record(asked, "A 203.0.113.66")]));
        }
        // Made from a wildcard, without the proof that the name itself does not exist (CVE-2026-52686).
        says(asked, signer().sign_as(&[record(asked, "CNAME target.attack.")], 1, "*.attack."))
    };
    let stranger: Reaction = |asked| {
        let stranger = ZoneSigner::new("attack.", 9);
        says(asked, stranger.sign(&[record(asked, "A 203.0.113.66")]))
    };
    let ds_alias: Reaction = |asked| {
        let below = ZoneSigner::new("www.attack.", 0);
        match asked.message.kind() {
            kind if kind == type_number("DS") && asked.name() == "www.attack" => {
                answer(asked, &["www.attack. 300 IN CNAME two.attack."])
            }
            kind if kind == type_number("DS") => answer(asked, &["two.attack. 300 IN CNAME www.attack."]),
            kind if kind == type_number("DNSKEY") => says(asked, below.sign(&[below.key()])),
            _ => says(asked, below.sign(&[record(asked, "A 203.0.113.66")])),
        }
    };
    for (what, reaction) in
        [("a wildcard without proof", wildcard), ("another key", stranger), ("DS that is an alias", ds_alias)]
    {
        let attack = zone(reaction)?;
        let toll = attack.ask("www.attack.", "A")?;
        failed(&toll)?;
        ensure!(toll.queries <= 16, "{what}: {} queries", toll.queries);
        ensure!(toll.signatures <= 16, "{what}: {} signatures checked", toll.signatures);
    }
    // Keys that sign themselves and that the parent does not know (RUSTSEC-2025-0006).
    let attack = Attack::with(&Internet::config(true), &[], SIGNED, |asked| {
        let stranger = ZoneSigner::new("attack.", 9);
        if asks_keys(asked) {
            return says(asked, stranger.sign(&[stranger.key()]));
        }
        says(asked, stranger.sign(&[record(asked, "A 203.0.113.66")]))
    })?;
    failed(&attack.ask("www.attack.", "A")?)?;
    Ok(Outcome::Passed)
}

/// What should be signed is bogus without signatures, whatever the reason is that there are none.
fn downgrades() -> Verdict {
    type Reaction = fn(&Asked) -> Act;
    let plain: Reaction = |asked| answer(asked, &[&format!("{}. 300 IN A 203.0.113.66", asked.name())]);
    let no_edns: Reaction = |asked| {
        if asked.message.edns.is_some() {
            return asked.code(rcode::FORMERR);
        }
        answer(asked, &[&format!("{}. 300 IN A 203.0.113.66", asked.name())])
    };
    let denied: Reaction = |asked| Act::Reply(denial(asked, "attack.", rcode::NXDOMAIN));
    let unknown: Reaction = |asked| {
        let set = record(asked, "A 203.0.113.66");
        let signature =
            rhumb_tests::rig::signer::junk_signature(&set, "attack.", 200, signer().tag(), (1, 64));
        says(asked, vec![set, signature])
    };
    for (what, reaction) in [
        ("no signatures", plain),
        ("no EDNS", no_edns),
        ("no proofs", denied),
        ("an unknown algorithm", unknown),
    ] {
        let attack = zone(reaction)?;
        let toll = attack.ask("www.attack.", "A")?;
        failed(&toll)?;
        ensure!(toll.queries <= 16, "{what}: {} queries", toll.queries);
    }
    // The keys are lost too.
    let attack = Attack::with(&Internet::config(true), &[], SIGNED, |asked| {
        if asks_keys(asked) {
            return Act::Reply(denial(asked, "attack.", rcode::NOERROR));
        }
        answer(asked, &[&format!("{}. 300 IN A 203.0.113.66", asked.name())])
    })?;
    failed(&attack.ask("www.attack.", "A")?)?;
    Ok(Outcome::Passed)
}

fn checking_disabled() -> Verdict {
    let attack = zone(|asked| answer(asked, &[&format!("{}. 300 IN A 203.0.113.66", asked.name())]))?;
    let Internet { client, to, .. } = &attack.0;
    for round in 0..3 {
        let query = Message::query("www.attack.", "A").dnssec();
        let unchecked = client.udp(*to, &Message { flags: query.flags | CD, ..query.clone() })?.message;
        ensure_eq!(unchecked.data("A"), ["203.0.113.66"], "answer with CD");
        ensure!(!unchecked.has(AD), "AD with CD");
        let checked = client.udp(*to, &query)?.message;
        ensure_eq!(checked.rcode(), rcode::SERVFAIL, "response code without CD, round {round}");
        ensure!(checked.answer.is_empty(), "an answer without CD: {checked:?}");
    }
    Ok(Outcome::Passed)
}
