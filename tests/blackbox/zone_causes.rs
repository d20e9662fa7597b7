//! What operators are told of what went wrong, or who did something, is the cause.
//!
//! The situations of issue 10 that have tests beside these: `refreshing::hostile` (10: serials, ends, owners, aliases, ids, sizes),
//! `refreshing::scripted` (23: answers that are no difference or no zone), `refreshing::signing` (11: each error of TSIG),
//! `refreshing::validating` (5: signatures, silence), `refreshing::endless` (2), `switches::digests_of_transferred_zones` (3),
//! `encrypted::transfers` (6: name, issuer, key, port, listener, file), `updating::explained` (20: each prerequisite, each denial, keys,
//! zones, frozen), `signatures` (3: unknown key, other algorithm, wrong MAC), `interoperating` (4: clocks that differ, either way and on
//! either side), `refreshing::a_zone_expires_and_comes_back`.

use std::time::Duration;

use rhumb_tests::rig::message::rcode;
use rhumb_tests::rig::script::{Act, Asked, Script, script};
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Client, Folder, Host, Message, Record, Server, Transport, program};
use rhumb_tests::{Context, Outcome, Test, Verdict, ensure, ensure_eq, skip};

use crate::refreshing::hostile::{Rig, primary, refuse, reply, soa, whole};
use crate::updating;
use crate::updating::messages::message;
use crate::updating::replayed::recorded;

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("zone_causes::of_failed_looks_at_primaries", looks),
    Test::beside("zone_causes::of_versions", versions),
    Test::beside("zone_causes::servers_that_are_behind", behind),
    Test::beside("zone_causes::of_updates_that_are_denied", denied),
    Test::beside("zone_causes::of_signatures_that_are_malformed", malformed),
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

/// An update, its response code, extended error and the words with it, words of the log, and the label of the counter.
type DeniedUpdate = (&'static str, Message, u16, Option<u16>, &'static str, &'static str, &'static str);

/// Updates of a zone whose `many` has a thousand addresses, by a client that may change that and `www`.
fn denied_updates() -> [DeniedUpdate; 6] {
    let other_zone = Message { questions: vec![("other.test.".to_owned(), SOA, 1)], ..message(&[]) };
    let other_type = Message { questions: vec![("zone.test.".to_owned(), 1, 1)], ..message(&[]) };
    [
        (
            "another zone",
            other_zone,
            NOTAUTH,
            Some(20),
            "the zone is not changed here",
            "",
            "not-authoritative",
        ),
        ("no SOA in the zone section", other_type, rcode::FORMERR, Some(0), "is not SOA", "", "malformed"),
        (
            "another name",
            message(&["ns.zone.test. 60 IN A 192.0.2.9"]),
            rcode::REFUSED,
            Some(18),
            "no rule of the zone allows it: add A of ns.zone.test.",
            "add A of ns.zone.test.: no rule of the zone allows it",
            "refused",
        ),
        (
            "a name of another zone",
            message(&["www.other. 60 IN A 192.0.2.9"]),
            10,
            None,
            "",
            "www.other. does not lie in the zone",
            "malformed",
        ),
        (
            "one record too many",
            message(&["many.zone.test. 60 IN A 192.0.2.9"]),
            rcode::REFUSED,
            Some(0),
            "a set would have too many records",
            "many.zone.test. would have more than 1000 A records",
            "refused",
        ),
        (
            "an address of three bytes",
            message(&["www.zone.test. 60 IN A \\# 3 c00002"]),
            rcode::FORMERR,
            Some(0),
            "RDATA does not fit its type",
            "update refused: RDATA does not fit its type",
            "malformed",
        ),
    ]
}

