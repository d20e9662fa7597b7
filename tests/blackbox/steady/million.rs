//! A zone of a million hosts, reloaded ten times under half of the load that the server can carry.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rhumb_tests::rig::load::Wanted;
use rhumb_tests::rig::{Config, Load, Message, Server, program, rcode};
use rhumb_tests::{Context, Failure, Outcome, Verdict, ensure, ensure_eq, skip};

use super::{CHECKED, Crowd, half_load, maximum, nothing_lost, overflown};
use crate::forwarding::Lab;

const HOSTS: u32 = 1_000_000;
const ROUNDS: u32 = 10;
/// Every so many of the hosts are asked for.
const STEP: u32 = 997;
/// Memory may grow by so many parts in a hundred.
const GROWTH: u64 = 10;

/// The zone in one of its versions: the address of every host tells the version.
fn zone(version: u32) -> String {
    let mut zone = format!("$TTL 300\n@ SOA ns host {version} 3600 600 86400 60\n@ NS ns\nns A 192.0.2.1\n");
    for host in 0..HOSTS {
        writeln!(zone, "h{host} A {}", address(host, version)).expect("a String takes everything");
    }
    zone
}

/// The address of a host: its number in the lower twenty bits, the version above them.
fn address(host: u32, version: u32) -> String {
    let [_, b, c, d] = (version << 20 | host).to_be_bytes();
    format!("10.{b}.{c}.{d}")
}

fn names() -> impl Iterator<Item = (u32, String)> {
    (0..HOSTS).step_by(STEP as usize).map(|host| (host, format!("h{host}.zone.test")))
}

/// Questions whose answers have to be of one of the two last versions.
fn questions(newest: &Arc<AtomicU32>) -> Vec<Wanted> {
    let question = |(host, name): (u32, String)| {
        let newest = Arc::clone(newest);
        let right = move |answer: &Message| {
            let newest = newest.load(Ordering::Relaxed);
            let data = answer.data("A");
            answer.rcode() == rcode::NOERROR
                && [newest, newest - 1].iter().any(|&version| data == [address(host, version)])
        };
        Wanted::new(&Message::query(&format!("{name}."), "A"), right)
    };
    names().map(question).collect()
}

/// Writes the zone in another version and reloads it; gives the time that the reload took.
fn reload(server: &Server, version: u32) -> Result<Duration, Failure> {
    let new = server.folder().write("new", zone(version))?;
    let begun = Instant::now();
    std::fs::rename(new, server.folder().at("zones/zone.test.zone"))?;
    // The server may have seen by itself what it is told: the one waits for the other.
    server.reload()?;
    Ok(begun.elapsed())
}

/// Resident memory, once no more than `limit`; what it is after three seconds otherwise.
fn settled(server: &Server, limit: u64) -> Result<u64, Failure> {
    let mut resident = server.resident()?;
    for _ in 0..30 {
        if resident <= limit {
            break;
        }
        thread::sleep(Duration::from_millis(100));
        resident = server.resident()?;
    }
    Ok(resident)
}

pub(super) fn reloaded() -> Verdict {
    if program::find("dnsperf").is_none() {
        skip!("no dnsperf here");
    }
    let lab = Lab::new()?;
    let server = lab.start(&Config::new().listen("192.0.2.1").zone("zone.test", &zone(1)))?;
    let plain = || names().map(|(_, name)| name);
    let maximum = maximum(&lab, plain())?;
    let first = server.resident()?;
    let overflown_before = overflown(&lab)?;
    let crowd = Crowd::start(&lab, plain(), &half_load(&format!("{:.0}", maximum / 2.0)))?;
    let newest = Arc::new(AtomicU32::new(1));
    let checked = Load::start(&lab.client, lab.to, CHECKED, questions(&newest))?;
    let rounds = (2..2 + ROUNDS).map(|version| {
        newest.store(version, Ordering::Relaxed);
        let took = reload(&server, version)?;
        let found = lab.addresses(&format!("h{}.zone.test.", HOSTS - 1))?;
        ensure_eq!(found, [address(HOSTS - 1, version)], "answer after reload {version}");
        let resident = settled(&server, first + first * GROWTH / 100)?;
        println!("  reload {version}: {took:.2?}, {} KiB resident, {} at first", resident >> 10, first >> 10);
        Ok(resident)
    });
    let resident = rounds.collect::<Result<Vec<u64>, Failure>>();
    let checked = checked.stop();
    let report = crowd.stop()?;
    let last = *resident?.last().context("no round")?;
    ensure!(checked.wrong == 0, "{} wrong answers: {:?}", checked.wrong, checked.first_wrong);
    ensure_eq!(checked.lost, 0, "of {} checked queries were lost", checked.sent);
    nothing_lost(&report, maximum, overflown(&lab)? - overflown_before)?;
    let most = first + first * GROWTH / 100;
    ensure!(last <= most, "{last} bytes are resident after ten reloads, {first} were at first");
    Ok(Outcome::Passed)
}
