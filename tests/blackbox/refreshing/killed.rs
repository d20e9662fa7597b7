//! The server is killed at any moment while versions come from a primary.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use rhumb_tests::rig::message::AA;
use rhumb_tests::rig::script::{Act, Asked, Script, script};
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Client, Folder, Host, Message, Server, Upstream, rng};
use rhumb_tests::{Outcome, Test, Verdict, ensure, ensure_eq};

use super::config;
use super::hostile::{difference, refuse, reply, soa, whole};
use crate::storing::killed::{LONGEST, kills};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("refreshing::killed::within_differences", || killed(true)).lasting(LONGEST),
    Test::beside("refreshing::killed::within_whole_zones", || killed(false)).lasting(LONGEST),
];

const SOA: u16 = 6;
const IXFR: u16 = 251;
const TO: &str = "192.0.2.1:53";
/// Hosts of the zone: so many that a difference is less than it.
const HOSTS: usize = 300;

/// The whole zone, in messages of a hundred records.
fn zone(asked: &Asked, serial: u32) -> Act {
    let mut lines = whole(serial);
    lines.splice(3..3, (0..HOSTS).map(|host| format!("h{host}.zone.test. 60 IN A 192.0.2.1")));
    Act::Each(lines.chunks(100).map(|lines| reply(asked, lines)).collect())
}

/// A primary that has the version that `serial` says. Without differences each version comes whole.
fn primary(serial: Arc<AtomicU32>, has_differences: bool) -> Script {
    script(move |asked| {
        let to = serial.load(SeqCst);
        let from = asked.message.authority.first().and_then(|soa| soa.data().split(' ').nth(2)?.parse().ok());
        match (asked.message.kind(), from) {
            (SOA, _) => reply(asked, &[soa(to)]),
            (IXFR, Some(from)) if has_differences && from < to => reply(asked, &difference(from, to)),
            (IXFR, _) if !has_differences => refuse(asked),
            _ => zone(asked, to),
        }
    })
}

/// Killed again and again while versions come in: what was served once is there afterwards, or something newer, and it is whole.
fn killed(by_differences: bool) -> Verdict {
    let (host, client) = Host::pair()?;
    let serial = Arc::new(AtomicU32::new(10));
    let _upstream = Upstream::start(&client, "192.0.2.2", primary(Arc::clone(&serial), by_differences))?;
    let state = Folder::new()?;
    let config = config(&state, &[("192.0.2.2:53".parse()?, None)], "");
    let asker = Client::new(&client).time_limit(Duration::from_millis(300));
    let to: SocketAddr = TO.parse()?;
    let served = || {
        let answer = asker.ask(to, "zone.test.", "SOA").ok()?;
        answer.data("SOA").first()?.split(' ').nth(2)?.parse::<u32>().ok()
    };
    let mut server = Server::start(&host, &config)?;
    ensure!(until(Duration::from_secs(20), || served() == Some(10)), "no version 10: {}", server.log());
    let (mut highest, rounds) = (10, kills(12));
    for round in 0..rounds {
        for _ in 0..4 {
            serial.fetch_add(1, SeqCst);
            let mut notify = Message::query("zone.test.", "SOA").no_recursion();
            notify.flags |= 4 << 11 | AA;
            // The answer does not matter.
            let _ = asker.udp(to, &notify);
            thread::sleep(Duration::from_micros(u64::from(rng::id()) % 20_000));
        }
        highest = highest.max(served().unwrap_or(0));
        server.signal(Signal::SIGKILL)?;
        server.wait(Duration::from_secs(5))?;
        server = Server::start(&host, &config)?;
        let found = served().unwrap_or(0);
        ensure!(found >= highest, "round {round}: {found} after {highest}: {}", server.log());
        for host in [format!("v{found}"), "h0".to_owned(), format!("h{}", HOSTS - 1)] {
            let answer = asker.ask(to, &format!("{host}.zone.test."), "A")?.data("A");
            ensure_eq!(answer.len(), 1, "round {round}: {host} of version {found}");
        }
        let before = asker.ask(to, &format!("v{}.zone.test.", found - 1), "A")?.data("A");
        ensure!(before.is_empty(), "round {round}: a host of the version before {found} is left: {before:?}");
        let log = server.log();
        ensure!(!log.contains("damaged") && !log.contains("cannot be read"), "round {round}: {log}");
    }
    ensure!(highest > 10 + rounds, "{highest} after {rounds} rounds: hardly anything came in");
    Ok(Outcome::Passed)
}
