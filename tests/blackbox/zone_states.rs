//! The metric of zones by state, and those of zone transfers.

use std::net::SocketAddr;
use std::time::Duration;

use rhumb_tests::rig::script::{Asked, Script, script};
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Client, Config, Folder, Host, Message, Server, Transport, Upstream, rcode};
use rhumb_tests::{Failure, Outcome, Test, Verdict, ensure, ensure_eq};

use crate::refreshing::hostile::reply;

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[Test::beside("zone_states::zones_and_transfers_are_counted", counted)];

const TO: &str = "192.0.2.1:53";
const AXFR: u16 = 252;
const STATES: [&str; 7] =
    ["current", "frozen", "outdated", "refresh-fails", "not-loaded", "not-transferred", "expired"];

fn text(serial: u32) -> String {
    format!("$TTL 60\n@ SOA ns a {serial} 86400 86400 864000 60\n@ NS ns\nns A 192.0.2.1\n")
}

/// A primary that has the zones of these names.
fn primary(has: &'static [&'static str]) -> Script {
    script(move |asked: &Asked| {
        let name = asked.message.name();
        if !has.iter().any(|zone| name.starts_with(zone)) {
            return asked.code(rcode::REFUSED);
        }
        let soa = format!("{name} 60 IN SOA . . 1 86400 86400 864000 60");
        let ns = format!("{name} 60 IN NS ns.test.");
        reply(asked, &if asked.message.kind() == AXFR { vec![soa.clone(), ns, soa] } else { vec![soa] })
    })
}

fn config(state: &Folder) -> Config {
    let often = "refresh: { min: 1s, max: 1s }, retry: { min: 1s, max: 1s }, primaries: [p]";
    let short = "expire: { min: 2s, max: 2s }";
    let zones = format!(
        "  - {{ name: a.test, file: a.zone, transfer-to: [{{ network: 192.0.2.0/24 }}] }}\n\
         \x20 - {{ name: b.test, file: b.zone }}\n\
         \x20 - {{ name: c.test, file: c.zone, update: [{{ network: 192.0.2.0/24 }}] }}\n\
         \x20 - {{ name: kept.test, primaries: [p] }}\n\
         \x20 - {{ name: lost.test, {often} }}\n\
         \x20 - {{ name: old.test, {often}, {short} }}\n\
         \x20 - {{ name: never.test, primaries: [p] }}\n"
    );
    let remotes = "remotes:\n  - { name: p, addresses: \"192.0.2.2\" }";
    let config = Config::new().listen("::").file("a.zone", &text(1)).file("b.zone", &text(1));
    let config = config.file("c.zone", &text(1));
    config.more(&format!("state: \"{}\"\n{remotes}\nzones:\n{zones}", state.at("state").display()))
}

/// How many zones are in each of the states, the zones that every server has left out.
fn states(server: &Server, built_in: f64) -> Result<Vec<(&'static str, f64)>, Failure> {
    let mut found = Vec::new();
    for state in STATES {
        let all = server.metric("rhumb_zones", &[&format!("state=\"{state}\"")])?;
        found.push((state, if state == "current" { all - built_in } else { all }));
    }
    Ok(found.into_iter().filter(|(_, count)| *count > 0.5).collect())
}

fn counted() -> Verdict {
    let (host, other) = Host::pair()?;
    let upstream = Upstream::start(&other, "192.0.2.2", primary(&["kept", "lost", "old"]))?;
    let state = Folder::new()?;
    let server = Server::start(&host, &config(&state))?;
    let all = server.metric("rhumb_zones", &[])?;
    let is = |expected: &[(&str, f64)]| {
        let found = || states(&server, all - 7.0).unwrap_or_default();
        ensure!(
            until(Duration::from_secs(20), || found() == expected),
            "{:?}: {}",
            found(),
            server.log_tail()
        );
        Ok::<(), Failure>(())
    };
    is(&[("current", 6.0), ("not-transferred", 1.0)])?;
    upstream.follow(primary(&["kept"]));
    server.folder().write("b.zone", "@ SOA broken\n")?;
    server.tell(&["zone", "freeze", "c.test"])?;
    is(&[
        ("current", 2.0),
        ("frozen", 1.0),
        ("outdated", 1.0),
        ("refresh-fails", 1.0),
        ("not-transferred", 1.0),
        ("expired", 1.0),
    ])?;
    let (now, before) = (server.metric("rhumb_zones", &[])?, all);
    ensure!((now - before).abs() < 0.5, "{now} zones, {before} before");
    transfers(&server, &Client::new(&other))
}

/// What comes and what goes is counted, each in its direction.
fn transfers(server: &Server, client: &Client) -> Verdict {
    let of = |metric: &str, direction: &str| {
        server.metric(metric, &[&format!("direction=\"{direction}\""), "kind=\"axfr\""])
    };
    let came = of("rhumb_transfer_seconds_count", "in")?;
    ensure!(came > 2.5, "{came} transfers from the primary");
    let bytes = of("rhumb_transfer_bytes_total", "in")?;
    ensure!(bytes > came * 80.0 && bytes < came * 400.0, "{bytes} bytes of {came} transfers");
    ensure!(of("rhumb_transfer_seconds_count", "out")? < 0.5, "transfers before the first");
    let query = Message::query("a.test.", "TYPE252").no_recursion();
    let answer = client.over(Transport::Tcp, TO.parse::<SocketAddr>()?, &query)?.message;
    ensure_eq!(answer.answer.len(), 4, "records of the zone");
    let done = || of("rhumb_transfer_seconds_count", "out").is_ok_and(|count| count > 0.5);
    ensure!(until(Duration::from_secs(5), done), "it is not counted: {}", server.log_tail());
    let bytes = of("rhumb_transfer_bytes_total", "out")?;
    ensure!(bytes > 80.0 && bytes < 400.0, "{bytes} bytes of one transfer");
    let took = of("rhumb_transfer_seconds_sum", "out")?;
    ensure!(took < 5.0, "it took {took} s");
    Ok(Outcome::Passed)
}
