//! What the documents say is what the binary does.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rhumb_tests::rig::script::every_name;
use rhumb_tests::rig::server::{binary, until};
use rhumb_tests::rig::{Config, Folder, Message, Server, Transport, program};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};

use crate::encrypted::Issued;
use crate::forwarding::{Lab, UP};

pub(crate) mod encrypted;

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("documents::examples_pass_check", examples),
    Test::beside("documents::commands_of_the_readme_exist", commands),
    Test::beside("documents::paths_of_the_readme_exist", paths),
    Test::beside("documents::metrics_are_those_of_the_table", metrics),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn readme() -> Result<String, Failure> {
    fs::read_to_string(root().join("README.md")).context("README.md")
}

fn rhumb(arguments: &[&str]) -> Result<program::Output, Failure> {
    program::run(Command::new(binary()).args(arguments), Duration::from_secs(20))
}

fn examples() -> Verdict {
    if program::find("openssl").is_none() {
        skip!("no openssl here");
    }
    // What an example takes from /etc/rhumb stands beside its copy here.
    let issued = Issued::new()?;
    let folder = &issued.folder;
    let here = folder.path().to_string_lossy().into_owned();
    let tls = format!("{here}/tls");
    let copied = program::run(
        Command::new("cp").arg("-r").arg(root().join("config/examples/.")).arg(folder.path()),
        Duration::from_secs(10),
    )?;
    ensure_eq!(copied.code, Some(0), "copying the examples: {}", copied.err);
    // Secrets have to be closed to others, which a checkout cannot say.
    let closed = fs::Permissions::from_mode(0o600);
    fs::set_permissions(folder.at("next.example.key"), closed)?;
    for (certificate, private) in [("fullchain.pem", "privkey.pem"), ("other.pem", "other.key.pem")] {
        let (chain, key) = issued.issue("tls", "dns.example", 30)?;
        fs::rename(chain, folder.at("tls").join(certificate))?;
        fs::rename(key, folder.at("tls").join(private))?;
    }
    for copy in ["tls/upstreams.pem", "tls/remotes.pem", "tls/clients.pem"] {
        fs::copy(folder.at("tls/fullchain.pem"), folder.at(copy))?;
    }
    let mut count = 0;
    for entry in fs::read_dir(folder.path()).context("config/examples")? {
        let path = entry?.path();
        if path.extension().is_none_or(|ending| ending != "yaml") {
            continue;
        }
        let text = fs::read_to_string(&path)?.replace("/etc/rhumb", &here);
        fs::write(&path, text.replace("/etc/letsencrypt/live/dns.example", &tls))?;
        let output = rhumb(&["check", "-c", &path.to_string_lossy()])?;
        ensure_eq!(output.code, Some(0), "check {}: {}{}", path.display(), output.out, output.err);
        count += 1;
    }
    ensure!(count >= 2, "{count} examples");
    let built_in = rhumb(&["check"])?;
    ensure_eq!(built_in.code, Some(0), "check of the built-in default: {}{}", built_in.out, built_in.err);
    Ok(Outcome::Passed)
}

/// Words behind `rhumb ` in code, in blocks and in lines.
fn commands_in(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut block = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            block = !block;
            continue;
        }
        let code: Vec<&str> = if block { vec![line] } else { line.split('`').skip(1).step_by(2).collect() };
        for piece in code {
            // The program is at the beginning of the code, behind a prompt, a variable or a pipe.
            let words: Vec<&str> = piece.split_whitespace().collect();
            for pair in words.windows(2) {
                let program = pair[0].rsplit('/').next() == Some("rhumb");
                if program
                    && pair[1].starts_with(|c: char| c.is_ascii_lowercase())
                    && !pair[1].contains(['.', ':', '=', '/'])
                {
                    found.insert(pair[1].trim_end_matches([',', ';', ')']).to_owned());
                }
            }
        }
    }
    found
}

fn commands() -> Verdict {
    let named = commands_in(&readme()?);
    ensure!(named.len() >= 3, "the README names {named:?} alone");
    for command in named {
        let output = rhumb(&[&command, "--help"])?;
        ensure_eq!(output.code, Some(0), "`rhumb {command}` of the README: {}", output.err);
    }
    Ok(Outcome::Passed)
}

fn paths() -> Verdict {
    let text = readme()?;
    // Links, and code that looks like a path of the tree.
    let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let code = text.split('`').skip(1).step_by(2);
    let tops: BTreeSet<String> = fs::read_dir(root())?
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    for path in links.chain(code) {
        let path = path.split('#').next().unwrap_or("");
        let first = path.split('/').next().unwrap_or("");
        let plain = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte));
        if plain && path.contains('/') && tops.contains(first) && !path.starts_with("target/") {
            ensure!(root().join(path).exists(), "the README names {path}");
        }
    }
    Ok(Outcome::Passed)
}