/// Each update that is not carried out: the response code, the extended error with its words, the words in the log, and the counter.
fn denied() -> Verdict {
    let (host, client) = Host::pair()?;
    let state = Folder::new()?;
    let rules = "{ network: 192.0.2.2, names: [www, many, a/] }";
    let server = Server::start(&host, &updating::config(&state, rules))?;
    let (asker, to) = (Client::new(&client), updating::TO.parse()?);
    let send = |message: &Message| asker.over(Transport::Tcp, to, message).map(|reply| reply.message);
    let hosts: Vec<String> =
        (0..1000).map(|host| format!("many.zone.test. 60 IN A 10.0.{}.{}", host / 250, host % 250)).collect();
    let hosts = message(&hosts.iter().map(String::as_str).collect::<Vec<_>>());
    ensure_eq!(send(&hosts)?.rcode(), rcode::NOERROR, "a thousand records");
    let alone = message(&["www.zone.test. 60 IN A 192.0.2.9"]);
    for (what, message, code, error, words, logged, counted) in denied_updates() {
        let label = format!("result=\"{counted}\"");
        let count = || server.metric("rhumb_updates_total", &[&label]);
        let before = count()?;
        let answer = send(&message.edns(1232))?;
        ensure_eq!((answer.rcode(), answer.extended_error()), (code, error), "{what}: {answer:?}");
        ensure!(format!("{answer:?}").contains(words), "{what}: {answer:?}");
        ensure!(server.logs(logged, Duration::from_secs(5)), "{what}: {}", server.log_tail());
        ensure!(count()? > before, "{what}: {counted} is not counted");
        // A line a second is written.
        std::thread::sleep(Duration::from_millis(1100));
    }
    server.tell(&["zone", "freeze", "zone.test"])?;
    let answer = send(&alone.clone().edns(1232))?;
    ensure_eq!((answer.rcode(), answer.extended_error()), (rcode::REFUSED, Some(18)), "frozen: {answer:?}");
    ensure!(format!("{answer:?}").contains("the zone is frozen"), "frozen: {answer:?}");
    server.tell(&["zone", "thaw", "zone.test"])?;
    ensure_eq!(send(&alone)?.rcode(), rcode::NOERROR, "thawed: {}", server.log_tail());
    let stranger =
        Client::new(&host).over(Transport::Tcp, "127.0.0.1:53".parse()?, &message(&[]).edns(1232))?;
    ensure_eq!(stranger.message.rcode(), rcode::REFUSED, "a stranger");
    let why = "update refused: no rule of the zone is for this client";
    ensure!(server.logs(why, Duration::from_secs(5)), "{}", server.log_tail());
    Ok(Outcome::Passed)
}

/// Signatures that cannot be right whatever the key: FORMERR, and the log says what is wrong.
fn malformed() -> Verdict {
    if program::find("nsupdate").is_none() {
        skip!("nsupdate is not here");
    }
    let (host, client) = Host::pair()?;
    let state = Folder::new()?;
    let server = Server::start(&host, &updating::config(&state, updating::ANY))?;
    let asker = Client::new(&client);
    let good = recorded(&client, None, "update add a.zone.test. 60 A 192.0.2.9")?;
    let signed = Message::from_wire(&good)?;
    let tsig = signed.additional.last().context("no TSIG")?.clone();
    let with = |tsig: Record| Message { additional: vec![tsig], ..signed.clone() };
    // The MAC, of 32 bytes, ends before the id, the error and the length of other data.
    let mut short = tsig.rdata.clone();
    let end = short.len() - 6;
    short.drain(end - 24..end);
    short[end - 33] = 8;
    let cases = [
        ("a TTL", with(Record { ttl: 1, ..tsig.clone() }), "the class of TSIG is not ANY or its TTL not 0"),
        (
            "a class",
            with(Record { class: 1, ..tsig.clone() }),
            "the class of TSIG is not ANY or its TTL not 0",
        ),
        ("a MAC of eight bytes", with(Record { rdata: short, ..tsig.clone() }), "the MAC has a length"),
        (
            "half of it",
            with(Record { rdata: tsig.rdata[..20].to_vec(), ..tsig.clone() }),
            "RDATA of TSIG is malformed",
        ),
    ];
    for (number, (what, message, words)) in (1..).zip(cases) {
        let (answer, _) = asker
            .exchange_raw(updating::TO.parse()?, &message.to_wire())?
            .context(format!("{what}: no answer"))?;
        ensure_eq!(Message::from_wire(&answer)?.rcode(), rcode::FORMERR, "{what}");
        ensure!(
            server.logs(&format!("TSIG: {words}"), Duration::from_secs(5)),
            "{what}: {}",
            server.log_tail()
        );
        let counted = server.metric("rhumb_tsig_errors_total", &["malformed"])?;
        ensure_eq!(format!("{counted:.0}"), number.to_string(), "{what}: as counted");
        // A line a second is written.
        std::thread::sleep(Duration::from_millis(1100));
    }
    ensure!(
        asker.ask(updating::TO.parse()?, "a.zone.test.", "A")?.data("A").is_empty(),
        "it was carried out"
    );
    Ok(Outcome::Passed)
}
