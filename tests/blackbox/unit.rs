//! The systemd unit, and what the server tells the service manager.
#![allow(clippy::float_cmp, reason = "the metrics compared here are whole numbers")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::time::{ClockId, clock_gettime};
use rhumb_tests::rig::client::receive;
use rhumb_tests::rig::script::script;
use rhumb_tests::rig::server::binary;
use rhumb_tests::rig::{Act, Config, Folder, Host, Message, Server, program, rcode};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};

use crate::forwarding::{Lab, UP, config};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("unit::systemd_finds_nothing_wrong_with_it", verify),
    Test::beside("unit::systemd_calls_it_well_confined", security),
    Test::beside("unit::readiness_reload_and_end_are_told", told),
    Test::beside("unit::a_failed_reload_is_told_as_ended", failed_reload),
    Test::beside("unit::a_failed_reload_of_the_unit_is_a_failure", failed_unit_reload),
    Test::beside("unit::the_watchdog_gets_signs_of_life", watchdog),
    Test::beside("unit::the_end_waits_five_seconds_at_most", bounded_end),
];

const ZONE: &str = "$TTL 300\n@ SOA ns host 1 3600 600 86400 60\n@ NS ns\nns A 192.0.2.1\n";

/// Exposure in tenths, as `systemd-analyze security` counts it, that is still allowed: what is left of it is network access,
/// the one capability, and the calls by which the server confines itself further.
const EXPOSURE: u32 = 18;

fn deployed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/systemd")
}

fn analyze(arguments: &[&str], unit: &Path) -> Result<program::Output, Failure> {
    program::run(Command::new("systemd-analyze").args(arguments).arg(unit), Duration::from_secs(30))
}

/// The unit as installed, but with the program where it is.
fn installed() -> Result<(Folder, PathBuf), Failure> {
    let folder = Folder::new()?;
    let program = binary().display().to_string();
    let text = fs::read_to_string(deployed().join("rhumb.service")).context("rhumb.service")?;
    let unit = folder.write("rhumb.service", text.replace("/usr/bin/rhumb", &program))?;
    Ok((folder, unit))
}

fn verify() -> Verdict {
    if program::find("systemd-analyze").is_none() {
        skip!("no systemd-analyze here");
    }
    let (_folder, unit) = installed()?;
    let output = analyze(&["verify", "--man=no"], &unit)?;
    ensure_eq!(output.code, Some(0), "exit status of verify: {}{}", output.out, output.err);
    ensure!(output.err.trim().is_empty(), "verify says: {}", output.err);
    Ok(Outcome::Passed)
}

fn security() -> Verdict {
    if program::find("systemd-analyze").is_none() {
        skip!("no systemd-analyze here");
    }
    let threshold = format!("--threshold={EXPOSURE}");
    let output =
        analyze(&["security", "--offline=yes", "--no-pager", &threshold], &deployed().join("rhumb.service"))?;
    let overall = output.out.lines().find(|line| line.contains("Overall exposure")).unwrap_or("no score");
    ensure_eq!(output.code, Some(0), "{overall}; allowed: {EXPOSURE} tenths: {}", output.err);
    Ok(Outcome::Passed)
}

/// A service manager that listens.
struct Manager {
    socket: UnixDatagram,
    _folder: Folder,
    variable: String,
}

impl Manager {
    fn new() -> Result<Self, Failure> {
        let folder = Folder::new()?;
        let path = folder.at("notify");
        let socket = UnixDatagram::bind(&path).context(path.display())?;
        // As systemd's is: the server is another user by then.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777))?;
        Ok(Self { socket, _folder: folder, variable: format!("NOTIFY_SOCKET={}", path.display()) })
    }

    fn start(&self, host: &Host, config: &Config, more: &[&str]) -> Result<Server, Failure> {
        let wrapper: Vec<&str> = ["env", &self.variable].into_iter().chain(more.iter().copied()).collect();
        Server::start_by(host, config, &wrapper)
    }

    /// The next message with one of these assignments; others are passed over.
    fn waits_for(&self, wanted: &str, time_limit: Duration) -> Result<String, Failure> {
        let deadline = Instant::now() + time_limit;
        let mut passed = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            ensure!(!left.is_zero(), "no {wanted} within {time_limit:?}, but {passed:?}");
            self.socket.set_read_timeout(Some(left))?;
            let Ok(length) = self.socket.recv(&mut buffer) else { continue };
            let message = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if message.lines().any(|line| line == wanted) {
                return Ok(message);
            }
            passed.push(message);
        }
    }

    /// Whether nothing with this assignment is waiting.
    fn has_no(&self, unwanted: &str) -> bool {
        self.waits_for(unwanted, Duration::from_millis(100)).is_err()
    }
}

/// Microseconds of `CLOCK_MONOTONIC`.
fn monotonic() -> Result<u128, Failure> {
    Ok(Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC)?).as_micros())
}

/// SIGHUP as `systemctl reload` sends it: RELOADING=1 with the time, then READY=1.
fn reload(manager: &Manager, server: &Server) -> Verdict {
    let before = monotonic()?;
    server.signal(Signal::SIGHUP)?;
    let message = manager.waits_for("RELOADING=1", Duration::from_secs(3))?;
    let stamp = message.lines().find_map(|line| line.strip_prefix("MONOTONIC_USEC="));
    let stamp: u128 = stamp.context(format!("no MONOTONIC_USEC beside RELOADING=1: {message}"))?.parse()?;
    ensure!(
        (before..=monotonic()?).contains(&stamp),
        "MONOTONIC_USEC={stamp}, but the reload was asked for at {before}"
    );
    manager.waits_for("READY=1", Duration::from_secs(5)).context("after RELOADING=1")?;
    Ok(Outcome::Passed)
}

