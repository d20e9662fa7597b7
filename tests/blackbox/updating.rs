//! Zones that clients change while they are served (RFC 2136): by the usual programs, kept over kill -9, together with the file.

pub(crate) mod certificates;
pub(crate) mod controllers;
pub(crate) mod explained;
pub(crate) mod forwarded;
pub(crate) mod messages;
pub(crate) mod programs;
pub(crate) mod reconfigured;
pub(crate) mod replayed;

use std::fs;
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Client, Config, Folder, Host, Message, Server, program};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("updating::clients_of_others", clients),
    Test::beside("updating::who_may_change_what", rules),
    Test::beside("updating::the_zone_of_a_name_is_found", finding),
    Test::beside("updating::what_was_acknowledged_is_kept", kept),
    Test::beside("updating::the_file_and_updates", merged),
    Test::beside("updating::on_the_disk_before_the_answer", order),
];

pub(crate) const TO: &str = "192.0.2.1:53";
const SECRET: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const KEY: &str = "hmac-sha256:acme.test:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

pub(crate) const FILE: &str =
    "$TTL 300\n@ SOA ns admin 7 86400 86400 864000 60\n@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.2\n";

/// A server whose zone may be changed by these rules, kept in `state`.
pub(crate) fn config(state: &Folder, rules: &str) -> Config {
    let text = format!(
        "state: \"{}\"\nkeys:\n  - {{ name: acme.test, secret: \"{SECRET}\" }}\nzones:\n  - {{ name: zone.test, file: zone.test.zone, update: [{rules}] }}\n",
        state.at("state").display()
    );
    Config::new().listen("::").file("zone.test.zone", FILE).more(&text)
}

pub(crate) const ANY: &str = "{ key: acme.test }";

/// Runs a program that reads commands from a file, and gives what it printed.
fn run(client: &Host, name: &str, arguments: &[&str], lines: &[&str]) -> Result<program::Output, Failure> {
    let folder = Folder::new()?;
    let text = format!("server 192.0.2.1\nzone zone.test.\n{}\nsend\n", lines.join("\n"));
    let file = folder.write("commands", text)?;
    let mut command: Command = client.command(name);
    command.args(arguments).arg(file);
    program::run(&mut command, Duration::from_secs(20))
}

/// Sends one message by nsupdate, signed; its exit status says whether it was taken.
fn update(client: &Host, lines: &[&str]) -> Result<program::Output, Failure> {
    run(client, "nsupdate", &["-y", KEY], lines)
}

pub(crate) fn taken(client: &Host, lines: &[&str]) -> Result<(), Failure> {
    let output = update(client, lines)?;
    ensure_eq!(output.code, Some(0), "{lines:?}: {}{}", output.out, output.err);
    Ok(())
}

fn data(client: &Client, name: &str, kind: &str) -> Result<Vec<String>, Failure> {
    let mut data = client.ask(TO.parse()?, name, kind)?.data(kind);
    data.sort();
    Ok(data)
}

fn serial(client: &Client) -> Result<u32, Failure> {
    let soa = data(client, "zone.test.", "SOA")?;
    let serial = soa.first().and_then(|soa| soa.split(' ').nth(2)?.parse().ok());
    serial.context("no SOA")
}

/// nsupdate and knsupdate, over UDP and TCP: served when they are told so, with the next serial.
fn clients() -> Verdict {
    if program::find("nsupdate").is_none() || program::find("knsupdate").is_none() {
        skip!("nsupdate and knsupdate are not here");
    }
    let (host, client) = Host::pair()?;
    let state = Folder::new()?;
    let server = Server::start(&host, &config(&state, ANY))?;
    let asking = Client::new(&client);
    let programs: [(&str, &[&str]); 4] = [
        ("nsupdate", &["-y", KEY]),
        ("nsupdate", &["-v", "-y", KEY]),
        ("knsupdate", &["-y", KEY]),
        ("knsupdate", &["-v", "-y", KEY]),
    ];
    for (number, (name, arguments)) in (0u32..).zip(programs) {
        let host = format!("h{number}.zone.test.");
        let add = format!("update add {host} 60 A 192.0.2.9");
        let done = run(&client, name, arguments, &[&add])?;
        ensure_eq!(done.code, Some(0), "{name} {arguments:?}: {}{}{}", done.out, done.err, server.log_tail());
        ensure_eq!(data(&asking, &host, "A")?, ["192.0.2.9"], "{name} {arguments:?}");
        ensure_eq!(serial(&asking)?, 8 + 2 * number, "{name}: one version for a message");
        let done = run(&client, name, arguments, &[&format!("update delete {host} A")])?;
        ensure_eq!(done.code, Some(0), "{name} {arguments:?}: {}{}", done.out, done.err);
        ensure!(data(&asking, &host, "A")?.is_empty(), "{name} {arguments:?}: still there");
    }
    let both = ["prereq yxrrset www.zone.test. A", "update add www.zone.test. 60 A 192.0.2.3"];
    taken(&client, &both)?;
    let refused =
        update(&client, &["prereq nxrrset www.zone.test. A", "update add a.zone.test. 60 A 192.0.2.3"])?;
    ensure!(refused.err.contains("YXRRSET"), "{}{}", refused.out, refused.err);
    ensure!(data(&asking, "a.zone.test.", "A")?.is_empty(), "a message is carried out whole or not at all");
    let accepted = server.metric("rhumb_updates_total", &["accepted"])?;
    ensure_eq!(format!("{accepted:.0}"), "9", "updates that were carried out");
    ensure_eq!(fs::read_to_string(server.folder().at("zone.test.zone"))?, FILE, "the file is only read");
    Ok(Outcome::Passed)
}

