//! What a reload changes, and what it leaves alone.
#![allow(clippy::float_cmp, reason = "the metrics compared here are whole numbers")]

use std::net::{SocketAddr, UdpSocket};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use rhumb_tests::rig::load::Wanted;
use rhumb_tests::rig::script::{every_name, script};
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{
    Act, Asked, Client, Config, Host, Load, LoadReport, Message, Script, Server, Transport, rcode,
};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq};

use crate::forwarding::{Lab, UP, config};

mod broken;
mod busy;
mod many;

/// The tests of this file and of the one below it.
pub(crate) const TESTS: &[Test] = &[
    Test::alone("reloading::listeners_come_and_go", listeners),
    Test::alone("reloading::another_number_of_workers_loses_no_query", workers),
    Test::beside("reloading::zones_come_change_and_go", zones),
    Test::beside("reloading::a_changed_file_is_followed_without_being_told", followed),
    Test::alone("reloading::a_list_changes_under_queries_that_wait", waiting),
    Test::alone("reloading::a_list_changes_away_from_a_dead_upstream", away),
    Test::beside("reloading::what_stays_keeps_its_object", stays),
    Test::beside("reloading::a_failure_is_told_everywhere", failure),
    Test::alone("reloading::one_zone_of_many_reloads_alone", many::alone),
    Test::alone("reloading::fifty_broken_zones_of_many", broken::fifty),
    Test::alone("reloading::special_files_are_refused_at_once", broken::special_files),
    Test::alone("reloading::a_large_zone_holds_nothing_up", busy::lists_and_commands),
];

fn zone(serial: u32, address: &str) -> String {
    format!("$TTL 300\n@ SOA ns host {serial} 3600 600 86400 60\n@ NS ns\nns A 192.0.2.1\nwww A {address}\n")
}

fn steady(lab: &Lab, to: SocketAddr, rate: u32) -> Result<Load, Failure> {
    Load::start(&lab.client, to, rate, vec![Wanted::address("www.zone.test.", "198.18.0.80")])
}

fn nothing_lost(report: &LoadReport) -> Verdict {
    ensure_eq!(report.wrong, 0, "wrong answers of {}: {:?}; wrong", report.sent, report.first_wrong);
    ensure_eq!(report.lost, 0, "of {} queries were lost", report.sent);
    Ok(Outcome::Passed)
}

/// Whether somebody answers there, over both transports.
fn served(lab: &Lab, to: SocketAddr) -> [bool; 2] {
    let client = lab.client.clone().time_limit(Duration::from_millis(300));
    let query = Message::query("www.zone.test.", "A");
    [Transport::Udp, Transport::Tcp].map(|transport| client.over(transport, to, &query).is_ok())
}

fn listeners() -> Verdict {
    let lab = Lab::new()?;
    let base = || Config::new().listen("192.0.2.1").zone("zone.test", &zone(1, "198.18.0.80"));
    let server = lab.start(&base())?;
    let query = Message::query("www.zone.test.", "A");
    let mut stream = lab.client.tcp(lab.to)?;
    let load = steady(&lab, lab.to, 2000)?;
    let others: [SocketAddr; 2] = ["192.0.2.1:5353".parse()?, "[2001:db8::1]:53".parse()?];
    for round in 0..3 {
        for to in others {
            ensure_eq!(served(&lab, to), [false, false], "{to} before it is opened, round {round}");
        }
        server.rewrite(&base().listen_with("192.0.2.1", "port: 5353").listen("2001:db8::1"))?;
        let words = server.reload()?;
        for to in others {
            ensure_eq!(served(&lab, to), [true, true], "{to} when it is opened, round {round}");
        }
        // On a busy machine the file was followed before the command came: then the log says it.
        let named = words.contains("5353") || server.logs("192.0.2.1:5353", Duration::ZERO);
        ensure!(named, "neither the reload nor the log names what was opened: {words}");
        let status = server.tell(&["status"])?.out;
        ensure!(status.contains("192.0.2.1:5353"), "status does not name the new listener: {status}");
        server.rewrite(&base())?;
        server.reload()?;
        let answer = stream.ask(&query, Duration::from_secs(2))?;
        ensure_eq!(answer.data("A"), ["198.18.0.80"], "on a connection older than reload {round}");
    }
    nothing_lost(&load.stop())?;
    // A port that somebody else has: nothing is changed.
    let _held = lab.host.within(|| UdpSocket::bind("192.0.2.1:5454"))??;
    server.rewrite(&base().listen_with("192.0.2.1", "port: 5454").listen_with("192.0.2.1", "port: 5353"))?;
    let failed = server.tell(&["reload"])?;
    ensure_eq!(failed.code, Some(1), "exit status of a reload with a port that is taken");
    ensure!(failed.err.contains("5454"), "it does not name the port: {}", failed.err);
    ensure_eq!(served(&lab, others[0]), [false, false], "the other listener of a reload that failed");
    ensure_eq!(served(&lab, lab.to), [true, true], "the old listener after a reload that failed");
    Ok(Outcome::Passed)
}

