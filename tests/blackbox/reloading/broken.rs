//! What is wrong in a zone file is that zone's affair; what is wrong in the configuration refuses a reload.
#![allow(clippy::float_cmp, reason = "the metrics compared here are whole numbers")]

use std::fs;
use std::time::{Duration, Instant};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use rhumb_tests::rig::{Config, Server, rcode};
use rhumb_tests::{Context, Failure, Outcome, Verdict, ensure, ensure_eq};

use super::zone;
use crate::forwarding::Lab;

const ZONES: u32 = 5000;
const BROKEN: u32 = 50;

fn name(number: u32) -> String {
    format!("z{number}.test")
}

fn is_broken(number: u32) -> bool {
    number % (ZONES / BROKEN) == 7
}

/// Runs a command that has to end with this status; what it printed, on both streams.
fn told(server: &Server, arguments: &[&str], code: i32) -> Result<String, Failure> {
    let output = server.tell(arguments)?;
    ensure_eq!(output.code, Some(code), "exit status of {arguments:?}: {}{}", output.out, output.err);
    Ok(output.out + &output.err)
}

/// 5,000 zones, 50 of which break: reloads of the configuration go into force, and the 50 are named everywhere.
pub(super) fn fifty() -> Verdict {
    let lab = Lab::new()?;
    let zones = || (0..ZONES).map(|number| (name(number), zone(1, "198.18.0.80")));
    let base = || Config::new().listen("192.0.2.1").zone_folder("many", zones());
    let server = lab.start(&base())?;
    let path = |number: u32| server.folder().at(&format!("many/{}.zone", name(number)));
    let all: Vec<u32> = (0..ZONES).filter(|number| is_broken(*number)).collect();
    for number in &all {
        fs::write(path(*number), zone(2, "no-address"))?;
    }
    let configuration = base().text() + "server: { nsid: changed }\n";
    server.folder().write("rhumb.yaml", &configuration)?;
    let words = told(&server, &["reload"], 0)?;
    let difference = told(&server, &["diff"], 0)?;
    let status = told(&server, &["status"], 0)?;
    for number in &all {
        let name = format!("{}.zone:", name(*number));
        for (what, text) in [("reload", &words), ("diff", &difference), ("status", &status)] {
            ensure!(text.contains(&name), "{what} does not name {name} {text}");
        }
    }
    for number in [7, 8, 107] {
        let answer = lab.client.ask(lab.to, &format!("www.{}.", name(number)), "A")?;
        ensure_eq!(answer.data("A"), ["198.18.0.80"], "answer from zone {number}");
    }
    ensure_eq!(server.metric("rhumb_zones_failed", &[])?, f64::from(BROKEN), "rhumb_zones_failed");
    ensure_eq!(server.metric("rhumb_reload_success", &[])?, 1.0, "rhumb_reload_success");
    let ready = server.page("/ready")?;
    ensure_eq!(ready.status, 200, "/ready with broken zones: {}", ready.body);
    ensure!(ready.body.contains("z1007.test"), "/ready does not name a broken zone: {}", ready.body);
    // All or nothing: neither the new zone nor the new setting is there.
    server.folder().write("rhumb.yaml", configuration.replace("changed", "strict"))?;
    fs::write(path(1), zone(1, "198.18.0.81")).context("zone 1")?;
    let strict = told(&server, &["reload", "--strict"], 1)?;
    ensure!(strict.contains("z7.test.zone:"), "reload --strict does not say what is broken: {strict}");
    // Mended, the last trace is gone.
    for number in &all {
        fs::write(path(*number), zone(3, "198.18.0.83"))?;
    }
    told(&server, &["reload", "--strict"], 0)?;
    ensure_eq!(server.metric("rhumb_zones_failed", &[])?, 0.0, "rhumb_zones_failed when mended");
    let answer = lab.client.ask(lab.to, "www.z7.test.", "A")?;
    ensure_eq!(answer.data("A"), ["198.18.0.83"], "answer from a zone that was mended");
    Ok(Outcome::Passed)
}

/// What has no contents of a file, in place of each kind of file: refused at once, and everything else goes on.
pub(super) fn special_files() -> Verdict {
    let lab = Lab::new()?;
    let including = zone(1, "198.18.0.80") + "$INCLUDE part.inc\n";
    let base = || {
        Config::new()
            .listen("192.0.2.1")
            .file("zones/part.inc", "txt TXT included\n")
            .zone("zone.test", &zone(1, "198.18.0.80"))
            .zone("including.test", &including)
            .zone_folder("many", [("in.test".to_owned(), zone(1, "198.18.0.80"))])
            .file("upstreams.list", "192.0.2.99\n")
            .forward_raw(".", "{ list: upstreams.list }", "in-order")
    };
    let server = lab.start(&base())?;
    let files = [
        "zones/zone.test.zone",
        "zones/part.inc",
        "many/in.test.zone",
        "many/new.test.zone",
        "upstreams.list",
    ];
    for file in files {
        for kind in ["fifo", "folder", "socket", "device", "endless device"] {
            let path = server.folder().at(file);
            let kept = fs::read(&path).ok();
            let _ = fs::remove_file(&path);
            // The socket's folder has to be short; the kernel's limit is 108 bytes.
            let mut socket = None;
            match kind {
                "fifo" => mkfifo(&path, Mode::S_IRWXU)?,
                "folder" => fs::create_dir(&path)?,
                "socket" => socket = Some(std::os::unix::net::UnixListener::bind(&path)?),
                "device" => std::os::unix::fs::symlink("/dev/tty", &path)?,
                _ => std::os::unix::fs::symlink("/dev/zero", &path)?,
            }
            let begun = Instant::now();
            told(&server, &["reload"], 0)?;
            let took = begun.elapsed();
            ensure!(took < Duration::from_secs(1), "a {kind} named {file}: the reload took {took:?}");
            let query = |name: &str| lab.client.ask(lab.to, name, "A");
            ensure_eq!(query("www.zone.test.")?.data("A"), ["198.18.0.80"], "{kind} at {file}");
            ensure_eq!(query("www.including.test.")?.data("A"), ["198.18.0.80"], "{kind} at {file}");
            ensure_eq!(query("www.in.test.")?.data("A"), ["198.18.0.80"], "{kind} at {file}");
            drop(socket);
            if kind == "folder" {
                fs::remove_dir(&path)?;
            } else {
                fs::remove_file(&path)?;
            }
            if let Some(kept) = kept {
                fs::write(&path, kept)?;
            }
            told(&server, &["reload", "--strict"], 0)?;
        }
    }
    ensure_eq!(
        lab.client.ask(lab.to, "www.new.test.", "A")?.rcode(),
        rcode::REFUSED,
        "the zone whose file went"
    );
    Ok(Outcome::Passed)
}
