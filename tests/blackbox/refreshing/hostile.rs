//! Primaries that send what cannot be taken: the version before is served throughout, and the operator is told why.

use std::net::SocketAddr;
use std::time::Duration;

use rhumb_tests::rig::message::{AA, rcode};
use rhumb_tests::rig::script::{Act, Asked, Script, script};
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Client, Folder, Host, Message, Server, Upstream};
use rhumb_tests::{Failure, Outcome, Test, Verdict, ensure};

use super::config;

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("refreshing::hostile::what_cannot_be_taken", refused),
    Test::beside("refreshing::hostile::the_whole_zone_where_the_difference_fails", fallback),
    Test::beside("refreshing::hostile::primaries_that_close_behind_an_answer", closing),
    Test::beside("refreshing::hostile::primaries_that_send_too_much", surplus),
];

const SOA: u16 = 6;
const IXFR: u16 = 251;
const TO: &str = "192.0.2.1:53";
const PRIMARY: &str = "192.0.2.2:53";

pub(crate) fn soa(serial: u32) -> String {
    format!("zone.test. 60 IN SOA ns.zone.test. a.zone.test. {serial} 3600 600 86400 60")
}

pub(crate) fn message(asked: &Asked, lines: &[String]) -> Message {
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let reply = Message::reply_to(&asked.message).answers(&lines);
    Message { flags: reply.flags | AA, ..reply }
}

pub(crate) fn reply(asked: &Asked, lines: &[String]) -> Act {
    Act::Reply(message(asked, lines))
}

/// The whole zone, in one message.
pub(crate) fn whole(serial: u32) -> Vec<String> {
    let rest = [
        "zone.test. 60 IN NS ns.zone.test.".to_owned(),
        "ns.zone.test. 60 IN A 192.0.2.1".to_owned(),
        format!("v{serial}.zone.test. 60 IN A 192.0.2.9"),
    ];
    [vec![soa(serial)], rest.to_vec(), vec![soa(serial)]].concat()
}

/// The difference between two versions of it.
pub(crate) fn difference(from: u32, to: u32) -> Vec<String> {
    let host = |serial: u32| format!("v{serial}.zone.test. 60 IN A 192.0.2.9");
    vec![soa(to), soa(from), host(from), soa(to), host(to), soa(to)]
}

/// A primary whose SOA says `serial`, and which answers requests for a difference and for the whole zone so.
pub(crate) fn primary(
    serial: u32,
    ixfr: impl Fn(&Asked) -> Act + Send + Sync + 'static,
    axfr: impl Fn(&Asked) -> Act + Send + Sync + 'static,
) -> Script {
    script(move |asked| match asked.message.kind() {
        SOA => reply(asked, &[soa(serial)]),
        IXFR => ixfr(asked),
        _ => axfr(asked),
    })
}

pub(crate) fn refuse(asked: &Asked) -> Act {
    asked.code(rcode::REFUSED)
}

pub(crate) struct Rig {
    upstream: Upstream,
    pub(crate) server: Server,
    client: Client,
    _state: Folder,
}

impl Rig {
    /// A secondary that has version 10.
    pub(crate) fn start(rules: &str) -> Result<Self, Failure> {
        let (host, client) = Host::pair()?;
        let upstream =
            Upstream::start(&client, "192.0.2.2", primary(10, refuse, |asked| reply(asked, &whole(10))))?;
        let state = Folder::new()?;
        let server = Server::start(&host, &config(&state, &[(PRIMARY.parse()?, None)], rules))?;
        let client = Client::new(&client).time_limit(Duration::from_secs(5));
        let rig = Self { upstream, server, client, _state: state };
        ensure!(until(Duration::from_secs(20), || rig.serves(10)), "no version 10: {}", rig.server.log());
        Ok(rig)
    }

    pub(crate) fn serves(&self, serial: u32) -> bool {
        let to: SocketAddr = TO.parse().expect("an address");
        let asked = self.client.ask(to, &format!("v{serial}.zone.test."), "A");
        asked.is_ok_and(|answer| answer.data("A") == ["192.0.2.9"])
    }

    /// The primary.
    pub(crate) fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    /// Who asks.
    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    /// The host of the primary.
    pub(crate) fn host(&self) -> &Host {
        self.client.host()
    }

    /// From now on the primary has this version, and the difference to it.
    pub(crate) fn follow_difference(&self, from: u32, to: u32) {
        self.upstream.follow(primary(to, move |asked| reply(asked, &difference(from, to)), refuse));
    }

