//! Settings of zones and of their transfers, each against a server that shows what it does, also when a reload changes it.

use std::net::SocketAddr;
use std::time::Duration;

use rhumb_tests::rig::message::{AA, rcode};
use rhumb_tests::rig::script::{Act, Asked, Script, Transport, script};
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Client, Config, Folder, Host, Message, Server, Upstream};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq};

use crate::refreshing::hostile::{Rig, difference, primary, reply, soa, whole};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("switches::so_many_zones_are_given_at_one_time", given),
    Test::beside("switches::so_many_primaries_are_asked_at_one_time", asked_at_once),
    Test::beside("switches::so_many_primaries_are_asked_in_a_second", asked_in_a_second),
    Test::beside("switches::differences_that_do_not_fit", misfits),
    Test::beside("switches::digests_of_transferred_zones", digests),
    Test::beside("switches::the_address_that_messages_leave_from", sources),
];

const TO: &str = "192.0.2.1:53";
const SOA: u16 = 6;
const AXFR: &str = "AXFR";

/// Whether a transfer that is begun now is given.
fn is_given(client: &Client) -> Result<(bool, rhumb_tests::rig::stream::Stream), Failure> {
    let mut stream = client.tcp(TO.parse()?)?;
    stream.send(&Message::query("zone.test.", AXFR).no_recursion().edns(1232).to_wire())?;
    let first = stream.receive(Duration::from_secs(10))?.context("no answer")?;
    Ok((Message::from_wire(&first)?.rcode() == rcode::NOERROR, stream))
}

/// `transfers: out` and `out-per-network` are those of the last reload; a transfer that was begun goes on.
fn given() -> Verdict {
    let (host, client) = Host::pair()?;
    client.address("eth0", "192.0.2.3/24")?;
    // More than the buffers of both ends take, so that a client that reads no more has its place for a while.
    let mut zone = "$TTL 60\n@ SOA ns admin 1 3600 600 86400 60\n@ NS ns\nns A 192.0.2.1\n".to_owned();
    let text = "x".repeat(200);
    zone.extend((0..70_000).map(|number| format!("h{number} TXT {text}\n")));
    let config = |limits: &str| {
        let more = format!(
            "transfers: {{ {limits} }}\nzones:\n  - {{ name: zone.test, file: zone.test.zone, transfer-to: [{{ network: 192.0.2.0/24 }}] }}\n"
        );
        Config::new().listen("::").file("zone.test.zone", &zone).more(&more)
    };
    let server = Server::start(&host, &config("out: 1"))?;
    let client = Client::new(&client);
    let other = client.clone().from("192.0.2.3".parse()?);
    let reload = |limits: &str| -> Result<(), Failure> {
        server.folder().write("rhumb.yaml", config(limits).text())?;
        server.reload().map(drop)
    };
    let (is_first_given, first) = is_given(&client)?;
    ensure!(is_first_given && !is_given(&other)?.0, "more than one at one time: {}", server.log_tail());
    reload("out: 3, out-per-network: 1")?;
    ensure!(!is_given(&client)?.0, "more than one to one network");
    let (is_second_given, second) = is_given(&other)?;
    ensure!(is_second_given, "one each to two networks: {}", server.log_tail());
    reload("out: 3, out-per-network: 2")?;
    let (is_third_given, third) = is_given(&client)?;
    ensure!(is_third_given, "two to one network: {}", server.log_tail());
    reload("out: 1")?;
    drop((first, second, third));
    let is_free = until(Duration::from_secs(20), || is_given(&client).is_ok_and(|(is_given, _)| is_given));
    ensure!(is_free, "the places of those that are gone are not free: {}", server.log_tail());
    Ok(Outcome::Passed)
}

const ZONES: usize = 12;
/// How long the primary takes to say which serial it has.
const SLOW: Duration = Duration::from_millis(400);

/// A primary of each zone, which answers questions for the SOA so much later.
fn slow_primary(delay: Duration) -> Script {
    script(move |asked| {
        let zone = format!("{}.", asked.name());
        let soa = format!("{zone} 60 IN SOA ns.{zone} a.{zone} 7 3600 600 86400 60");
        let lines = if asked.message.kind() == SOA {
            vec![soa]
        } else {
            vec![soa.clone(), format!("{zone} 60 IN NS ns.other."), soa]
        };
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let answer = Message::reply_to(&asked.message).answers(&lines);
        let answer = Act::Reply(Message { flags: answer.flags | AA, ..answer });
        if asked.message.kind() == SOA { answer.after(delay) } else { answer }
    })
}

