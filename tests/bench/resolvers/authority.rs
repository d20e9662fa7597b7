//! Authoritative answers of a server whose resolver has all it can do.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use rhumb_tests::rig::internet::{Delegation, authoritative, denial};
use rhumb_tests::rig::load::Wanted;
use rhumb_tests::rig::{Act, Asked, Client, Internet, Load, LoadReport, Message, rcode};
use rhumb_tests::{Failure, ensure};

use crate::interface_tap::InterfaceTap;

/// Domains whose servers are slow: no more than a thousand look-ups of one are under way.
const SLOW: usize = 20;
const DOMAINS: [&str; SLOW] = [
    "s0.", "s1.", "s2.", "s3.", "s4.", "s5.", "s6.", "s7.", "s8.", "s9.", "t0.", "t1.", "t2.", "t3.", "t4.",
    "t5.", "t6.", "t7.", "t8.", "t9.",
];
/// How long the slow servers take.
const DELAY: Duration = Duration::from_millis(1500);
/// Questions of the flood a second, from so many addresses: with the delay, about as many look-ups as may be under way at a time.
const RATE: u32 = 2700;
const CLIENTS: u8 = 40;
/// Who asks the authoritative questions: the host's own address.
const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
/// Authoritative questions a second, and how long each turn lasts.
const PROBES: u32 = 500;
const TURN: Duration = Duration::from_secs(4);

const fn delegations() -> [Delegation; SLOW] {
    let mut all = [Delegation { domain: "s0.", address: "198.18.6.6", digests: Vec::new }; SLOW];
    let mut at = 0;
    while at < SLOW {
        all[at] = Delegation { domain: DOMAINS[at], address: "198.18.6.6", digests: Vec::new };
        at += 1;
    }
    all
}

const ALL: &[Delegation] = &delegations();

/// What else is asked meanwhile.
#[derive(Clone, Copy)]
enum Beside {
    Nothing,
    /// As many questions that the zone answers.
    Flood,
    /// Questions whose answers the resolver has to wait for.
    Saturation,
}

const TURNS: [(&str, Beside); 3] =
    [("alone", Beside::Nothing), ("flood", Beside::Flood), ("saturated", Beside::Saturation)];

/// Measures in turns, so many rounds, and prints the quantiles of each.
pub(crate) fn run(rounds: usize) -> Result<(), Failure> {
    let zone = "$TTL 300\n@ SOA ns host 1 3600 600 86400 60\n@ NS ns\nns A 192.0.2.1\nwww A 198.18.0.80\n";
    let script = |asked: &Asked| match asked.name() {
        name if name.contains('.') => {
            let line = format!("{name}. 300 IN A 198.18.0.81");
            Act::Reply(authoritative(asked).answers(&[&line])).after(DELAY)
        }
        name => Act::Reply(denial(asked, &format!("{name}."), rcode::NOERROR)),
    };
    let internet = Internet::start(&Internet::config(false).zone("zone.test", zone), ALL, script)?;
    let mut ratios = Vec::new();
    for round in 0..rounds {
        let mut quantiles = Vec::new();
        for (title, beside) in TURNS {
            let Turn { clients, server, waiting } = turn(&internet, beside, round)?;
            ensure!(clients.wrong == 0, "wrong answers {title}: {:?}", clients.first_wrong);
            println!(
                "round {round} {title:9}  clients p50 {:>8.1?} p99 {:>8.1?}  server p50 {:>8.1?} p99 {:>8.1?}  \
                 lost {} of {}, {waiting} clients waiting",
                clients.quantile(0.5),
                clients.quantile(0.99),
                server.quantile(0.5),
                server.quantile(0.99),
                clients.lost,
                clients.sent
            );
            quantiles.push([&clients, &server].map(|report| report.quantile(0.99).as_secs_f64()));
        }
        ratios.push(quantiles);
    }
    for (side, name) in ["as clients see it", "in the server"].into_iter().enumerate() {
        let median = |beside: usize| {
            let mut values: Vec<f64> =
                ratios.iter().map(|turns| turns[2][side] / turns[beside][side]).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        println!(
            "99th percentile {name} while the resolver is saturated: {:.2} times that alone, {:.2} times that beside a flood of the \
             same rate (medians of {rounds} rounds)",
            median(0),
            median(1)
        );
    }
    Ok(())
}

/// What was measured in one turn.
struct Turn {
    /// From the client's sending to its receiving.
    clients: LoadReport,
    /// From the server's interface to the server's interface.
    server: LoadReport,
    /// How many clients waited for the resolver at its end.
    waiting: f64,
}

fn turn(internet: &Internet, beside: Beside, round: usize) -> Result<Turn, Failure> {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let flood = scope.spawn(|| flood(internet, beside, round, &stop));
        // The resolver's places are taken by then.
        thread::sleep(Duration::from_secs(3));
        let probes = vec![Wanted::address("www.zone.test.", "198.18.0.80")];
        let tap = InterfaceTap::start(internet.host(), CLIENT);
        let load = Load::start(&internet.client, internet.to, PROBES, probes);
        thread::sleep(TURN);
        let waiting = internet.server.metric("rhumb_forward_waiting", &[]);
        let clients = load.map(Load::stop);
        let server = tap.and_then(InterfaceTap::stop);
        stop.store(true, Relaxed);
        flood.join().expect("the flood does not panic")?;
        // What waits has ended before the next turn.
        if matches!(beside, Beside::Saturation) {
            thread::sleep(Duration::from_secs(9));
        }
        Ok(Turn { clients: clients?, server: server?, waiting: waiting? })
    })
}

fn flood(internet: &Internet, beside: Beside, round: usize, stop: &AtomicBool) -> Result<(), Failure> {
    let mut sockets = Vec::new();
    for number in 0..CLIENTS {
        let address = IpAddr::V4(Ipv4Addr::new(10, 9, 5, number));
        let socket = Client::new(internet.client.host()).from(address).udp_socket(internet.to)?;
        socket.connect(internet.to)?;
        sockets.push(socket);
    }
    let begun = Instant::now();
    let mut number: u32 = 0;
    while !stop.load(Relaxed) {
        let due = begun.elapsed().as_micros() * u128::from(RATE) / 1_000_000;
        while u128::from(number) < due {
            let domain = DOMAINS[number as usize % SLOW];
            let name = match beside {
                Beside::Nothing => break,
                Beside::Flood => format!("n{number}r{round}.zone.test."),
                Beside::Saturation => format!("n{number}r{round}.{domain}"),
            };
            let socket = &sockets[number as usize / SLOW % sockets.len()];
            let _ = socket.send(&Message::query(&name, "A").to_wire());
            number += 1;
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}
