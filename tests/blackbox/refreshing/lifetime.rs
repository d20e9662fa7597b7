//! For how long a zone of other servers may be served, as they say (RFC 7314), and as those are told who have it from here.

use std::iter;
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use rhumb_tests::rig::message::{AA, rcode};
use rhumb_tests::rig::script::{Act, Asked, Script, script};
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Client, Folder, Host, Message, Server, Transport, Upstream, program};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, skip};

use super::config;
use super::hostile::{Rig, message, primary, refuse, reply, soa, whole};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("refreshing::lifetime::as_the_primary_says", said),
    Test::beside("refreshing::lifetime::primaries_are_asked_by_retry_after_the_end", ended),
    Test::beside("refreshing::lifetime::clocks_that_jump", jumps).lasting(|| Duration::from_mins(3)),
];

const TO: &str = "192.0.2.1:53";
const SOA: u16 = 6;
const EXPIRE: u16 = 9;
/// That of the SOA.
const LONGEST: u32 = 86_400;

/// A primary of version 11 where the zone expires in so many seconds.
fn expiring(seconds: u32) -> Script {
    script(move |asked: &Asked| {
        let lines = if asked.message.kind() == SOA { vec![soa(11)] } else { whole(11) };
        let answer = message(asked, &lines).option(EXPIRE, &seconds.to_be_bytes());
        Act::Reply(answer)
    })
}

/// What a secondary of this server is told.
fn told(client: &Client, kind: &str, transport: Transport) -> Result<u32, Failure> {
    let query = Message::query("zone.test.", kind).no_recursion().option(EXPIRE, b"");
    let answer = client.over(transport, TO.parse::<SocketAddr>()?, &query)?.message;
    let options = answer.edns.context("no EDNS")?.options;
    let found = options.iter().find(|(code, _)| *code == EXPIRE);
    let seconds = found.and_then(|(_, data)| Some(u32::from_be_bytes(*data.first_chunk()?)));
    seconds.context("no EXPIRE")
}

/// The time that is left is told on; the same version may be served for longer by another word, and never for less.
fn said() -> Verdict {
    let rig = Rig::start(", transfer-to: [{ network: 192.0.2.0/24 }]")?;
    for (what, seconds, expected) in [
        ("a new version", 20_000, 20_000),
        ("more", 50_000, 50_000),
        ("less", 100, 50_000),
        ("more than the SOA says", 1_000_000, LONGEST),
    ] {
        rig.upstream().follow(expiring(seconds));
        let done = rig.refresh()?;
        ensure!(done.contains("serial 11"), "{what}: {done}");
        for (kind, transport) in [("SOA", Transport::Udp), ("TYPE252", Transport::Tcp)] {
            let left = told(rig.client(), kind, transport)?;
            ensure!(
                left <= expected && left + 60 > expected,
                "{what}: {kind} says {left} and not {expected}"
            );
        }
    }
    // One that says nothing has what its SOA says.
    rig.upstream().follow(primary(12, refuse, |asked| reply(asked, &whole(12))));
    rig.refresh()?;
    let left = told(rig.client(), "SOA", Transport::Udp)?;
    ensure!(rig.serves(12) && left <= LONGEST && left + 60 > LONGEST, "{left}");
    Ok(Outcome::Passed)
}

/// The wall clock is set while the server runs, forwards and back: nothing expires by it, what is left is told on as before, and the
/// zone is there after a start by the same clock, without its primary.
fn jumps() -> Verdict {
    let (host, client) = Host::pair()?;
    let (state, clock) = (Folder::new()?, Folder::new()?);
    let file = clock.write("clock", "+0")?;
    let Some(settings) = program::clock_of(&file) else { skip!("no libfaketime here") };
    let wrapper: Vec<&str> = iter::once("env").chain(settings.iter().map(String::as_str)).collect();
    let upstream =
        Upstream::start(&client, "192.0.2.2", primary(10, refuse, |asked| reply(asked, &whole(10))))?;
    let rules = ", transfer-to: [{ network: 192.0.2.0/24 }]";
    let config = config(&state, &[("192.0.2.2:53".parse()?, None)], rules);
    let mut server = Server::start_by(&host, &config, &wrapper)?;
    let client = Client::new(&client).time_limit(Duration::from_secs(5));
    let to: SocketAddr = TO.parse()?;
    let serves =
        || client.ask(to, "v10.zone.test.", "A").is_ok_and(|answer| answer.data("A") == ["192.0.2.9"]);
    let left = || told(&client, "SOA", Transport::Udp);
    let is_same = || left().is_ok_and(|left| left <= LONGEST && left + 300 > LONGEST);
    ensure!(until(Duration::from_secs(20), serves), "not transferred: {}", server.log_tail());
    drop(upstream);
    for set in ["+30d", "+3000d", "-200d", "+0"] {
        clock.write("clock", set)?;
        ensure!(server.logs("the clock has jumped", Duration::from_secs(20)), "{set}: {}", server.log_tail());
        ensure!(until(Duration::from_secs(5), is_same), "{set}: {:?} {}", left(), server.log_tail());
        ensure!(serves(), "{set}: {}", server.log_tail());
        let found = server.log().matches("the clock has jumped").count();
        ensure!(found == 1, "{set}: {found} jumps: {}", server.log_tail());
        server.signal(Signal::SIGKILL)?;
        server.wait(Duration::from_secs(5))?;
        server = Server::start_by(&host, &config, &wrapper)?;
        ensure!(until(Duration::from_secs(5), serves), "{set}, after a start: {}", server.log_tail());
        ensure!(until(Duration::from_secs(5), is_same), "{set}, after a start: {:?}", left());
    }
    Ok(Outcome::Passed)
}

/// Primaries of a zone that has expired are asked at every retry, whatever failed before, and at once when they announce it.
fn ended() -> Verdict {
    let refused = || script(|asked: &Asked| asked.code(rcode::REFUSED));
    let is_over = |rig: &Rig| {
        let answer = rig.client().ask(TO.parse().expect("an address"), "v10.zone.test.", "A");
        answer.is_ok_and(|answer| answer.rcode() == rcode::SERVFAIL)
    };
    let often = ", refresh: { min: 1s, max: 1s }, retry: { min: 1s, max: 1s }, expire: { min: 6s, max: 6s }";
    let rig = Rig::start(often)?;
    rig.upstream().follow(refused());
    ensure!(until(Duration::from_secs(20), || is_over(&rig)), "not expired: {}", rig.server.log_tail());
    rig.upstream().forget();
    thread::sleep(Duration::from_secs(8));
    let count = rig.upstream().count("zone.test.");
    ensure!((5..=30).contains(&count), "asked {count} times in 8 s: {}", rig.server.log_tail());
    let seldom = ", refresh: { min: 1s, max: 1s }, retry: { min: 1h, max: 1h }, expire: { min: 3s, max: 3s }";
    let rig = Rig::start(seldom)?;
    rig.upstream().follow(refused());
    ensure!(until(Duration::from_secs(20), || is_over(&rig)), "not expired: {}", rig.server.log_tail());
    thread::sleep(Duration::from_secs(1));
    rig.upstream().follow(primary(11, refuse, |asked| reply(asked, &whole(11))));
    let mut notify = Message::query("zone.test.", "SOA");
    notify.flags |= 4 << 11 | AA;
    rig.client().udp(TO.parse()?, &notify)?;
    ensure!(until(Duration::from_secs(5), || rig.serves(11)), "announced: {}", rig.server.log_tail());
    Ok(Outcome::Passed)
}
