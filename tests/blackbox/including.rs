//! A configuration of several files: each is followed, and what is wrong with one changes nothing.

use std::fs;
use std::time::Duration;

use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Config, Host, Server};
use rhumb_tests::{Outcome, Test, Verdict, ensure, ensure_eq};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("including::every_file_is_followed", followed),
    Test::beside("including::check_and_diff_read_all_files", checked),
];

const SOON: Duration = Duration::from_secs(5);
const ZONE: &str = "$TTL 60\n@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n";

fn config() -> Config {
    let names = ["a", "b", "c", "d"];
    let zones = names.iter().fold(Config::new(), |config, name| config.file(&format!("{name}.zone"), ZONE));
    zones.listen("127.0.0.1").more("include: [conf.d/*.yaml, more.yaml]\n")
}

fn zone(name: &str) -> String {
    format!("zones: [{{ name: {name}.test, file: ../{name}.zone }}]\n")
}

/// Files that come, change, break, are mended and go, in a folder and beside the first; links and renaming among them.
fn followed() -> Verdict {
    let host = Host::new()?;
    let start = config().file("conf.d/10-a.yaml", &zone("a")).file("more.yaml", "# nothing yet\n");
    let server = Server::start(&host, &start)?;
    let serves = |names: &[&str]| {
        until(SOON, || {
            let list = server.tell(&["zone", "list"]).map(|output| output.out).unwrap_or_default();
            names.iter().all(|name| list.contains(&format!("{name}.test.")))
                && list.matches(".test.").count() == names.len()
        })
    };
    ensure!(serves(&["a"]), "at the start");
    server.folder().write("conf.d/20-b.yaml", zone("b"))?;
    ensure!(serves(&["a", "b"]), "a file came");
    server.folder().write("conf.d/new", zone("c"))?;
    fs::rename(server.folder().at("conf.d/new"), server.folder().at("conf.d/20-b.yaml"))?;
    ensure!(serves(&["a", "c"]), "a file was renamed over another");
    server.folder().write("more.yaml", "include: further.yaml\n")?;
    ensure!(server.logs("further.yaml` cannot be read", SOON), "a missing file: {}", server.log_tail());
    server.folder().write("further.yaml", zone("d").replace("../", ""))?;
    ensure!(serves(&["a", "c", "d"]), "a file that was missing came");
    server.folder().write("conf.d/10-a.yaml", "zones: [{ nam: a.test }]\n")?;
    ensure!(server.logs("10-a.yaml:1:11: zones[0].nam: unknown key", SOON), "{}", server.log_tail());
    ensure!(serves(&["a", "c", "d"]), "a broken file changes nothing");
    let failed = server.tell(&["reload"])?;
    ensure_eq!(failed.code, Some(1), "reload with a broken file: {}", failed.out);
    ensure!(failed.err.contains("10-a.yaml:1:11"), "reload says {}", failed.err);
    server.folder().write("conf.d/10-a.yaml", zone("b"))?;
    ensure!(serves(&["b", "c", "d"]), "it was mended");
    fs::remove_file(server.folder().at("conf.d/20-b.yaml"))?;
    ensure!(serves(&["b", "d"]), "a file went");
    Ok(Outcome::Passed)
}

fn checked() -> Verdict {
    let host = Host::new()?;
    let start = config().file("conf.d/a.yaml", &zone("a")).file("more.yaml", "log: { level: info }\n");
    let server = Server::start(&host, &start)?;
    let good = server.tell(&["check"])?;
    ensure!(good.code == Some(0) && good.out.contains("1 zone,"), "check says {}{}", good.out, good.err);
    // Not seen by the server: its name ends otherwise.
    server
        .folder()
        .write("other.yaml", "include: [conf.d/*.yaml, conf.d/b.conf]\nlisten: { address: 127.0.0.1 }\n")?;
    server.folder().write("conf.d/b.conf", format!("{}log: {{ level: debug }}\n", zone("b")))?;
    let other = server.folder().at("other.yaml").display().to_string();
    let socket = server.folder().at("control.sock").display().to_string();
    let command = |arguments: &[&str]| {
        let mut command = host.command(rhumb_tests::rig::server::binary());
        rhumb_tests::rig::program::run(command.args(arguments), Duration::from_secs(20))
    };
    let diff = command(&["diff", "--socket", &socket, "-c", &other])?;
    for words in ["b.test", "log.level: info -> debug", "include: "] {
        ensure!(diff.out.contains(words), "diff does not say {words}: {}{}", diff.out, diff.err);
    }
    server.folder().write("conf.d/b.conf", "include: ../other.yaml\nlisten: [{ address: 127.0.0.1 }]\n")?;
    let check = command(&["check", "-c", &other])?;
    ensure_eq!(check.code, Some(2), "check of a circle: {}", check.out);
    ensure!(check.err.contains("conf.d/b.conf:1:10: include: "), "check says {}", check.err);
    ensure!(check.err.contains("b.conf:2:12: listen[0]: the same address"), "check says {}", check.err);
    Ok(Outcome::Passed)
}
