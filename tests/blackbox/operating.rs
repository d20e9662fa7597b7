//! What an operator asks of a running server.
#![allow(clippy::float_cmp, reason = "the metrics compared here are whole numbers")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use rhumb_tests::rig::script::every_name;
use rhumb_tests::rig::server::{binary, until};
use rhumb_tests::rig::{Config, Host, Server, program, rcode};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq};

use crate::forwarding::{Lab, UP, config};
use crate::logging::lines;

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("operating::upstreams_are_taken_out_and_back", upstreams),
    Test::beside("operating::one_zone_is_read_again", zone),
    Test::beside("operating::the_cache_shows_a_name", cache),
    Test::beside("operating::a_group_may_only_look", readers),
    Test::beside("operating::settings_that_wait_for_a_restart", pending),
    Test::beside("operating::the_hash_of_the_configuration", hash),
    Test::beside("operating::every_command_has_json", json),
];

const ZONE: &str = "$TTL 300\n@ SOA ns host 1 3600 600 86400 60\n@ NS ns\nns A 192.0.2.1\n";

fn says(server: &Server, arguments: &[&str], text: &str) -> Result<String, Failure> {
    let said = server.tell(arguments)?;
    ensure_eq!(said.code, Some(0), "exit status of rhumb {}: {}", arguments.join(" "), said.err);
    ensure!(said.out.contains(text), "rhumb {} does not say {text}: {}", arguments.join(" "), said.out);
    Ok(said.out)
}

fn refuses(server: &Server, arguments: &[&str], text: &str) -> Result<(), Failure> {
    let said = server.tell(arguments)?;
    ensure_eq!(said.code, Some(1), "exit status of rhumb {}: {}", arguments.join(" "), said.out);
    ensure!(said.err.contains(text), "rhumb {} does not say {text}: {}", arguments.join(" "), said.err);
    Ok(())
}

/// The line of `status` for an upstream.
fn state(server: &Server, upstream: usize) -> Result<String, Failure> {
    let status = says(server, &["status"], "UPSTREAM")?;
    let line = status.lines().find(|line| line.starts_with(UP[upstream]));
    Ok(line.context(format!("no line for {}", UP[upstream]))?.to_owned())
}

