//! What is kept of zones, where the disk is slow, full or broken, and where the server is killed at any moment.

pub(crate) mod killed;

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::Pid;
use rhumb_tests::rig::script::Act;
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{
    Client, Config, Folder, Host, Message, Server, Transport, Upstream, program, rcode, rng,
};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};

use crate::refreshing::hostile::{difference, primary, refuse, reply, whole};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("storing::a_slow_disk_holds_up_nobody_else", slow),
    Test::beside("storing::a_disk_that_fails_and_recovers", failing),
    Test::beside("storing::a_disk_that_is_full", full),
    Test::beside("storing::a_disk_that_fails_while_a_transfer_is_stored", transfer),
];

const TO: &str = "192.0.2.1:53";
const TIME_LIMIT: Duration = Duration::from_secs(20);
/// Within which updates are taken again by a disk that is well: the log is tried every five seconds, the rest is for a loaded machine.
const RECOVERY: Duration = Duration::from_secs(15);
/// Opcode 5 (RFC 2136).
const UPDATE: u16 = 5 << 11;
const SERVFAIL: u16 = 2;

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
        command.args(["-f", "-q", "-o", "/dev/null", "-e", "trace=fdatasync,fsync", "-e", what]);
        let child = Self(command.args(["-p", &server.pid().to_string()]).spawn()?);
        let is_attached = || {
            let tasks = fs::read_dir(format!("/proc/{}/task", server.pid())).into_iter().flatten().flatten();
            let mut statuses =
                tasks.map(|task| fs::read_to_string(task.path().join("status")).unwrap_or_default());
            statuses.all(|status| !status.contains("TracerPid:\t0\n"))
        };
        ensure!(until(TIME_LIMIT, is_attached), "strace is not there");
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
    let (state, client) = (Folder::new()?, Client::new(&client).time_limit(TIME_LIMIT));
    let config = config(&state.at("state"), &zone(7, ""));
    let server = Server::start(&host, &config)?;
    let _slow = Injection::start(&server, "inject=fdatasync:delay_enter=4000000")?;
    let socket = client.udp_socket(TO.parse()?)?;
    let begun = Instant::now();
    socket.send_to(&addition(1, "a.zone.test. 60 IN A 192.0.2.9").to_wire(), TO.parse::<SocketAddr>()?)?;
    server.rewrite(&config.clone().file("other.test.zone", &zone(2, "")))?;
    ensure!(
        until(TIME_LIMIT, || serial(&client, "other.test.").is_ok_and(|serial| serial == 2)),
        "{}",
        server.log_tail()
    );
    let axfr =
        client.over(Transport::Tcp, TO.parse()?, &Message::query("zone.test.", "AXFR").no_recursion())?;
    ensure_eq!(axfr.message.rcode(), rcode::NOERROR, "a transfer");
    ensure_eq!(server.tell(&["zone", "status", "zone.test"])?.code, Some(0), "a command");
    ensure_eq!(server.tell(&["reload"])?.code, Some(0), "a reload");
    let took = begun.elapsed();
    socket.set_read_timeout(Some(TIME_LIMIT))?;
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
    let (state, client) = (Folder::new()?, Client::new(&client).time_limit(TIME_LIMIT));
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

/// A file system of some megabytes, which is unmounted at the end.
struct SmallDisk(Folder);

impl SmallDisk {
    fn new(megabytes: usize) -> Result<Self, Failure> {
        let folder = Folder::new()?;
        let (mut mount, size) = (Command::new("mount"), format!("size={megabytes}m"));
        let mounted = mount.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).status()?;
        ensure!(mounted.success(), "a small file system cannot be mounted");
        Ok(Self(folder))
    }

    /// Fills it. What is returned is to be removed to make room again.
    fn fill(&self) -> PathBuf {
        let filler = self.0.at("filler");
        fs::create_dir_all(&filler).expect("a folder");
        for part in 0..5 {
            // As much as there is room for; old logs may be on the point of being removed.
            let _ = fs::write(filler.join(part.to_string()), vec![0; 32 << 20]);
            std::thread::sleep(Duration::from_millis(50));
        }
        filler
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
    let (disk, client) = (SmallDisk::new(1)?, Client::new(&client).time_limit(TIME_LIMIT));
    let config = config(&disk.0.at("state"), &zone(7, ""));
    let server = Server::start(&host, &config)?;
    ensure_eq!(update(&client, "before.zone.test. 60 IN A 192.0.2.9")?, (rcode::NOERROR, None), "before");
    let filler = disk.fill();
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
        until(TIME_LIMIT, || serial(&client, "other.test.").is_ok_and(|serial| serial == 2)),
        "{}",
        server.log_tail()
    );
    ensure_eq!(serial(&client, "zone.test.")?, served, "what is served");
    fs::remove_dir_all(&filler)?;
    recovered(&server, &client)?;
    ensure!(serial(&client, "zone.test.")? > served, "a version");
    Ok(Outcome::Passed)
}

