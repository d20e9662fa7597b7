//! Where records come from, as `explain` tells it: a line of a file, an update, a transfer.

use std::time::Duration;

use nix::sys::signal::Signal;
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Client, Folder, Host, Server, program};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};
use serde_json::Value;

use crate::refreshing::hostile::Rig;
use crate::updating;

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("sources::records_of_files_and_updates", files_and_updates),
    Test::beside("sources::records_of_primaries", primaries),
];

/// What `explain` says, as JSON.
fn explained(server: &Server, name: &str, rtype: &str) -> Result<Value, Failure> {
    let said = server.tell(&["explain", name, rtype, "--json"])?;
    ensure_eq!(said.code, Some(0), "explain {name}: {}", said.err);
    serde_json::from_str(&said.out).context("JSON of explain")
}

/// Cause and words of the source of the record whose text ends so.
fn source(told: &Value, end: &str) -> Result<(String, String), Failure> {
    let sources = told["sources"].as_array().context("no sources")?;
    let found =
        sources.iter().find(|source| source["record"].as_str().is_some_and(|text| text.ends_with(end)));
    let found = found.context(format!("no source of {end}: {told}"))?;
    let text = |key: &str| found[key].as_str().unwrap_or_default().to_owned();
    Ok((text("cause"), text("what")))
}

/// What the step `version` says.
fn version(told: &Value) -> Result<String, Failure> {
    let steps = told["steps"].as_array().context("no steps")?;
    let step = steps.iter().find(|step| step["step"] == "version").context(format!("no version: {told}"))?;
    Ok(step["what"].as_str().unwrap_or_default().to_owned())
}

/// Lines of the file and of one that it includes, a wildcard, an update, the SOA of its version, and what the file took back.
fn files_and_updates() -> Verdict {
    if program::find("nsupdate").is_none() {
        skip!("nsupdate is not here");
    }
    let (host, client) = Host::pair()?;
    let state = Folder::new()?;
    let config = updating::config(&state, updating::ANY);
    let text = format!("{}$INCLUDE part\n*.w TXT wild\n", updating::FILE);
    let config = config.file("zone.test.zone", &text).file("part", "inner A 192.0.2.3\n");
    let server = Server::start(&host, &config)?;
    updating::taken(&client, &["update add www.zone.test. 300 A 192.0.2.9"])?;
    let by_update = "an update by key acme.test. 192.0.2.2 on ";
    let check = |server: &Server, what: &str| {
        let told = explained(server, "www.zone.test", "A")?;
        let (cause, from) = source(&told, " A 192.0.2.2")?;
        ensure!(cause == "file" && from.ends_with("/zone.test.zone:5"), "{what}: {from}");
        let (cause, from) = source(&told, " A 192.0.2.9")?;
        ensure!(cause == "update" && from.starts_with(by_update), "{what}: {from}");
        let version = version(&told)?;
        ensure!(version.starts_with(&format!("zone.test. serial 8, {by_update}")), "{what}: {version}");
        let (_, from) = source(&explained(server, "inner.zone.test", "A")?, " A 192.0.2.3")?;
        ensure!(from.ends_with("/part:1"), "{what}: {from}");
        let (_, from) = source(&explained(server, "a.w.zone.test", "TXT")?, " TXT \"wild\"")?;
        ensure!(from.ends_with("/zone.test.zone:7"), "{what}: {from}");
        // The SOA came with the update, also in the authority section.
        let (cause, from) = source(&explained(server, "none.zone.test", "A")?, " 8 86400 86400 864000 60")?;
        ensure!(cause == "update" && from.starts_with(by_update), "{what}: {from}");
        Ok::<(), Failure>(())
    };
    check(&server, "at first")?;
    server.signal(Signal::SIGKILL)?;
    drop(server);
    let server = Server::start(&host, &config)?;
    check(&server, "after kill -9")?;
    let shown = server.tell(&["explain", "www.zone.test", "A"])?;
    ensure!(shown.out.contains("A 192.0.2.9\n    from an update by key"), "as text: {}", shown.out);
    // A new line is of the version that the file made.
    server.rewrite(&config.file("zone.test.zone", &format!("; more\n{text}new A 192.0.2.4\n")))?;
    let asking = Client::new(&client);
    let has = || asking.ask(updating::TO.parse().expect("an address"), "new.zone.test.", "A");
    ensure!(
        until(Duration::from_secs(5), || has().is_ok_and(|answer| answer.data("A") == ["192.0.2.4"])),
        "not read"
    );
    let told = explained(&server, "new.zone.test", "A")?;
    let (cause, from) = source(&told, " A 192.0.2.4")?;
    ensure!(cause == "file" && from.ends_with("/zone.test.zone:9"), "a new line: {from}");
    ensure!(version(&told)?.starts_with("zone.test. serial 9, the file "), "{}", version(&told)?);
    Ok(Outcome::Passed)
}

/// A whole zone, and then a difference, from a primary.
fn primaries() -> Verdict {
    let rig = Rig::start("")?;
    let told = explained(&rig.server, "v10.zone.test", "A")?;
    let by_transfer = "a transfer from 192.0.2.2:53 on ";
    let (cause, from) = source(&told, " A 192.0.2.9")?;
    ensure!(cause == "transfer" && from.starts_with(by_transfer), "the whole zone: {from}");
    ensure!(version(&told)?.starts_with(&format!("zone.test. serial 10, {by_transfer}")), "{told}");
    rig.follow_difference(10, 11);
    let done = rig.refresh()?;
    ensure!(done.contains("(ixfr), serial 11"), "{done}");
    let (_, from) = source(&explained(&rig.server, "v11.zone.test", "A")?, " A 192.0.2.9")?;
    ensure!(from.starts_with(by_transfer), "the difference: {from}");
    let (cause, from) = source(&explained(&rig.server, "ns.zone.test", "A")?, " A 192.0.2.1")?;
    ensure!(cause == "transfer" && from.starts_with(by_transfer), "what was there: {from}");
    ensure!(!from.contains("before"), "what came with the whole zone: {from}");
    // Where not all differences are kept, it may have been any of those before.
    let rig = Rig::start(", history: { versions: 1 }")?;
    for serial in [11, 12] {
        rig.follow_difference(serial - 1, serial);
        let done = rig.refresh()?;
        ensure!(done.contains(&format!("(ixfr), serial {serial}")), "{done}");
    }
    let (cause, from) = source(&explained(&rig.server, "ns.zone.test", "A")?, " A 192.0.2.1")?;
    let is_bound = from.starts_with(by_transfer) && from.ends_with(", or one before it");
    ensure!(cause == "transfer" && is_bound, "what was there before: {from}");
    Ok(Outcome::Passed)
}
