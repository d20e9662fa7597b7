//! The server is killed at any moment: of updates, of file changes, and while the state is written anew and its old parts are removed.

use std::collections::BTreeMap;
use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rhumb_tests::rig::{Client, Config, Folder, Host, Message, Record, Server, Transport, rng};
use rhumb_tests::{Failure, Outcome, Test, Verdict, ensure, fail};

use super::{TO, addition, config, serial, zone};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("storing::killed::within_updates", || killed(&KillRun { clients: 64, ..KillRun::FEW }))
        .lasting(LONGEST),
    Test::beside("storing::killed::within_file_changes", || killed(&KillRun { edits: true, ..KillRun::FEW }))
        .lasting(LONGEST),
    Test::beside("storing::killed::within_checkpoints", || {
        killed(&KillRun { clients: 8, edits: true, divisor: 1024 })
    })
    .lasting(LONGEST),
];

const SOA: u16 = 6;
const TXT: u16 = 16;
/// Class ANY.
const ANY: u16 = 255;

/// How long such a test may take.
pub(crate) const LONGEST: fn() -> Duration = || Duration::from_secs(240 + 10 * u64::from(kills(0)));

/// What the server does when it is killed.
struct KillRun {
    /// Clients that each send one update after the other.
    clients: usize,
    /// Whether the file of the zone is edited meanwhile.
    edits: bool,
    /// By what the sizes of the state are divided.
    divisor: u32,
}

impl KillRun {
    const FEW: Self = Self { clients: 8, edits: false, divisor: 1 };
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

/// How often a server is killed: as `RHUMB_TEST_KILLS` says, else `usual` times.
pub(crate) fn kills(usual: u32) -> u32 {
    std::env::var("RHUMB_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// So many hosts that a difference is less than the zone.
fn file(edits: u32) -> String {
    let hosts = (0..1000).map(|host| format!("h{host} A 192.0.2.1\n")).collect::<Vec<_>>().concat();
    zone(1, &format!("file A 192.0.2.{}\n{hosts}", edits % 200 + 1))
}

/// All that was acknowledged is there, and each set has one record.
fn check_acknowledged(client: &Client, known: &Acknowledged) -> Result<(), Failure> {
    for (name, number) in known.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        let found = client.ask(TO.parse()?, name, "TXT")?.data("TXT");
        // One that was not answered any more may have been carried out.
        let is_there = found
            .iter()
            .any(|text| text.trim_matches('"').parse::<u32>().is_ok_and(|found| found >= *number));
        ensure!(is_there && found.len() == 1, "{name} has {found:?}, not {number}");
    }
    Ok(())
}

/// Whoever has the version `last` is given the difference to the one that is served.
fn check_difference(client: &Client, last: u32, served: u32) -> Result<(), Failure> {
    let query = Message::query("zone.test.", "TYPE251").no_recursion();
    let query = query.authorities(&[&format!("zone.test. 0 IN SOA . . {last} 0 0 0 0")]);
    let answer = client.over(Transport::Tcp, TO.parse()?, &query)?.message;
    // It begins with the new version's SOA, and then comes that of the old one.
    let is_difference = answer.answer.get(1).is_some_and(|record| record.kind == SOA);
    ensure!(served == last || is_difference, "no difference from {last} to {served}");
    Ok(())
}

/// Runs the clients for a random time, kills the server, and gives the last serial that was seen.
fn strike(
    run: &KillRun,
    (server, config): (&Server, &dyn Fn(u32) -> Config),
    client: &Client,
    known: &Arc<Acknowledged>,
    (round, edits): (u32, &mut u32),
) -> Result<u32, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let mut clients = Vec::new();
    for number in 0..run.clients {
        let socket = client.udp_socket(TO.parse()?)?;
        socket.set_read_timeout(Some(Duration::from_millis(500)))?;
        let (known, stop) = (Arc::clone(known), Arc::clone(&stop));
        clients.push(thread::spawn(move || send_updates(&socket, number, &known, &stop, round * 1_000_000)));
    }
    let mut last = 0;
    let end = Instant::now() + Duration::from_millis(u64::from(rng::id()) % 1000 + 100);
    while Instant::now() < end {
        if run.edits {
            *edits += 1;
            server.rewrite(&config(*edits))?;
        }
        last = serial(client, "zone.test.").unwrap_or(last).max(last);
        thread::sleep(Duration::from_millis(20));
    }
    server.signal(Signal::SIGKILL)?;
    stop.store(true, Relaxed);
    for client in clients {
        ensure!(client.join().is_ok(), "a client panicked");
    }
    Ok(last)
}

/// The highest number of a file of the state with this ending.
fn last_file(state: &Folder, part: &str) -> Result<u64, Failure> {
    let entries = fs::read_dir(state.at("state").join(part))?.flatten();
    let numbers =
        entries.filter_map(|entry| u64::from_str_radix(entry.path().file_stem()?.to_str()?, 16).ok());
    Ok(numbers.max().unwrap_or(0))
}

/// `kill -9` at random moments: all that was acknowledged is there, the serial never goes back, and a client that has any version that
/// was seen is given the difference.
fn killed(run: &KillRun) -> Verdict {
    let (host, client_host) = Host::pair()?;
    let (state, client) = (Folder::new()?, Client::new(&client_host).time_limit(Duration::from_secs(5)));
    let known = Arc::new(Acknowledged::default());
    let (mut last, mut edits) = (0, 0);
    let config = |edits: u32| config(&state.at("state"), &file(edits));
    let sizes = format!("RHUMB_TEST_STATE={}", run.divisor);
    for round in 0..kills(10) {
        let server = Server::start_by(&host, &config(edits), &["env", &sizes])?;
        let served = serial(&client, "zone.test.")?;
        let checked = check_acknowledged(&client, &known).and_then(|()| {
            ensure!(round == 0 || served >= last, "the serial has gone back from {last} to {served}");
            if round > 0 { check_difference(&client, last, served) } else { Ok(()) }
        });
        if let Err(failure) = checked {
            fail!("round {round}: {failure}; {}", server.log_tail());
        }
        let seen = strike(run, (&server, &config), &client, &known, (round, &mut edits))?;
        last = seen.max(last);
        let log = server.log();
        ensure!(!log.contains("damaged") && !log.contains("cannot be read"), "round {round}: {log}");
    }
    let count = known.0.lock().unwrap_or_else(PoisonError::into_inner).len();
    ensure!(count > 0, "nothing was acknowledged");
    if run.divisor > 1 {
        let (logs, zones) = (last_file(&state, "log")?, last_file(&state, "zones")?);
        let left = fs::read_dir(state.at("state").join("log"))?.count() as u64;
        ensure!(
            zones > 0 && logs > left,
            "{logs} logs were begun, {left} are left, the last zone file is {zones}"
        );
    }
    Ok(Outcome::Passed)
}
