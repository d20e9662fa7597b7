//! Folders of zones whose files are called otherwise than `NAME.zone`, and folders that zone files include from.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::Command;
use std::time::Duration;

use rhumb_tests::rig::server::{binary, until};
use rhumb_tests::rig::{Client, Config, Folder, Host, Server, program, rcode};
use rhumb_tests::{Outcome, Test, Verdict, ensure, ensure_eq};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("zone_folders::files_called_by_each_pattern", patterns),
    Test::beside("zone_folders::files_called_otherwise_are_warned_of", warned),
    Test::beside("zone_folders::include_folders", include_folders),
];

const ZONE: &str = "$TTL 60\n@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n";
const SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 53);
const SOON: Duration = Duration::from_secs(5);

/// Whether a name comes to have this address.
fn asks(client: &Client, name: &str, address: &str) -> bool {
    until(SOON, || {
        let reply = client.ask(SERVER, name, "A");
        reply.is_ok_and(|message| message.data("A") == [address])
    })
}

/// Zones that are there at the start, that come, change and go, by each pattern.
fn patterns() -> Verdict {
    for pattern in ["db.NAME", "NAME.db", "NAME", "primary-NAME.txt"] {
        let file = |name: &str| format!("z/{}", pattern.replace("NAME", name));
        let host = Host::new()?;
        let config = Config::new()
            .listen("127.0.0.1")
            .more(&format!("zones: [{{ directory: z, pattern: {pattern} }}]"))
            .file(&file("a.test"), &format!("{ZONE}www A 192.0.2.10\n"))
            .file(&format!("{}~", file("a.test")), "half a zo")
            .file("z/.hidden", "nothing");
        let server = Server::start(&host, &config)?;
        let client = Client::new(&host);
        ensure!(asks(&client, "www.a.test.", "192.0.2.10"), "{pattern}: the zone of the start");
        server.folder().write(&file("a.test"), format!("{ZONE}www A 192.0.2.11\n"))?;
        ensure!(asks(&client, "www.a.test.", "192.0.2.11"), "{pattern}: the zone changed");
        server.folder().write(&file("b.test"), format!("{ZONE}www A 192.0.2.12\n"))?;
        ensure!(asks(&client, "www.b.test.", "192.0.2.12"), "{pattern}: a zone came");
        fs::remove_file(server.folder().at(&file("b.test")))?;
        let refused = || {
            let reply = client.ask(SERVER, "www.b.test.", "A");
            reply.is_ok_and(|message| message.rcode() == rcode::REFUSED)
        };
        ensure!(until(SOON, refused), "{pattern}: a zone went");
        let list = server.tell(&["zone", "list"])?;
        ensure!(list.out.contains("a.test") && !list.out.contains('~'), "{pattern}: {}", list.out);
    }
    Ok(Outcome::Passed)
}

/// By `check`, at the start, and by the reload that brings the folder.
fn warned() -> Verdict {
    let host = Host::new()?;
    let before = Config::new()
        .listen("127.0.0.1")
        .more("zones: [{ directory: z }]")
        .file("z/a.test.zone", ZONE)
        .file("z/db.b.test", ZONE)
        .file("other/c.test.db", ZONE)
        .file("good/d.test.zone", ZONE)
        .file("good/common.inc", "a A 192.0.2.1\n");
    let server = Server::start(&host, &before)?;
    let words = "z has 1 file that is not read, such as db.b.test: zone files are called NAME.zone here; \
                 `pattern: db.NAME` reads them";
    ensure!(server.log().contains(words), "the log of the start: {}", server.log());
    let check = server.tell(&["check"])?;
    ensure!(check.code == Some(0) && check.err.contains(words), "check says {}{}", check.out, check.err);
    let after = Config::new().listen("127.0.0.1").more("zones: [{ directory: other }, { directory: good }]");
    server.rewrite(&after)?;
    let reload = server.tell(&["reload"])?;
    ensure!(reload.err.contains("`pattern: NAME.db` reads them"), "reload says {}", reload.err);
    ensure_eq!(reload.err.matches("pattern:").count(), 1, "warnings of {}", reload.err);
    Ok(Outcome::Passed)
}

/// What is included from elsewhere is refused, read where a key permits it, and followed; `check-zone` takes folders too.
fn include_folders() -> Verdict {
    let shared = Folder::new()?;
    shared.write("deep/hosts", "www A 192.0.2.20\n")?;
    let zone = format!("{ZONE}$INCLUDE {}/deep/hosts\n", shared.path().display());
    let host = Host::new()?;
    let zones = |keys: &str| {
        Config::new()
            .listen("127.0.0.1")
            .more(&format!("zones: [{{ name: a.test, file: a {keys} }}, {{ directory: z {keys} }}]"))
            .file("a", &zone)
            .file("z/b.test.zone", &zone)
    };
    let server = Server::start(&host, &zones(""))?;
    let client = Client::new(&host);
    let status = server.tell(&["zone", "status", "a.test"])?;
    ensure!(status.out.contains("does not lie in the folder"), "without the key: {}", status.out);
    let keys = format!(", include-folders: {}", shared.path().display());
    server.rewrite(&zones(&keys))?;
    let reload = server.tell(&["reload"])?;
    ensure_eq!(reload.code, Some(0), "reload: {}{}", reload.out, reload.err);
    for name in ["www.a.test.", "www.b.test."] {
        ensure!(asks(&client, name, "192.0.2.20"), "{name} is not included");
    }
    shared.write("deep/hosts", "www A 192.0.2.21\n")?;
    for name in ["www.a.test.", "www.b.test."] {
        ensure!(asks(&client, name, "192.0.2.21"), "{name}: the included file is not followed");
    }
    let check = |arguments: &[&str]| {
        let mut command = Command::new(binary());
        program::run(command.args(arguments).current_dir(server.folder().path()), Duration::from_secs(20))
    };
    let refused = check(&["check-zone", "a.test", "a"])?;
    ensure_eq!(refused.code, Some(2), "check-zone without a folder: {}", refused.out);
    let folder = shared.path().display().to_string();
    let good = check(&["check-zone", "--include-folder", &folder, "a.test", "a"])?;
    ensure_eq!(good.code, Some(0), "check-zone with it: {}", good.err);
    // The permission goes with the key, and the zone keeps what it has.
    server.rewrite(&zones(""))?;
    let reload = server.tell(&["reload"])?;
    ensure!(reload.err.contains("does not lie in the folder"), "reload without the key: {}", reload.err);
    ensure!(asks(&client, "www.a.test.", "192.0.2.21"), "the zone kept its contents");
    Ok(Outcome::Passed)
}
