//! Zones of other servers: transferred, kept on the disk, followed (RFC 1996, RFC 1995), and served no more when they are too old.

mod answers;
pub(crate) mod endless;
pub(crate) mod gone;
pub(crate) mod hostile;
pub(crate) mod killed;
pub(crate) mod lifetime;
pub(crate) mod scripted;
pub(crate) mod signing;
pub(crate) mod validating;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Client, Config, Folder, Host, Message, Server, rcode};
use rhumb_tests::{Context, Outcome, Test, Verdict, ensure, ensure_eq, skip};

use crate::peer::{Key, Peer};
use crate::primary::start_primary;

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("refreshing::primaries_of_others_are_followed", followed),
    Test::beside("refreshing::a_zone_is_kept", kept),
    Test::beside("refreshing::a_zone_expires_and_comes_back", expired),
    Test::beside("refreshing::keys", keys),
    Test::beside("refreshing::the_next_primary_is_asked", next_primary),
    Test::beside("refreshing::who_may_announce", announced),
];

const TO: &str = "192.0.2.1:53";
pub(crate) const SECRET: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// A zone that nobody looks at in the time of a test unless it is told to. Its versions differ in one host.
pub(crate) fn zone(serial: u32) -> String {
    let mut text =
        format!("$TTL 300\n@ SOA ns admin {serial} 86400 86400 864000 60\n@ NS ns\nns A 192.0.2.1\n");
    text.extend((0..300).map(|number| format!("h{number} A 10.0.{}.{}\n", number / 250, number % 250)));
    text + &format!("v{serial} A 192.0.2.9\n")
}

/// A secondary of this primary, which keeps its zones in `state`.
pub(crate) fn config(state: &Folder, primaries: &[(SocketAddr, Option<&Key>)], rules: &str) -> Config {
    let keys: Vec<&Key> = primaries.iter().filter_map(|(_, key)| *key).collect();
    let key = keys.first().map_or_else(String::new, |(name, algorithm, secret)| {
        format!("keys:\n  - {{ name: {name}, algorithm: {algorithm}, secret: \"{secret}\" }}\n")
    });
    let remote = |(number, (address, key)): (usize, &(SocketAddr, Option<&Key>))| {
        let key = key.map_or_else(String::new, |(name, ..)| format!(", key: {name}"));
        format!("  - {{ name: p{number}, addresses: \"{address}\"{key} }}\n")
    };
    let remotes = primaries.iter().enumerate().map(remote).collect::<Vec<_>>().concat();
    let names: Vec<String> = (0..primaries.len()).map(|number| format!("p{number}")).collect();
    let (state, names) = (state.at("state"), names.join(", "));
    let text = format!(
        "state: \"{}\"\n{key}remotes:\n{remotes}zones:\n  - {{ name: zone.test, primaries: [{names}]{rules} }}\n",
        state.display()
    );
    Config::new().listen("::").more(&text)
}

fn serves(client: &Client, serial: u32) -> bool {
    let to: SocketAddr = TO.parse().expect("an address");
    let asked = client.ask(to, &format!("v{serial}.zone.test."), "A");
    asked.is_ok_and(|answer| answer.data("A") == ["192.0.2.9"])
}