    pub(crate) fn refresh(&self) -> Result<String, Failure> {
        let told = self.server.tell(&["zone", "refresh", "zone.test"])?;
        Ok(told.out + &told.err)
    }
}

/// What a hostile primary has: its name, what it does, and what is told of it.
type Case = (&'static str, Script, &'static str);

/// Whole zones with these records.
fn records(lines: &'static [&'static str]) -> impl Fn(&Asked) -> Act + Send + Sync + 'static {
    move |asked| {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        reply(asked, &[vec![soa(11)], lines, vec![soa(11)]].concat())
    }
}

/// Serials that do not go together.
fn serials() -> Vec<Case> {
    let other_end = |asked: &Asked| {
        let mut lines = whole(11);
        lines.pop();
        lines.push(soa(12));
        reply(asked, &lines)
    };
    vec![
        ("an older serial", primary(9, refuse, refuse), "its serial 9 is older than 10"),
        ("nothing but refusals", primary(11, refuse, refuse), "the primary answers REFUSED"),
        (
            "an older zone than was said",
            primary(11, refuse, |asked| reply(asked, &whole(10))),
            "it sent serial 10 and said that it has 11",
        ),
        ("another SOA at the end", primary(11, refuse, other_end), "the last SOA is not the first one"),
    ]
}

/// Records and messages that no zone has.
fn contents() -> Vec<Case> {
    let elsewhere = &["zone.test. 60 IN NS ns.zone.test.", "www.other. 60 IN A 192.0.2.1"];
    let alias =
        &["zone.test. 60 IN NS ns.other.", "a.zone.test. 60 IN CNAME b.", "a.zone.test. 60 IN A 192.0.2.1"];
    let no_end = |asked: &Asked| {
        let mut lines = whole(11);
        lines.pop();
        Act::Each(vec![reply(asked, &lines), Act::Close])
    };
    let other_id = |asked: &Asked| {
        let answer = message(asked, &whole(11));
        Act::Reply(Message { id: answer.id.wrapping_add(1), ..answer })
    };
    vec![
        (
            "a record of another zone",
            primary(11, refuse, records(elsewhere)),
            "www.other.: the owner lies outside the zone",
        ),
        ("a name with an alias and more", primary(11, refuse, records(alias)), "the zone cannot be served"),
        ("no end", primary(11, refuse, no_end), "the connection was closed before the end"),
        ("the answer to something else", primary(11, refuse, other_id), "what came is no answer"),
    ]
}

/// Transfers that do not come to an end.
fn endless() -> Vec<Case> {
    let zone = |asked: &Asked| {
        let start = message(asked, &[soa(11)]);
        let host = |number| format!("h{number}.zone.test. 60 IN TXT {}", "x".repeat(200));
        let hosts: Vec<String> = (0..200).map(host).collect();
        let more = message(asked, &hosts);
        let messages = std::iter::once(start).chain(std::iter::repeat_n(more, 100));
        Act::Each(messages.map(Act::Reply).collect())
    };
    let steps = |asked: &Asked| {
        let mut messages = vec![message(asked, &[soa(4_000_000), soa(10)])];
        let step = |serial: u32| message(asked, &[soa(serial + 1), soa(serial + 1)]);
        messages.extend((10..20_000).map(step));
        Act::Each(messages.into_iter().map(Act::Reply).collect())
    };
    vec![
        ("a zone without end", primary(11, refuse, zone), "the transfer is larger than is allowed"),
        (
            "a difference without end, and no zone",
            primary(4_000_000, steps, refuse),
            "the primary answers REFUSED",
        ),
    ]
}

fn refused() -> Verdict {
    let rig = Rig::start(", max-zone-size: 1MiB")?;
    for (what, script, words) in [endless(), serials(), contents()].concat() {
        rig.upstream.follow(script);
        let told = rig.refresh()?;
        ensure!(told.contains(words), "{what}: {told}");
        ensure!(rig.serves(10) && !rig.serves(11), "{what}: the version before is not served");
        let status = rig.server.tell(&["zone", "status", "zone.test"])?;
        ensure!(status.out.contains("refresh fails") && status.out.contains(words), "{what}: {}", status.out);
    }
    let log = rig.server.log();
    ensure!(log.contains("the transfer is larger than is allowed"), "the endless difference: {log}");
    rig.upstream.follow(primary(11, refuse, |asked| reply(asked, &whole(11))));
    let told = rig.refresh()?;
    ensure!(told.contains("(axfr), serial 11") && rig.serves(11) && !rig.serves(10), "{told}");
    Ok(Outcome::Passed)
}

