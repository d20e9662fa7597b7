//! How long the first answer on a new connection takes. Servers that delay small segments wait for the acknowledgement of their tickets.

use std::time::{Duration, Instant};

use rhumb_tests::Failure;
use rhumb_tests::rig::encrypted::{EncryptedConnection, EncryptedTransport, QuicClient};

use crate::lab::{Lab, asked_at, is_answer, query};
use crate::software::{Room, Software};

/// What the first answer is to take at most.
const BOUND: Duration = Duration::from_millis(10);

/// So many connections of each transport, one after the other, each with one query.
pub(crate) fn run(count: u16) {
    println!("{count} connections, one after the other: milliseconds from connecting to the first answer");
    println!(
        "{:8} {:7} {:>8} {:>8} {:>8} {:>14} {:>20} {:>8}",
        "server", "by", "median", "p99", "most", "within 10 ms", "after the handshake", "p99"
    );
    for transport in EncryptedTransport::ALL {
        for software in Software::ALL.into_iter().filter(|software| software.speaks(transport)) {
            let told = measure(software, transport, count).unwrap_or_else(|failure| failure.to_string());
            println!("{:8} {transport:<7?} {told}", software.name());
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts of thousands")]
fn measure(software: Software, transport: EncryptedTransport, count: u16) -> Result<String, Failure> {
    let lab = Lab::start(software, Room { connections: 2000, each_network: 2000, rests: false })?;
    let (client, to) = (lab.client(), asked_at(Some(transport)));
    let endpoint = QuicClient::new(&client, to)?;
    let (mut whole, mut answers) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let begun = Instant::now();
        let mut connection: Box<dyn EncryptedConnection> = match transport {
            EncryptedTransport::Quic => Box::new(endpoint.connect()?),
            _ => transport.connect(&client, to)?,
        };
        let connected = Instant::now();
        if is_answer(&connection.exchange(&query())?) {
            whole.push(begun.elapsed());
            answers.push(connected.elapsed());
        }
    }
    whole.sort_unstable();
    answers.sort_unstable();
    let within = whole.iter().filter(|time| **time <= BOUND).count() as f64 / f64::from(count) * 100.0;
    let at = |times: &[Duration], share: usize| {
        let index = times.len().saturating_sub(1) * share / 100;
        times.get(index).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
    };
    Ok(format!(
        "{:8.2} {:8.2} {:8.2} {within:12.1} % {:20.2} {:8.2}",
        at(&whole, 50),
        at(&whole, 99),
        at(&whole, 100),
        at(&answers, 50),
        at(&answers, 99)
    ))
}