fn workers() -> Verdict {
    let lab = Lab::new()?;
    let base = |workers: u32| {
        let config = Config::new().listen("192.0.2.1").zone("zone.test", &zone(1, "198.18.0.80"));
        config.more(&format!("workers: {workers}"))
    };
    let server = lab.start(&base(1))?;
    let load = steady(&lab, lab.to, 5000)?;
    for round in 0..12 {
        thread::sleep(Duration::from_millis(100));
        server.rewrite(&base([4, 2, 1][round % 3]))?;
        server.reload()?;
    }
    nothing_lost(&load.stop())
}

fn zones() -> Verdict {
    let lab = Lab::new()?;
    let base = |address: &str, serial| Config::new().listen("::").zone("zone.test", &zone(serial, address));
    let server = lab.start(&base("198.18.0.80", 1))?;
    let ask = |name: &str| lab.client.ask(lab.to, name, "A");
    ensure_eq!(ask("www.new.test.")?.rcode(), rcode::REFUSED, "a zone that is not there yet");
    let words = {
        server.rewrite(&base("198.18.0.81", 2).zone("new.test", &zone(5, "198.18.0.90")))?;
        server.reload()?;
        server.log()
    };
    ensure_eq!(ask("www.zone.test.")?.data("A"), ["198.18.0.81"], "answer from the changed zone");
    ensure_eq!(ask("www.new.test.")?.data("A"), ["198.18.0.90"], "answer from the new zone");
    for part in ["zone.test", "1 -> 2", "new.test"] {
        ensure!(words.contains(part), "the log does not tell of {part}: {words}");
    }
    let serial = |name: &str| server.metric("rhumb_zone_serial", &[&format!("zone=\"{name}.\"")]);
    ensure_eq!(serial("new.test")?, 5.0, "rhumb_zone_serial of the new zone");
    server.rewrite(&base("198.18.0.81", 2))?;
    server.reload()?;
    ensure_eq!(ask("www.new.test.")?.rcode(), rcode::REFUSED, "the zone when it is gone");
    ensure!(!server.page("/metrics")?.body.contains("new.test"), "its series stay in the metrics");
    Ok(Outcome::Passed)
}

/// Configuration, zone file, folder of zones: each is read within a second of its change.
fn followed() -> Verdict {
    let lab = Lab::new()?;
    let in_folder = [("one.test".to_owned(), zone(1, "198.18.0.1"))];
    let base = || Config::new().listen("::").zone("zone.test", &zone(1, "198.18.0.80"));
    let server = lab.start(&base().zone_folder("more", in_folder))?;
    let soon = |name: &str, address: &str| -> Verdict {
        let expected: &[&str] = if address.is_empty() { &[] } else { &[address] };
        let seen =
            until(Duration::from_millis(1500), || lab.addresses(name).is_ok_and(|found| found == expected));
        ensure!(seen, "{name} does not become {expected:?}: {}", server.log_tail());
        Ok(Outcome::Passed)
    };
    soon("www.one.test.", "198.18.0.1")?;
    server.folder().write("zones/zone.test.zone", zone(2, "198.18.0.81"))?;
    soon("www.zone.test.", "198.18.0.81")?;
    server.folder().write("more/two.test.zone", zone(1, "198.18.0.2"))?;
    soon("www.two.test.", "198.18.0.2")?;
    std::fs::remove_file(server.folder().at("more/one.test.zone"))?;
    soon("www.one.test.", "")?;
    // A broken zone file keeps what is served.
    server.folder().write("zones/zone.test.zone", "@ SOA broken\n")?;
    ensure!(
        server.logs("zone.test.zone:1:", Duration::from_secs(2)),
        "the log does not name the broken line"
    );
    soon("www.zone.test.", "198.18.0.81")?;
    let ok = || server.metric("rhumb_zone_ok", &["zone=\"zone.test.\""]);
    ensure_eq!(ok()?, 0.0, "rhumb_zone_ok of a zone whose file broke");
    server.rewrite(&base().zone("late.test", &zone(1, "198.18.0.3")))?;
    soon("www.late.test.", "198.18.0.3")?;
    soon("www.zone.test.", "198.18.0.80")?;
    ensure_eq!(ok()?, 1.0, "rhumb_zone_ok of a zone whose file was mended");
    Ok(Outcome::Passed)
}