/// The first cells of the tables of the README that name a metric.
fn documented() -> Result<BTreeSet<String>, Failure> {
    let name = |line: &str| -> Option<String> {
        let cell = line.trim_start().strip_prefix('|')?.split('|').next()?.trim().trim_matches('`');
        let name = cell.split('{').next()?.trim_matches('`');
        name.starts_with("rhumb_").then(|| name.to_owned())
    };
    let mut names = BTreeSet::new();
    for file in ["README.md", "server/README.md", "deploy/README.md", "deploy/METRICS.md", "docs/metrics.md"]
    {
        let text = fs::read_to_string(root().join(file)).unwrap_or_default();
        names.extend(text.lines().filter_map(name));
    }
    ensure!(names.len() >= 10, "the table of metrics names {names:?}");
    Ok(names)
}

/// A server that has done a bit of everything shows every metric of the table, and no other.
/// A server of second.test at the third upstream address, which may be transferred from there.
fn second_primary(lab: &Lab, zone: &str) -> Result<Server, Failure> {
    let config = Config::new()
        .listen(UP[2])
        .file("second.zone", zone)
        .zone_raw("name: second.test, file: second.zone, transfer-to: [{ network: 10.53.0.0/24 }]");
    Server::start(&lab.behind, &config)
}

/// The names of the server's own metrics on a page.
fn metrics_of(page: &str) -> BTreeSet<String> {
    page.lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .filter(|name| name.starts_with("rhumb_"))
        .map(str::to_owned)
        .collect()
}

fn metrics() -> Verdict {
    let lab = Lab::new()?;
    let _upstream = lab.upstream(0, every_name("198.18.0.1"))?;
    let zone = "$TTL 300\n@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n";
    // One signature is enough to expire.
    let signed = format!("{zone}@ RRSIG SOA 13 2 300 20300101000000 20260101000000 1 signed.test. AAAA\n");
    let (state, _primary) = (Folder::new()?, second_primary(&lab, zone)?);
    let remote = format!(
        "remotes: [{{ name: first, addresses: {} }}]\nstate: {}\n",
        UP[2],
        state.at("state").display()
    );
    let config = Config::new()
        .more(&remote)
        .zone_raw("name: second.test, primaries: [first]")
        .listen_with("::", "transports: [udp, tcp, tls], certificate: self-signed")
        .allow_all()
        .recursion("local-root: { file: root.zone }")
        .file("root.zone", ". 60 SOA ns. host. 1 2 3 86400 5\n. 60 NS ns.\nns. 60 A 192.0.2.1\n")
        .zone("zone.test", zone)
        .zone("signed.test", &signed)
        .zone_folder("folder", [("folder.test".to_owned(), zone.to_owned())])
        .file("upstreams.list", UP[0])
        .forward_raw(".", "{ list: upstreams.list }", "in-order");
    let server = lab.start(&config)?;
    let transferred = || lab.addresses("ns.second.test.").is_ok_and(|found| found == ["192.0.2.1"]);
    ensure!(until(Duration::from_secs(20), transferred), "no transfer: {}", server.log_tail());
    for transport in [Transport::Udp, Transport::Tcp] {
        for (name, kind) in [
            ("ns.zone.test.", "A"),
            ("nothing.zone.test.", "A"),
            ("www.up.example.", "A"),
            ("www.up.example.", "A"),
            ("www.up.example.", "TYPE65333"),
        ] {
            lab.client.over(transport, lab.to, &Message::query(name, kind).edns(1232))?;
        }
    }
    lab.client.time_limit(Duration::from_millis(100)).exchange_raw(lab.to, &[0; 5])?;
    server.folder().write("upstreams.list", format!("{}\n{}\n", UP[0], UP[1]))?;
    let status = || server.tell(&["status"]).is_ok_and(|status| status.out.contains(UP[1]));
    ensure!(until(Duration::from_secs(3), status), "a changed list is not followed");
    server.reload()?;
    server.folder().write("rhumb.yaml", "listen: [")?;
    let mut command = server.host().command(binary());
    command.args(["reload", "--socket"]).arg(server.folder().at("control.sock"));
    let failed = program::run(&mut command, Duration::from_secs(20))?;
    ensure_eq!(failed.code, Some(1), "exit status of a reload with a broken file: {}", failed.err);
    let shown = metrics_of(&server.page("/metrics")?.body);
    let documented = documented()?;
    let (missing, surplus): (Vec<_>, Vec<_>) =
        (documented.difference(&shown).collect(), shown.difference(&documented).collect());
    ensure!(missing.is_empty(), "in the table, not in the scrape: {missing:?}");
    ensure!(surplus.is_empty(), "in the scrape, not in the table: {surplus:?}");
    Ok(Outcome::Passed)
}
