//! Zones that may be updated from a reload on, and files that cannot be noted: what is kept is what was served.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use nix::sys::signal::Signal;
use rhumb_tests::rig::message::rcode;
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Client, Config, Folder, Host, Server};
use rhumb_tests::{Failure, Outcome, Test, Verdict, ensure, ensure_eq};

use super::messages::message;
use super::{FILE, TO, data, serial};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("updating::reconfigured::updated_since_a_reload", since_reload),
    Test::beside("updating::reconfigured::edited_since_a_reload", edited),
    Test::beside("updating::reconfigured::a_file_that_cannot_be_noted", not_noted),
    Test::beside("updating::reconfigured::purged_with_what_its_file_held", purged),
];

const TIME_LIMIT: Duration = Duration::from_secs(10);
const UPDATED: &str = ", update: [{ network: 192.0.2.0/24 }]";

fn config(state: &Folder, keys: &str) -> Config {
    let zone = format!("{{ name: zone.test, file: zone.test.zone{keys} }}");
    let text = format!("state: \"{}\"\nzones:\n  - {zone}\n", state.at("state").display());
    Config::new().listen("::").file("zone.test.zone", FILE).more(&text)
}

/// Another configuration, and the same files.
fn reconfigure(server: &Server, config: &Config) -> Result<(), Failure> {
    fs::write(server.folder().at("rhumb.yaml"), config.text())?;
    server.reload().map(drop)
}

fn edit(server: &Server, text: &str) -> Result<(), Failure> {
    Ok(fs::write(server.folder().at("zone.test.zone"), text)?)
}

fn add(client: &Client, name: &str) -> Result<u16, Failure> {
    let record = format!("{name} 60 IN A 192.0.2.9");
    Ok(client.udp(TO.parse::<SocketAddr>()?, &message(&[&record]))?.message.rcode())
}

fn has(client: &Client, name: &str) -> bool {
    data(client, name, "A").is_ok_and(|found| !found.is_empty())
}

/// The first update of a zone that nobody could update before, another serial, and edits of its file after that.
fn since_reload() -> Verdict {
    let transfer = ", transfer-to: [{ network: 192.0.2.0/24 }]";
    for (before, after) in [("", UPDATED.to_owned()), (transfer, format!("{transfer}{UPDATED}"))] {
        for sets_serial in [false, true] {
            let what = format!("{after}, serial set: {sets_serial}");
            let (host, client) = Host::pair()?;
            let (state, client) = (Folder::new()?, Client::new(&client));
            let server = Server::start(&host, &config(&state, before))?;
            let config = config(&state, &after);
            reconfigure(&server, &config)?;
            if sets_serial {
                ensure_eq!(server.tell(&["zone", "set-serial", "zone.test", "20"])?.code, Some(0), "{what}");
            }
            ensure_eq!(add(&client, "a.zone.test.")?, rcode::NOERROR, "{what}");
            let served = serial(&client)?;
            server.signal(Signal::SIGKILL)?;
            drop(server);
            let server = Server::start(&host, &config)?;
            ensure!(has(&client, "a.zone.test."), "{what}: gone with the restart: {}", server.log_tail());
            ensure_eq!(serial(&client)?, served, "{what}: after the restart");
            edit(&server, &format!("{FILE}b A 192.0.2.4\n"))?;
            ensure!(until(TIME_LIMIT, || has(&client, "b.zone.test.")), "{what}: {}", server.log_tail());
            ensure!(has(&client, "a.zone.test."), "{what}: gone with the edit");
        }
    }
    Ok(Outcome::Passed)
}

/// The first thing that changes is the file.
fn edited() -> Verdict {
    for after in [UPDATED, ", serial: increment"] {
        let (host, client) = Host::pair()?;
        let (state, client) = (Folder::new()?, Client::new(&client));
        let server = Server::start(&host, &config(&state, ""))?;
        let config = config(&state, after);
        reconfigure(&server, &config)?;
        let text = format!("{FILE}b A 192.0.2.4\n").replace("www A 192.0.2.2\n", "");
        edit(&server, &text)?;
        let is_taken = || has(&client, "b.zone.test.") && !has(&client, "www.zone.test.");
        ensure!(until(TIME_LIMIT, is_taken), "{after}: {}", server.log_tail());
        let served = serial(&client)?;
        server.signal(Signal::SIGKILL)?;
        drop(server);
        let server = Server::start(&host, &config.file("zone.test.zone", &text))?;
        ensure!(is_taken(), "{after}: after the restart: {}", server.log_tail());
        ensure_eq!(serial(&client)?, served, "{after}: after the restart");
    }
    Ok(Outcome::Passed)
}

/// What an edit made is on the disk, that the file holds it is not, so that it is not served: what follows is kept all the same.
fn not_noted() -> Verdict {
    let (host, client) = Host::pair()?;
    let (state, client) = (Folder::new()?, Client::new(&client));
    let config = config(&state, UPDATED);
    // By this, each whole zone is a file of its own.
    let start = |config: &Config| Server::start_by(&host, config, &["env", "RHUMB_TEST_STATE=8192"]);
    let server = start(&config)?;
    ensure_eq!(add(&client, "a.zone.test.")?, rcode::NOERROR, "before");
    // What is to be written next has names that are taken.
    let taken: Vec<_> =
        (2..20).map(|next| state.at(&format!("state/files/zones/{next:016x}.part"))).collect();
    taken.iter().try_for_each(fs::create_dir)?;
    let text = format!("{FILE}b A 192.0.2.4\n");
    edit(&server, &text)?;
    ensure!(server.logs("the state cannot be written", TIME_LIMIT), "{}", server.log_tail());
    ensure!(!has(&client, "b.zone.test."), "a version is served that is not noted");
    ensure_eq!(add(&client, "c.zone.test.")?, rcode::NOERROR, "meanwhile");
    let served = serial(&client)?;
    taken.iter().try_for_each(fs::remove_dir)?;
    server.signal(Signal::SIGKILL)?;
    drop(server);
    let server = start(&config.file("zone.test.zone", &text))?;
    for name in ["a.zone.test.", "b.zone.test.", "c.zone.test."] {
        ensure!(has(&client, name), "{name}: {}", server.log_tail());
    }
    ensure!(serial(&client)? > served, "the edit is a version");
    Ok(Outcome::Passed)
}

/// Nothing is known any more of a zone that was purged: it comes back as one that its file alone changes, of which nothing is kept.
fn purged() -> Verdict {
    let (host, client) = Host::pair()?;
    let (state, client) = (Folder::new()?, Client::new(&client));
    let server = Server::start(&host, &config(&state, UPDATED))?;
    ensure_eq!(add(&client, "a.zone.test.")?, rcode::NOERROR, "an update");
    let without = Config::new().listen("::").more(&format!("state: \"{}\"\n", state.at("state").display()));
    let purge = || server.tell(&["zone", "purge", "zone.test"]);
    reconfigure(&server, &without)?;
    ensure!(purge()?.out.contains("nothing is kept any more"), "{}", server.log_tail());
    reconfigure(&server, &config(&state, ""))?;
    ensure!(has(&client, "www.zone.test.") && !has(&client, "a.zone.test."), "{}", server.log_tail());
    reconfigure(&server, &without)?;
    let again = purge()?;
    ensure!(again.err.contains("nothing is kept of zone zone.test."), "{}{}", again.out, again.err);
    Ok(Outcome::Passed)
}