/// Every name has this address, told after 50 ms.
fn slowly(address: &'static str) -> Script {
    script(move |asked: &Asked| {
        let answer = asked.answer(&[&format!("{} 3600 IN A {address}", asked.message.name())]);
        answer.after(Duration::from_millis(50))
    })
}

/// Questions that nobody has asked before, and the addresses that they may get.
fn unknown(count: usize, addresses: &'static [&'static str]) -> Vec<Wanted> {
    let one = |number: usize| {
        let query = Message::query(&format!("q{number}.up.example."), "A");
        Wanted::new(&query, move |answer| {
            answer.rcode() == rcode::NOERROR
                && matches!(answer.data("A").as_slice(), [one] if addresses.contains(&one.as_str()))
        })
    };
    (0..count).map(one).collect()
}

fn listed() -> Config {
    config().file("upstreams.list", &format!("{}\n", UP[0])).forward_raw(
        ".",
        "{ list: upstreams.list }",
        "in-order",
    )
}

/// Every query waits for an upstream when the list changes; none is lost.
fn waiting() -> Verdict {
    let lab = Lab::new()?;
    let upstreams = [lab.upstream(0, slowly("198.18.0.1"))?, lab.upstream(1, slowly("198.18.0.2"))?];
    let server = lab.start(&listed())?;
    let load = Load::start(&lab.client, lab.to, 400, unknown(4000, &["198.18.0.1", "198.18.0.2"]))?;
    for round in 1..=20 {
        thread::sleep(Duration::from_millis(200));
        server.folder().write("upstreams.list", format!("{}\n", UP[round % 2]))?;
    }
    thread::sleep(Duration::from_millis(300));
    let report = load.stop();
    nothing_lost(&report)?;
    for upstream in &upstreams {
        let seen = upstream.seen().len();
        ensure!(seen > 200, "{} saw {seen} of {} queries", upstream.address(), report.sent);
    }
    ensure_eq!(server.metric("rhumb_forward_list_ok", &[])?, 1.0, "rhumb_forward_list_ok");
    ensure_eq!(server.metric("rhumb_panics_total", &[])?, 0.0, "panics");
    Ok(Outcome::Passed)
}

/// The upstream falls silent and leaves the list: the queries that wait for it are answered by the next one.
fn away() -> Verdict {
    let lab = Lab::new()?;
    let old = lab.upstream(0, every_name("198.18.0.1"))?;
    let _next = lab.upstream(1, every_name("198.18.0.2"))?;
    let server = lab.start(&listed())?;
    lab.addresses("warm.up.example.")?;
    old.follow(script(|_| Act::Silent));
    let load = Load::start(&lab.client, lab.to, 300, unknown(2000, &["198.18.0.2"]))?;
    thread::sleep(Duration::from_millis(300));
    server.folder().write("upstreams.list", format!("{}\n", UP[1]))?;
    thread::sleep(Duration::from_millis(1200));
    nothing_lost(&load.stop())
}

