//! Response rate limiting: what a forged flood gets, and who is served all the same.

use std::time::Duration;

use rhumb_tests::rig::client::receive;
use rhumb_tests::rig::message::TC;
use rhumb_tests::rig::script::{every_name, no_data, script};
use rhumb_tests::rig::{Client, Message, Transport, program, rcode};
use rhumb_tests::{Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};

use crate::authoritative::{Lab, config, lab};
use crate::forwarding::{self, UP};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("limiting::row45_a_flood_gets_little", flood),
    Test::beside("limiting::random_names_share_a_limit", random_names),
    Test::beside("limiting::others_are_served_meanwhile", others),
    Test::beside("limiting::dig_asks_by_tcp", dig),
    Test::beside("limiting::rates_outlive_a_reload", reload),
    Test::beside("limiting::an_answer_too_large_for_its_path_counts_once", too_large),
    Test::beside("limiting::answers_that_waited_are_limited_too", waited),
    Test::beside("limiting::one_that_waited_and_is_too_large_keeps_its_options", waited_too_large),
];

const COOKIE: u16 = 10;
const BADCOOKIE: u16 = 23;

fn limited(keys: &str) -> rhumb_tests::rig::Config {
    config().more(&format!("server: {{ rate-limit: {{ {keys} }} }}"))
}

/// What came back for a flood: bytes sent, bytes received, full answers, truncated ones.
#[derive(Debug, Default)]
struct Seen {
    sent: usize,
    received: usize,
    full: usize,
    empty: usize,
}

/// Sends so many queries at once and takes what comes.
fn flood_of(lab: &Lab, queries: impl Iterator<Item = Message>) -> Result<Seen, Failure> {
    let socket = lab.client.udp_socket(lab.to)?;
    let mut seen = Seen::default();
    let take = |time_limit: u64, seen: &mut Seen| -> Result<bool, Failure> {
        let Some((wire, _)) = receive(&socket, Duration::from_millis(time_limit))? else { return Ok(false) };
        seen.received += wire.len();
        let full = wire[2] & (TC >> 8) as u8 == 0;
        *(if full { &mut seen.full } else { &mut seen.empty }) += 1;
        Ok(true)
    };
    for (number, query) in queries.enumerate() {
        let wire = query.to_wire();
        seen.sent += wire.len();
        socket.send_to(&wire, lab.to)?;
        if number % 64 == 63 {
            while take(2, &mut seen)? {}
        }
    }
    while take(300, &mut seen)? {}
    Ok(seen)
}

fn flood() -> Verdict {
    let lab = lab(&limited("responses-per-second: 20, slip: 2"))?;
    let query = Message::query("text.zone.test.", "TXT").no_recursion().edns(1232);
    let seen = flood_of(&lab, std::iter::repeat_n(query, 4000))?;
    ensure!(seen.received <= 4 * seen.sent && seen.received < seen.sent, "amplified: {seen:?}");
    // Four thousand take a second or a few; each of them has twenty.
    ensure!((20..400).contains(&seen.full), "full answers: {seen:?}");
    ensure!((1500..2300).contains(&seen.empty), "truncated answers: {seen:?}");
    let dropped = lab.server.metric("rhumb_dns_dropped_total", &["rate-limited"])?;
    let slipped = lab.server.metric("rhumb_dns_slipped_total", &[])?;
    let requests = lab.server.metric("rhumb_dns_requests_total", &["TXT"])?;
    ensure!(requests >= 4000.0 && dropped > 1500.0 && slipped > 1500.0, "{requests} {dropped} {slipped}");
    ensure!(lab.server.logs("192.0.2.0/24", Duration::from_secs(1)), "the log: {}", lab.server.log_tail());
    let told = lab.server.log().lines().filter(|line| line.contains("is limited from now on")).count();
    ensure_eq!(told, 1, "lines of the log for one network");
    Ok(Outcome::Passed)
}

fn random_names() -> Verdict {
    let lab = lab(&limited("responses-per-second: 10, errors-per-second: 5, slip: 0"))?;
    for (what, suffix) in [
        ("denials", "zone.test."),
        ("names of a wildcard", "wild.zone.test."),
        ("referrals", "sub.zone.test."),
        ("refusals", "other.test."),
    ] {
        let query = |number| Message::query(&format!("n{number}.{suffix}"), "A").no_recursion();
        let seen = flood_of(&lab, (0..500).map(query))?;
        ensure!(seen.full < 60 && seen.full >= 5, "{what}: {seen:?}");
    }
    Ok(Outcome::Passed)
}

