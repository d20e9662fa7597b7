//! What people who do no harm get meanwhile: by UDP, and by new connections of the transport that is attacked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rhumb_tests::Failure;
use rhumb_tests::rig::encrypted::EncryptedTransport;
use rhumb_tests::rig::load::Wanted;
use rhumb_tests::rig::{Client, Load};

use crate::lab::{Lab, asked_at, is_answer, query};
use crate::software::{NAME, VALUE};

/// Queries a second by UDP, and the time between new connections.
const RATE: u32 = 200;
const BETWEEN: Duration = Duration::from_millis(50);
/// An answer that takes longer, from connecting on, is none.
const LATE: Duration = Duration::from_secs(1);
/// Addresses that they come from.
const ADDRESSES: u16 = 10;

/// Innocent clients that ask until they are stopped.
pub(crate) struct Innocents {
    datagrams: Load,
    stop: Arc<AtomicBool>,
    connections: JoinHandle<Vec<Option<Duration>>>,
}

impl Innocents {
    pub(crate) const HEADING: &str = "   by UDP   p99 ms   by it    p99 ms";

    pub(crate) fn start(lab: &Lab, transport: EncryptedTransport) -> Result<Self, Failure> {
        let stop = Arc::new(AtomicBool::new(false));
        let clients: Vec<Client> = (0..ADDRESSES).map(|number| lab.attacker(0xff00 + number)).collect();
        let (to, stopped) = (asked_at(Some(transport)), Arc::clone(&stop));
        let ask = move |client: &Client| {
            let begun = Instant::now();
            let mut connection = transport.connect(&client.clone().time_limit(LATE), to).ok()?;
            let answer = connection.exchange(&query()).ok()?;
            (is_answer(&answer) && begun.elapsed() < LATE).then(|| begun.elapsed())
        };
        let connections = thread::spawn(move || {
            let clients = clients.iter().cycle().take_while(|_| !stopped.load(Relaxed));
            clients.map(|client| (ask(client), thread::sleep(BETWEEN)).0).collect()
        });
        let wanted = vec![Wanted::address(&format!("{NAME}."), VALUE)];
        Ok(Self { datagrams: Load::start(&lab.client(), asked_at(None), RATE, wanted)?, stop, connections })
    }

    /// Stops, and tells how many were answered rightly within a second, and how quickly.
    #[allow(clippy::cast_precision_loss, reason = "counts of thousands")]
    pub(crate) fn stop(self) -> String {
        self.stop.store(true, Relaxed);
        let report = self.datagrams.stop();
        let tries = self.connections.join().unwrap();
        let mut times: Vec<_> = tries.iter().flatten().copied().collect();
        times.sort_unstable();
        let good = times.len() as f64 / tries.len().max(1) as f64;
        let last = times.get(times.len().saturating_sub(1) * 99 / 100).copied().unwrap_or_default();
        format!(
            " {:6.2} % {:8.1} {:6.1} % {:8.1}",
            report.good() * 100.0,
            report.quantile(0.99).as_secs_f64() * 1e3,
            good * 100.0,
            last.as_secs_f64() * 1e3
        )
    }
}
