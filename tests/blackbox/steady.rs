//! A hundred reloads, half of them of broken files, under half of the load that the server can carry.
#![allow(clippy::float_cmp, reason = "the metrics compared here are whole numbers")]

use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rhumb_tests::rig::load::Wanted;
use rhumb_tests::rig::record::type_number;
use rhumb_tests::rig::script::{no_data, script};
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Asked, Config, Folder, Load, Server, Upstream, program};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq, fail, skip};

use crate::forwarding::{Lab, UP, config};

mod million;

/// The tests of this file and of the one below it.
pub(crate) const TESTS: &[Test] = &[
    Test::alone("steady::a_hundred_reloads_under_half_load", hundred),
    Test::alone("steady::a_million_hosts_reloaded_ten_times_under_load", million::reloaded),
];

/// Each a broken file and then a good one.
const ROUNDS: u32 = 50;
const NAMES: usize = 200;
/// Questions a second whose answers are looked at in full, beside those that are counted.
const CHECKED: u32 = 1000;

fn zone() -> String {
    let mut zone = "$TTL 300\n@ SOA ns host 1 3600 600 86400 60\n@ NS ns\nns A 192.0.2.1\n".to_owned();
    zone.extend((0..NAMES).map(|number| format!("n{number} A 198.18.1.{number}\n")));
    zone
}

/// The names of the load: as many from the zone as from the cache.
fn questions() -> impl Iterator<Item = (String, String)> {
    (0..NAMES).flat_map(|number| {
        [
            (format!("n{number}.zone.test"), format!("198.18.1.{number}")),
            (format!("n{number}.up.example"), "198.18.0.1".to_owned()),
        ]
    })
}

/// The nth good configuration: always another one, and never other answers to the questions of the load.
fn good(number: usize) -> Config {
    let other = format!("$TTL 300\n@ SOA ns host {number} 3600 600 86400 60\n@ NS ns\nns A 192.0.2.1\n");
    let mut config = config()
        .zone("zone.test", &zone())
        .zone("other.test", &other)
        .file("upstreams.list", &format!("{}\n{}\n", UP[0], UP[1 + number % 3]))
        .forward_raw(".", "{ list: upstreams.list }", "in-order")
        .forward("corp.example", &[UP[number % 4]])
        .more(&format!("server: {{ nsid: \"n{number}\" }}"));
    if number.is_multiple_of(3) {
        config = config.zone("coming.test", &other);
    }
    if number % 4 < 2 {
        config = config.listen_with("192.0.2.1", "port: 54");
    }
    config
}

/// Breaks the configuration in force in the nth way; what the error must name.
fn spoil(server: &Server, number: usize) -> Result<String, Failure> {
    let folder = server.folder();
    let text = good(number).text();
    let lines = text.lines().count();
    let (text, named) = match number % 4 {
        0 => (format!("{text}log: [ {{ level\n"), "rhumb.yaml:".to_owned()),
        1 => (format!("{text}lissen: []\n"), format!("rhumb.yaml:{}:1: lissen", lines + 1)),
        2 => {
            let entry = "zones:\n  - { name: missing.test, file: missing.zone }\n";
            (text.replace("zones:\n", entry), "missing.zone: cannot be read".to_owned())
        }
        _ => {
            folder.write(
                "zones/other.test.zone",
                "$TTL 300\n@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2\n",
            )?;
            (text, "other.test.zone:4:".to_owned())
        }
    };
    folder.write("rhumb.yaml", text)?;
    Ok(named)
}

/// dnsperf: as many questions as it is told to ask, every answer counted by its response code.
struct Crowd {
    child: Child,
    _folder: Folder,
}

impl Crowd {
    fn start(lab: &Lab, names: impl Iterator<Item = String>, arguments: &[String]) -> Result<Self, Failure> {
        let folder = Folder::new()?;
        let lines: Vec<String> = names.map(|name| format!("{name} A\n")).collect();
        let file: PathBuf = folder.write("questions", lines.concat())?;
        let mut command = lab.client.host().command("dnsperf");
        command.args(["-s", "192.0.2.1", "-t", "2", "-d"]).arg(file).args(arguments);
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        Ok(Self { child, _folder: folder })
    }

