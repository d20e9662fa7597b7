//! Row 41: random names of a domain for which the upstream says nothing.

use std::net::Ipv4Addr;
use std::thread;
use std::time::{Duration, Instant};

use rhumb_tests::rig::peer::ResolverSoftware;
use rhumb_tests::rig::script::script;
use rhumb_tests::rig::{Act, Message, Upstream, process};
use rhumb_tests::{Context, Failure};

use super::network::{Innocent, Network, Setup, UPSTREAM, innocent};
use crate::running::name_of;

/// Names a second.
const RATE: u32 = 1000;
/// For how many seconds, unless `FLOOD_SECONDS` says otherwise.
const SECONDS: u32 = 10;

pub(super) fn heading() -> String {
    format!(
        "{:8}{} {:>9} {:>11} {:>7} {:>15} {:>10}",
        "resolver",
        Innocent::HEADING,
        "RSS MiB",
        "growth MiB",
        "CPU s",
        "upstream: dead",
        "innocent's"
    )
}

pub(super) fn run(software: Option<ResolverSoftware>) -> Result<(), Failure> {
    let network = Network::new()?;
    let dead = script(|asked| if asked.name().ends_with("attack") { Act::Silent } else { innocent(asked) });
    let upstream = Upstream::start(&network.people, UPSTREAM, dead)?;
    let forwarder = network.start(software, &Setup::default())?;
    let pid = forwarder.pid();
    let attacker = forwarder.client.clone().from(Ipv4Addr::new(10, 9, 1, 1).into());
    let socket = attacker.udp_socket(forwarder.to)?;
    let (memory, cpu, load) = (process::resident(pid)?, process::cpu_time(pid)?, forwarder.innocent()?);
    let (begun, mut most) = (Instant::now(), memory);
    for number in 0..RATE * seconds()? {
        let query = Message::query(&format!("n{number}.attack."), "A").to_wire();
        socket.send_to(&query, forwarder.to).context("the flood")?;
        if number % 100 == 0 {
            most = most.max(process::resident(pid)?);
        }
        let due = Duration::from_secs_f64(f64::from(number) / f64::from(RATE));
        thread::sleep(due.saturating_sub(begun.elapsed()));
    }
    let told = load.stop();
    let spent = process::cpu_time(pid)?.saturating_sub(cpu).as_secs_f64();
    most = most.max(process::resident(pid)?);
    let seen = upstream.seen();
    let dead = seen.iter().filter(|asked| asked.name().ends_with("attack")).count();
    let innocent = seen.iter().filter(|asked| asked.name().starts_with('z')).count();
    println!(
        "{:8}{told} {:9} {:11} {spent:7.2} {dead:15} {innocent:10}",
        name_of(software),
        memory >> 20,
        (most - memory) >> 20
    );
    Ok(())
}

fn seconds() -> Result<u32, Failure> {
    std::env::var("FLOOD_SECONDS").map_or(Ok(SECONDS), |seconds| seconds.parse().context("FLOOD_SECONDS"))
}
