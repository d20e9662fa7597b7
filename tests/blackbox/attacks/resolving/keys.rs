//! Keys and signatures that cost as much as they can.

use std::thread;
use std::time::{Duration, Instant};

use rhumb_tests::rig::hostile::{
    self, ATTACKER, SIGNED, UNSIGNED_GOOD, address, asks_keys, junk, says, signer,
};
use rhumb_tests::rig::internet::Delegation;
use rhumb_tests::rig::load::Wanted;
use rhumb_tests::rig::signer::{digest_of, junk_signature, key_of, key_tag};
use rhumb_tests::rig::{Internet, Load, Record, rcode};
use rhumb_tests::{Failure, Outcome, Test, Verdict, ensure, ensure_eq, fail};

use super::{Attack, failed};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("attacks::row13_no_validation_resets_the_budget", no_reset),
    Test::alone("attacks::row16_colliding_keys", colliding_keys),
    Test::alone("attacks::row17_huge_exponents", huge_exponents),
    Test::beside("attacks::row18_keys_that_are_none", no_keys),
    Test::alone("attacks::row26_fifty_at_once", fifty_at_once),
];

fn key_trap() -> Result<Attack, Failure> {
    Attack::with(&Internet::config(true), &[], SIGNED, hostile::key_trap)
}

fn colliding_keys() -> Verdict {
    let attack = key_trap()?;
    let toll = attack.ask("www.attack.", "A")?;
    failed(&toll)?;
    ensure!((3..=16).contains(&toll.signatures), "{} signatures checked", toll.signatures);
    // Each of them over UDP and, being too long for that, over TCP; one that a busy machine answers late is asked again.
    ensure!((4..=16).contains(&toll.queries), "{} queries", toll.queries);
    let cpu = attack.cpu_of_one("attack.")?;
    ensure!(cpu <= Duration::from_millis(10), "{cpu:?} of CPU a question");
    Ok(Outcome::Passed)
}

/// The keys themselves are signed by junk alone.
fn no_reset() -> Verdict {
    let attack = Attack::with(&Internet::config(true), &[], SIGNED, |asked| {
        if asks_keys(asked) {
            return says(asked, junk(signer().key()));
        }
        says(asked, junk(address(asked)))
    })?;
    let toll = attack.ask("www.attack.", "A")?;
    failed(&toll)?;
    ensure!(toll.queries <= 16, "{} queries", toll.queries);
    ensure!(toll.signatures <= 16, "{} signatures checked", toll.signatures);
    // What is known to be bogus costs nothing for a while.
    let later = attack.ask("www2.attack.", "A")?;
    failed(&later)?;
    ensure!(later.signatures == 0 && later.queries <= 4, "a second question cost {later:?}");
    Ok(Outcome::Passed)
}

/// RSA with an exponent of 2040 bits.
fn huge_key() -> Record {
    key_of("attack.", 8, &[vec![255], vec![0xff; 255], vec![0xef; 256]].concat())
}

fn huge_exponents() -> Verdict {
    const HUGE: &[Delegation] = &[
        Delegation { domain: "attack.", address: ATTACKER, digests: || vec![digest_of(&huge_key())] },
        UNSIGNED_GOOD,
    ];
    let attack = Attack::with(&Internet::config(true), &[], HUGE, |asked| {
        let set = if asks_keys(asked) { huge_key() } else { address(asked) };
        let tag = key_tag(&huge_key().rdata);
        let signatures = (1..=20).map(|n| junk_signature(&set, "attack.", 8, tag, (n, 256)));
        let signatures: Vec<Record> = signatures.collect();
        says(asked, [vec![set], signatures].concat())
    })?;
    let before = attack.0.server.cpu_time()?;
    let toll = attack.ask("www.attack.", "A")?;
    failed(&toll)?;
    ensure!(toll.signatures <= 16, "{} signatures checked", toll.signatures);
    let cpu = attack.0.server.cpu_since(before)?;
    ensure!(cpu <= Duration::from_millis(100), "{cpu:?} of CPU, the innocent questions included");
    let cpu = attack.cpu_of_one("attack.")?;
    ensure!(cpu <= Duration::from_millis(10), "{cpu:?} of CPU a question");
    Ok(Outcome::Passed)
}

