//! Secondaries that look closer, or ask otherwise: `validate: true` and `refresh-over: udp`.

use std::time::Duration;

use rhumb_tests::rig::message::{AA, TC};
use rhumb_tests::rig::script::{Act, Asked, Script, Transport, script};
use rhumb_tests::rig::{Message, Record, ZoneSigner};
use rhumb_tests::{Outcome, Test, Verdict, ensure, ensure_eq};

use super::hostile::{Rig, difference, message, primary, refuse, reply, soa, whole};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("refreshing::validating::what_keys_do_not_prove", unproven),
    Test::beside("refreshing::validating::the_soa_by_udp", by_udp),
];

const SOA: u16 = 6;
const ZONE: &str = "zone.test.";

/// The sets of a signed version, with what is unsigned below a delegation.
fn sets(serial: u32) -> Vec<Vec<Record>> {
    let lines = [
        soa(serial),
        "zone.test. 60 IN NS ns.zone.test.".to_owned(),
        "ns.zone.test. 60 IN A 192.0.2.1".to_owned(),
        format!("v{serial}.zone.test. 60 IN A 192.0.2.9"),
        "*.wild.zone.test. 60 IN TXT any".to_owned(),
    ];
    let mut sets: Vec<Vec<Record>> = lines.iter().map(|line| vec![Record::from_text(line)]).collect();
    sets.push(vec![ZoneSigner::new(ZONE, 0).key()]);
    sets
}

/// What a version has instead of a good signature of its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HostSignature {
    Good,
    Wrong,
    Missing,
    Expired,
    OtherKey,
}

/// A primary whose zone is signed, but for one set perhaps.
fn signed(serial: u32, host: HostSignature) -> Script {
    primary(serial, refuse, move |asked| {
        let signer = ZoneSigner::new(ZONE, 0);
        let mut records = Vec::new();
        for set in sets(serial) {
            if !set[0].owner.starts_with('v') {
                records.extend(signer.sign(&set));
                continue;
            }
            let mut with_signature = match host {
                HostSignature::Expired => signer.sign_between(&set, (-7200, -3600)),
                HostSignature::OtherKey => ZoneSigner::new(ZONE, 1).sign(&set),
                _ => signer.sign(&set),
            };
            match host {
                HostSignature::Missing => drop(with_signature.pop()),
                HostSignature::Wrong => {
                    let last = with_signature.last_mut().and_then(|signature| signature.rdata.last_mut());
                    *last.expect("a signature") ^= 1;
                }
                _ => {}
            }
            records.append(&mut with_signature);
        }
        records.extend(
            ["sub.zone.test. 60 IN NS ns.sub.zone.test.", "ns.sub.zone.test. 60 IN A 192.0.2.7"]
                .map(Record::from_text),
        );
        records.push(Record::from_text(&soa(serial)));
        let answer = Message { answer: records, ..Message::reply_to(&asked.message) };
        Act::Reply(Message { flags: answer.flags | AA, ..answer })
    })
}

/// A version that its keys do not prove is refused, and why is told; one that they prove is taken, and so is one without keys.
fn unproven() -> Verdict {
    let rig = Rig::start(", validate: true")?;
    for (host, words) in [
        (HostSignature::Wrong, "wrong signature of v11.zone.test. A"),
        (HostSignature::Missing, "v11.zone.test. A: no signature"),
        (HostSignature::Expired, "signature of v11.zone.test. A expired"),
        (HostSignature::OtherKey, "there is no such key"),
    ] {
        rig.upstream().follow(signed(11, host));
        let told = rig.refresh()?;
        ensure!(told.contains("the zone is not valid: ") && told.contains(words), "{host:?}: {told}");
        ensure!(rig.serves(10) && !rig.serves(11), "{host:?}: the version before is not served");
        let status = rig.server.tell(&["zone", "status", "zone.test"])?.out;
        ensure!(status.contains(words), "{host:?}: {status}");
    }
    ensure!(rig.server.log().contains("the zone is not valid: "), "{}", rig.server.log_tail());
    ensure_eq!(rig.server.metric("rhumb_transfer_invalid_total", &[])?.to_string(), "4", "refused versions");
    rig.upstream().follow(signed(11, HostSignature::Good));
    let told = rig.refresh()?;
    ensure!(told.contains("serial 11") && rig.serves(11), "a good one: {told}");
    rig.upstream().follow(primary(12, refuse, |asked| reply(asked, &whole(12))));
    let told = rig.refresh()?;
    ensure!(told.contains("serial 12") && rig.serves(12), "one without keys: {told}");
    // Without the key, nothing of it matters.
    let rig = Rig::start("")?;
    rig.upstream().follow(signed(11, HostSignature::Wrong));
    let told = rig.refresh()?;
    ensure!(told.contains("serial 11") && rig.serves(11), "without `validate`: {told}");
    Ok(Outcome::Passed)
}

/// The question goes by UDP, what is newer comes by TCP; a datagram that does not hold the answer is followed by TCP.
fn by_udp() -> Verdict {
    let rig = Rig::start(", refresh-over: udp")?;
    // Transport and type of what was asked.
    let seen = || -> Vec<(Transport, u16)> {
        let seen = rig.upstream().seen();
        rig.upstream().forget();
        seen.iter().map(|asked| (asked.transport, asked.message.kind())).collect()
    };
    seen();
    let told = rig.refresh()?;
    ensure!(told.contains("up to date, serial 10"), "{told}");
    ensure_eq!(seen(), [(Transport::Udp, SOA)], "nothing new");
    rig.follow_difference(10, 11);
    let told = rig.refresh()?;
    ensure!(told.contains("(ixfr), serial 11") && rig.serves(11), "{told}");
    ensure_eq!(seen(), [(Transport::Udp, SOA), (Transport::Tcp, 251)], "a new version");
    let cut = |asked: &Asked| match asked.transport {
        Transport::Udp => {
            let answer = message(asked, &[]);
            Act::Reply(Message { flags: answer.flags | TC, ..answer })
        }
        Transport::Tcp if asked.message.kind() == SOA => reply(asked, &[soa(12)]),
        Transport::Tcp => reply(asked, &difference(11, 12)),
    };
    rig.upstream().follow(script(cut));
    let told = rig.refresh()?;
    ensure!(told.contains("(ixfr), serial 12") && rig.serves(12), "{told}");
    let asked = seen();
    ensure_eq!(asked, [(Transport::Udp, SOA), (Transport::Tcp, SOA), (Transport::Tcp, 251)], "cut short");
    // An answer to something else is passed over, and the true one comes.
    let two = |asked: &Asked| {
        let answer = message(asked, &[soa(12)]);
        let other = Message { id: answer.id.wrapping_add(1), ..message(asked, &[soa(99)]) };
        Act::Each(vec![Act::Reply(other), Act::Reply(answer).after(Duration::from_millis(50))])
    };
    rig.upstream().follow(script(two));
    let told = rig.refresh()?;
    ensure!(told.contains("up to date, serial 12"), "{told}");
    // Silence is told, and what was served stays.
    rig.upstream().follow(script(|_| Act::Silent));
    seen();
    let told = rig.refresh()?;
    ensure!(told.contains("no answer in time") && rig.serves(12), "{told}");
    ensure_eq!(seen(), [(Transport::Udp, SOA); 3], "asked three times");
    Ok(Outcome::Passed)
}