    /// The figures of its report by their titles.
    fn report(mut self) -> Result<HashMap<String, String>, Failure> {
        let mut text = String::new();
        self.child.stdout.take().context("no pipe")?.read_to_string(&mut text)?;
        self.child.wait()?;
        let figure = |line: &str| {
            let (title, value) = line.split_once(':')?;
            Some((title.trim().to_owned(), value.trim().to_owned()))
        };
        Ok(text.lines().filter_map(figure).collect())
    }

    /// Ends it, and gives its report.
    fn stop(self) -> Result<HashMap<String, String>, Failure> {
        kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGINT)?;
        self.report()
    }
}

fn number(report: &HashMap<String, String>, title: &str) -> Result<f64, Failure> {
    let value = report.get(title).context(format!("no {title} in the report of dnsperf: {report:?}"))?;
    value.split_whitespace().next().unwrap_or_default().parse().context(format!("{title}: {value}"))
}

/// Questions a second that the server answers when it is asked for as many as it can.
fn maximum(lab: &Lab, names: impl Iterator<Item = String>) -> Result<f64, Failure> {
    let arguments = ["-l", "3", "-c", "4", "-q", "400"].map(str::to_owned);
    let report = Crowd::start(lab, names, &arguments)?.report()?;
    number(&report, "Queries per second")
}

/// Answers that came and that the client had no room for (`RcvbufErrors` in `/proc/net/snmp`): no loss of the server's.
fn overflown(lab: &Lab) -> Result<f64, Failure> {
    let text = lab.client.host().within(|| fs::read_to_string("/proc/thread-self/net/snmp"))??;
    let rows: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| line.starts_with("Udp:"))
        .map(|line| line.split_whitespace().collect())
        .collect();
    let [titles, values] = rows.as_slice() else { fail!("no counters of UDP: {text}") };
    let column = titles.iter().position(|title| *title == "RcvbufErrors").context("no RcvbufErrors")?;
    values.get(column).context("no value")?.parse().context("RcvbufErrors")
}

/// The server, its upstreams, and a cache that holds every forwarded name of the load.
fn begin(lab: &Lab) -> Result<(Server, Vec<Upstream>), Failure> {
    let reaction = |asked: &Asked| {
        if asked.message.kind() != type_number("A") {
            return no_data(asked);
        }
        asked.answer(&[&format!("{} 3600 IN A 198.18.0.1", asked.message.name())])
    };
    let upstreams: Vec<Upstream> =
        (0..4).map(|which| lab.upstream(which, script(reaction))).collect::<Result<_, _>>()?;
    let server = lab.start(&good(0))?;
    for (name, address) in questions() {
        ensure_eq!(lab.addresses(&format!("{name}."))?, [address], "answer to {name} before the load");
    }
    Ok((server, upstreams))
}

/// A broken file and then a good one, fifty times; each reload ends as it must.
fn reload_all(server: &Server) -> Verdict {
    for round in 1..=ROUNDS as usize {
        let named = spoil(server, round)?;
        let failed = server.tell(&["reload", "--strict"])?;
        ensure_eq!(
            failed.code,
            Some(1),
            "exit status of broken reload {round}: {}{}",
            failed.out,
            failed.err
        );
        ensure!(failed.err.contains(&named), "broken reload {round} does not name {named}: {}", failed.err);
        server.rewrite(&good(round))?;
        let output = server.tell(&["reload"])?;
        ensure_eq!(output.code, Some(0), "exit status of good reload {round}: {}{}", output.out, output.err);
        // Time for the server to see by itself that the files have changed.
        thread::sleep(Duration::from_millis(70));
    }
    Ok(Outcome::Passed)
}

