//! What is kept of zones, where the disk is slow, full or broken, and where the server is killed at any moment.

use std::collections::BTreeMap;
use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::Pid;
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{
    Client, Config, Folder, Host, Message, Record, Server, Transport, program, rcode, rng,
};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("storing::a_slow_disk_holds_up_nobody_else", slow),
    Test::beside("storing::a_disk_that_fails_and_recovers", failing),
    Test::beside("storing::a_disk_that_is_full", full),
    Test::beside("storing::killed_at_any_moment", killed),
];

const TO: &str = "192.0.2.1:53";
const PATIENCE: Duration = Duration::from_secs(20);
/// Within which updates are taken again by a disk that is well: the log is tried every five seconds, the rest is for a loaded machine.
const RECOVERY: Duration = Duration::from_secs(15);
/// Opcode 5 (RFC 2136).
const UPDATE: u16 = 5 << 11;
const SERVFAIL: u16 = 2;
const TXT: u16 = 16;
/// Class ANY.
const ANY: u16 = 255;

fn zone(serial: u32, more: &str) -> String {
    format!("$TTL 300\n@ SOA ns admin {serial} 86400 86400 864000 60\n@ NS ns\nns A 192.0.2.1\n{more}")
}

/// A server with a zone that everybody may update and transfer, and one beside it that only its file changes.
fn config(state: &std::path::Path, file: &str) -> Config {
    let more = format!(
        "state: \"{}\"\nzones:\n  - {{ name: zone.test, file: zone.test.zone, update: [{{ network: 192.0.2.0/24 }}], \
         transfer-to: [{{ network: 192.0.2.0/24 }}] }}\n  - {{ name: other.test, file: other.test.zone }}\n",
        state.display()
    );
    Config::new().listen("::").file("zone.test.zone", file).file("other.test.zone", &zone(1, "")).more(&more)
}

/// A message that adds a record.
fn addition(id: u16, record: &str) -> Message {
    let mut message = Message::query("zone.test.", "SOA").no_recursion().edns(1232).authorities(&[record]);
    message.flags = UPDATE;
    message.id = id;
    message
}

/// The response code of an update, and its extended error.
fn update(client: &Client, record: &str) -> Result<(u16, Option<u16>), Failure> {
    let answer = client.udp(TO.parse()?, &addition(rng::id(), record))?.message;
    Ok((answer.rcode(), answer.extended_error()))
}

fn serial(client: &Client, zone: &str) -> Result<u32, Failure> {
    let soa = client.ask(TO.parse()?, zone, "SOA")?.data("SOA");
    let serial = soa.first().and_then(|soa| soa.split(' ').nth(2)?.parse().ok());
    serial.context("no SOA")
}

/// strace over a server, which changes what a system call does as long as this lives.
struct Injection(Child);

