//! A day of an operator: whatever happens is told once, with its cause, by the log, by `status`, by the metrics and by the alerts;
//! and nothing else is.
#![allow(clippy::float_cmp, reason = "the metrics compared here are whole numbers")]

use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rhumb_tests::rig::script::{every_name, script};
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Act, Config, Folder, Server, Upstream, program};
use rhumb_tests::{Failure, Outcome, Test, Verdict, ensure, ensure_eq};
use serde_json::Value;

use crate::forwarding::{Lab, UP};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[Test::beside("day::of_an_operator", day)];

/// How long an event may take to be seen everywhere.
const SEEN: Duration = Duration::from_secs(25);

/// The alerts of `rhumb.rules.yml` that a scrape makes true at once.
const ALERTS: [(&str, &str, &str); 8] = [
    ("RhumbNoUpstream", "rhumb_forward_domain_healthy_upstreams", "0"),
    ("RhumbUpstreamDown", "rhumb_forward_healthy", "0"),
    ("RhumbReloadFailed", "rhumb_reload_success", "0"),
    ("RhumbListUnusable", "rhumb_forward_list_ok", "0"),
    ("RhumbZoneFolderUnreadable", "rhumb_zone_folder_ok", "0"),
    ("RhumbZoneFailed", "rhumb_zone_ok", "0"),
    ("RhumbWorkerFailed", "rhumb_workers_failed", "1"),
    ("RhumbZonesFailed", "rhumb_zones_failed", "1"),
];

fn zone(serial: u32) -> String {
    format!("$TTL 300\n@ SOA ns host {serial} 3600 600 86400 60\n@ NS ns\nns A 192.0.2.1\n")
}

/// A server under way, and what it has told so far.
struct Day {
    lab: Lab,
    server: Server,
    /// Lines of the log that were looked at.
    read: usize,
    /// Pages of metrics, one for each time of the day.
    pages: Vec<(&'static str, String)>,
}

impl Day {
    fn new(lab: Lab, config: &Config) -> Result<Self, Failure> {
        let server = lab.start(config)?;
        ensure!(server.logs("\"ready\"", Duration::from_secs(10)), "{}", server.log_tail());
        let read = server.log().lines().count();
        Ok(Self { lab, server, read, pages: Vec::new() })
    }

    /// Level and text of the lines since the last look.
    fn new_lines(&self) -> Vec<(String, String)> {
        let log = self.server.log();
        let lines = log.lines().skip(self.read).filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
        lines.map(|line| (text(&line["level"]), text(&line["message"]))).collect()
    }

    /// The log tells each of these once, in any order, and nothing else. Then its page of metrics is kept.
    fn logs(&mut self, when: &'static str, expected: &[(&str, &str)]) -> Result<(), Failure> {
        let told = |lines: &[(String, String)]| {
            expected.iter().all(|(level, text)| lines.iter().any(|(l, t)| l == level && t.contains(text)))
        };
        let seen = until(SEEN, || told(&self.new_lines()));
        // Anything too much would come at once.
        std::thread::sleep(Duration::from_millis(300));
        let lines = self.new_lines();
        ensure!(seen, "{when}: not all is logged: {expected:?}, but {lines:?}");
        for (level, text) in expected {
            let count = lines.iter().filter(|(l, t)| l == level && t.contains(text)).count();
            ensure_eq!(count, 1, "{when}: lines with {text}: {lines:?}");
        }
        let surplus: Vec<_> =
            lines.iter().filter(|(_, line)| !expected.iter().any(|(_, text)| line.contains(text))).collect();
        ensure!(surplus.is_empty(), "{when}: also logged: {surplus:?}");
        self.read += lines.len();
        self.pages.push((when, self.server.page("/metrics")?.body));
        Ok(())
    }

    fn status(&self) -> Result<Value, Failure> {
        let said = self.server.tell(&["status", "--json"])?;
        ensure_eq!(said.code, Some(0), "exit status of status: {}", said.err);
        Ok(serde_json::from_str(&said.out)?)
    }