/// Each record of a message has to be allowed; everybody else is refused, and says so in the log.
fn rules() -> Verdict {
    if program::find("nsupdate").is_none() {
        skip!("nsupdate is not here");
    }
    let (host, client) = Host::pair()?;
    let state = Folder::new()?;
    let acme = "{ key: acme.test, names: [\"_acme-challenge.*\"], types: [TXT] }";
    let server = Server::start(&host, &config(&state, acme))?;
    let asking = Client::new(&client);
    taken(
        &client,
        &[
            "update add _acme-challenge.www.zone.test. 60 TXT one",
            "update add _acme-challenge.www.zone.test. 60 TXT two",
        ],
    )?;
    ensure_eq!(
        data(&asking, "_acme-challenge.www.zone.test.", "TXT")?,
        ["\"one\"", "\"two\""],
        "side by side"
    );
    let denied = update(
        &client,
        &["update add _acme-challenge.a.zone.test. 60 TXT one", "update add www.zone.test. 60 A 192.0.2.9"],
    )?;
    ensure!(denied.err.contains("REFUSED"), "{}{}", denied.out, denied.err);
    let why = "add A of www.zone.test.: no rule of the zone allows it";
    ensure!(server.logs(why, Duration::from_secs(2)), "not in the log: {}", server.log_tail());
    ensure!(data(&asking, "_acme-challenge.a.zone.test.", "TXT")?.is_empty(), "a part was carried out");
    let add = "update add _acme-challenge.b.zone.test. 60 TXT one";
    let unsigned = run(&client, "nsupdate", &[], &[add])?;
    ensure!(unsigned.err.contains("REFUSED"), "{}{}", unsigned.out, unsigned.err);
    let wrong = KEY.replace("MDEy", "MDEx");
    let unknown = run(&client, "nsupdate", &["-y", &wrong], &[add])?;
    ensure!(unknown.code != Some(0), "a wrong secret: {}{}", unknown.out, unknown.err);
    let elsewhere =
        run(&client, "nsupdate", &["-y", KEY], &["zone other.test.", "update add a.other.test. 60 TXT one"])?;
    ensure!(elsewhere.err.contains("NOTAUTH"), "{}{}", elsewhere.out, elsewhere.err);
    // What the zone has stays when nobody may change it any more.
    server.rewrite(&config(&state, ""))?;
    server.reload()?;
    let late = update(&client, &[add])?;
    ensure!(late.err.contains("REFUSED"), "{}{}", late.out, late.err);
    ensure_eq!(data(&asking, "_acme-challenge.www.zone.test.", "TXT")?.len(), 2, "without rules");
    Ok(Outcome::Passed)
}

/// As certbot, lego and nsupdate find the zone of a name: the SOA of the apex, in the authority section of answers that are signed.
fn finding() -> Verdict {
    let (host, client) = Host::pair()?;
    let state = Folder::new()?;
    let _server = Server::start(&host, &config(&state, ANY))?;
    let asking = Client::new(&client);
    let to: SocketAddr = TO.parse()?;
    for name in ["_acme-challenge.www.zone.test.", "a.b.c.zone.test.", "www.zone.test."] {
        let answer = asking.udp(to, &Message::query(name, "SOA").no_recursion())?.message;
        let soa: Vec<_> = answer.authority.iter().filter(|record| record.kind == 6).collect();
        ensure_eq!(
            soa.iter().map(|record| record.owner.as_str()).collect::<Vec<_>>(),
            ["zone.test."],
            "{name}"
        );
        ensure!(answer.flags & 0x0400 != 0, "{name}: not authoritative");
    }
    Ok(Outcome::Passed)
}

/// What was acknowledged is there after kill -9, the serial goes on, and a secondary gets the difference.
fn kept() -> Verdict {
    if program::find("nsupdate").is_none() {
        skip!("nsupdate is not here");
    }
    let (host, client) = Host::pair()?;
    let state = Folder::new()?;
    let config = config(&state, ANY);
    let asking = Client::new(&client);
    for round in 0..4u32 {
        let server = Server::start(&host, &config)?;
        for before in 0..round {
            ensure_eq!(
                data(&asking, &format!("r{before}.zone.test."), "A")?,
                ["192.0.2.9"],
                "after {round} ends"
            );
        }
        ensure_eq!(serial(&asking)?, 7 + round, "after {round} ends: {}", server.log_tail());
        taken(&client, &[&format!("update add r{round}.zone.test. 60 A 192.0.2.9")])?;
        server.signal(Signal::SIGKILL)?;
    }
    Ok(Outcome::Passed)
}

