//! Signed requests (TSIG, RFC 8945): with keys of every algorithm, by clients and secondaries of others, and what is told of those
//! that are wrong.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Client, Config, Host, Server, program};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};

use crate::peer::Peer;
use crate::secondary::start_secondary;

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("signatures::every_algorithm", algorithms),
    Test::beside("signatures::one_cause_a_failure", failures),
    Test::beside("signatures::secondaries_of_others", secondaries),
    Test::beside("signatures::secrets_in_files", files),
];

const SECRET: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const OTHER: &str = "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=";
/// Whom root becomes for want of a `user:`.
const NOBODY: u32 = 65_534;
const ALGORITHMS: [&str; 6] = ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"];

fn zone() -> String {
    let mut text = "$TTL 300\n@ SOA ns admin 42 2 2 60 60\n@ NS ns\nns A 192.0.2.1\n".to_owned();
    for number in 0..500 {
        let (high, low) = (number / 250, number % 250);
        text.extend([format!("h{number} A 10.0.{high}.{low}\n"), format!("large A 10.1.{high}.{low}\n")]);
    }
    text
}

/// A key of each algorithm, called as it is.
fn keys() -> String {
    let key = |algorithm: &str| {
        format!("  - {{ name: {algorithm}.test, algorithm: hmac-{algorithm}, secret: \"{SECRET}\" }}\n")
    };
    "keys:\n".to_owned() + &ALGORITHMS.map(key).concat()
}

fn config(more: &str, rules: &str) -> Config {
    let entry = format!("zones:\n  - {{ name: zone.test, file: zone.test.zone, transfer-to: [{rules}] }}\n");
    Config::new().listen("::").file("zone.test.zone", &zone()).more(&(more.to_owned() + &entry))
}

fn start(config: &Config) -> Result<(Server, Host), Failure> {
    let (host, client) = Host::pair()?;
    Ok((Server::start(&host, config)?, client))
}

/// What dig prints. It complains of responses that are not signed as they should be.
fn dig(client: &Host, key: &str, arguments: &[&str]) -> Result<String, Failure> {
    let file = program::find("dig").context("dig")?;
    let mut command = client.command(file);
    command.args(["+nocookie", "+norecurse", "+tries=1", "@192.0.2.1", "-y", key]).args(arguments);
    let output = program::run(&mut command, Duration::from_secs(20))?;
    Ok(output.out + &output.err)
}

fn complains(printed: &str) -> bool {
    ["WARNING", "verify", "verification"].iter().any(|word| printed.contains(word))
}

/// Answers, referrals to TCP, denials, refusals and transfers are signed, whatever the algorithm.
fn algorithms() -> Verdict {
    if program::find("dig").is_none() {
        skip!("no dig here");
    }
    let rules = ALGORITHMS.map(|name| format!("{{ key: {name}.test }}")).join(", ");
    let (_server, client) = start(&config(&keys(), &rules))?;
    for algorithm in ALGORITHMS {
        let key = format!("hmac-{algorithm}:{algorithm}.test:{SECRET}");
        for (arguments, expected) in [
            (&["h1.zone.test", "A"][..], "status: NOERROR"),
            (&["no.zone.test", "A"], "status: NXDOMAIN"),
            (&["zone.other", "SOA"], "status: REFUSED"),
            (&["large.zone.test", "A", "+ignore", "+noedns"], "flags: qr aa tc"),
            (&["large.zone.test", "A"], "ANSWER: 500"),
            (&["zone.test", "AXFR"], "XFR size: 1004 records"),
            (&["zone.test", "IXFR=41"], "XFR size: 1004 records"),
            (&["zone.test", "IXFR=42"], "XFR size: 1 records"),
        ] {
            let printed = dig(&client, &key, arguments)?;
            ensure!(printed.contains(expected), "{algorithm} {arguments:?}: {printed}");
            ensure!(!complains(&printed), "{algorithm} {arguments:?}: {printed}");
            ensure!(
                printed.contains(&format!("{algorithm}.test.")),
                "{algorithm} {arguments:?}: no TSIG in {printed}"
            );
        }
        let printed = dig(&client, &key, &["zone.test", "AXFR", "-b", "192.0.2.2"])?;
        ensure!(printed.contains("XFR size"), "{algorithm}: {printed}");
    }
    let file = program::find("dig").context("dig")?;
    let mut command = client.command(file);
    let unsigned = program::run(command.args(["@192.0.2.1", "zone.test", "AXFR"]), Duration::from_secs(20))?;
    ensure!(unsigned.out.contains("Transfer failed"), "an unsigned transfer: {}", unsigned.out);
    Ok(Outcome::Passed)
}