fn hundred() -> Verdict {
    if program::find("dnsperf").is_none() {
        skip!("no dnsperf here");
    }
    let lab = Lab::new()?;
    let (server, upstreams) = begin(&lab)?;
    let names = || questions().map(|(name, _)| name);
    let maximum = maximum(&lab, names())?;
    let half = format!("{:.0}", maximum / 2.0);
    let wanted = questions().map(|(name, address)| Wanted::address(&format!("{name}."), &address)).collect();
    let overflown_before = overflown(&lab)?;
    let crowd = Crowd::start(&lab, names(), &half_load(&half))?;
    let checked = Load::start(&lab.client, lab.to, CHECKED, wanted)?;
    thread::sleep(Duration::from_millis(500));
    let reloads = reload_all(&server);
    let checked = checked.stop();
    let report = crowd.stop()?;
    reloads?;
    ensure!(checked.wrong == 0, "{} wrong answers: {:?}", checked.wrong, checked.first_wrong);
    ensure_eq!(checked.lost, 0, "of {} checked queries were lost", checked.sent);
    nothing_lost(&report, maximum, overflown(&lab)? - overflown_before)?;
    counts(&server)?;
    // Everything that could stay has stayed: no name was asked for twice.
    for (name, _) in questions().filter(|(name, _)| name.ends_with("up.example")) {
        let times: usize = upstreams.iter().map(|upstream| upstream.count(&name)).sum();
        ensure_eq!(times, 1, "queries upstream for {name}");
    }
    Ok(Outcome::Passed)
}

/// The arguments of a load at this rate that ends when it is stopped.
fn half_load(rate: &str) -> [String; 10] {
    ["-l", "200", "-b", "4000", "-c", "4", "-q", "5000", "-Q", rate].map(str::to_owned)
}

/// A load of half the maximum lost nothing but what the client had no room for, and was what it was meant to be.
fn nothing_lost(report: &HashMap<String, String>, maximum: f64, overflown: f64) -> Verdict {
    let lost = number(report, "Queries lost")? - overflown;
    ensure!(lost <= 0.0, "{lost} queries were lost at half of {maximum:.0} a second");
    let codes = report.get("Response codes").context("no response codes")?;
    ensure!(codes.starts_with("NOERROR") && !codes.contains(','), "response codes: {codes}");
    let asked = number(report, "Queries completed")?;
    let least = maximum / 2.0 * 0.8 * number(report, "Run time (s)")?;
    ensure!(asked >= least, "the load was {asked} queries, not {least:.0}");
    Ok(Outcome::Passed)
}

/// What the server has counted agrees with what it has logged and what was asked of it. It follows the file by itself too, so
/// there are more reloads than were asked for.
fn counts(server: &Server) -> Verdict {
    let logged = |text: &str| -> f64 {
        let log = fs::read_to_string(server.folder().at("log")).unwrap_or_default();
        log.lines().filter(|line| line.contains(text)).map(|_| 1.0).sum()
    };
    let counted = |result: &str| server.metric("rhumb_reload_total", &[&format!("result=\"{result}\"")]);
    let rounds = f64::from(ROUNDS);
    let settled = until(Duration::from_secs(3), || {
        counted("failed").is_ok_and(|count| count == logged("reload failed"))
    });
    ensure!(
        settled,
        "{} reloads are counted as failed, {} logged",
        counted("failed")?,
        logged("reload failed")
    );
    let good = counted("changed")? + counted("unchanged")?;
    ensure_eq!(good, logged("configuration reloaded"), "good reloads counted, and those logged");
    ensure!(
        counted("failed")? >= rounds && counted("changed")? >= rounds,
        "counted: {}, {good}",
        counted("failed")?
    );
    ensure_eq!(server.metric("rhumb_reload_success", &[])?, 1.0, "rhumb_reload_success after a good one");
    let servfail = server.metric("rhumb_dns_responses_total", &["rcode=\"SERVFAIL\""])?;
    ensure_eq!(servfail, 0.0, "answers SERVFAIL in all");
    ensure_eq!(server.metric("rhumb_panics_total", &[])?, 0.0, "panics");
    Ok(Outcome::Passed)
}