fn upstreams() -> Verdict {
    let lab = Lab::new()?;
    let first = lab.upstream(0, every_name("198.18.0.1"))?;
    let second = lab.upstream(1, every_name("198.18.0.2"))?;
    let listed = config().file("upstreams.list", &format!("{}\n{}\n", UP[0], UP[1]));
    let listed = listed.forward_raw(".", "{ list: upstreams.list }", "in-order");
    let server = lab.start(&listed)?;
    ensure_eq!(lab.addresses("a.up.example.")?, ["198.18.0.1"], "at first");
    says(&server, &["upstream", "down", UP[0]], "taken out (for .)")?;
    ensure!(state(&server, 0)?.contains("taken out"), "{}", state(&server, 0)?);
    ensure_eq!(lab.addresses("b.up.example.")?, ["198.18.0.2"], "without the first upstream");
    ensure_eq!(lab.addresses("a.up.example.")?, ["198.18.0.1"], "what was learnt from it is still cached");
    // Reloads and changes of the list keep it out as long as it is on the list.
    server.rewrite(&listed.clone().more("cache: { size: 8MiB }"))?;
    server.reload()?;
    server.folder().write("upstreams.list", format!("{}\n{}\n{}\n", UP[0], UP[1], UP[2]))?;
    let listed_now = || server.tell(&["status"]).is_ok_and(|status| status.out.contains(UP[2]));
    ensure!(until(Duration::from_secs(3), listed_now), "a changed list is not followed");
    ensure!(state(&server, 0)?.contains("taken out"), "after reloads: {}", state(&server, 0)?);
    first.forget();
    ensure_eq!(lab.addresses("c.up.example.")?, ["198.18.0.2"], "after reloads");
    ensure_eq!(first.seen().len(), 0, "queries to an upstream that is taken out");
    says(&server, &["upstream", "up", UP[0]], "taken back (for .)")?;
    ensure!(state(&server, 0)?.contains("answers"), "{}", state(&server, 0)?);
    ensure_eq!(lab.addresses("d.up.example.")?, ["198.18.0.1"], "with the first upstream again");
    ensure_eq!(lines(&server, &format!("upstream {}:53 is up again", UP[0])), 0, "lines: it was never down");
    // Gone from the list and back on it, it is asked again.
    says(&server, &["upstream", "down", UP[0]], "taken out")?;
    server.folder().write("upstreams.list", format!("{}\n", UP[1]))?;
    let gone = || server.tell(&["status"]).is_ok_and(|status| !status.out.contains(UP[0]));
    ensure!(until(Duration::from_secs(3), gone), "a changed list is not followed");
    server.folder().write("upstreams.list", format!("{}\n{}\n", UP[0], UP[1]))?;
    let back = || state(&server, 0).is_ok_and(|line| !line.contains("taken out"));
    ensure!(until(Duration::from_secs(3), back), "still taken out");
    // With none left, the domain fails at once, and that is said.
    says(&server, &["upstream", "down", UP[0]], "taken out")?;
    says(&server, &["upstream", "down", UP[1]], "taken out")?;
    second.forget();
    let reply = lab.client.ask(lab.to, "e.up.example.", "A")?;
    ensure_eq!(reply.rcode(), rcode::SERVFAIL, "response code without an upstream");
    ensure_eq!(second.seen().len(), 0, "queries to an upstream that is taken out");
    ensure_eq!(server.metric("rhumb_forward_domain_healthy_upstreams", &[])?, 0.0, "healthy upstreams");
    refuses(&server, &["upstream", "down", "192.0.2.99"], "no domain has the upstream 192.0.2.99")?;
    Ok(Outcome::Passed)
}

fn zone() -> Verdict {
    let host = Host::new()?;
    let server = Server::start(&host, &Config::new().listen("127.0.0.1").zone("zone.test", ZONE))?;
    says(&server, &["zone", "reload", "zone.test"], "zone zone.test.: read again, serial 1")?;
    let path = server.folder().at("zones/zone.test.zone");
    let outside = format!("{}elsewhere.test. A 192.0.2.9\n", ZONE.replace("host 1", "host 2"));
    fs::write(&path, outside)?;
    says(&server, &["zone", "reload", "zone.test"], "serial 2")?;
    let status = says(&server, &["zone", "status", "zone.test"], "left out")?;
    ensure!(status.contains("1 record; the log has them"), "{status}");
    let json = says(&server, &["zone", "status", "zone.test", "--json"], "left_out")?;
    let json: serde_json::Value = serde_json::from_str(&json)?;
    ensure_eq!(json["left_out"].as_u64(), Some(1), "records left out");
    fs::write(&path, "this is no zone\n")?;
    refuses(&server, &["zone", "reload", "zone.test"], "zone.test.zone:1:")?;
    ensure!(says(&server, &["zone", "status", "zone.test"], "serial")?.contains(" 2\n"), "the zone is gone");
    refuses(&server, &["zone", "reload", "other.test"], "the server has no zone other.test.")?;
    Ok(Outcome::Passed)
}

fn cache() -> Verdict {
    let lab = Lab::new()?;
    let _upstream = lab.upstream(0, every_name("198.18.0.1"))?;
    let server = lab.start(&config().forward(".", &UP[..1]))?;
    says(&server, &["cache", "show", "a.up.example"], "nothing is cached of a.up.example.")?;
    lab.addresses("a.up.example.")?;
    lab.client.ask(lab.to, "a.up.example.", "TXT")?;
    lab.client.ask(lab.to, "A.B.up.example.", "A")?;
    let shown =
        says(&server, &["cache", "show", "A.UP.example"], " A: NOERROR answer from 10.53.0.1:53 (for .)")?;
    ensure!(shown.contains("a.up.example. ") && shown.contains(" IN A 198.18.0.1"), "{shown}");
    ensure!(shown.contains(" TXT: NOERROR answer"), "{shown}");
    ensure!(!shown.to_lowercase().contains("b.up.example"), "another name: {shown}");
    let json = says(&server, &["cache", "show", "a.b.up.example", "--json"], "records")?;
    let json: serde_json::Value = serde_json::from_str(&json)?;
    ensure_eq!(json.as_array().map(Vec::len), Some(1), "entries");
    let left = json[0]["left"].as_u64().context("left")?;
    ensure!((200..=300).contains(&left), "{left} s left of a TTL of 300 s");
    says(&server, &["flush", "a.up.example"], "2 entries")?;
    says(&server, &["cache", "show", "a.up.example"], "nothing is cached")?;
    Ok(Outcome::Passed)
}

