//! What connections cost that rest.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use rhumb_tests::Failure;
use rhumb_tests::rig::encrypted::{EncryptedConnection, EncryptedTransport, QuicClient};

use crate::lab::{Lab, asked_at, is_answer, query};
use crate::software::{Room, Software};

const THREADS: usize = 4;
/// Connections before the others, so that what is needed once is there.
const FIRST: u16 = 50;
/// How long they have rested when memory is looked at.
const REST: Duration = Duration::from_secs(3);

type Connections = Vec<Box<dyn EncryptedConnection>>;

/// So many connections of each transport, each after one query.
pub(crate) fn run(count: u16) {
    println!("{count} connections that rest after a query");
    println!(
        "{:8} {:7} {:>7} {:>7} {:>9} {:>9} {:>11}",
        "server", "by", "made", "stay", "MiB before", "MiB then", "KiB each"
    );
    for transport in EncryptedTransport::ALL {
        for software in Software::ALL.into_iter().filter(|software| software.speaks(transport)) {
            match measure(software, transport, count) {
                Ok(told) => println!("{:8} {transport:<7?} {told}", software.name()),
                Err(failure) => println!("{:8} {transport:<7?} {failure}", software.name()),
            }
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "bytes far below 2^52")]
fn measure(software: Software, transport: EncryptedTransport, count: u16) -> Result<String, Failure> {
    let most = usize::from(count) + 500;
    let lab = Lab::start(software, Room { connections: most, each_network: most, rests: true })?;
    drop(connect(&lab, transport, FIRST)?);
    thread::sleep(REST);
    let before = lab.usage()?;
    let mut connections = connect(&lab, transport, count)?;
    thread::sleep(REST);
    let then = lab.usage()?;
    let made = connections.len();
    // A sample, since each of them costs the server something again.
    let step = (made / 200).max(1);
    let sample: Vec<_> = connections.iter_mut().step_by(step).collect();
    let asked = sample.len();
    let stay = sample.into_iter().filter_map(|connection| connection.exchange(&query()).ok()).count();
    let mebi = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    Ok(format!(
        "{made:7} {:5} % {:9.1} {:9.1} {:11.1}",
        stay * 100 / asked.max(1),
        mebi(before.resident),
        mebi(then.resident),
        before.growth(&then) * 1024.0 / made.max(1) as f64
    ))
}

/// As many connections as come, each of which has had an answer.
fn connect(lab: &Lab, transport: EncryptedTransport, count: u16) -> Result<Connections, Failure> {
    let (client, to) = (lab.client(), asked_at(Some(transport)));
    let endpoint = QuicClient::new(&client, to)?;
    let open = || -> Result<Box<dyn EncryptedConnection>, Failure> {
        match transport {
            EncryptedTransport::Quic => Ok(Box::new(endpoint.connect()?)),
            _ => transport.connect(&client, to),
        }
    };
    let (next, made) = (AtomicU16::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while next.fetch_add(1, Relaxed) < count {
                    let Ok(mut connection) = open() else { continue };
                    if connection.exchange(&query()).is_ok_and(|answer| is_answer(&answer)) {
                        made.lock().unwrap().push(connection);
                    }
                }
            });
        }
    });
    Ok(made.into_inner().unwrap())
}
