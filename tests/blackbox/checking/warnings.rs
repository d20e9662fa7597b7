//! What is accepted and worth a look.

use rhumb_tests::rig::config::SMALL_ZONE;
use rhumb_tests::rig::{Config, Folder, Host, Server};
use rhumb_tests::{Outcome, Verdict, ensure, ensure_eq};

use super::rhumb;

/// A configuration of ours, and words of the one warning that it gets.
const WARNED: &[(&str, &str)] = &[
    ("listen: [{ address: 127.0.0.1, port: 5399 }]\n", "nothing is served"),
    ("FORWARD", "only this host may ask for what the zones do not hold"),
    ("FORWARD recursion: { allow: [0.0.0.0/0] }", "open resolver"),
    ("LOCAL zones: [{ name: a.corp.test, file: z }]", "the zone a.corp.test. lies below corp.test."),
    ("LOCAL zones: [{ name: test, file: z }]", "corp.test. lies below the zone test."),
    ("LOCAL zones: [{ name: corp.test, file: z }]", "the zone answers, the upstreams are not asked"),
    ("OWN", "the upstream 127.0.0.1:5399 is this server itself"),
    ("OWNLIST", "the upstream 127.0.0.1:53 is this server itself"),
    ("LATER", "does not exist; it is waited for"),
    ("user: nosuchuser\nzones: [{ name: z.test, file: z }]\n", "\"nosuchuser\" is not in /etc/passwd"),
    ("control: { socket: s, read-group: nosuchgroup }\nzones: [{ name: z.test, file: z }]\n", "nosuchgroup"),
    ("ODDLINE", "odd.conf:2: "),
];

fn text(of: &str) -> String {
    let forward = |listen: &str, upstream: &str| {
        format!("listen: [{{ {listen} }}]\nforward: [{{ domain: corp.test, upstreams: [{upstream}] }}]\n")
    };
    of.replace("FORWARD ", "FORWARD\n")
        .replace("LOCAL ", "LOCAL\n")
        .replace("ODDLINE", &forward("address: 127.0.0.1, port: 5399", "{ resolv-conf: odd.conf }"))
        .replace("OWNLIST", &forward("address: 127.0.0.1", "{ resolv-conf: own.conf }"))
        .replace("OWN", &forward("address: 127.0.0.1, port: 5399", "\"127.0.0.1:5399\""))
        .replace("LATER", &forward("address: 127.0.0.1, port: 5399", "{ list: later.list }"))
        .replace("FORWARD", &forward("address: 0.0.0.0, port: 5399", "192.0.2.1"))
        .replace("LOCAL", &forward("address: 127.0.0.1, port: 5399", "192.0.2.1"))
}

/// `check` tells each, on standard error, and its exit status is good.
pub(super) fn told() -> Verdict {
    let folder = Folder::new()?;
    folder.write("z", SMALL_ZONE)?;
    folder.write("own.conf", "nameserver 127.0.0.1\n")?;
    folder.write("odd.conf", "nameserver 192.0.2.1\nnameserver 1.1.1.1#x\n")?;
    for (of, words) in WARNED {
        folder.write("rhumb.yaml", text(of))?;
        let output = rhumb(folder.path(), &["check", "-c", "rhumb.yaml"])?;
        ensure_eq!(output.code, Some(0), "check of {}: {}{}", text(of), output.out, output.err);
        ensure!(output.err.contains(words), "check of {} does not say {words:?}: {}", text(of), output.err);
        ensure_eq!(output.err.trim_end().lines().count(), 1, "warnings of {}: {}", text(of), output.err);
    }
    let quiet = "listen: [{ address: 127.0.0.1, port: 5399 }]\nzones: [{ name: z.test, file: z }]\n";
    folder.write("rhumb.yaml", quiet)?;
    let output = rhumb(folder.path(), &["check", "-c", "rhumb.yaml"])?;
    ensure!(output.code == Some(0) && output.err.is_empty(), "check of {quiet}: {}", output.err);
    Ok(Outcome::Passed)
}