    /// `status` names the broken zones, upstreams that are down and warnings so.
    fn has_status(&self, when: &str, broken: &[&str], down: &[&str], warnings: usize) -> Result<(), Failure> {
        let status = self.status()?;
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let names: Vec<String> = list(&status["broken"])
            .iter()
            .filter_map(|zone| zone["name"].as_str().map(str::to_owned))
            .collect();
        ensure_eq!(names, broken, "{when}: broken zones of status");
        let mut found = Vec::new();
        for upstream in list(&status["routes"]).iter().flat_map(|route| list(&route["upstreams"])) {
            let address = upstream["address"].as_str().unwrap_or("?").trim_end_matches(":53").to_owned();
            if upstream["healthy"] == Value::Bool(false) && !found.contains(&address) {
                found.push(address);
            }
        }
        ensure_eq!(found, down, "{when}: upstreams of status that are down");
        ensure_eq!(list(&status["warnings"]).len(), warnings, "{when}: warnings: {}", status["warnings"]);
        Ok(())
    }

    /// The alerts whose series are so on the page of a time, each with its labels.
    fn alerts(page: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (alert, metric, value) in ALERTS {
            for line in page.lines().filter(|line| line.starts_with(metric)) {
                let Some((series, is)) = line.rsplit_once(' ') else { continue };
                let rest = &series[metric.len()..];
                if (rest.is_empty() || rest.starts_with('{')) && is == value {
                    found.push(format!("{alert}{rest}"));
                }
            }
        }
        found
    }

