//! `rhumb check`, `check-zone` and `diff`, and what each command's exit status says.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rhumb_tests::rig::config::SMALL_ZONE;
use rhumb_tests::rig::server::binary;
use rhumb_tests::rig::{Config, Folder, Host, Server, program};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq};

mod mistakes;
mod signed;
mod special;
mod warnings;

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("checking::each_of_ten_mistakes_is_told_once_with_its_line", ten),
    Test::beside("checking::mistakes_in_zones_and_lists_are_told_too", files),
    Test::beside("checking::typical_mistakes_of_configurations", mistakes::refused),
    Test::beside("checking::typical_mistakes_of_zones", mistakes::zones),
    Test::beside("checking::warnings_are_told_and_good", warnings::told),
    Test::beside("checking::warnings_are_told_beside_mistakes", warnings::beside_mistakes),
    Test::beside("checking::a_reload_tells_its_warnings", warnings::reloaded),
    Test::beside("checking::a_default_control_socket_in_use", warnings::default_socket),
    Test::beside("checking::special_files_are_refused_at_once", special::refused),
    Test::beside("checking::a_list_that_comes_later_is_waited_for", special::waited_for),
    Test::beside("checking::check_zone", check_zone),
    Test::beside("checking::signed_zones_that_are_good", signed::good),
    Test::beside("checking::signed_zones_that_are_broken", signed::broken),
    Test::beside("checking::signed_zones_that_are_served", signed::served),
    Test::beside("checking::exit_status_of_every_command", exit_status),
    Test::beside("checking::diff_says_what_a_reload_would_change", diff),
];

fn rhumb(folder: &Path, arguments: &[&str]) -> Result<program::Output, Failure> {
    program::run(Command::new(binary()).args(arguments).current_dir(folder), Duration::from_secs(20))
}

/// The lines of `file` that the errors name.
fn lines_named(errors: &str, file: &str) -> BTreeSet<u32> {
    let number = |line: &str| line.split_once(&format!("{file}:"))?.1.split(':').next()?.trim().parse().ok();
    errors.lines().filter_map(number).collect()
}

/// Ten mistakes of ten kinds, and as many errors: each at its line, none for what is right.
fn ten() -> Verdict {
    const TEXT: &str = "\
listen:
  - address: \"::\"
    port: 70000
  - { address: 192.0.2.300, port: 53 }
  - { address: 127.0.0.1, port: 53, tranports: [udp] }
zones:
  - { name: example.com, file: example.com.zone }
  - { name: example.com, file: example.com.zone }
  - { name: missing.example, file: missing.zone }
forward:
  - domain: .
    upstreams: [192.0.2.53]
    policy: best
recursion:
  allow: [10.0.0.0/33]
cache:
  size: 12 buckets
  size: 1MiB
log: { level: loud }
workers: 0
";
    const LINES: [u32; 10] = [3, 4, 5, 8, 9, 13, 15, 17, 18, 19];
    let folder = Folder::new()?;
    folder.write("example.com.zone", SMALL_ZONE)?;
    // The eleventh is for those who count: with it mended, ten are left.
    folder.write("rhumb.yaml", TEXT.replace("workers: 0", "workers: 1"))?;
    let output = rhumb(folder.path(), &["check", "-c", "rhumb.yaml"])?;
    ensure_eq!(output.code, Some(2), "exit status: {}{}", output.out, output.err);
    let named = lines_named(&output.err, "rhumb.yaml");
    ensure_eq!(named, BTreeSet::from(LINES), "lines of the errors of:\n{}\n", output.err);
    ensure_eq!(output.err.trim_end().lines().count(), 10, "errors: {}", output.err);
    ensure!(output.err.contains("transports"), "the nearest key is not named: {}", output.err);
    folder.write("rhumb.yaml", TEXT)?;
    let more = lines_named(&rhumb(folder.path(), &["check", "-c", "rhumb.yaml"])?.err, "rhumb.yaml");
    ensure!(more.len() == 11 && more.contains(&20), "with one more mistake: {more:?}");
    Ok(Outcome::Passed)
}

