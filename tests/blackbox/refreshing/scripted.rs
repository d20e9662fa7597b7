//! Primaries that send what is allowed though few do, and what is not: the same kinds of answers that the test suites of NSD and BIND
//! have for transfers. A good one is taken as it is, after a bad difference the whole zone is, and a bad zone leaves the version before.

use std::time::Duration;

use rhumb_tests::rig::message::{AA, TC};
use rhumb_tests::rig::script::{Act, Script, Transport, script};
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Client, Message};
use rhumb_tests::{Failure, Outcome, Test, Verdict, ensure, ensure_eq};

use super::answers::{Answer, BAD, NO_ZONES, ODD_ZONES, TAKEN, lines};
use super::hostile::{Rig, message, primary, refuse, reply, soa, whole};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("refreshing::scripted::differences_that_are_taken", taken),
    Test::beside("refreshing::scripted::zones_that_are_taken", zones),
    Test::beside("refreshing::scripted::the_whole_zone_after_a_bad_difference", fallback),
    Test::beside("refreshing::scripted::zones_that_are_not_taken", refused),
    Test::beside("refreshing::scripted::a_difference_that_never_comes", silence),
    Test::beside("refreshing::scripted::a_serial_that_goes_round", around),
    Test::beside("refreshing::scripted::a_cut_answer_by_udp", cut),
];

const TO: &str = "192.0.2.1:53";

/// A secondary of version 10 asks a primary of another one, whose differences are these; nothing else is to be had.
fn takes(what: &str, serial: u32, ixfr: Answer) -> Result<Rig, Failure> {
    let rig = Rig::start(", transfer-to: [{ network: 192.0.2.0/24 }]")?;
    rig.upstream().follow(primary(serial, ixfr, refuse));
    let told = rig.refresh()?;
    ensure!(told.contains(&format!("serial {serial}")), "{what}: {told}");
    ensure!(rig.serves(serial) && !rig.serves(10), "{what}: {serial} is not served");
    Ok(rig)
}

/// The records of the zone as it is served, without SOA.
fn served(rig: &Rig) -> Result<Vec<String>, Failure> {
    let axfr = Message::query("zone.test.", "AXFR").no_recursion();
    let answer = Client::new(rig.host()).over(Transport::Tcp, TO.parse()?, &axfr)?.message;
    let others = answer.answer.iter().filter(|record| record.kind != 6);
    let mut lines: Vec<String> = others.map(|record| format!("{} {}", record.key(), record.ttl)).collect();
    lines.sort();
    Ok(lines)
}

fn taken() -> Verdict {
    for (what, serial, ixfr, more) in TAKEN {
        let rig = takes(what, *serial, *ixfr)?;
        let mut expected = lines(&["ns.zone.test. a 192.0.2.1 60", "zone.test. ns ns.zone.test. 60"]);
        expected.push(format!("v{serial}.zone.test. a 192.0.2.9 60"));
        expected.extend(lines(more));
        if more.iter().any(|line| line.starts_with("ns.")) {
            expected.remove(0);
        }
        expected.sort();
        ensure_eq!(served(&rig)?, expected, "{what}");
    }
    Ok(Outcome::Passed)
}

/// Whole zones that have something odd, and what they hold.
fn zones() -> Verdict {
    for (what, axfr, more) in ODD_ZONES {
        let rig = Rig::start(", transfer-to: [{ network: 192.0.2.0/24 }]")?;
        rig.upstream().follow(primary(11, refuse, axfr));
        let told = rig.refresh()?;
        ensure!(told.contains("(axfr), serial 11"), "{what}: {told}");
        let mut expected = lines(&["ns.zone.test. a 192.0.2.1 60", "zone.test. ns ns.zone.test. 60"]);
        expected.push("v11.zone.test. a 192.0.2.9 60".to_owned());
        expected.extend(lines(more));
        expected.sort();
        ensure_eq!(served(&rig)?, expected, "{what}");
    }
    Ok(Outcome::Passed)
}