/// Keys that their DS matches and that are none: a point beside the curve, keys that are too short (CVE-2025-8677).
fn no_keys() -> Verdict {
    fn point() -> Record {
        key_of("attack.", 13, &[0xff; 64])
    }
    fn short_point() -> Record {
        key_of("attack.", 13, &[1])
    }
    fn short_edwards() -> Record {
        key_of("attack.", 15, &[1, 2, 3])
    }
    fn short_rsa() -> Record {
        key_of("attack.", 8, &[3, 1, 0])
    }
    const fn attacked(digests: fn() -> Vec<Record>) -> [Delegation; 2] {
        [Delegation { domain: "attack.", address: ATTACKER, digests }, UNSIGNED_GOOD]
    }
    const POINT: &[Delegation] = &attacked(|| vec![digest_of(&point())]);
    const SHORT_POINT: &[Delegation] = &attacked(|| vec![digest_of(&short_point())]);
    const SHORT_EDWARDS: &[Delegation] = &attacked(|| vec![digest_of(&short_edwards())]);
    const SHORT_RSA: &[Delegation] = &attacked(|| vec![digest_of(&short_rsa())]);
    let cases: [(_, fn() -> Record); 4] =
        [(POINT, point), (SHORT_POINT, short_point), (SHORT_EDWARDS, short_edwards), (SHORT_RSA, short_rsa)];
    for (delegations, key) in cases {
        let attack = Attack::with(&Internet::config(true), &[], delegations, move |asked| {
            let set = if asks_keys(asked) { key() } else { address(asked) };
            let (algorithm, tag) = (key().rdata[3], key_tag(&key().rdata));
            let signatures = (1..=60).map(|n| junk_signature(&set, "attack.", algorithm, tag, (n, 64)));
            let signatures: Vec<Record> = signatures.collect();
            says(asked, [vec![set], signatures].concat())
        })?;
        let toll = attack.ask("www.attack.", "A")?;
        failed(&toll)?;
        ensure!(toll.signatures <= 16, "{} signatures checked for {:?}", toll.signatures, key());
        ensure!(toll.queries <= 8, "{} queries", toll.queries);
    }
    Ok(Outcome::Passed)
}

/// Fifty of them at once, again and again for two seconds: what is in the cache is answered as if they were not there.
fn fifty_at_once() -> Verdict {
    let attack = key_trap()?;
    let Internet { server, client, to, .. } = &attack.0;
    let innocent = || vec![Wanted::address("www.good.", "198.18.8.80")];
    let fifty = |round: u32| -> Vec<u16> {
        thread::scope(|scope| {
            let ask = |number| client.ask(*to, &format!("r{round}n{number}.attack."), "A");
            let asking: Vec<_> = (0..50).map(|number| scope.spawn(move || ask(number))).collect();
            let replies = asking.into_iter().filter_map(|asking| asking.join().ok()?.ok());
            replies.map(|reply| reply.rcode()).collect()
        })
    };
    let mut late = Vec::new();
    let mut round = 0_u32;
    // A machine that does other things as well is late by itself: the best of three is what counts.
    for _ in 0..3 {
        let quiet = Load::run(client, *to, 200, innocent(), Duration::from_secs(1))?;
        let checked = server.metric("rhumb_resolver_signatures_total", &[])?;
        let first = round;
        let load = Load::start(client, *to, 200, innocent())?;
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(2) {
            let codes = fifty(round);
            // What took too long for a datagram is not answered any more.
            let wrong = codes.iter().find(|code| **code != rcode::SERVFAIL);
            ensure!(!codes.is_empty() && wrong.is_none(), "response codes of fifty questions: {codes:?}");
            round += 1;
        }
        let report = load.stop();
        ensure_eq!(
            (report.lost, report.wrong),
            (0, 0),
            "lost and wrong of {} innocent questions",
            report.sent
        );
        let checked = server.metric("rhumb_resolver_signatures_total", &[])? - checked;
        let most = f64::from(round - first) * 50.0 * 16.0;
        ensure!(checked <= most, "{checked} signatures checked, {most} at the most");
        let (slow, usual) = (report.quantile(0.99), quiet.quantile(0.99));
        if slow <= Duration::from_millis(20) + usual {
            return Ok(Outcome::Passed);
        }
        late.push((slow, usual));
    }
    fail!("99 of 100 innocent questions took as long as this, with the attack and before: {late:?}")
}