/// A file that is edited, while the server runs and while it does not, under a zone that updates have changed.
fn merged() -> Verdict {
    if program::find("nsupdate").is_none() {
        skip!("nsupdate is not here");
    }
    let (host, client) = Host::pair()?;
    let state = Folder::new()?;
    let config = config(&state, ANY);
    let asking = Client::new(&client);
    let server = Server::start(&host, &config)?;
    taken(
        &client,
        &[
            "update add dyn.zone.test. 60 A 192.0.2.9",
            "update delete www.zone.test.",
            "update add www.zone.test. 60 A 192.0.2.8",
        ],
    )?;
    let edited = |config: &Config, text: &str| config.clone().file("zone.test.zone", text);
    server.rewrite(&edited(&config, &format!("{FILE}new A 192.0.2.4\n")))?;
    let has = |name: &str, wanted: &[&str]| data(&asking, name, "A").is_ok_and(|found| found == wanted);
    ensure!(until(Duration::from_secs(5), || has("new.zone.test.", &["192.0.2.4"])), "{}", server.log_tail());
    ensure!(
        has("dyn.zone.test.", &["192.0.2.9"]) && has("www.zone.test.", &["192.0.2.8"]),
        "an update is gone"
    );
    ensure_eq!(serial(&asking)?, 9, "the file's serial means nothing");
    server.signal(Signal::SIGKILL)?;
    drop(server);
    // Both have replaced the address of www: the file's holds.
    let text = FILE.replace("www A 192.0.2.2", "www A 192.0.2.7");
    let server = Server::start(&host, &edited(&config, &text))?;
    ensure!(
        has("www.zone.test.", &["192.0.2.7"]),
        "{:?} {}",
        data(&asking, "www.zone.test.", "A"),
        server.log_tail()
    );
    ensure!(has("dyn.zone.test.", &["192.0.2.9"]) && has("new.zone.test.", &[]), "{}", server.log_tail());
    let told = "www.zone.test. A: the file says 192.0.2.7, key acme.test. 192.0.2.2 had set 192.0.2.8 on ";
    ensure!(server.log().contains(told), "not in the log: {}", server.log());
    ensure_eq!(serial(&asking)?, 10, "one version for the file");
    // A file that is broken takes nothing away, also at the start.
    drop(server);
    let server = Server::start(&host, &edited(&config, "@ SOA broken\n"))?;
    ensure!(has("dyn.zone.test.", &["192.0.2.9"]), "a broken file: {}", server.log_tail());
    taken(&client, &["update add more.zone.test. 60 A 192.0.2.9"])?;
    ensure!(has("more.zone.test.", &["192.0.2.9"]), "a broken file: {}", server.log_tail());
    Ok(Outcome::Passed)
}

/// The system calls of one update, in their order: the log is written and synced, and then the answer is sent.
fn order() -> Verdict {
    if program::find("nsupdate").is_none() || program::find("strace").is_none() {
        skip!("nsupdate and strace are not here");
    }
    let (host, client) = Host::pair()?;
    let state = Folder::new()?;
    let server = Server::start(&host, &config(&state, ANY))?;
    let trace = state.at("trace");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-q", "-e", "trace=fdatasync,sendmsg,sendmmsg,sendto", "-o"]).arg(&trace);
    let mut strace = strace.args(["-p", &server.pid().to_string()]).spawn()?;
    let read = || fs::read_to_string(&trace).unwrap_or_default();
    let begun = Instant::now();
    let is_attached = || {
        let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap_or_default();
        status.lines().any(|line| line.starts_with("TracerPid:") && !line.ends_with("\t0"))
    };
    ensure!(until(Duration::from_secs(5), is_attached), "strace is not there after {:?}", begun.elapsed());
    std::thread::sleep(Duration::from_millis(300));
    let before = read().lines().count();
    let done = run(&client, "nsupdate", &["-y", KEY], &["update add a.zone.test. 60 A 192.0.2.9"])?;
    ensure_eq!(done.code, Some(0), "{}{}", done.out, done.err);
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(strace.id().cast_signed()), Signal::SIGINT)?;
    strace.wait()?;
    let text = read();
    let calls: Vec<&str> = text.lines().skip(before).collect();
    let synced = calls.iter().position(|line| line.contains("fdatasync") && !line.contains("unfinished"));
    let synced = synced.context(format!("no fdatasync: {calls:?}"))?;
    let sent = calls.iter().rposition(|line| line.contains("sendmsg") || line.contains("sendto"));
    ensure!(sent.is_some_and(|sent| sent > synced), "the answer before the disk: {calls:?}");
    Ok(Outcome::Passed)
}