/// NSD, Knot and BIND as primaries: the whole zone at first, and then each version as soon as it is announced, with the difference
/// where they have it.
fn followed() -> Verdict {
    let mut found = 0;
    let key: Key = ("k.test".into(), "hmac-sha256".into(), SECRET.into());
    for (peer, key) in [(Peer::Nsd, None), (Peer::Knot, Some(&key)), (Peer::Bind, Some(&key))] {
        let (host, client) = Host::pair()?;
        let Some(primary) = start_primary(peer, &client, key, &zone(10))? else { continue };
        found += 1;
        let state = Folder::new()?;
        let server = Server::start(&host, &config(&state, &[(primary.address(), key)], ""))?;
        host.route(&format!("{}/32 via 192.0.2.2", peer.address()))?;
        let asker = Client::new(&client).time_limit(Duration::from_millis(500));
        let log = || format!("{peer:?}: {} {}", server.log_tail(), primary.log());
        ensure!(until(Duration::from_secs(40), || serves(&asker, 10)), "not transferred by {}", log());
        for serial in [11, 12, 13] {
            primary.publish(&zone(serial))?;
            let begun = Instant::now();
            ensure!(
                until(Duration::from_secs(30), || serves(&asker, serial)),
                "{serial} not followed: {}",
                log()
            );
            ensure!(!serves(&asker, serial - 1), "{serial} keeps what it removes: {}", log());
            ensure!(begun.elapsed() < Duration::from_secs(20), "{serial} took {:?}", begun.elapsed());
        }
        let differences = server.metric("rhumb_transfers_total", &["\"in\"", "ixfr", "complete"])?;
        ensure!(differences > 2.5, "{differences} differences were taken: {}", log());
        let accepted = server.metric("rhumb_notify_total", &["\"in\"", "accepted"])?;
        ensure!(accepted > 2.5, "{accepted} announcements: {}", log());
        let status = server.tell(&["zone", "status", "zone.test"])?;
        ensure!(status.out.contains(peer.address()) && status.out.contains("current"), "{}", status.out);
        let again = server.tell(&["zone", "refresh", "zone.test"])?;
        ensure!(again.out.contains("up to date, serial 13"), "{}{}", again.out, again.err);
        let whole = server.tell(&["zone", "retransfer", "zone.test"])?;
        ensure!(whole.out.contains("(axfr), serial 13"), "{}{}", whole.out, whole.err);
    }
    if found == 0 {
        skip!("none of NSD, Knot and BIND here");
    }
    Ok(Outcome::Passed)
}

/// Waits until the state has the version: the disk has it before it is served.
fn kept() -> Verdict {
    let (host, client) = Host::pair()?;
    let state = Folder::new()?;
    let Some(primary) = start_primary(Peer::Knot, &client, None, &zone(10))? else { skip!("no knotd here") };
    host.route("192.0.2.13/32 via 192.0.2.2")?;
    let config = config(&state, &[(primary.address(), None)], ", transfer-to: [{ network: 192.0.2.0/24 }]");
    let asker = Client::new(&client).time_limit(Duration::from_millis(500));
    let mut server = Server::start(&host, &config)?;
    ensure!(until(Duration::from_secs(40), || serves(&asker, 10)), "not transferred: {}", server.log());
    for serial in 11..15 {
        primary.publish(&zone(serial))?;
        ensure!(until(Duration::from_secs(30), || serves(&asker, serial)), "{serial}: {}", server.log_tail());
    }
    // Nobody else may have the folder.
    let mut second = Server::launch(&Host::new()?, &config, &[])?;
    ensure_eq!(second.wait(Duration::from_secs(10))?, 1, "a second server on the same state");
    ensure!(second.log().contains("another process uses it"), "{}", second.log());
    drop(primary);
    for round in 0..3 {
        server.signal(Signal::SIGKILL)?;
        server.wait(Duration::from_secs(5))?;
        let begun = Instant::now();
        server = Server::start(&host, &config)?;
        ensure!(serves(&asker, 14), "round {round}: {}", server.log());
        ensure!(begun.elapsed() < Duration::from_secs(5), "round {round} took {:?}", begun.elapsed());
        // What differs from the versions before is kept too.
        let query = Message::query("zone.test.", "TYPE251").no_recursion();
        let query = query.authorities(&["zone.test. 0 IN SOA . . 11 0 0 0 0"]);
        let answer = asker.over(rhumb_tests::rig::Transport::Tcp, TO.parse()?, &query)?.message;
        ensure_eq!(answer.answer.len(), 6, "records of the difference from 11: {:?}", answer.answer);
    }
    let purge = || server.tell(&["zone", "purge", "zone.test"]);
    ensure!(purge()?.err.contains("is in use"), "a zone that is configured is purged");
    let without = format!("state: \"{}\"\n", state.at("state").display());
    server.rewrite(&Config::new().listen("::").more(&without))?;
    server.reload()?;
    ensure!(purge()?.out.contains("nothing is kept any more"), "{}", server.log_tail());
    ensure!(purge()?.err.contains("nothing is kept of zone zone.test."), "it is still kept");
    Ok(Outcome::Passed)
}