/// Those who ask by TCP, who have a cookie, who are exempt, or who are of another network.
fn others() -> Verdict {
    let lab = lab(&limited("responses-per-second: 1, slip: 1, exempt: [\"2001:db8::2\"]"))?;
    let host = lab.client.host();
    host.address("eth0", "198.51.100.2/24")?;
    lab.server.host().address("eth0", "198.51.100.1/24")?;
    let query = Message::query("web.zone.test.", "A").no_recursion();
    let with = |cookie: &[u8]| query.clone().option(COOKIE, cookie);
    let first = lab.client.udp(lab.to, &with(&[3; 8]))?.message;
    let cookie = first.edns.iter().flat_map(|edns| &edns.options).find(|(code, _)| *code == COOKIE);
    let cookie = cookie.map(|(_, value)| value.clone()).unwrap_or_default();
    let seen = flood_of(&lab, std::iter::repeat_n(query.clone(), 50))?;
    ensure!(seen.empty > 40, "nothing is limited: {seen:?}");
    let again = lab.client.udp(lab.to, &with(&[4; 8]))?.message;
    ensure_eq!(again.rcode(), BADCOOKIE, "response code over the limit to one that may get a cookie");
    let exempt = Client::new(host);
    let other = Client::new(host).from("198.51.100.2".parse()?);
    for number in 0..5 {
        let proven = lab.client.udp(lab.to, &with(&cookie))?.message;
        ensure_eq!(proven.rcode(), rcode::NOERROR, "response code {number} to a good cookie");
        let stream = lab.client.over(Transport::Tcp, lab.to, &query)?.message;
        ensure_eq!(stream.data("A").len(), 2, "addresses by TCP");
        let exempt = exempt.udp("[2001:db8::1]:53".parse()?, &query)?.message;
        ensure_eq!(exempt.data("A").len(), 2, "addresses for one who is exempt");
    }
    let other = other.udp("198.51.100.1:53".parse()?, &query)?.message;
    ensure_eq!(other.data("A").len(), 2, "addresses for another network");
    Ok(Outcome::Passed)
}

fn dig() -> Verdict {
    let Some(dig) = program::find("dig") else { skip!("no dig here") };
    let lab = lab(&limited("responses-per-second: 1, slip: 1"))?;
    let query = Message::query("web.zone.test.", "A").no_recursion();
    flood_of(&lab, std::iter::repeat_n(query, 50))?;
    for (options, sign) in
        [("+nocookie", "Truncated, retrying in TCP mode"), ("+cookie", "BADCOOKIE, retrying")]
    {
        let mut command = lab.client.host().command(&dig);
        command.args(["+norec", options, "@192.0.2.1", "web.zone.test", "A"]);
        let output = program::run(&mut command, Duration::from_secs(20))?;
        ensure!(output.out.contains(sign), "no {sign}: {}", output.out);
        ensure!(output.out.contains("192.0.2.81"), "dig got no address: {}", output.out);
    }
    Ok(Outcome::Passed)
}

/// Limits that change do not set free who is over them; `explain` neither counts nor is limited.
fn reload() -> Verdict {
    let lab = lab(&limited("responses-per-second: 1, slip: 1"))?;
    let query = Message::query("web.zone.test.", "A").no_recursion();
    flood_of(&lab, std::iter::repeat_n(query.clone(), 50))?;
    let code = || -> Result<bool, Failure> { Ok(lab.client.udp(lab.to, &query)?.message.has(TC)) };
    lab.server.rewrite(&limited("responses-per-second: 1, slip: 1, errors-per-second: 7"))?;
    // Whatever ran in meanwhile is used up first.
    code()?;
    let told = lab.server.reload()?;
    // The file is followed too, and may have been read before.
    let was_read = lab.server.log().contains("\"changes\":1");
    let is_told = told.contains("server.rate-limit.errors-per-second: 1 -> 7");
    ensure!(is_told || was_read && told.contains("nothing changed"), "the reload told: {told}");
    ensure!(code()? || code()?, "a reload forgot the rates");
    for _ in 0..5 {
        let explained = lab.server.tell(&["explain", "web.zone.test", "A", "--from", "192.0.2.2"])?;
        ensure!(explained.out.contains("192.0.2.81"), "explain: {}", explained.out);
    }
    lab.server.rewrite(&config())?;
    lab.server.reload()?;
    for _ in 0..10 {
        ensure!(!code()?, "limited without limits");
    }
    Ok(Outcome::Passed)
}

/// The wire takes 1,500 bytes in one piece, the answer has 3,300, and IPv6 answers are never sent in fragments: each is told to ask by TCP, and is one of those that the
/// rate has room for.
fn too_large() -> Verdict {
    let keys = "server: { edns-size: 4096, rate-limit: { responses-per-second: 10, slip: 0 } }";
    let lab = Lab { to: "[2001:db8::1]:53".parse()?, ..lab(&config().more(keys))? };
    let query = Message::query("large.zone.test.", "A").no_recursion().edns(4096);
    let seen = flood_of(&lab, std::iter::repeat_n(query, 40))?;
    ensure!(seen.full == 0 && (10..=15).contains(&seen.empty), "{seen:?}");
    for (name, label, expected) in [
        ("rhumb_dns_truncated_total", None, seen.empty),
        ("rhumb_dns_dropped_total", Some("rate-limited"), 40 - seen.empty),
        ("rhumb_dns_responses_total", Some("NOERROR"), seen.empty),
    ] {
        let count = lab.server.metric(name, label.as_slice())?;
        ensure_eq!(format!("{count:.0}"), expected.to_string(), "{name}");
    }
    Ok(Outcome::Passed)
}