    /// What Prometheus makes of the pages of the day, each held for half an hour: these alerts and no others.
    fn check_alerts(&self, expected: &[(&str, &[&str])]) -> Result<(), Failure> {
        for ((when, page), (named, alerts)) in self.pages.iter().zip(expected) {
            ensure_eq!(when, named, "the time of the day");
            ensure_eq!(Self::alerts(page), *alerts, "{when}: alerts that the metrics make true");
        }
        ensure_eq!(self.pages.len(), expected.len(), "times of the day");
        if program::find("promtool").is_none() {
            return Ok(());
        }
        let folder = Folder::new()?;
        let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/prometheus/rhumb.rules.yml");
        let names: Vec<String> = fs::read_to_string(&rules)?
            .lines()
            .filter_map(|line| line.trim().strip_prefix("- alert: ").map(str::to_owned))
            .collect();
        let mut text = format!("rule_files: [\"{}\"]\nevaluation_interval: 1m\ntests:\n", rules.display());
        for ((_, page), (when, alerts)) in self.pages.iter().zip(expected) {
            writeln!(text, "  - name: {when}\n    interval: 1m\n    input_series:")?;
            for line in page.lines().filter(|line| !line.starts_with('#')) {
                let Some((series, value)) = line.rsplit_once(' ') else { continue };
                // Series of the server itself, as they are scraped.
                let labelled = match series.split_once('{') {
                    Some((name, labels)) => format!("{name}{{job=\"rhumb\",instance=\"a\",{labels}"),
                    None => format!("{series}{{job=\"rhumb\",instance=\"a\"}}"),
                };
                writeln!(text, "      - series: '{labelled}'\n        values: '{value}x30'")?;
            }
            writeln!(text, "    alert_rule_test:")?;
            for name in &names {
                let fires = alerts.iter().any(|alert| alert.split('{').next() == Some(name));
                // The labels and texts of alerts that fire have tests of their own.
                if !fires {
                    writeln!(text, "      - {{ alertname: {name}, eval_time: 25m, exp_alerts: [] }}")?;
                }
            }
        }
        folder.write("day.yml", &text)?;
        let mut command = Command::new("promtool");
        command.args(["test", "rules", "day.yml"]).current_dir(folder.path());
        let said = program::run(&mut command, Duration::from_mins(2))?;
        ensure_eq!(said.code, Some(0), "promtool: {}{}", said.out, said.err);
        Ok(())
    }
}

/// Asks until the server has found out about its upstreams.
fn ask(lab: &Lab, label: &str, done: impl Fn() -> bool) -> Result<(), Failure> {
    let mut number = 0;
    let found = until(SEEN, || {
        number += 1;
        let _ = lab.addresses(&format!("{label}{number}.corp.example."));
        done()
    });
    ensure!(found, "asking for {label} changed nothing");
    Ok(())
}

fn start(lab: Lab) -> Result<(Day, Config, Vec<Upstream>), Failure> {
    let upstreams =
        vec![lab.upstream(0, every_name("198.18.0.1"))?, lab.upstream(1, every_name("198.18.0.2"))?];
    let zones = ["a.test", "b.test"].map(|name| (name.to_owned(), zone(1)));
    let config = Config::new()
        .listen("192.0.2.1")
        .allow(&["192.0.2.0/24", "127.0.0.0/8"])
        .zone_folder("zones", zones)
        .file("corp.list", &format!("{}\n{}\n", UP[0], UP[1]))
        .forward_raw("corp.example", "{ list: corp.list }", "in-order")
        .more("user: \"65534:65534\"");
    Ok((Day::new(lab, &config)?, config, upstreams))
}

/// An upstream dies and comes back, and the list of upstreams changes.
fn upstream_events(day: &mut Day, upstreams: &[Upstream]) -> Result<(), Failure> {
    let folder = day.server.folder().path().to_owned();
    // The first upstream dies; the second answers for it.
    upstreams[0].follow(script(|_| Act::Silent));
    let server = &day.server;
    ask(&day.lab, "dead", || {
        server.metric("rhumb_forward_healthy", &[UP[0]]).is_ok_and(|healthy| healthy == 0.0)
    })?;
    let down = format!("upstream {}:53 is down: no reply in time (for corp.example.)", UP[0]);
    day.logs("an upstream dies", &[("WARN", &down)])?;
    day.has_status("an upstream dies", &[], &[UP[0]], 0)?;

    // It comes back.
    upstreams[0].follow(every_name("198.18.0.1"));
    day.logs(
        "it comes back",
        &[("INFO", &format!("upstream {}:53 is up again (for corp.example.)", UP[0]))],
    )?;
    day.has_status("it comes back", &[], &[], 0)?;

    // The list changes: one upstream goes, and later the list is unusable for a while.
    fs::write(folder.join("corp.list"), format!("{}\n", UP[1]))?;
    day.logs(
        "the list changes",
        &[("INFO", &format!("forward corp.example.: upstreams removed: {}:53", UP[0]))],
    )?;
    ensure_eq!(day.lab.addresses("changed.corp.example.")?, ["198.18.0.2"], "with the changed list");
    day.has_status("the list changes", &[], &[], 0)?;
    Ok(())
}

/// A zone breaks and is mended.
fn zone_events(day: &mut Day) -> Result<(), Failure> {
    let folder = day.server.folder().path().to_owned();
    // A zone breaks: what it has is served on.
    fs::write(folder.join("zones/a.test.zone"), format!("{}www A not-an-address\n", zone(2)))?;
    day.logs("a zone breaks", &[("ERROR", "zone a.test. is broken and answered by serial 1: ")])?;
    day.has_status("a zone breaks", &["a.test."], &[], 0)?;
    ensure_eq!(day.lab.addresses("ns.a.test.")?, ["192.0.2.1"], "from the broken zone");

    // It is mended.
    fs::write(folder.join("zones/a.test.zone"), zone(3))?;
    day.logs("it is mended", &[("INFO", "zone a.test.: loaded anew, serial 1 -> 3")])?;
    day.has_status("it is mended", &[], &[], 0)?;
    Ok(())
}

/// A listener is added, and a mistake is made and taken back.
fn configuration_events(day: &mut Day, config: &Config) -> Result<(), Failure> {
    // A listener is added.
    let more = config.clone().listen_with("192.0.2.1", "port: 5353");
    day.server.folder().write("rhumb.yaml", more.text())?;
    day.logs(
        "a listener is added",
        &[
            ("INFO", "rhumb.yaml: changed"),
            ("INFO", "listener udp 192.0.2.1:5353: opened"),
            ("INFO", "listener tcp 192.0.2.1:5353: opened"),
            ("INFO", "configuration reloaded"),
        ],
    )?;
    day.has_status("a listener is added", &[], &[], 0)?;

    // A mistake in the configuration: nothing is changed.
    day.server.folder().write("rhumb.yaml", more.text().replace("corp.list", "corp.list, polcy: x"))?;
    day.logs(
        "a mistake",
        &[("INFO", "rhumb.yaml: changed"), ("ERROR", "polcy"), ("ERROR", "reload failed")],
    )?;
    ensure_eq!(day.status()?["last_reload"]["ok"], Value::Bool(false), "the last reload");
    day.server.folder().write("rhumb.yaml", more.text())?;
    day.logs("it is taken back", &[("INFO", "rhumb.yaml: changed"), ("INFO", "configuration reloaded")])?;
    ensure_eq!(day.status()?["last_reload"]["ok"], Value::Bool(true), "the last reload");
    Ok(())
}

/// The folder of zones is unreadable for a while.
fn folder_events(day: &mut Day, zones: &Path) -> Result<(), Failure> {
    // The folder of zones cannot be read for a while.
    fs::set_permissions(zones, Permissions::from_mode(0o000))?;
    day.logs("the zones cannot be read", &[("ERROR", "zones: Permission denied")])?;
    day.has_status("the zones cannot be read", &[], &[], 1)?;
    ensure_eq!(day.lab.addresses("ns.b.test.")?, ["192.0.2.1"], "from a zone that cannot be read");
    fs::set_permissions(zones, Permissions::from_mode(0o755))?;
    day.logs("they can be read again", &[("INFO", "zones: can be read again")])?;
    day.has_status("they can be read again", &[], &[], 0)?;
    ensure_eq!(day.lab.addresses("ns.b.test.")?, ["192.0.2.1"], "in the evening");
    Ok(())
}

fn day() -> Verdict {
    let (mut day, config, upstreams) = start(Lab::new()?)?;
    let zones = day.server.folder().at("zones");
    day.lab.addresses("first.corp.example.")?;
    day.lab.addresses("ns.a.test.")?;
    day.logs("morning", &[])?;
    day.has_status("morning", &[], &[], 0)?;

    upstream_events(&mut day, &upstreams)?;
    zone_events(&mut day)?;
    configuration_events(&mut day, &config)?;
    folder_events(&mut day, &zones)?;
    let unreadable = format!("RhumbZoneFolderUnreadable{{folder=\"{}\"}}", zones.display());
    let dead = format!("RhumbUpstreamDown{{upstream=\"{}:53\"}}", UP[0]);
    day.check_alerts(&[
        ("morning", &[]),
        ("an upstream dies", &[&dead]),
        ("it comes back", &[]),
        ("the list changes", &[]),
        ("a zone breaks", &["RhumbZoneFailed{zone=\"a.test.\"}", "RhumbZonesFailed"]),
        ("it is mended", &[]),
        ("a listener is added", &[]),
        ("a mistake", &["RhumbReloadFailed"]),
        ("it is taken back", &[]),
        ("the zones cannot be read", &[&unreadable]),
        ("they can be read again", &[]),
    ])?;
    let changed = day.server.metric("rhumb_forward_list_changes_total", &[])?;
    ensure_eq!(changed, 1.0, "changes of the list");
    let reloads = |result: &str| day.server.metric("rhumb_reload_total", &[&format!("result=\"{result}\"")]);
    ensure_eq!(
        (reloads("changed")?, reloads("failed")?),
        (1.0, 1.0),
        "reloads that changed something, and that failed"
    );
    Ok(Outcome::Passed)
}