/// A secondary of so many zones, which looks at each every second.
fn many_zones(state: &Folder, limits: &str) -> Config {
    let mut text = format!(
        "state: \"{}\"\ntransfers: {{ {limits} }}\nremotes:\n  - {{ name: p, addresses: 192.0.2.2 }}\nzones:\n",
        state.at("state").display()
    );
    text.extend((0..ZONES).map(|number| {
        format!("  - {{ name: z{number}.test, primaries: [p], refresh: {{ min: 1s, max: 1s }} }}\n")
    }));
    Config::new().listen("::").more(&text)
}

/// A secondary of these zones that has all of them.
fn with_many_zones(
    host: &Host,
    client: &Host,
    state: &Folder,
    limits: &str,
) -> Result<(Server, Upstream), Failure> {
    let upstream = Upstream::start(client, "192.0.2.2", slow_primary(Duration::ZERO))?;
    let server = Server::start(host, &many_zones(state, limits))?;
    let asker = Client::new(client).time_limit(Duration::from_millis(500));
    let to: SocketAddr = TO.parse()?;
    let has = |number: usize| {
        let soa = asker.ask(to, &format!("z{number}.test."), "SOA");
        soa.is_ok_and(|answer| !answer.data("SOA").is_empty())
    };
    let has_all = until(Duration::from_mins(1), || (0..ZONES).all(has));
    ensure!(has_all, "not all zones are there: {}", server.log_tail());
    Ok((server, upstream))
}

/// The questions for the SOA that are asked within so many seconds.
fn soa_queries(upstream: &Upstream, seconds: u64) -> Vec<Asked> {
    upstream.forget();
    std::thread::sleep(Duration::from_secs(seconds));
    upstream.seen().into_iter().filter(|asked| asked.message.kind() == SOA).collect()
}

/// How many of these wait for their answer at one time, at most.
fn at_once(asked: &[Asked], delay: Duration) -> usize {
    let under_way = |at: &Asked| {
        let since = |other: &&Asked| other.at <= at.at && at.at < other.at + delay;
        asked.iter().filter(since).count()
    };
    asked.iter().map(under_way).max().unwrap_or(0)
}

/// `transfers: in` and `in-per-primary` are those of the last reload.
fn asked_at_once() -> Verdict {
    let (host, client) = Host::pair()?;
    let state = Folder::new()?;
    let (server, upstream) = with_many_zones(&host, &client, &state, "in: 1")?;
    upstream.follow(slow_primary(SLOW));
    let most_of = |limits: &str| -> Result<usize, Failure> {
        server.rewrite(&many_zones(&state, limits))?;
        server.reload()?;
        // What was begun before ends.
        std::thread::sleep(2 * SLOW);
        Ok(at_once(&soa_queries(&upstream, 4), SLOW))
    };
    ensure_eq!(most_of("in: 1")?, 1, "in: 1");
    ensure_eq!(most_of("in: 3")?, 3, "in: 3");
    ensure_eq!(most_of("in-per-primary: 2")?, 2, "in-per-primary: 2");
    ensure_eq!(most_of("in: 1")?, 1, "in: 1 again");
    Ok(Outcome::Passed)
}

/// `transfers: soa-queries-per-second` is that of the last reload.
fn asked_in_a_second() -> Verdict {
    let (host, client) = Host::pair()?;
    let state = Folder::new()?;
    let (server, upstream) = with_many_zones(&host, &client, &state, "soa-queries-per-second: 2")?;
    let slow = soa_queries(&upstream, 4).len();
    // Five seconds of the clock are begun at most.
    ensure!((3..=10).contains(&slow), "{slow} questions in four seconds, of which there are two in each");
    server.rewrite(&many_zones(&state, ""))?;
    server.reload()?;
    let usual = soa_queries(&upstream, 4).len();
    ensure!(usual > 20, "{usual} questions in four seconds, of twelve zones in each");
    server.rewrite(&many_zones(&state, "soa-queries-per-second: 1"))?;
    server.reload()?;
    std::thread::sleep(Duration::from_secs(1));
    let again = soa_queries(&upstream, 4).len();
    ensure!(again <= 5, "{again} questions in four seconds, of which there is one in each");
    Ok(Outcome::Passed)
}