/// Without a primary the zone is served no more after its time, and is again when the primary is back.
fn expired() -> Verdict {
    let (host, client) = Host::pair()?;
    let state = Folder::new()?;
    let Some(primary) = start_primary(Peer::Knot, &client, None, &zone(10))? else { skip!("no knotd here") };
    host.route("192.0.2.13/32 via 192.0.2.2")?;
    let rules = ", refresh: { min: 1s, max: 1s }, retry: { min: 1s, max: 1s }, expire: { min: 4s, max: 4s }";
    let server = Server::start(&host, &config(&state, &[(primary.address(), None)], rules))?;
    let asker = Client::new(&client).time_limit(Duration::from_millis(500));
    ensure!(until(Duration::from_secs(40), || serves(&asker, 10)), "not transferred: {}", server.log());
    std::thread::sleep(Duration::from_secs(6));
    ensure!(serves(&asker, 10), "it is looked at every second: {}", server.log());
    drop(primary);
    let query = Message::query("v10.zone.test.", "A").no_recursion().edns(1232);
    let expired = || {
        let answer = asker.udp(TO.parse().expect("an address"), &query).map(|reply| reply.message);
        answer.is_ok_and(|answer| {
            let options = answer.edns.clone().map(|edns| edns.options).unwrap_or_default();
            let code = options.iter().find(|(code, _)| *code == 15).map(|(_, data)| data[..2].to_vec());
            answer.rcode() == rcode::SERVFAIL && code == Some(vec![0, 24])
        })
    };
    ensure!(until(Duration::from_secs(10), expired), "it does not expire: {}", server.log());
    let status = server.tell(&["zone", "status", "zone.test"])?;
    ensure!(status.out.contains("expired") && status.out.contains("no connection"), "{}", status.out);
    // What the alert about zones that expire goes by.
    let lifetime = server.metric("rhumb_zone_lifetime_seconds", &["zone=\"zone.test.\""])?;
    ensure!(
        (lifetime - 4.0).abs() < 0.5,
        "rhumb_zone_lifetime_seconds of a zone that has expired: {lifetime}"
    );
    let again = start_primary(Peer::Knot, &client, None, &zone(9))?.context("knotd")?;
    let back = until(Duration::from_secs(40), || serves(&asker, 9));
    ensure!(back, "a primary with an older serial is back: {} {}", server.log(), again.log());
    Ok(Outcome::Passed)
}

