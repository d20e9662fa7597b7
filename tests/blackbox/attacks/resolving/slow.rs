//! Names that take long, kept young by those who ask for them again and again (CVE-2026-42534).

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use rhumb_tests::rig::hostile::{GOOD, innocent};
use rhumb_tests::rig::internet::{Delegation, denial};
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Act, Client, Internet, Message, rcode};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[Test::alone("attacks::row43_slow_names_that_are_asked_again", jostle)];

/// The domains of slow names, and how many names are asked for in each: no domain may have more under way that does not answer.
const SLOW: usize = 10;
const NAMES: usize = 200;
const DOMAINS: [&str; SLOW] = ["s0.", "s1.", "s2.", "s3.", "s4.", "s5.", "s6.", "s7.", "s8.", "s9."];

const fn domains() -> [Delegation; SLOW + 1] {
    let mut all = [Delegation { domain: "good.", address: GOOD, digests: Vec::new }; SLOW + 1];
    let mut at = 0;
    while at < SLOW {
        all[at] = Delegation { domain: DOMAINS[at], address: "198.18.6.6", digests: Vec::new };
        at += 1;
    }
    all
}

const ALL: &[Delegation] = &domains();

/// Has every slow name asked for from ten addresses, again and again until told to stop.
fn repeat(internet: &Internet, stop: &AtomicBool) -> Result<(), Failure> {
    let sockets = (0..SLOW as u8)
        .map(|number| {
            let client = Client::new(internet.client.host()).from([10, 9, 3, number].into());
            let socket = client.udp_socket(internet.to)?;
            socket.connect(internet.to)?;
            Ok(socket)
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    while !stop.load(Relaxed) {
        for number in 0..NAMES {
            for (domain, socket) in DOMAINS.iter().zip(&sockets) {
                let _ = socket.send(&Message::query(&format!("n{number}.{domain}"), "A").to_wire());
            }
            thread::sleep(Duration::from_millis(2));
        }
    }
    Ok(())
}

/// The time that is not exceeded by 99 of 100 answers to names that have to be asked for.
fn quantile(internet: &Internet, part: &str) -> Result<Duration, Failure> {
    let mut times = Vec::new();
    for number in 0..200 {
        let reply =
            internet.client.udp(internet.to, &Message::query(&format!("{part}{number}.good."), "A"))?;
        ensure_eq!(reply.message.data("A"), ["198.18.8.80"], "a fast name beside slow ones");
        times.push(reply.took);
        thread::sleep(Duration::from_millis(15));
    }
    times.sort();
    Ok(times[times.len() * 99 / 100 - 1])
}

fn jostle() -> Verdict {
    let internet =
        Internet::start(&Internet::config(false), ALL, |asked| match asked.to.to_string().as_str() {
            GOOD => innocent(asked),
            _ if asked.name().contains('.') => Act::Silent,
            _ => Act::Reply(denial(asked, &format!("{}.", asked.name()), rcode::NOERROR)),
        })?;
    let usual = quantile(&internet, "quiet")?;
    let stop = AtomicBool::new(false);
    let (fast, first, waiting) = thread::scope(|scope| {
        let attack = scope.spawn(|| repeat(&internet, &stop));
        let waiting = until(Duration::from_secs(6), || {
            internet.server.metric("rhumb_forward_waiting", &[]).is_ok_and(|waiting| waiting >= 1500.0)
        });
        // One of the slow names, asked for by somebody who waits; the others go on to ask for it.
        let first = scope.spawn(|| {
            let begun = Instant::now();
            let lasting = internet.client.clone().time_limit(Duration::from_secs(20));
            let reply = lasting.stream(internet.to, &Message::query("n7.s3.", "A").edns(1232));
            reply.map(|reply| (reply.message.rcode(), begun.elapsed()))
        });
        let fast = quantile(&internet, "fast");
        let first = first.join().expect("a client does not panic");
        stop.store(true, Relaxed);
        attack.join().expect("the attacker does not panic").and(Ok((fast, first, waiting)))
    })?;
    ensure!(waiting, "fewer than 1500 questions wait: no attack");
    let fast = fast?;
    ensure!(fast <= Duration::from_millis(200) + 3 * usual, "fast names took {fast:?}, {usual:?} before");
    let (code, took) = first.context("a slow name")?;
    ensure_eq!(code, rcode::SERVFAIL, "response code of a slow name");
    ensure!(took <= Duration::from_millis(8500), "a slow name was young for {took:?}");
    Ok(Outcome::Passed)
}