/// A member of the group may use what changes nothing, and nothing else; others are not let in at all.
fn readers() -> Verdict {
    const GROUP: &str = "61234";
    let host = Host::new()?;
    let config = Config::new()
        .listen("127.0.0.1")
        .zone("zone.test", ZONE)
        .more(&format!("control: {{ socket: control.sock, read-group: {GROUP} }}\nuser: \"65534:65534\""));
    let server = Server::start(&host, &config)?;
    let socket = server.folder().at("control.sock");
    ensure_eq!(fs::metadata(&socket)?.permissions().mode() & 0o777, 0o660, "mode of the socket");
    let ask = |group: &str, arguments: &[&str]| {
        let mut command = host.command("setpriv");
        command.args(["--reuid=61000", "--clear-groups", &format!("--regid={group}")]);
        command.arg(binary()).args(arguments).arg("--socket").arg(&socket);
        program::run(&mut command, Duration::from_secs(30))
    };
    for arguments in [
        &["status"][..],
        &["stats"],
        &["requests"],
        &["zone", "list"],
        &["zone", "status", "zone.test"],
        &["zone", "history", "zone.test"],
        &["cache", "show", "ns.zone.test"],
        &["explain", "ns.zone.test", "A"],
    ] {
        let said = ask(GROUP, arguments)?;
        ensure_eq!(said.code, Some(0), "a reader asks for {}: {}", arguments.join(" "), said.err);
    }
    for arguments in [
        &["reload"][..],
        &["flush"],
        &["stop"],
        &["log", "trace"],
        &["zone", "export", "zone.test"],
        &["zone", "diff", "zone.test", "1", "2"],
        &["zone", "reload", "zone.test"],
        &["upstream", "down", "192.0.2.1"],
    ] {
        let said = ask(GROUP, arguments)?;
        ensure_eq!(said.code, Some(1), "a reader asks for {}: {}", arguments.join(" "), said.out);
        ensure!(said.err.contains("may only look"), "{}: {}", arguments.join(" "), said.err);
    }
    let stranger = ask("61235", &["status"])?;
    ensure_eq!(stranger.code, Some(1), "exit status for who is no member: {}", stranger.out);
    ensure_eq!(server.tell(&["reload"])?.code, Some(0), "exit status of a reload by root");
    Ok(Outcome::Passed)
}

fn pending() -> Verdict {
    let host = Host::new()?;
    let with = |more: &str| Config::new().listen("127.0.0.1").zone("zone.test", ZONE).more(more);
    let server = Server::start(&host, &with("cache: { size: 8MiB }"))?;
    let none = says(&server, &["status"], "configuration")?;
    ensure!(!none.contains("restart"), "{none}");
    server.rewrite(&with("cache: { size: 16MiB }\nlog: { format: text }"))?;
    says(&server, &["diff"], "log.format: auto -> text (in force at the next start)")?;
    server.reload()?;
    let status = says(&server, &["status"], "waits for a restart\n  log.format: auto -> text\n")?;
    ensure!(!status.contains("cache.size"), "{status}");
    let diff = says(&server, &["diff"], "waits for a restart: log.format: auto -> text\n")?;
    ensure!(diff.starts_with("nothing would change\n"), "{diff}");
    let page = server.page("/")?.body;
    ensure!(page.contains("log.format: auto -&gt; text"), "not on the page: {page}");
    server.rewrite(&with("cache: { size: 16MiB }"))?;
    server.reload()?;
    let status = says(&server, &["status"], "configuration")?;
    ensure!(!status.contains("restart"), "it was taken back: {status}");
    Ok(Outcome::Passed)
}