/// Each algorithm with BIND; another secret, and none.
fn keys() -> Verdict {
    let (host, client) = Host::pair()?;
    host.route("192.0.2.14/32 via 192.0.2.2")?;
    let asker = Client::new(&client).time_limit(Duration::from_millis(500));
    for algorithm in ["hmac-sha1", "hmac-sha224", "hmac-sha384", "hmac-sha512"] {
        let key: Key = ("k.test".into(), algorithm.into(), SECRET.into());
        let Some(primary) = start_primary(Peer::Bind, &client, Some(&key), &zone(10))? else {
            skip!("no named here")
        };
        let state = Folder::new()?;
        let server = Server::start(&host, &config(&state, &[(primary.address(), Some(&key))], ""))?;
        let served = until(Duration::from_secs(40), || serves(&asker, 10));
        ensure!(served, "not transferred with {algorithm}: {} {}", server.log(), primary.log());
    }
    let key: Key = ("k.test".into(), "hmac-sha256".into(), SECRET.into());
    let other: Key = ("k.test".into(), "hmac-sha256".into(), "b3RoZXI=".into());
    let primary = start_primary(Peer::Bind, &client, Some(&key), &zone(10))?.context("named")?;
    for (used, words) in [(Some(&other), "BADSIG"), (None, "it answers REFUSED")] {
        let state = Folder::new()?;
        let server = Server::start(&host, &config(&state, &[(primary.address(), used)], ""))?;
        let told = || {
            let status = server.tell(&["zone", "status", "zone.test"]);
            status.is_ok_and(|status| {
                status.out.contains(words) || status.out.contains("the primary answers REFUSED")
            })
        };
        let seen = until(Duration::from_secs(20), told);
        ensure!(seen, "{used:?}: {}", server.tell(&["zone", "status", "zone.test"])?.out);
    }
    Ok(Outcome::Passed)
}

/// A primary that is not there holds nothing up.
fn next_primary() -> Verdict {
    let (host, client) = Host::pair()?;
    let state = Folder::new()?;
    let Some(primary) = start_primary(Peer::Knot, &client, None, &zone(10))? else { skip!("no knotd here") };
    host.route("192.0.2.13/32 via 192.0.2.2")?;
    let gone: SocketAddr = "192.0.2.77:53".parse()?;
    let server = Server::start(&host, &config(&state, &[(gone, None), (primary.address(), None)], ""))?;
    let asker = Client::new(&client).time_limit(Duration::from_millis(500));
    ensure!(until(Duration::from_secs(20), || serves(&asker, 10)), "not transferred: {}", server.log());
    let told = server.tell(&["zone", "refresh", "zone.test"])?;
    ensure!(told.out.contains("up to date"), "{}{}", told.out, told.err);
    Ok(Outcome::Passed)
}

/// Announcements of strangers and for other zones are refused, and cause nothing.
fn announced() -> Verdict {
    let (host, client) = Host::pair()?;
    let state = Folder::new()?;
    client.address("lo", "192.0.2.55/32")?;
    host.route("192.0.2.55/32 via 192.0.2.2")?;
    let config =
        config(&state, &[("192.0.2.77:53".parse()?, None)], ", notify-from: [{ network: 192.0.2.55 }]");
    let server = Server::start(&host, &config.file("own.zone", &zone(1)))?;
    let asker = Client::new(&client);
    let notify = |name: &str| {
        let mut message = Message::query(name, "SOA").no_recursion();
        message.flags |= 4 << 11 | 0x0400;
        message
    };
    let stranger = asker.udp(TO.parse()?, &notify("zone.test."))?.message;
    ensure_eq!(stranger.rcode(), rcode::REFUSED, "a stranger");
    let friend =
        Client::new(&client).from("192.0.2.55".parse()?).udp(TO.parse()?, &notify("zone.test."))?.message;
    ensure_eq!(friend.rcode(), rcode::NOERROR, "one of notify-from");
    ensure!(friend.flags & 0x0400 != 0, "AA is not set: {friend:?}");
    let other =
        Client::new(&client).from("192.0.2.55".parse()?).udp(TO.parse()?, &notify("other.test."))?.message;
    ensure_eq!(other.rcode(), rcode::REFUSED, "a zone that is not there");
    let counted: f64 = ["accepted", "not-allowed", "no-zone"]
        .iter()
        .map(|result| server.metric("rhumb_notify_total", &["\"in\"", result]).unwrap_or(0.0))
        .sum();
    ensure_eq!(format!("{counted:.0}"), "3", "messages counted");
    let refused = server.tell(&["zone", "refresh", "zone.test"])?;
    ensure!(refused.code == Some(1) && refused.err.contains("192.0.2.77"), "{}{}", refused.out, refused.err);
    Ok(Outcome::Passed)
}