fn told() -> Verdict {
    let host = Host::new()?;
    let manager = Manager::new()?;
    let config = Config::new().listen("127.0.0.1").zone("zone.test", ZONE).more("user: \"65534:65534\"");
    let mut server = manager.start(&host, &config, &[])?;
    manager.waits_for("READY=1", Duration::from_secs(3))?;
    for _ in 0..2 {
        reload(&manager, &server)?;
    }
    ensure!(manager.has_no("STOPPING=1"), "STOPPING=1 without SIGTERM");
    server.signal(Signal::SIGTERM)?;
    manager.waits_for("STOPPING=1", Duration::from_secs(3))?;
    ensure_eq!(server.wait(Duration::from_secs(6))?, 0, "exit status after SIGTERM");
    Ok(Outcome::Passed)
}

/// A reload that fails ends all the same: systemd would wait for ever otherwise.
fn failed_reload() -> Verdict {
    let host = Host::new()?;
    let manager = Manager::new()?;
    let server = manager.start(&host, &Config::new().listen("127.0.0.1").zone("zone.test", ZONE), &[])?;
    manager.waits_for("READY=1", Duration::from_secs(3))?;
    server.folder().write("rhumb.yaml", "listen: [\n")?;
    reload(&manager, &server)?;
    manager.waits_for("STATUS=serving; the last reload failed", Duration::from_secs(2))?;
    ensure_eq!(server.metric("rhumb_reload_success", &[])?, 0.0, "rhumb_reload_success");
    Ok(Outcome::Passed)
}

/// What the unit runs for `systemctl reload` fails where the reload does, and says why; it succeeds where that does.
fn failed_unit_reload() -> Verdict {
    let host = Host::new()?;
    let config = Config::new().listen("127.0.0.1").zone("zone.test", ZONE);
    let server = Server::start(&host, &config)?;
    let unit = fs::read_to_string(deployed().join("rhumb.service")).context("rhumb.service")?;
    let line = unit.lines().find_map(|line| line.strip_prefix("ExecReload=")).context("no ExecReload=")?;
    let file = server.folder().at("rhumb.yaml").display().to_string();
    let line = line.replace("/usr/bin/rhumb", &binary().display().to_string());
    let line = line.replace("/etc/rhumb/rhumb.yaml", &file);
    ensure!(line.contains(&file), "the unit reloads another configuration: {line}");
    let words: Vec<&str> = line.split_whitespace().collect();
    let reload = || {
        let mut command = host.command(words[0]);
        program::run(command.args(&words[1..]), Duration::from_secs(30))
    };
    let good = reload()?;
    ensure_eq!(good.code, Some(0), "exit status of a reload that succeeds: {}", good.err);
    server.folder().write("rhumb.yaml", config.text().replace("listen:", "lissen:"))?;
    let bad = reload()?;
    ensure_eq!(bad.code, Some(1), "exit status of a reload that fails: {}", bad.err);
    ensure!(bad.err.contains("lissen"), "the cause is not told: {}", bad.err);
    server.rewrite(&config)?;
    ensure_eq!(reload()?.code, Some(0), "exit status once the file is good again");
    Ok(Outcome::Passed)
}

fn watchdog() -> Verdict {
    const TIME: Duration = Duration::from_millis(600);
    let host = Host::new()?;
    let manager = Manager::new()?;
    let variable = format!("WATCHDOG_USEC={}", TIME.as_micros());
    let config = Config::new().listen("127.0.0.1").zone("zone.test", ZONE);
    let server = manager.start(&host, &config, &[&variable])?;
    manager.waits_for("READY=1", Duration::from_secs(3))?;
    for beat in 0..6 {
        manager.waits_for("WATCHDOG=1", TIME).context(format!("beat {beat}"))?;
    }
    server.signal(Signal::SIGSTOP)?;
    while !manager.has_no("WATCHDOG=1") {}
    thread::sleep(TIME);
    let silent = manager.has_no("WATCHDOG=1");
    server.signal(Signal::SIGCONT)?;
    ensure!(silent, "a sign of life from a stopped server");
    manager.waits_for("WATCHDOG=1", TIME)?;
    Ok(Outcome::Passed)
}

/// An upstream that never answers does not hold the end: it comes within the five seconds that waiting queries have, and
/// who waits is told that it failed.
fn bounded_end() -> Verdict {
    let lab = Lab::new()?;
    let _upstream = lab.upstream(0, script(|_| Act::Silent))?;
    let mut server = lab.start(&config().forward(".", &UP[..1]))?;
    let socket = lab.client.udp_socket(lab.to)?;
    socket.send_to(&Message::query("waits.up.example.", "A").to_wire(), lab.to)?;
    thread::sleep(Duration::from_millis(200));
    let begun = Instant::now();
    server.signal(Signal::SIGTERM)?;
    ensure_eq!(server.wait(Duration::from_secs(8))?, 0, "exit status after SIGTERM");
    let took = begun.elapsed();
    ensure!(took < Duration::from_millis(6500), "it took {took:?} to end");
    let (wire, _) = receive(&socket, Duration::from_millis(100))?.context("who waited got no answer")?;
    ensure_eq!(Message::from_wire(&wire)?.rcode(), rcode::SERVFAIL, "response code for who waited");
    Ok(Outcome::Passed)
}