/// Hosts that differ between two versions: so many that the difference is larger than a page, and less than the zone.
const CHANGING: usize = 40;

fn lines(hosts: std::ops::Range<usize>, serial: u32) -> impl Iterator<Item = String> {
    let text = "x".repeat(100);
    hosts.map(move |host| format!("h{host}.zone.test. 60 IN TXT {text}{serial}"))
}

/// The primary has a version with so many hosts, which comes whole or as the difference to the one before; `base` is when the hosts came
/// that do not change.
fn follow(upstream: &Upstream, (serial, base): (u32, u32), hosts: usize) {
    let step = move |asked: &_| {
        let mut records = difference(serial - 1, serial);
        records.splice(5..5, lines(0..CHANGING, serial));
        records.splice(3..3, lines(0..CHANGING, serial - 1));
        reply(asked, &records)
    };
    upstream.follow(primary(serial, step, move |asked| {
        let mut zone = whole(serial);
        zone.splice(3..3, lines(CHANGING..hosts, base));
        zone.splice(3..3, lines(0..CHANGING, serial));
        Act::Each(zone.chunks(100).map(|lines| reply(asked, lines)).collect())
    }));
}

/// A secondary whose disk fails, in one of two ways, while it stores a version that came: the one before is served, and said to be so,
/// and the new one follows once the disk is well. Differences, whole zones in the log and those in a file of their own.
fn transfer() -> Verdict {
    if program::find("strace").is_none() {
        skip!("strace is not here");
    }
    let (host, client_host) = Host::pair()?;
    let upstream = Upstream::start(&client_host, "192.0.2.2", primary(1, refuse, refuse))?;
    let (disk, client) = (SmallDisk::new(16)?, Client::new(&client_host).time_limit(TIME_LIMIT));
    let config = crate::refreshing::config(&disk.0, &[("192.0.2.2:53".parse()?, None)], "");
    follow(&upstream, (10, 10), CHANGING);
    let server = Server::start(&host, &config)?;
    let serves = |wanted: u32| serial(&client, "zone.test.").is_ok_and(|serial| serial == wanted);
    ensure!(until(TIME_LIMIT, || serves(10)), "{}", server.log_tail());
    let (mut at, mut base) = (10, 10);
    for (what, command, hosts) in [
        ("a zone in the log", "retransfer", 100),
        ("a difference", "refresh", 100),
        ("a zone in a file of its own", "retransfer", 12_000),
    ] {
        for is_full in [false, true] {
            let what = format!("{what}, {}", if is_full { "a full disk" } else { "EIO" });
            // What comes whole differs in all.
            base = if command == "retransfer" { at + 1 } else { base };
            follow(&upstream, (at + 1, base), hosts);
            let filler = is_full.then(|| disk.fill());
            let broken = (!is_full).then(|| Injection::start(&server, "inject=fdatasync,fsync:error=EIO"));
            let broken = broken.transpose()?;
            let told = server.tell(&["zone", command, "zone.test"])?;
            let is_told = told.code == Some(1) && told.err.contains("the state cannot be written");
            ensure!(is_told, "{what}: {}{}", told.out, told.err);
            ensure!(serves(at), "{what}: the version before is not served");
            drop(broken);
            filler.map_or(Ok(()), fs::remove_dir_all)?;
            let is_taken = || {
                std::thread::sleep(Duration::from_millis(500));
                server.tell(&["zone", command, "zone.test"]).is_ok_and(|told| told.code == Some(0))
            };
            ensure!(until(RECOVERY, is_taken), "{what}: {}", server.log_tail());
            at += 1;
            ensure!(serves(at), "{what}: the new version is not served");
        }
    }
    server.signal(Signal::SIGKILL)?;
    drop((server, upstream));
    let server = Server::start(&host, &config)?;
    ensure!(serves(at), "after kill -9: {}", server.log_tail());
    Ok(Outcome::Passed)
}