/// A reload that changes other things leaves the cache, the upstreams' counters and health, and connections.
fn stays() -> Verdict {
    let lab = Lab::new()?;
    let upstream = lab.upstream(0, every_name("198.18.0.1"))?;
    let base = || listed().zone("zone.test", &zone(1, "198.18.0.80"));
    let server = lab.start(&base())?;
    let names: Vec<String> = (0..20).map(|number| format!("n{number}.up.example.")).collect();
    for name in &names {
        lab.addresses(name)?;
    }
    let counter = || server.metric("rhumb_forward_requests_total", &[UP[0]]);
    let requests = || server.metric("rhumb_dns_requests_total", &[]);
    let (sent, asked) = (counter()?, requests()?);
    ensure!(sent >= 20.0, "rhumb_forward_requests_total is {sent} after 20 names");
    let mut stream = lab.client.tcp(lab.to)?;
    let text = format!("# other words\n\n{}   # the same upstream\n", UP[0]);
    server.rewrite(
        &base()
            .file("upstreams.list", &text)
            .zone("more.test", &zone(1, "198.18.0.81"))
            .more("server: { nsid: other }\nlog: { level: warn }"),
    )?;
    server.reload()?;
    for name in &names {
        ensure_eq!(lab.addresses(name)?, ["198.18.0.1"], "answer to {name} after the reload");
        ensure_eq!(upstream.count(name), 1, "queries upstream for {name}");
    }
    ensure_eq!(counter()?, sent, "rhumb_forward_requests_total");
    ensure!(requests()? >= asked + 20.0, "rhumb_dns_requests_total went from {asked} to {}", requests()?);
    ensure_eq!(server.metric("rhumb_forward_list_changes_total", &[])?, 0.0, "changes of the same list");
    let answer = stream.ask(&Message::query("www.more.test.", "A"), Duration::from_secs(2))?;
    ensure_eq!(answer.data("A"), ["198.18.0.81"], "the new zone on an old connection");
    Ok(Outcome::Passed)
}

/// By the command, by SIGHUP and by the file alone: log, status and metrics count each failure.
fn failure() -> Verdict {
    let host = Host::new()?;
    let base = || Config::new().listen("127.0.0.1").zone("zone.test", &zone(1, "198.18.0.80"));
    let server = Server::start(&host, &base())?;
    let count = |result: &str| server.metric("rhumb_reload_total", &[&format!("result=\"{result}\"")]);
    let reaches = |result: &str, number: f64| {
        until(Duration::from_secs(3), || count(result).is_ok_and(|count| count >= number))
    };
    server.folder().write("rhumb.yaml", base().text() + "lissen: []\n")?;
    ensure!(reaches("failed", 1.0), "the change of the file is not tried: {}", server.log_tail());
    let told = server.tell(&["reload"])?;
    ensure_eq!(told.code, Some(1), "exit status of reload: {}", told.err);
    let line = base().text().lines().count() + 1;
    let place = format!("rhumb.yaml:{line}:1: lissen");
    ensure!(told.err.contains(&place), "reload does not name {place}: {}", told.err);
    server.signal(Signal::SIGHUP)?;
    ensure!(reaches("failed", 3.0), "SIGHUP is not counted: {}", server.log_tail());
    ensure_eq!(count("failed")?, 3.0, "rhumb_reload_total, failed");
    ensure_eq!(server.metric("rhumb_reload_success", &[])?, 0.0, "rhumb_reload_success");
    let status = server.tell(&["status"])?.out;
    for (what, text) in [("log", server.log()), ("status", status)] {
        ensure!(text.contains(&place), "the {what} does not name {place}: {text}");
    }
    let client = Client::new(&host);
    let answer = client.ask("127.0.0.1:53".parse()?, "www.zone.test.", "A")?;
    ensure_eq!(answer.data("A"), ["198.18.0.80"], "answer by the configuration in force");
    server.folder().write("rhumb.yaml", base().text())?;
    ensure!(reaches("unchanged", 1.0), "the mended file is not read: {}", server.log_tail());
    server.reload()?;
    ensure_eq!(count("unchanged")?, 2.0, "rhumb_reload_total, unchanged");
    ensure_eq!(server.metric("rhumb_reload_success", &[])?, 1.0, "rhumb_reload_success when mended");
    let status = server.tell(&["status"]).context("status")?.out;
    ensure!(!status.contains("lissen"), "status still tells of it: {status}");
    Ok(Outcome::Passed)
}