/// A configuration that is right by itself, with files that are not.
fn files() -> Verdict {
    let folder = Folder::new()?;
    let text = Config::new()
        .listen_with("127.0.0.1", "port: 5399")
        .zone("good.test", SMALL_ZONE)
        .zone("bad.test", "")
        .forward_raw(".", "{ list: upstreams.list }", "in-order")
        .text();
    folder.write("rhumb.yaml", text)?;
    folder.write("zones/good.test.zone", SMALL_ZONE)?;
    folder.write("zones/bad.test.zone", format!("{SMALL_ZONE}www A 192.0.2.300\nmail MX mail\n"))?;
    folder.write("upstreams.list", "192.0.2.1\nnot an address\n")?;
    let output = rhumb(folder.path(), &["check", "-c", "rhumb.yaml"])?;
    ensure_eq!(output.code, Some(2), "exit status: {}{}", output.out, output.err);
    let named = lines_named(&output.err, "bad.test.zone");
    ensure_eq!(named, BTreeSet::from([6, 7]), "lines of the zone in: {}", output.err);
    let named = lines_named(&output.err, "upstreams.list");
    ensure_eq!(named, BTreeSet::from([2]), "lines of the list in: {}", output.err);
    ensure!(!output.err.contains("good.test"), "the good zone is blamed: {}", output.err);
    Ok(Outcome::Passed)
}

fn check_zone() -> Verdict {
    let folder = Folder::new()?;
    folder.write("good.zone", SMALL_ZONE)?;
    let good = rhumb(folder.path(), &["check-zone", "zone.test", "good.zone"])?;
    ensure_eq!(good.code, Some(0), "exit status for a good zone: {}{}", good.out, good.err);
    for part in ["zone.test", "serial 1"] {
        ensure!(good.out.contains(part), "a good zone is not told by {part:?}: {}", good.out);
    }
    folder.write("bad.zone", format!("{SMALL_ZONE}a A 192.0.2\nb AAAA 2001:db8::g\nc MX ten mail\n"))?;
    let bad = rhumb(folder.path(), &["check-zone", "zone.test", "bad.zone"])?;
    ensure_eq!(bad.code, Some(2), "exit status for a bad zone: {}{}", bad.out, bad.err);
    let named = lines_named(&bad.err, "bad.zone");
    ensure_eq!(named, BTreeSet::from([6, 7, 8]), "lines of the errors in: {}", bad.err);
    folder.write("included.zone", "d A 192.0.2.500\n")?;
    folder.write("includes.zone", format!("{SMALL_ZONE}$INCLUDE included.zone\n"))?;
    let included = rhumb(folder.path(), &["check-zone", "zone.test", "includes.zone"])?;
    ensure_eq!(included.code, Some(2), "exit status with a bad included file: {}", included.err);
    ensure!(included.err.contains("included.zone:1:"), "the included file is not named: {}", included.err);
    for (what, arguments) in [
        ("a missing file", ["check-zone", "zone.test", "missing.zone"]),
        ("a bad origin", ["check-zone", "bad..name", "good.zone"]),
    ] {
        let output = rhumb(folder.path(), &arguments)?;
        ensure_eq!(output.code, Some(2), "exit status for {what}: {}{}", output.out, output.err);
        ensure!(!output.err.is_empty(), "nothing is said about {what}");
    }
    Ok(Outcome::Passed)
}

