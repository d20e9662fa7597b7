//! What operators are told of what went wrong, or who did something, is the cause.
//!
//! The situations of issue 10 that have tests beside these: `refreshing::hostile` (10: serials, ends, owners, aliases, ids, sizes),
//! `refreshing::signing` (11: each error of TSIG), `refreshing::validating` (5: signatures, silence), `refreshing::endless` (2),
//! `switches::digests_of_transferred_zones` (3), `encrypted::transfers` (6: name, issuer, key, port, listener, file),
//! `updating::explained` (20: each prerequisite, each denial, keys, zones, frozen), `signatures` (each error of a request),
//! `refreshing::a_zone_expires_and_comes_back`.

use std::time::Duration;

use rhumb_tests::rig::message::rcode;
use rhumb_tests::rig::script::{Act, Asked, Script, script};
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Client, Folder, Host, Message, Server, Transport, program};
use rhumb_tests::{Outcome, Test, Verdict, ensure, ensure_eq, skip};

use crate::refreshing::hostile::{Rig, primary, refuse, reply, soa, whole};
use crate::updating;

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("zone_causes::of_failed_looks_at_primaries", looks),
    Test::beside("zone_causes::of_versions", versions),
    Test::beside("zone_causes::servers_that_are_behind", behind),
];

const SOA: u16 = 6;
const NOTAUTH: u16 = 9;

/// A primary that answers the question for the SOA so, and has nothing else.
fn asked_for_soa(answer: impl Fn(&Asked) -> Act + Send + Sync + 'static) -> Script {
    script(move |asked| if asked.message.kind() == SOA { answer(asked) } else { refuse(asked) })
}

/// A primary of version 11, whose whole zone has these records.
fn zone(lines: fn() -> Vec<String>) -> Script {
    primary(11, refuse, move |asked| reply(asked, &lines()))
}

fn looks() -> Verdict {
    let rig = Rig::start("")?;
    let unauthoritative = |asked: &Asked| Act::Reply(Message::reply_to(&asked.message).answers(&[&soa(11)]));
    let other_name = |asked: &Asked| reply(asked, &[soa(11).replace("zone.test. 60", "other.test. 60")]);
    let no_start = || whole(11).split_off(1);
    let surplus = || [whole(11), vec!["more.zone.test. 60 IN A 192.0.2.1".to_owned()]].concat();
    let cases = [
        ("SERVFAIL", asked_for_soa(|asked| asked.code(rcode::SERVFAIL)), "it answers SERVFAIL"),
        ("NOTAUTH", asked_for_soa(|asked| asked.code(NOTAUTH)), "it answers NOTAUTH"),
        ("no AA", asked_for_soa(unauthoritative), "it is not authoritative for the zone"),
        ("no SOA", asked_for_soa(|asked| reply(asked, &[])), "what came is no answer"),
        ("the SOA of another zone", asked_for_soa(other_name), "what came is no answer"),
        ("a message of three bytes", asked_for_soa(|_| Act::Raw(vec![1, 2, 3])), "what came is no answer"),
        ("an end at once", asked_for_soa(|_| Act::Close), "the connection was closed before the end"),
        ("a zone that does not begin", zone(no_start), "the first record is not the SOA of the zone"),
        ("records behind the end", zone(surplus), "there are records behind the last SOA"),
        (
            "a zone that is refused",
            primary(11, refuse, |asked| asked.code(NOTAUTH)),
            "the primary answers NOTAUTH",
        ),
    ];
    for (what, script, words) in cases {
        rig.upstream().follow(script);
        let told = rig.refresh()?;
        ensure!(told.contains(words), "{what}: {told}");
        let status = rig.server.tell(&["zone", "status", "zone.test"])?.out;
        ensure!(status.contains(words) && status.contains("192.0.2.2:53"), "{what}: {status}");
        ensure!(rig.serves(10) && !rig.serves(11), "{what}: the version before is not served");
    }
    rig.upstream().follow(primary(11, refuse, |asked| reply(asked, &whole(11))));
    ensure!(rig.refresh()?.contains("serial 11"), "a good one: {}", rig.server.log_tail());
    let status = rig.server.tell(&["zone", "status", "zone.test"])?.out;
    ensure!(!status.contains("failing"), "what is over is told: {status}");
    Ok(Outcome::Passed)
}

/// `zone history` names the file, the key and the address of an update, the primary, and the command.
fn versions() -> Verdict {
    if program::find("nsupdate").is_none() {
        skip!("nsupdate is not here");
    }
    let (host, client) = Host::pair()?;
    let state = Folder::new()?;
    let config = updating::config(&state, updating::ANY);
    let server = Server::start(&host, &config)?;
    updating::taken(&client, &["update add www.zone.test. 300 A 192.0.2.9"])?;
    server.tell(&["zone", "set-serial", "zone.test", "100"])?;
    server.rewrite(&config.file("zone.test.zone", &format!("{}new A 192.0.2.4\n", updating::FILE)))?;
    let history = || server.tell(&["zone", "history", "zone.test"]).map(|told| told.out);
    let line = |history: &str, serial: &str| {
        let found = history.lines().find(|line| line.split_whitespace().next() == Some(serial));
        found.unwrap_or_default().to_owned()
    };
    let is_merged = || history().is_ok_and(|history| !line(&history, "101").is_empty());
    ensure!(until(Duration::from_secs(10), is_merged), "{}", history()?);
    let told = history()?;
    for (serial, words) in
        [("8", "update"), ("8", "key acme.test. 192.0.2.2"), ("100", "command"), ("101", "file")]
    {
        ensure!(line(&told, serial).contains(words), "{serial} {words}: {told}");
    }
    let status = server.tell(&["zone", "status", "zone.test"])?.out;
    ensure!(status.contains(", file"), "who made the last one: {status}");
    let rig = Rig::start("")?;
    rig.follow_difference(10, 11);
    ensure!(rig.refresh()?.contains("(ixfr), serial 11"), "{}", rig.server.log_tail());
    let told = rig.server.tell(&["zone", "history", "zone.test"])?.out;
    let by_transfer = line(&told, "11");
    ensure!(by_transfer.contains("transfer") && by_transfer.contains("192.0.2.2:53"), "{told}");
    Ok(Outcome::Passed)
}

/// A secondary that asks for what is newer than an old serial is named with it; a primary that is older, with its own.
fn behind() -> Verdict {
    let rig = Rig::start(", transfer-to: [{ network: 192.0.2.0/24 }]")?;
    rig.follow_difference(10, 11);
    ensure!(rig.refresh()?.contains("serial 11"), "{}", rig.server.log_tail());
    let (asker, to) = (Client::new(rig.host()), "192.0.2.1:53".parse()?);
    let ixfr = Message::query("zone.test.", "TYPE251").no_recursion();
    let ixfr = ixfr.authorities(&["zone.test. 0 IN SOA . . 10 0 0 0 0"]);
    ensure_eq!(asker.over(Transport::Tcp, to, &ixfr)?.message.rcode(), rcode::NOERROR, "IXFR");
    let status = rig.server.tell(&["zone", "status", "zone.test"])?.out;
    let client = "192.0.2.2, ";
    let asked = "asked for what is newer than 10, serial 11 then";
    ensure!(status.contains(client) && status.contains(asked), "{status}");
    rig.upstream().follow(primary(9, refuse, refuse));
    let told = rig.refresh()?;
    ensure!(told.contains("its serial 9 is older than 11, which is served"), "{told}");
    let status = rig.server.tell(&["zone", "status", "zone.test"])?.out;
    ensure!(status.contains("its serial 9 is older than 11"), "{status}");
    Ok(Outcome::Passed)
}
