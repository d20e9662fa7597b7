//! Row 70: more TCP clients than there are descriptors.

use std::net::Ipv4Addr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use rhumb_tests::Failure;
use rhumb_tests::rig::peer::ResolverSoftware;
use rhumb_tests::rig::script::script;
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::stream::Stream;
use rhumb_tests::rig::{Message, Upstream, process};

use super::network::{Forwarder, Innocent, Network, Setup, UPSTREAM, innocent};
use crate::running::name_of;

const CLIENTS: u16 = 1000;
/// Connections from one address.
const EACH: u16 = 10;
/// How long the clients try to connect, and how long they hold what they have.
const CONNECTING: Duration = Duration::from_secs(5);
const HOLDING: Duration = Duration::from_secs(5);
/// How long TCP may take to work again.
const TIME_LIMIT: Duration = Duration::from_mins(1);
/// So many descriptors, and no privilege to have more.
const FEW: &[&str] =
    &["setpriv", "--bounding-set=-sys_resource", "--inh-caps=-sys_resource", "prlimit", "--nofile=128:128"];

pub(super) fn heading() -> String {
    format!(
        "{:8} {:>12} {:>10}{} {:>6} {:>11}",
        "resolver",
        "TCP clients",
        "connected",
        Innocent::HEADING,
        "CPU %",
        "TCP back s"
    )
}

/// With the number of TCP clients that is the default, and with as many as come.
pub(super) fn run(software: Option<ResolverSoftware>) -> Result<(), Failure> {
    for tcp_clients in [None, Some(CLIENTS)] {
        let network = Network::new()?;
        let _upstream = Upstream::start(&network.people, UPSTREAM, script(innocent))?;
        let told = match network.start(software, &Setup { tcp_clients, wrapper: FEW, ..Setup::default() }) {
            Ok(forwarder) => crowd(&forwarder)?,
            Err(failure) => format!("  {failure}"),
        };
        let clients = tcp_clients.map_or("default".to_owned(), |clients| clients.to_string());
        println!("{:8} {clients:>12}{told}", name_of(software));
    }
    Ok(())
}

/// What happens while the crowd is there, and after it has left.
fn crowd(forwarder: &Forwarder) -> Result<String, Failure> {
    let pid = forwarder.pid();
    let (cpu, begun, load) = (process::cpu_time(pid)?, Instant::now(), forwarder.innocent()?);
    let streams = connect(forwarder);
    thread::sleep(HOLDING);
    let share = process::cpu_time(pid)?.saturating_sub(cpu).as_secs_f64() / begun.elapsed().as_secs_f64();
    let told = load.stop();
    let connected = streams.len();
    drop(streams);
    Ok(format!(" {connected:10}{told} {:6.1} {:>11}", share * 100.0, back(forwarder)))
}

/// The connections of the crowd.
fn connect(forwarder: &Forwarder) -> Vec<Stream> {
    let (next, streams, begun) = (AtomicU16::new(0), Mutex::new(Vec::new()), Instant::now());
    thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| {
                while begun.elapsed() < CONNECTING {
                    let number = next.fetch_add(1, Relaxed);
                    if number >= CLIENTS {
                        return;
                    }
                    let [high, low] = (256 + number / EACH).to_be_bytes();
                    let client = forwarder.client.clone().from(Ipv4Addr::new(10, 9, high, low).into());
                    let stream = client.time_limit(Duration::from_secs(2)).tcp(forwarder.to);
                    streams.lock().unwrap().extend(stream);
                }
            });
        }
    });
    streams.into_inner().unwrap()
}

/// How long TCP takes to work again, in seconds.
fn back(forwarder: &Forwarder) -> String {
    let (begun, query) = (Instant::now(), Message::query("www.good.", "A"));
    let client = forwarder.client.clone().time_limit(Duration::from_secs(1));
    let works = until(TIME_LIMIT, || client.stream(forwarder.to, &query).is_ok());
    let seconds = begun.elapsed().as_secs_f64();
    if works { format!("{seconds:.2}") } else { format!("> {seconds:.0}") }
}