/// `strict-differences`: a difference that removes what is not there and adds what is there.
fn misfits() -> Verdict {
    let unfit = |asked: &Asked| {
        let mut lines = difference(10, 11);
        lines.insert(2, "gone.zone.test. 60 IN A 192.0.2.9".to_owned());
        lines.insert(5, "ns.zone.test. 60 IN A 192.0.2.1".to_owned());
        reply(asked, &lines)
    };
    let answers = || primary(11, unfit, |asked| reply(asked, &whole(11)));
    let rig = Rig::start("")?;
    rig.upstream().follow(answers());
    let told = rig.refresh()?;
    ensure!(told.contains("(axfr), serial 11"), "it is taken: {told}");
    let log = rig.server.log();
    ensure!(log.contains("the difference does not fit the version that it is for"), "{log}");
    ensure_eq!(rig.server.metric("rhumb_transfer_misfits_total", &[])?.to_string(), "0", "passed over");

    let rig = Rig::start(", strict-differences: false")?;
    rig.upstream().follow(answers());
    let told = rig.refresh()?;
    ensure!(told.contains("(ixfr), serial 11"), "it is not taken: {told}");
    ensure!(rig.serves(11) && !rig.serves(10), "what fits is not done");
    ensure_eq!(rig.server.metric("rhumb_transfer_misfits_total", &[])?.to_string(), "2", "passed over");
    // What is kept of it is what was done.
    let diff = rig.server.tell(&["zone", "diff", "zone.test", "10", "11"])?;
    ensure!(
        !diff.out.contains("gone.zone.test") && !diff.out.contains("ns.zone.test. 60 IN A"),
        "{}",
        diff.out
    );
    Ok(Outcome::Passed)
}

/// The zone of RFC 8976 appendix A.1.
fn digested(digest: &str) -> String {
    format!(
        "example. 86400 IN SOA ns1.example. admin.example. 2018031900 1800 900 604800 86400
example. 86400 IN NS ns1.example.
example. 86400 IN NS ns2.example.
{digest}
ns1.example. 3600 IN A 203.0.113.63
ns2.example. 3600 IN AAAA 2001:db8::63
"
    )
}

const DIGEST: &str = "example. 86400 IN ZONEMD 2018031900 1 1 \
    c68090d90a7aed716bc459f9340e3d7c1370d4d24b7e2fc3a1ddc0b9a87153b9a9713b3c9ae5cc27777f98b8e730044c";

/// `zonemd` of a secondary: what is served of zones with a right digest, a wrong one, one by a hash that nobody knows, and none.
fn digests() -> Verdict {
    let (host, client) = Host::pair()?;
    let wrong = DIGEST.replace("c68090", "c68091");
    let unknown = DIGEST.replace(" 1 1 ", " 1 240 ");
    let asker = Client::new(&client).time_limit(Duration::from_millis(500));
    let serves = || {
        let soa = asker.ask(TO.parse().expect("an address"), "example.", "SOA");
        soa.is_ok_and(|answer| !answer.data("SOA").is_empty())
    };
    for (what, digest, refused) in [
        ("a right digest", DIGEST, [None, None, None]),
        ("a wrong digest", &wrong, [Some("digest"), Some("digest"), None]),
        ("an unknown hash", &unknown, [None, Some("ZONEMD that can be verified"), None]),
        ("no digest", "", [None, Some("ZONEMD that can be verified"), None]),
    ] {
        let zone = "zones:\n  - { name: example, file: example.zone, zonemd: ignore, transfer-to: [{ network: 192.0.2.0/24 }] }\n";
        let primary = Config::new().listen("192.0.2.2").file("example.zone", &digested(digest)).more(zone);
        let _primary = Server::start(&client, &primary)?;
        for (policy, refused) in ["verify", "require", "ignore"].into_iter().zip(refused) {
            let state = Folder::new()?;
            let more = format!(
                "state: \"{}\"\nremotes:\n  - {{ name: p, addresses: 192.0.2.2 }}\nzones:\n  - {{ name: example, primaries: [p], zonemd: {policy} }}\n",
                state.at("state").display()
            );
            let server = Server::start(&host, &Config::new().listen("::").more(&more))?;
            let status = || server.tell(&["zone", "status", "example"]).map(|told| told.out);
            match refused {
                None => {
                    let served = until(Duration::from_secs(20), serves);
                    ensure!(served, "{what}, zonemd: {policy}: {} {}", status()?, server.log_tail());
                }
                Some(words) => {
                    let is_told = || {
                        status().is_ok_and(|status| {
                            status.contains("the zone cannot be served") && status.contains(words)
                        })
                    };
                    ensure!(
                        until(Duration::from_secs(20), is_told),
                        "{what}, zonemd: {policy}: {}",
                        status()?
                    );
                    ensure!(!serves(), "{what}, zonemd: {policy}: it is served");
                }
            }
        }
    }
    Ok(Outcome::Passed)
}