/// It changes with each reload that changed something, and is the same on a server of the same configuration.
fn hash() -> Verdict {
    let host = Host::new()?;
    let secret = |digit: &str| format!("server: {{ cookie-secrets: [\"{}\"] }}", digit.repeat(32));
    let base =
        Config::new().listen("127.0.0.1").zone("zone.test", ZONE).file("upstreams.list", "192.0.2.1\n");
    let base = base.forward_raw(".", "{ list: upstreams.list }", "in-order");
    let server = Server::start(&host, &base.clone().more(&secret("1")))?;
    let value = || server.metric("rhumb_config_hash", &[]);
    let first = value()?;
    ensure!(first > 0.0, "the hash is {first}");
    server.reload()?;
    ensure_eq!(value()?, first, "after a reload that changed nothing");
    server
        .folder()
        .write("rhumb.yaml", format!("# a comment\n{}", base.clone().more(&secret("1")).text()))?;
    server.reload()?;
    ensure_eq!(value()?, first, "after a reload that changed a comment");
    let mut seen = vec![first];
    let mut differs = |what: &str| -> Result<(), Failure> {
        server.reload()?;
        let now = value()?;
        ensure!(!seen.contains(&now), "the hash is as before after a change of {what}");
        seen.push(now);
        Ok(())
    };
    server.rewrite(&base.clone().more(&secret("1")).more("cache: { size: 8MiB }"))?;
    differs("a number")?;
    server.rewrite(&base.clone().more(&secret("2")).more("cache: { size: 8MiB }"))?;
    differs("a secret")?;
    server.folder().write("upstreams.list", "192.0.2.2\n")?;
    differs("a list")?;
    server.folder().write("zones/zone.test.zone", ZONE.replace("host 1", "host 2"))?;
    differs("a zone")?;
    server.rewrite(&base.more(&secret("1")))?;
    server.reload()?;
    ensure_eq!(value()?, first, "with everything as it was");
    Ok(Outcome::Passed)
}

/// Each command of the help prints JSON when it is asked to.
fn json() -> Verdict {
    let lab = Lab::new()?;
    let _upstream = lab.upstream(0, every_name("198.18.0.1"))?;
    let config = config().zone("zone.test", ZONE).forward(".", &UP[..1]);
    let server = lab.start(&config)?;
    let zone = server.folder().at("zones/zone.test.zone");
    let zone = zone.to_str().context("a path")?;
    for arguments in [
        &["status"][..],
        &["stats"],
        &["diff"],
        &["reload"],
        &["flush"],
        &["explain", "a.up.example", "A"],
        &["cache", "show", "a.up.example"],
        &["log", "info"],
        &["zone", "list"],
        &["zone", "status"],
        &["zone", "reload", "zone.test"],
        &["upstream", "down", UP[0]],
        &["upstream", "up", UP[0]],
        &["selftest"],
        &["healthcheck"],
        &["check"],
        &["stop"],
    ] {
        let said = server.tell(&[arguments, &["--json"]].concat())?;
        ensure_eq!(said.code, Some(0), "exit status of rhumb {}: {}", arguments.join(" "), said.err);
        let read: Result<serde_json::Value, _> = serde_json::from_str(&said.out);
        ensure!(read.is_ok(), "rhumb {} --json prints {}", arguments.join(" "), said.out);
    }
    let mut command = server.host().command(binary());
    command.args(["check-zone", "zone.test", zone, "--json"]);
    let said = program::run(&mut command, Duration::from_secs(30))?;
    let read: serde_json::Value = serde_json::from_str(&said.out).context(said.out)?;
    ensure_eq!(read["good"].as_bool(), Some(true), "verdict of check-zone");
    Ok(Outcome::Passed)
}
