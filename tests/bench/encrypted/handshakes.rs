//! What handshakes do to answers by UDP.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use rhumb_tests::Failure;
use rhumb_tests::rig::encrypted::{EncryptedConnection as _, EncryptedTransport, TlsStream};
use rhumb_tests::rig::load::Wanted;
use rhumb_tests::rig::{Load, LoadReport};

use crate::lab::{Lab, asked_at, query};
use crate::software::{NAME, Room, Software, VALUE};

/// Queries and handshakes a second.
const QUERIES: u32 = 2000;
const HANDSHAKES: u32 = 1000;
const THREADS: u32 = 4;
const TIME: Duration = Duration::from_secs(5);

/// In turns: alone, with handshakes at another server of the same make on this machine, and with handshakes at this one. The first two
/// differ by what the machine cannot do at once, the last two by what the server cannot.
pub(crate) fn run(rounds: u16) {
    println!(
        "{QUERIES} queries a second by UDP, and up to {HANDSHAKES} full handshakes of TLS; medians of {rounds} rounds"
    );
    println!(
        "{:8} {:>14} {:>18} {:>14} {:>12} {:>7}",
        "server", "p99 ms alone", "handshakes beside", "handshakes", "a second", "ratio"
    );
    for software in Software::ALL.into_iter().filter(|software| software.speaks(EncryptedTransport::Tls)) {
        let told = measure(software, rounds).unwrap_or_else(|failure| failure.to_string());
        println!("{:8} {told}", software.name());
    }
}

fn measure(software: Software, rounds: u16) -> Result<String, Failure> {
    let room = Room { connections: 2000, each_network: 2000, rests: false };
    let (lab, other) = (Lab::start(software, room)?, Lab::start(software, room)?);
    let mut times = [const { Vec::new() }; 3];
    let mut done = 0;
    for _ in 0..rounds {
        for (at, target) in [None, Some(&other), Some(&lab)].into_iter().enumerate() {
            let (report, handshakes) = load(&lab, target)?;
            times[at].push(report.quantile(0.99).as_secs_f64() * 1e3);
            if at == 2 {
                done += handshakes;
            }
        }
    }
    let [alone, beside, with] = times.map(median);
    let rate = f64::from(done) / (TIME * u32::from(rounds)).as_secs_f64();
    Ok(format!("{alone:14.3} {beside:18.3} {with:14.3} {rate:12.0} {:7.2}", with / beside))
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Queries to one server, and handshakes at another or at the same.
fn load(lab: &Lab, target: Option<&Lab>) -> Result<(LoadReport, u32), Failure> {
    let wanted = vec![Wanted::address(&format!("{NAME}."), VALUE)];
    let (stop, done) = (AtomicBool::new(false), AtomicU32::new(0));
    let queries = Load::start(&lab.client(), asked_at(None), QUERIES, wanted)?;
    thread::scope(|scope| {
        for _ in 0..target.map_or(0, |_| THREADS) {
            scope.spawn(|| handshakes(target, &stop, &done));
        }
        thread::sleep(TIME);
        stop.store(true, Relaxed);
    });
    Ok((queries.stop(), done.into_inner()))
}

/// A thread's share of the handshakes, each with a query.
fn handshakes(target: Option<&Lab>, stop: &AtomicBool, done: &AtomicU32) {
    let Some(lab) = target else { return };
    let (begun, each) = (Instant::now(), Duration::from_secs(1) / (HANDSHAKES / THREADS));
    let mut next = begun;
    while !stop.load(Relaxed) {
        let connection = TlsStream::connect(&lab.client(), asked_at(Some(EncryptedTransport::Tls)), b"dot");
        if connection.is_ok_and(|mut connection| connection.exchange(&query()).is_ok()) {
            done.fetch_add(1, Relaxed);
        }
        next += each;
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
}
