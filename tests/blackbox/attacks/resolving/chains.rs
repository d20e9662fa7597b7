//! Names that lead to names without an end.

use std::time::Duration;

use rhumb_tests::rig::hostile::{self, ATTACKER, PLAIN, answer};
use rhumb_tests::rig::internet::{denial, referral};
use rhumb_tests::rig::{Act, Internet, Message, rcode};
use rhumb_tests::{Outcome, Test, Verdict, ensure, ensure_eq};

use super::{Attack, failed};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("attacks::row5_two_hundred_aliases", aliases),
    Test::beside("attacks::row6_many_aliases_of_one_name", alias_sets),
    Test::beside("attacks::row7_aliases_through_dead_delegations", dead_delegations),
    Test::beside("attacks::row8_dname_loops_and_overflows", dnames),
    Test::beside("attacks::row12_a_name_of_a_hundred_labels", deep_name),
    Test::beside("attacks::row15_a_small_stack", small_stack),
];

/// Two hundred links, one or a hundred a reply.
fn aliases() -> Verdict {
    for each in [1, 100] {
        let attack = Attack::new(move |asked| hostile::aliases(asked, each))?;
        let toll = attack.ask("c0.attack.", "A")?;
        failed(&toll)?;
        let links = attack.0.seen_at(ATTACKER);
        ensure!((1..=12).contains(&links), "{links} links followed, {each} a reply");
        ensure!(toll.queries <= 30, "{} queries", toll.queries);
    }
    Ok(Outcome::Passed)
}

/// Forty CNAME records at each owner, each to another name.
fn alias_sets() -> Verdict {
    let attack = Attack::new(hostile::alias_sets)?;
    let memory = attack.0.server.resident()?;
    let toll = attack.ask("c0.attack.", "A")?;
    failed(&toll)?;
    ensure!(toll.queries <= 30, "{} queries", toll.queries);
    let grown = attack.0.server.resident()?.saturating_sub(memory);
    ensure!(grown <= 5 << 20, "{} KiB more", grown >> 10);
    Ok(Outcome::Passed)
}

/// CAMP: each link of a chain lies in a delegation of its own, whose servers are dead names of the victim and one good one.
fn dead_delegations() -> Verdict {
    let attack = Attack::new(hostile::dead_delegations)?;
    let toll = attack.ask("c.z0.attack.", "A")?;
    failed(&toll)?;
    ensure!(toll.queries <= 200, "{} queries", toll.queries);
    ensure!(toll.to_victim <= 50, "{} queries to the victim", toll.to_victim);
    Ok(Outcome::Passed)
}

fn dnames() -> Verdict {
    let long = format!("{0}.{0}.{0}.attack.", "x".repeat(60));
    for (target, owner) in
        [("attack.", "attack."), ("a.attack.", "attack."), ("b.a.attack.", "a.attack."), (&long, "attack.")]
    {
        let line = format!("{owner} 300 IN DNAME {target}");
        let attack = Attack::new(move |asked| answer(asked, &[&line]))?;
        let name = format!("{}.{}.a.attack.", "y".repeat(30), "w".repeat(30));
        let toll = attack.ask(&name, "A")?;
        let code = toll.reply.rcode();
        ensure!([rcode::SERVFAIL, 6].contains(&code), "response code {code} for a DNAME to {target}");
        ensure!(toll.queries <= 16, "{} queries for a DNAME to {target}", toll.queries);
        ensure!(toll.took <= Duration::from_secs(2), "it took {:?}", toll.took);
    }
    Ok(Outcome::Passed)
}

fn deep_name() -> Verdict {
    let attack = Attack::new(hostile::empty)?;
    let toll = attack.ask(&format!("{}attack.", "a.".repeat(100)), "A")?;
    ensure_eq!(toll.reply.rcode(), rcode::NOERROR, "response code");
    ensure!((2..=12).contains(&toll.queries), "{} queries", toll.queries);
    Ok(Outcome::Passed)
}

/// Servers within servers, aliases and delegations as deep as they go, on threads with little stack.
fn small_stack() -> Verdict {
    let config = Internet::config(false);
    let attack = Attack::with(&config, &["env", "RUST_MIN_STACK=262144"], PLAIN, |asked| {
        let name = asked.name();
        if name.contains("deep.") {
            // Each delegation one label deeper.
            return Act::Reply(referral(asked, &format!("{name}."), &[("ns.attack.", ATTACKER)]));
        }
        let Some(n) = hostile::number(asked) else {
            return Act::Reply(denial(asked, "attack.", rcode::NOERROR));
        };
        // The address of a server is below another zone, whose server is below the next one.
        let cut = format!("z{n}.attack.");
        Act::Reply(referral(asked, &cut, &[(&format!("ns.z{}.attack.", n + 1), "")]))
    })?;
    for name in ["z0.attack.", &format!("{}deep.attack.", "a.".repeat(60)), "z40.attack."] {
        let reply = attack.0.client.clone().time_limit(Duration::from_secs(10));
        let reply = reply.udp(attack.0.to, &Message::query(name, "A").edns(1232))?;
        ensure_eq!(reply.message.rcode(), rcode::SERVFAIL, "response code of {name}");
        ensure!(attack.0.seen().len() <= 3 * 200, "{} queries", attack.0.seen().len());
    }
    attack.ask("z80.attack.", "A").and_then(|toll| failed(&toll))?;
    Ok(Outcome::Passed)
}