/// Each way of being wrong has its answer, its counter and its line in the log, and no secret is in there.
fn failures() -> Verdict {
    if program::find("dig").is_none() {
        skip!("no dig here");
    }
    let (server, client) = start(&config(&keys(), "{ key: sha256.test }"))?;
    let axfr = &["zone.test", "AXFR"];
    for (key, arguments, answered, reason, logged) in [
        (
            format!("hmac-sha256:no.test:{SECRET}"),
            &["zone.test", "SOA"],
            "BADKEY",
            "unknown-key",
            "no key is called no.test.",
        ),
        (
            format!("hmac-sha512:sha256.test:{SECRET}"),
            &["zone.test", "SOA"],
            "BADKEY",
            "other-algorithm",
            "the key sha256.test. is of hmac-sha256",
        ),
        (
            format!("hmac-sha256:sha256.test:{OTHER}"),
            &["zone.test", "SOA"],
            "BADSIG",
            "wrong-mac",
            "different secrets for the key sha256.test.",
        ),
        (format!("hmac-sha256:sha256.test:{OTHER}"), axfr, "BADSIG", "wrong-mac", "different secrets"),
    ] {
        let labels = format!("reason=\"{reason}\"");
        let before = server.metric("rhumb_tsig_errors_total", &[&labels])?;
        let printed = dig(&client, &key, arguments)?;
        let refused = printed.contains("NOTAUTH") || printed.contains("Transfer failed");
        ensure!(refused && (printed.contains(answered) || arguments == axfr), "{key}: {printed}");
        let after = server.metric("rhumb_tsig_errors_total", &[&labels])?;
        ensure!(after > before + 0.5, "{key}: {reason} is not counted");
        // One line a second.
        let told = || {
            let again = dig(&client, &key, arguments);
            again.is_ok() && server.log().contains(logged)
        };
        ensure!(until(Duration::from_secs(10), told), "{key}: the log lacks {logged:?}: {}", server.log());
    }
    // Signed well, and not the one that is asked for.
    let printed = dig(&client, &format!("hmac-sha512:sha512.test:{SECRET}"), axfr)?;
    ensure!(printed.contains("Transfer failed"), "another key: {printed}");
    let status = server.tell(&["status", "--json"])?.out;
    for text in [server.log(), status, server.tell(&["diff"])?.out] {
        ensure!(!text.contains(SECRET) && !text.contains("MDEyMzQ1"), "a secret is shown: {text}");
    }
    Ok(Outcome::Passed)
}

/// NSD, Knot and BIND fetch the zone with a key, each with another algorithm.
fn secondaries() -> Verdict {
    let remotes = "remotes:\n  - { name: nsd, addresses: 192.0.2.2, key: sha512.test }\n  \
                   - { name: others, addresses: 192.0.2.2, key: sha1.test }\n  - { name: bind, addresses: 192.0.2.2, key: sha384.test }\n";
    let (server, client) = start(&config(&(keys() + remotes), "nsd, others, bind"))?;
    let mut running = Vec::new();
    for (peer, algorithm) in [(Peer::Nsd, "sha512"), (Peer::Knot, "sha1"), (Peer::Bind, "sha384")] {
        let key = (format!("{algorithm}.test"), format!("hmac-{algorithm}"), SECRET.to_owned());
        running.extend(start_secondary(peer, &client, Some(&key))?);
    }
    if running.is_empty() {
        skip!("none of NSD, Knot and BIND here");
    }
    let asker = Client::new(&client).time_limit(Duration::from_millis(500));
    for secondary in &running {
        let to: SocketAddr = secondary.address();
        let serves =
            || asker.ask(to, "h499.zone.test.", "A").is_ok_and(|answer| !answer.data("A").is_empty());
        ensure!(
            until(Duration::from_secs(30), serves),
            "{} does not serve the zone; its log: {}",
            secondary.name(),
            secondary.log()
        );
    }
    let failed = server.metric("rhumb_tsig_errors_total", &[])?;
    ensure_eq!(format!("{failed:.0}"), "0", "requests whose signature was not accepted");
    Ok(Outcome::Passed)
}

/// A secret in a file: closed to others, followed, and in the form of tsig-keygen or by itself.
fn files() -> Verdict {
    if program::find("dig").is_none() {
        skip!("no dig here");
    }
    let (server, client) = start(&config("", ""))?;
    let path = server.folder().at("transfer.key");
    let write = |text: &str, mode: u32| -> Result<(), Failure> {
        // As a new file that is renamed over the old one: closed before it has anything in it.
        let part = path.with_extension("part");
        fs::write(&part, text)?;
        fs::set_permissions(&part, fs::Permissions::from_mode(mode))?;
        std::os::unix::fs::chown(&part, Some(NOBODY), None)?;
        fs::rename(&part, &path)?;
        Ok(())
    };
    let keys = "keys:\n  - { name: t.test, secret-file: transfer.key }\n";
    server.rewrite(&config(keys, "{ key: t.test }"))?;
    let refused = server.tell(&["reload"])?;
    ensure!(
        refused.code == Some(1) && refused.err.contains("transfer.key"),
        "without the file: {}",
        refused.err
    );
    write(SECRET, 0o644)?;
    let refused = server.tell(&["reload"])?;
    ensure!(
        refused.code == Some(1) && refused.err.contains("is open to every user"),
        "0644: {}",
        refused.err
    );
    write(&format!("{SECRET}\n"), 0o640)?;
    server.reload()?;
    let transfers = |key: &str| {
        dig(&client, key, &["zone.test", "AXFR"]).is_ok_and(|printed| printed.contains("XFR size"))
    };
    ensure!(transfers(&format!("hmac-sha256:t.test:{SECRET}")), "base64 alone");
    // Followed: nobody asks for a reload.
    write(&format!("key \"t.test\" {{\n\talgorithm hmac-sha512;\n\tsecret \"{OTHER}\";\n}};\n"), 0o600)?;
    let changed = || transfers(&format!("hmac-sha512:t.test:{OTHER}"));
    ensure!(until(Duration::from_secs(15), changed), "a changed file is not in force: {}", server.log());
    ensure!(!transfers(&format!("hmac-sha256:t.test:{SECRET}")), "the old secret is still in force");
    write("no secret here", 0o600)?;
    let refused = server.tell(&["diff"])?;
    ensure!(
        refused.err.contains("holds no secret") && !refused.err.contains("no secret here"),
        "{}",
        refused.err
    );
    ensure!(changed(), "a broken file has changed something");
    ensure!(!server.log().contains(OTHER), "a secret is in the log");
    Ok(Outcome::Passed)
}