/// Each name is asked of the upstream; what it says is the same of all names of a domain that has none of them, and of all failures.
fn waited() -> Verdict {
    let behind = forwarding::Lab::new()?;
    let upstream = behind.upstream(
        0,
        script(|asked| match asked.name() {
            name if name.ends_with("gone.example") => asked.code(rcode::NXDOMAIN),
            name if name.ends_with("failing.example") => asked.code(rcode::SERVFAIL),
            _ => every_name("198.18.0.1")(asked),
        }),
    )?;
    let keys = "server: { rate-limit: { responses-per-second: 10, errors-per-second: 10, slip: SLIP } }";
    let config = forwarding::config().forward(".", &UP[..1]);
    let server = behind.start(&config.clone().more(&keys.replace("SLIP", "0")))?;
    let lab = Lab { server, client: behind.client, to: behind.to };
    let mut dropped = 0.0;
    let mut of = |suffix: &str, count: usize| -> Result<(Seen, f64), Failure> {
        let query = |number| Message::query(&format!("n{number}.{suffix}"), "A");
        let seen = flood_of(&lab, (0..count).map(query))?;
        let now = lab.server.metric("rhumb_dns_dropped_total", &["rate-limited"])?;
        let before = std::mem::replace(&mut dropped, now);
        Ok((seen, dropped - before))
    };
    for suffix in ["gone.example.", "failing.example."] {
        let (seen, dropped) = of(suffix, 60)?;
        ensure!((10..=40).contains(&seen.full) && seen.empty == 0, "{suffix}: {seen:?}");
        let all = f64::from(u32::try_from(seen.full)?) + dropped;
        ensure!((all - 60.0).abs() < 0.5, "answered and dropped of {suffix}: {all}");
    }
    let (seen, dropped) = of("up.example.", 40)?;
    ensure!(seen.full == 40 && dropped < 0.5, "different names: {seen:?} {dropped}");
    ensure!(upstream.count("n59.gone.example") > 0, "what waits is asked for all the same");

    lab.server.rewrite(&config.more(&keys.replace("SLIP", "1")))?;
    lab.server.reload()?;
    let query = |number| Message::query(&format!("m{number}.gone.example."), "A");
    let seen = flood_of(&lab, (0..60).map(query))?;
    ensure!(seen.full + seen.empty == 60 && seen.empty >= 20, "{seen:?}");
    let slipped = lab.server.metric("rhumb_dns_slipped_total", &[])?;
    ensure_eq!(format!("{slipped:.0}"), seen.empty.to_string(), "slipped");
    let stream = lab.client.over(Transport::Tcp, lab.to, &query(99))?.message;
    ensure_eq!(stream.rcode(), rcode::NXDOMAIN, "by TCP");
    Ok(Outcome::Passed)
}

/// As above for an answer out of a zone: the one that is sent in its place has OPT with what the query asked for.
fn waited_too_large() -> Verdict {
    let behind = forwarding::Lab::new()?;
    let upstream = behind.upstream(
        0,
        script(|asked| {
            if asked.message.kind() != 1 {
                return no_data(asked);
            }
            let line = |number| format!("{} 300 IN A 198.18.1.{number}", asked.message.name());
            let lines: Vec<String> = (1..200).map(line).collect();
            asked.answer(&lines.iter().map(String::as_str).collect::<Vec<_>>())
        }),
    )?;
    let keys = "server: { edns-size: 4096, rate-limit: { responses-per-second: 10, slip: 0 } }";
    let server = behind.start(&forwarding::config().forward(".", &UP[..1]).more(keys))?;
    let (to, v4) = ("[2001:db8::1]:53".parse()?, behind.to);
    for number in 0..8 {
        let query = Message::query(&format!("l{number}.up.example."), "A").edns(4096);
        let query = query.option(COOKIE, &[5; 8]);
        let answer = behind.client.udp(to, &query)?.message;
        ensure!(answer.has(TC) && answer.answer.is_empty(), "{number}: {answer:?}");
        let edns = answer.edns.as_ref();
        let cookie = edns.and_then(|edns| edns.options.iter().find(|(code, _)| *code == COOKIE));
        ensure!(cookie.is_some_and(|(_, value)| value.len() == 24), "{number}: {edns:?}");
        let whole = behind.client.over(Transport::Tcp, v4, &query)?.message;
        ensure_eq!(whole.data("A").len(), 199, "addresses by TCP");
    }
    ensure!(upstream.count("l7.up.example") > 0, "nothing was asked");
    let truncated = server.metric("rhumb_dns_truncated_total", &[])?;
    ensure_eq!(format!("{truncated:.0}"), "8", "truncated");
    let failed = server.metric("rhumb_dns_dropped_total", &["send-failed"])?;
    ensure_eq!(format!("{failed:.0}"), "0", "not sent");
    Ok(Outcome::Passed)
}
