//! While 1.25 million records are read, everything else goes on.

use std::fmt::Write as _;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rhumb_tests::rig::Config;
use rhumb_tests::rig::script::every_name;
use rhumb_tests::{Outcome, Verdict, ensure, ensure_eq};

use super::zone;
use crate::forwarding::{Lab, UP};

const RECORDS: u32 = 1_250_000;
/// What answers at once does so within this time, on a busy machine of two cores.
const AT_ONCE: Duration = Duration::from_secs(1);

fn large(serial: u32) -> String {
    let mut zone = zone(serial, "198.18.0.80");
    for host in 0..RECORDS {
        let [_, b, c, d] = host.to_be_bytes();
        writeln!(zone, "h{host} A 10.{b}.{c}.{d}").expect("a String takes everything");
    }
    zone
}

pub(super) fn lists_and_commands() -> Verdict {
    let lab = Lab::new()?;
    let upstreams = [lab.upstream(0, every_name("198.18.0.1"))?, lab.upstream(1, every_name("198.18.0.2"))?];
    let config = Config::new()
        .listen("192.0.2.1")
        .listen("2001:db8::1")
        .zone("zone.test", &zone(1, "198.18.0.80"))
        .zone("large.test", &zone(1, "198.18.0.80"))
        .file("upstreams.list", &format!("{}\n", UP[0]))
        .forward_raw(".", "{ list: upstreams.list }", "in-order")
        .allow_all();
    let mut server = lab.start(&config)?;
    let serial = || server.metric("rhumb_zone_serial", &["zone=\"large.test.\""]);
    let mut slowest = [Duration::ZERO; 4];
    for round in 2..5_u32 {
        let new = server.folder().write("new", large(round))?;
        std::fs::rename(new, server.folder().at("zones/large.test.zone"))?;
        let mut rounds = 0;
        while serial()? < f64::from(round) {
            rounds += 1;
            let active = (round as usize + rounds) % 2;
            let begun = Instant::now();
            server.folder().write("upstreams.list", format!("{}\n", UP[active]))?;
            let expected = format!("198.18.0.{}", active + 1);
            let name = format!("r{round}-{rounds}.up.example.");
            let seen = rhumb_tests::rig::server::until(Duration::from_secs(3), || {
                let fresh = format!("n{}.{name}", begun.elapsed().as_nanos());
                lab.addresses(&fresh).is_ok_and(|found| found == [expected.as_str()])
            });
            ensure!(seen, "the list is not followed while a large zone is read");
            slowest[0] = slowest[0].max(begun.elapsed());
            for (at, command) in [(1, "status"), (2, "diff")] {
                let begun = Instant::now();
                let output = server.tell(&[command])?;
                ensure_eq!(output.code, Some(0), "exit status of {command}: {}", output.err);
                slowest[at] = slowest[at].max(begun.elapsed());
            }
            ensure!(rounds < 500, "the large zone is never read");
        }
        ensure!(rounds > 0, "the large zone was read before anything else could be tried");
    }
    drop(upstreams);
    let new = server.folder().write("new", large(9))?;
    std::fs::rename(new, server.folder().at("zones/large.test.zone"))?;
    thread::sleep(Duration::from_millis(50));
    let begun = Instant::now();
    server.signal(Signal::SIGTERM)?;
    ensure_eq!(server.wait(Duration::from_secs(5))?, 0, "exit status after SIGTERM");
    slowest[3] = begun.elapsed();
    println!("  slowest while {RECORDS} records are read: list, status, diff, SIGTERM {slowest:.0?}");
    for (what, took) in ["a changed list", "status", "diff", "SIGTERM"].iter().zip(slowest) {
        ensure!(took < AT_ONCE, "{what} took {took:?} while a large zone was read");
    }
    Ok(Outcome::Passed)
}