/// `source` of a remote: questions, transfers, NOTIFY and updates passed on leave from there, and from another address after a reload.
fn sources() -> Verdict {
    let (host, client) = Host::pair()?;
    host.address("eth0", "192.0.2.9/24")?.address("eth0", "192.0.2.10/24")?;
    let version = |serial: u32| {
        script(move |asked: &Asked| match (asked.message.flags >> 11 & 0xf, asked.message.kind()) {
            (4 | 5, _) => {
                let answer = Message::reply_to(&asked.message);
                Act::Reply(Message { flags: answer.flags | asked.message.flags & 0x7800, ..answer })
            }
            (_, SOA) => reply(asked, &[soa(serial)]),
            _ => reply(asked, &whole(serial)),
        })
    };
    let upstream = Upstream::start(&client, "192.0.2.2", version(10))?;
    let state = Folder::new()?;
    let config = |source: &str| {
        let more = format!(
            "state: \"{}\"\nremotes:\n  - {{ name: p, addresses: 192.0.2.2, source: {source} }}\nzones:\n  \
             - {{ name: zone.test, primaries: [p], notify: [p], forward-updates: true, retry: {{ min: 1s, max: 1s }} }}\n",
            state.at("state").display()
        );
        Config::new().listen("::").more(&more)
    };
    let server = Server::start(&host, &config("192.0.2.9"))?;
    let asker = Client::new(&client);
    // Of each opcode and type, the addresses that it came from.
    let from = |opcode: u16, kind: u16| -> Vec<String> {
        let is_meant =
            |asked: &&Asked| asked.message.flags >> 11 & 0xf == opcode && asked.message.kind() == kind;
        let mut from: Vec<String> =
            upstream.seen().iter().filter(is_meant).map(|asked| asked.from.ip().to_string()).collect();
        from.dedup();
        from
    };
    for (serial, source) in [(10, "192.0.2.9"), (11, "192.0.2.10")] {
        if serial > 10 {
            upstream.forget();
            upstream.follow(version(serial));
            server.rewrite(&config(source))?;
            server.reload()?;
            let told = server.tell(&["zone", "refresh", "zone.test"])?;
            ensure!(told.out.contains(&format!("serial {serial}")), "{}{}", told.out, told.err);
        }
        let notified = until(Duration::from_secs(20), || !from(4, SOA).is_empty());
        ensure!(notified, "nobody is told of {serial}: {}", server.log_tail());
        let mut update = Message::query("zone.test.", "SOA").no_recursion();
        update.flags |= 5 << 11;
        let update = update.authorities(&["a.zone.test. 60 IN A 192.0.2.9"]);
        let answer = asker.over(Transport::Tcp, TO.parse()?, &update)?.message;
        ensure_eq!(answer.rcode(), rcode::NOERROR, "the answer to an update that is passed on");
        // The first is the whole zone, the other the difference.
        let transfer = if serial == 10 { 252 } else { 251 };
        ensure_eq!(from(0, transfer), [source], "transfers");
        ensure_eq!(from(4, SOA), [source], "NOTIFY");
        ensure_eq!(from(5, SOA), [source], "updates");
        if serial > 10 {
            ensure_eq!(from(0, SOA), [source], "questions for the SOA");
        }
    }
    Ok(Outcome::Passed)
}