/// A configuration with mistakes and warnings: mistakes first, then the warnings, told apart; the exit status is that of mistakes.
pub(super) fn beside_mistakes() -> Verdict {
    let folder = Folder::new()?;
    folder.write("z", SMALL_ZONE)?;
    folder.write("broken", "@ SOA\n")?;
    let forward = "forward: [{ domain: corp.test, upstreams: [{ list: later.list }] }]\n";
    let listen = "listen: [{ address: 127.0.0.1, port: 5399 }]\n";
    for (text, mistakes) in [
        (format!("listen: [{{ address: 127.0.0.1, port: 70000 }}]\n{forward}"), 1),
        (format!("workers: many\n{listen}{forward}log: {{ level: loud }}\n"), 2),
        (format!("{listen}{forward}zones: [{{ name: z.test, file: none }}]\n"), 1),
        (format!("{listen}{forward}zones: [{{ name: z.test, file: broken }}]\n"), 2),
    ] {
        folder.write("rhumb.yaml", &text)?;
        let output = rhumb(folder.path(), &["check", "-c", "rhumb.yaml"])?;
        ensure_eq!(output.code, Some(2), "check of {text}: {}{}", output.out, output.err);
        let lines: Vec<&str> = output.err.trim_end().lines().collect();
        let warned: Vec<bool> = lines.iter().map(|line| line.starts_with("warning: ")).collect();
        let expected = [vec![false; mistakes], vec![true]].concat();
        ensure_eq!(warned, expected, "warnings among the lines told of {text}: {}", output.err);
        ensure!(lines[mistakes].contains("it is waited for"), "the warning of {text}: {}", output.err);
        let json = rhumb(folder.path(), &["check", "--json", "-c", "rhumb.yaml"])?;
        let read: serde_json::Value = serde_json::from_str(&json.out)?;
        let count = |key: &str| read[key].as_array().map(Vec::len);
        ensure_eq!((count("errors"), count("warnings")), (Some(mistakes), Some(1)), "JSON: {}", json.out);
        ensure_eq!((json.code, read["good"].as_bool()), (Some(2), Some(false)), "JSON: {}", json.out);
    }
    Ok(Outcome::Passed)
}

/// The start logs them, a reload tells them beside its changes.
pub(super) fn reloaded() -> Verdict {
    let host = Host::new()?;
    let before = Config::new().listen("127.0.0.1").zone("zone.test", SMALL_ZONE);
    let server = Server::start(&host, &before)?;
    server.rewrite(&before.forward("a.zone.test", &["192.0.2.1"]))?;
    let output = server.tell(&["reload"])?;
    ensure_eq!(output.code, Some(0), "reload: {}{}", output.out, output.err);
    let words = "a.zone.test. lies below the zone zone.test.";
    ensure!(output.err.contains("warning: ") && output.err.contains(words), "reload says {}", output.err);
    let json = server.tell(&["reload", "--json"])?;
    ensure!(json.out.contains("\"warnings\"") && json.out.contains(words), "reload says {}", json.out);
    ensure!(server.log().contains(words), "the log lacks the warning");
    Ok(Outcome::Passed)
}

/// `check` warns where another server has the socket that the configuration has by default, and not where it is its own server.
pub(super) fn default_socket() -> Verdict {
    let words = "the default control socket is in use by another server";
    let host = Host::new()?;
    let config =
        Config::new().listen("127.0.0.1").zone("zone.test", SMALL_ZONE).more("control: { mode: \"0600\" }");
    // There is one default on the machine: another test may have it.
    let server = Server::start(&host, &config);
    if let Err(error) = &server {
        ensure!(error.to_string().contains("a running server has it"), "{error}");
    }
    let folder = Folder::new()?;
    folder.write("z", SMALL_ZONE)?;
    let text = "listen: [{ address: 127.0.0.1, port: 5399 }]\nzones: [{ name: z.test, file: z }]\n";
    folder.write("rhumb.yaml", text)?;
    let check = rhumb(folder.path(), &["check", "-c", "rhumb.yaml"])?;
    ensure!(check.code == Some(0) && check.err.contains(words), "check says {}{}", check.out, check.err);
    folder.write("rhumb.yaml", format!("{text}control: {{ socket: own.sock }}\n"))?;
    let check = rhumb(folder.path(), &["check", "-c", "rhumb.yaml"])?;
    ensure!(!check.err.contains(words), "check of one with a socket of its own says {}", check.err);
    if let Ok(server) = server {
        let check = server.tell(&["check"])?;
        ensure!(!check.err.contains(words), "check of the server's own configuration says {}", check.err);
    }
    Ok(Outcome::Passed)
}