/// At once, on the same connection or another; after three failures differences are not asked for any more.
fn fallback() -> Verdict {
    let rig = Rig::start("")?;
    let differences: [fn(&Asked, u32) -> Act; 3] = [
        |asked, _| asked.code(rcode::NOTIMP),
        // It does not begin where we are.
        |asked, serial| reply(asked, &difference(serial - 5, serial)),
        |asked, serial| Act::Each(vec![reply(asked, &[soa(serial), soa(serial - 1)]), Act::Close]),
    ];
    for (now, answer) in (11..).zip(differences) {
        rig.upstream.follow(primary(
            now,
            move |asked| answer(asked, now),
            move |asked| reply(asked, &whole(now)),
        ));
        let told = rig.refresh()?;
        ensure!(told.contains(&format!("(axfr), serial {now}")), "{told}");
        ensure!(rig.serves(now) && !rig.serves(now - 1), "{now} is not served");
    }
    rig.upstream.forget();
    let status = rig.server.tell(&["zone", "status", "zone.test"])?;
    ensure!(status.out.contains("whole zones only"), "{}", status.out);
    rig.upstream.follow(primary(
        20,
        |asked| reply(asked, &difference(13, 20)),
        |asked| reply(asked, &whole(20)),
    ));
    let told = rig.refresh()?;
    ensure!(told.contains("(axfr), serial 20"), "{told}");
    let kinds: Vec<u16> = rig.upstream.seen().iter().map(|asked| asked.message.kind()).collect();
    ensure!(!kinds.contains(&IXFR), "a difference was asked for: {kinds:?}");
    // An older serial is taken by command.
    rig.upstream.follow(primary(5, refuse, |asked| reply(asked, &whole(5))));
    ensure!(rig.refresh()?.contains("its serial 5 is older than 20"), "an older serial is taken");
    let told = rig.server.tell(&["zone", "retransfer", "zone.test"])?;
    ensure!(told.out.contains("(axfr), serial 5") && rig.serves(5), "{}{}", told.out, told.err);
    Ok(Outcome::Passed)
}

/// Messages behind the end of a transfer are not taken for the answer to what is asked next on the connection.
fn surplus() -> Verdict {
    let rig = Rig::start("")?;
    for now in 11..15 {
        let twice = move |asked: &Asked, lines: &[String]| {
            Act::Each(vec![reply(asked, lines), reply(asked, &[soa(now), soa(now)])])
        };
        rig.upstream.follow(primary(
            now,
            move |asked| if now % 2 == 0 { refuse(asked) } else { twice(asked, &difference(now - 1, now)) },
            move |asked| twice(asked, &whole(now)),
        ));
        let told = rig.refresh()?;
        ensure!(told.contains(&format!("serial {now}")) && rig.serves(now), "{now}: {told}");
    }
    Ok(Outcome::Passed)
}

/// A new connection is made for what comes next: behind a refusal, and behind every answer, whether differences are asked for or not.
fn closing() -> Verdict {
    let rig = Rig::start("")?;
    let closes = |act: Act| Act::Each(vec![act, Act::Close]);
    let refusals = [rcode::REFUSED, rcode::NOTIMP, rcode::FORMERR, rcode::REFUSED];
    for (now, code) in (11..).zip(refusals) {
        rig.upstream.follow(primary(
            now,
            move |asked| closes(asked.code(code)),
            move |asked| reply(asked, &whole(now)),
        ));
        let told = rig.refresh()?;
        ensure!(told.contains(&format!("(axfr), serial {now}")) && rig.serves(now), "a refusal: {told}");
    }
    let status = rig.server.tell(&["zone", "status", "zone.test"])?;
    ensure!(status.out.contains("whole zones only"), "{}", status.out);
    for now in 15..18 {
        rig.upstream.follow(script(move |asked| {
            closes(match asked.message.kind() {
                SOA => reply(asked, &[soa(now)]),
                IXFR => reply(asked, &difference(now - 1, now)),
                _ => reply(asked, &whole(now)),
            })
        }));
        let told = rig.refresh()?;
        ensure!(told.contains(&format!("serial {now}")) && rig.serves(now), "every answer: {told}");
    }
    // Where the whole zone is not to be had either, the difference has failed all the same.
    let rig = Rig::start("")?;
    rig.upstream.follow(primary(11, |_| Act::Close, refuse));
    for _ in 0..3 {
        ensure!(rig.refresh()?.contains("the primary answers REFUSED"), "a version is taken");
    }
    let status = rig.server.tell(&["zone", "status", "zone.test"])?;
    ensure!(status.out.contains("whole zones only"), "{}", status.out);
    Ok(Outcome::Passed)
}