/// The zone that follows is taken, on the spot.
fn fallback() -> Verdict {
    for (what, ixfr, words) in BAD {
        let rig = Rig::start("")?;
        let serial = if what.contains("step") { 13 } else { 11 };
        rig.upstream().follow(primary(serial, *ixfr, move |asked| reply(asked, &whole(serial))));
        let told = rig.refresh()?;
        ensure!(told.contains(&format!("(axfr), serial {serial}")), "{what}: {told}");
        ensure!(rig.serves(serial) && !rig.serves(10), "{what}: {serial} is not served");
        let log = rig.server.log();
        ensure!(log.contains(words), "{what}: {words:?} is not in {log}");
    }
    Ok(Outcome::Passed)
}

fn refused() -> Verdict {
    let rig = Rig::start("")?;
    for (what, axfr, words) in NO_ZONES {
        rig.upstream().follow(primary(11, refuse, *axfr));
        let told = rig.refresh()?;
        ensure!(told.contains(words), "{what}: {told}");
        ensure!(rig.serves(10) && !rig.serves(11), "{what}: the version before is not served");
        let status = rig.server.tell(&["zone", "status", "zone.test"])?.out;
        ensure!(status.contains("refresh fails") && status.contains(words), "{what}: {status}");
    }
    rig.upstream().follow(primary(11, refuse, |asked| reply(asked, &whole(11))));
    ensure!(rig.refresh()?.contains("serial 11"), "a good one: {}", rig.server.log_tail());
    Ok(Outcome::Passed)
}

fn announce(rig: &Rig) -> Result<(), Failure> {
    let mut notify = Message::query("zone.test.", "SOA").no_recursion();
    notify.flags |= 4 << 11 | AA;
    Client::new(rig.host()).udp(TO.parse()?, &notify).map(drop)
}

/// A primary that leaves the request for a difference unanswered is asked for the whole zone.
fn silence() -> Verdict {
    let rig = Rig::start("")?;
    rig.upstream().follow(primary(11, |_| Act::Silent, |asked| reply(asked, &whole(11))));
    announce(&rig)?;
    let taken = until(Duration::from_secs(100), || {
        std::thread::sleep(Duration::from_millis(500));
        rig.serves(11)
    });
    ensure!(taken && !rig.serves(10), "{}", rig.server.log_tail());
    Ok(Outcome::Passed)
}

/// RFC 1982: behind the last number comes the first.
fn around() -> Verdict {
    let rig = Rig::start("")?;
    for (from, to) in [(10, 2_147_483_650), (2_147_483_650, 4_294_967_295), (4_294_967_295, 7)] {
        rig.follow_difference(from, to);
        let told = rig.refresh()?;
        ensure!(told.contains(&format!("(ixfr), serial {to}")), "from {from} to {to}: {told}");
        ensure!(rig.serves(to) && !rig.serves(from), "{to} is not served");
    }
    // Half the way round is neither newer nor older.
    rig.upstream().follow(primary(7 + (1 << 31), refuse, |asked| reply(asked, &whole(7 + (1 << 31)))));
    let told = rig.refresh()?;
    ensure!(rig.serves(7) && !told.contains("transferred"), "half the way round: {told}");
    Ok(Outcome::Passed)
}

/// `refresh-over: udp`: where the answer is cut, TCP has it.
fn cut() -> Verdict {
    let rig = Rig::start(", refresh-over: udp")?;
    let answers: Script = script(|asked| match (asked.message.kind(), asked.transport) {
        (6, Transport::Udp) => {
            let answer = message(asked, &[]);
            Act::Reply(Message { flags: answer.flags | TC, ..answer })
        }
        (6, Transport::Tcp) => reply(asked, &[soa(11)]),
        _ => reply(asked, &whole(11)),
    });
    rig.upstream().follow(answers);
    rig.upstream().forget();
    let told = rig.refresh()?;
    ensure!(told.contains("serial 11") && rig.serves(11), "{told}");
    let by_udp = rig.upstream().seen().iter().any(|asked| asked.transport == Transport::Udp);
    ensure!(by_udp, "nothing was asked by UDP");
    Ok(Outcome::Passed)
}