/// 0 good, 1 the operation failed, 2 wrong usage or bad configuration; what went wrong is on standard error.
fn exit_status() -> Verdict {
    let host = Host::new()?;
    let server = Server::start(&host, &Config::new().listen("127.0.0.1").zone("zone.test", SMALL_ZONE))?;
    for arguments in [
        &["check"][..],
        &["diff"],
        &["reload"],
        &["status"],
        &["stats"],
        &["flush"],
        &["flush", "www.zone.test"],
        &["flush", "zone.test", "--subtree"],
        &["explain", "www.zone.test", "A"],
        &["zone", "list"],
        &["selftest"],
        &["healthcheck"],
    ] {
        let output = server.tell(arguments)?;
        ensure_eq!(output.code, Some(0), "rhumb {arguments:?}: {}{}", output.out, output.err);
    }
    let nobody = Folder::new()?;
    let text = Config::new().listen_with("127.0.0.1", "port: 5399").text();
    nobody.write("rhumb.yaml", text)?;
    // Nobody listens on that control socket: the operation fails, though usage and configuration are right.
    for command in [&["reload"][..], &["status"], &["stats"], &["flush"], &["zone", "list"], &["healthcheck"]]
    {
        let output = rhumb(nobody.path(), &[command, &["-c", "rhumb.yaml"]].concat())?;
        ensure_eq!(output.code, Some(1), "rhumb {command:?} without a server: {}{}", output.out, output.err);
        ensure!(!output.err.is_empty(), "rhumb {command:?} without a server says nothing");
    }
    for arguments in [
        &["serve"][..],
        &["relaod"],
        &["check", "--strict"],
        &["check-zone", "zone.test"],
        &["explain", "www.zone.test"],
        &["explain", "www.zone.test", "NOTATYPE", "-c", "rhumb.yaml"],
        &["explain", "bad..name", "A", "-c", "rhumb.yaml"],
        &["completions", "cobol"],
        &["zone"],
        &["status", "-c", "missing.yaml"],
        &["run", "-c", "missing.yaml"],
    ] {
        let output = rhumb(nobody.path(), arguments)?;
        ensure_eq!(output.code, Some(2), "rhumb {arguments:?}: {}{}", output.out, output.err);
        ensure!(output.out.is_empty() && !output.err.is_empty(), "rhumb {arguments:?} says {}", output.out);
    }
    for arguments in [&["--help"][..], &["--version"], &["man"], &["completions", "bash"]] {
        let output = rhumb(nobody.path(), arguments)?;
        ensure_eq!(output.code, Some(0), "rhumb {arguments:?}: {}", output.err);
        ensure!(!output.out.is_empty(), "rhumb {arguments:?} says nothing");
    }
    Ok(Outcome::Passed)
}

fn diff() -> Verdict {
    let host = Host::new()?;
    let base = || Config::new().listen("127.0.0.1").file("upstreams.list", "10.53.0.1\n");
    let before = base()
        .zone("zone.test", SMALL_ZONE)
        .zone("gone.test", SMALL_ZONE)
        .forward("up.example", &["10.53.0.1"]);
    let server = Server::start(&host, &before)?;
    let nothing = server.tell(&["diff"])?;
    ensure_eq!(nothing.code, Some(0), "diff without a change: {}", nothing.err);
    ensure!(!nothing.out.contains("zone.test"), "diff without a change says {}", nothing.out);
    let after = base()
        .listen_with("127.0.0.1", "port: 54")
        .zone("zone.test", &SMALL_ZONE.replace("hostmaster 1", "hostmaster 2"))
        .zone("new.test", SMALL_ZONE)
        .forward("up.example", &["10.53.0.2"])
        .forward("more.example", &["10.53.0.3"])
        .more("cache: { size: 32MiB }");
    // Beside the file that the server follows: it must not reload by itself.
    let other = server.folder().at("next.yaml");
    for (name, text) in after.files().iter().filter(|(name, _)| !name.contains("/zone.test")) {
        server.folder().write(name, text)?;
    }
    server.folder().write("next.yaml", after.text())?;
    let mut command = host.command(binary());
    command.args(["diff", "-c"]).arg(&other).current_dir(server.folder().path());
    let output = program::run(&mut command, Duration::from_secs(10))?;
    ensure_eq!(output.code, Some(0), "exit status of diff: {}{}", output.out, output.err);
    for part in ["127.0.0.1:54", "new.test", "gone.test", "10.53.0.2", "more.example", "cache"] {
        ensure!(output.out.contains(part), "diff does not tell of {part}: {}", output.out);
    }
    ensure!(!output.out.contains("127.0.0.1:53:"), "diff tells of what stays: {}", output.out);
    // Nothing was done.
    let zones = server.tell(&["zone", "list"])?.out;
    ensure!(zones.contains("gone.test") && !zones.contains("new.test"), "diff changed something: {zones}");
    server.folder().write("next.yaml", "listen: [\n")?;
    let mut command = host.command(binary());
    command.args(["diff", "-c"]).arg(&other);
    let broken = program::run(&mut command, Duration::from_secs(10)).context("diff")?;
    ensure!(broken.code == Some(1) || broken.code == Some(2), "diff of a broken file: {:?}", broken.code);
    ensure!(broken.err.contains("next.yaml:"), "diff of a broken file says {}", broken.err);
    // What diff said is what a reload does.
    server.rewrite(&after)?;
    let reloaded = server.tell(&["reload"])?;
    ensure_eq!(reloaded.code, Some(0), "exit status of reload: {}", reloaded.err);
    Ok(Outcome::Passed)
}