impl Injection {
    fn start(server: &Server, what: &str) -> Result<Self, Failure> {
        let mut command = Command::new("strace");
        command.args(["-f", "-q", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", what]);
        let child = Self(command.args(["-p", &server.pid().to_string()]).spawn()?);
        let is_attached = || {
            let tasks = fs::read_dir(format!("/proc/{}/task", server.pid())).into_iter().flatten().flatten();
            let mut statuses =
                tasks.map(|task| fs::read_to_string(task.path().join("status")).unwrap_or_default());
            statuses.all(|status| !status.contains("TracerPid:\t0\n"))
        };
        ensure!(until(PATIENCE, is_attached), "strace is not there");
        Ok(child)
    }
}

impl Drop for Injection {
    fn drop(&mut self) {
        // It lets go of the server, which goes on.
        let _ = nix::sys::signal::kill(Pid::from_raw(self.0.id().cast_signed()), Signal::SIGINT);
        let _ = self.0.wait();
    }
}

/// While the disk takes seconds for an update, another zone is read, a zone is transferred, and commands are answered.
fn slow() -> Verdict {
    if program::find("strace").is_none() {
        skip!("strace is not here");
    }
    let (host, client) = Host::pair()?;
    let (state, client) = (Folder::new()?, Client::new(&client).patience(PATIENCE));
    let config = config(&state.at("state"), &zone(7, ""));
    let server = Server::start(&host, &config)?;
    let _slow = Injection::start(&server, "inject=fdatasync:delay_enter=4000000")?;
    let socket = client.udp_socket(TO.parse()?)?;
    let begun = Instant::now();
    socket.send_to(&addition(1, "a.zone.test. 60 IN A 192.0.2.9").to_wire(), TO.parse::<SocketAddr>()?)?;
    server.rewrite(&config.clone().file("other.test.zone", &zone(2, "")))?;
    ensure!(
        until(PATIENCE, || serial(&client, "other.test.").is_ok_and(|serial| serial == 2)),
        "{}",
        server.log_tail()
    );
    let axfr =
        client.over(Transport::Tcp, TO.parse()?, &Message::query("zone.test.", "AXFR").no_recursion())?;
    ensure_eq!(axfr.message.rcode(), rcode::NOERROR, "a transfer");
    ensure_eq!(server.tell(&["zone", "status", "zone.test"])?.code, Some(0), "a command");
    ensure_eq!(server.tell(&["reload"])?.code, Some(0), "a reload");
    let took = begun.elapsed();
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut answer = [0; 512];
    let (length, _) = socket.recv_from(&mut answer)?;
    let answered = begun.elapsed();
    let code = Message::from_wire(answer.get(..length).context("an answer")?)?.rcode();
    ensure_eq!(code, rcode::NOERROR, "the update in the end");
    ensure!(took < answered, "all else took {took:?}, the update {answered:?}");
    Ok(Outcome::Passed)
}

/// The disk reports errors: updates are not acknowledged, what is served stays, and once the disk is well so are updates.
fn failing() -> Verdict {
    if program::find("strace").is_none() {
        skip!("strace is not here");
    }
    let (host, client) = Host::pair()?;
    let (state, client) = (Folder::new()?, Client::new(&client).patience(PATIENCE));
    let config = config(&state.at("state"), &zone(7, ""));
    let server = Server::start(&host, &config)?;
    ensure_eq!(update(&client, "before.zone.test. 60 IN A 192.0.2.9")?, (rcode::NOERROR, None), "before");
    let broken = Injection::start(&server, "inject=fdatasync:error=EIO")?;
    for round in 0..3 {
        let (code, error) = update(&client, &format!("r{round}.zone.test. 60 IN A 192.0.2.9"))?;
        ensure!((code, error.is_some()) == (SERVFAIL, true), "{code} {error:?}");
    }
    ensure_eq!(serial(&client, "zone.test.")?, 8, "what is served");
    ensure_eq!(format!("{:.0}", server.metric("rhumb_log_writable", &[])?), "0", "the metric");
    drop(broken);
    recovered(&server, &client)?;
    let served = serial(&client, "zone.test.")?;
    server.signal(Signal::SIGKILL)?;
    drop(server);
    let server = Server::start(&host, &config)?;
    ensure_eq!(serial(&client, "zone.test.")?, served, "after kill -9: {}", server.log_tail());
    for name in ["before.zone.test.", "after.zone.test."] {
        ensure_eq!(client.ask(TO.parse()?, name, "A")?.data("A"), ["192.0.2.9"], "{name}");
    }
    let lost = client.ask(TO.parse()?, "r0.zone.test.", "A")?.data("A");
    ensure!(lost.is_empty(), "what was not acknowledged is there");
    Ok(Outcome::Passed)
}

/// Updates are taken again soon, by the same process.
fn recovered(server: &Server, client: &Client) -> Result<(), Failure> {
    let begun = Instant::now();
    let is_taken = || update(client, "after.zone.test. 60 IN A 192.0.2.9").is_ok_and(|(code, _)| code == 0);
    let is_in_time = until(RECOVERY, is_taken) && begun.elapsed() < RECOVERY;
    ensure!(is_in_time, "not within {RECOVERY:?} but {:?}: {}", begun.elapsed(), server.log_tail());
    ensure_eq!(format!("{:.0}", server.metric("rhumb_log_writable", &[])?), "1", "the metric");
    Ok(())
}

/// A file system of a megabyte, which is unmounted at the end.
struct SmallDisk(Folder);

impl SmallDisk {
    fn new() -> Result<Self, Failure> {
        let folder = Folder::new()?;
        let mut mount = Command::new("mount");
        let mounted = mount.args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(folder.path()).status()?;
        ensure!(mounted.success(), "a small file system cannot be mounted");
        Ok(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

/// The disk has no room: the same, and a file that changes is served all the same.
fn full() -> Verdict {
    let (host, client) = Host::pair()?;
    let (disk, client) = (SmallDisk::new()?, Client::new(&client).patience(PATIENCE));
    let config = config(&disk.0.at("state"), &zone(7, ""));
    let server = Server::start(&host, &config)?;
    ensure_eq!(update(&client, "before.zone.test. 60 IN A 192.0.2.9")?, (rcode::NOERROR, None), "before");
    let filler = disk.0.at("filler");
    // As much as there is room for.
    let _ = fs::write(&filler, vec![0; 2 << 20]);
    let large = format!("large.zone.test. 60 IN TXT {}", vec!["x".repeat(200); 4].join(" "));
    let mut refused = 0;
    for round in 0..30 {
        let (code, error) = update(&client, &large.replace("large", &format!("large{round}")))?;
        ensure!(code == 0 || (code, error.is_some()) == (SERVFAIL, true), "{code} {error:?}");
        refused += usize::from(code != 0);
    }
    ensure!(refused > 20, "{refused} updates were refused");
    let served = serial(&client, "zone.test.")?;
    server.rewrite(&config.clone().file("other.test.zone", &zone(2, "")))?;
    ensure!(
        until(PATIENCE, || serial(&client, "other.test.").is_ok_and(|serial| serial == 2)),
        "{}",
        server.log_tail()
    );
    ensure_eq!(serial(&client, "zone.test.")?, served, "what is served");
    fs::remove_file(&filler)?;
    recovered(&server, &client)?;
    ensure!(serial(&client, "zone.test.")? > served, "a version");
    Ok(Outcome::Passed)
}

/// What clients were told: by name the number that its record has.
#[derive(Default)]
struct Acknowledged(Mutex<BTreeMap<String, u32>>);

/// Clients that each send one update after the other, until it ends.
fn send_updates(socket: &UdpSocket, client: usize, known: &Acknowledged, stop: &AtomicBool, first: u32) {
    let mut answer = [0; 512];
    let mut number = first;
    while !stop.load(Relaxed) {
        number += 1;
        let name = format!("c{client}n{}.zone.test.", number % 5);
        let id = number as u16;
        let mut message = addition(id, &format!("{name} 60 IN TXT {number}"));
        // In place of what it has.
        let old = Record { owner: name.clone(), kind: TXT, class: ANY, ttl: 0, rdata: Vec::new() };
        message.authority.insert(0, old);
        let Ok(to) = TO.parse::<SocketAddr>() else { return };
        if socket.send_to(&message.to_wire(), to).is_err() {
            continue;
        }
        let Ok((length, _)) = socket.recv_from(&mut answer) else { continue };
        let said = answer.get(..length).and_then(|wire| Message::from_wire(wire).ok());
        if said.is_some_and(|said| said.id == id && said.rcode() == 0) {
            known.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name, number);
        }
    }
}

/// How often it is killed.
fn rounds() -> u32 {
    std::env::var("RHUMB_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(10)
}

/// `kill -9` at a random moment of updates, file changes, transfers and checkpoints: all that was acknowledged is there, the serial never
/// goes back, and a client that has any version that was seen is given the difference.
fn killed() -> Verdict {
    let (host, client_host) = Host::pair()?;
    let (state, client) = (Folder::new()?, Client::new(&client_host).patience(Duration::from_secs(5)));
    let known = Arc::new(Acknowledged::default());
    let (mut last, mut edits) = (0, 0_u32);
    for round in 0..rounds() {
        // So many that a difference is less than the zone.
        let hosts = (0..1000).map(|host| format!("h{host} A 192.0.2.1\n")).collect::<Vec<_>>().concat();
        let file = |edits: u32| zone(1, &format!("file A 192.0.2.{}\n{hosts}", edits % 200 + 1));
        let config = config(&state.at("state"), &file(edits));
        let server = Server::start(&host, &config)?;
        let served = serial(&client, "zone.test.")?;
        ensure!(
            round == 0 || served >= last,
            "round {round}: the serial has gone back from {last} to {served}"
        );
        for (name, number) in known.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let found = client.ask(TO.parse()?, name, "TXT")?.data("TXT");
            // One that was not answered any more may have been carried out.
            let is_there = found
                .iter()
                .any(|text| text.trim_matches('"').parse::<u32>().is_ok_and(|found| found >= *number));
            ensure!(is_there && found.len() == 1, "round {round}: {name} has {found:?}, not {number}");
        }
        if round > 0 {
            let query = Message::query("zone.test.", "TYPE251").no_recursion();
            let query = query.authorities(&[&format!("zone.test. 0 IN SOA . . {last} 0 0 0 0")]);
            let answer = client.over(Transport::Tcp, TO.parse()?, &query)?.message;
            let soas = answer.answer.iter().filter(|record| record.kind == 6).count();
            ensure!(served == last || soas == 4, "round {round}: no difference from {last} to {served}");
        }
        let stop = Arc::new(AtomicBool::new(false));
        let mut clients = Vec::new();
        for number in 0..16 {
            let socket = client.udp_socket(TO.parse()?)?;
            socket.set_read_timeout(Some(Duration::from_millis(500)))?;
            let (known, stop) = (Arc::clone(&known), Arc::clone(&stop));
            clients.push(std::thread::spawn(move || {
                send_updates(&socket, number, &known, &stop, round * 1_000_000);
            }));
        }
        let end = Instant::now() + Duration::from_millis(u64::from(rng::id()) % 1000 + 100);
        while Instant::now() < end {
            edits += 1;
            server.rewrite(&self::config(&state.at("state"), &file(edits)))?;
            last = serial(&client, "zone.test.").unwrap_or(last).max(last);
            std::thread::sleep(Duration::from_millis(20));
        }
        server.signal(Signal::SIGKILL)?;
        stop.store(true, Relaxed);
        for client in clients {
            ensure!(client.join().is_ok(), "a client panicked");
        }
    }
    let count = known.0.lock().unwrap_or_else(PoisonError::into_inner).len();
    ensure!(count > 0, "nothing was acknowledged");
    Ok(Outcome::Passed)
}
