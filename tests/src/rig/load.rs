//! Open-loop load: so many queries a second, whatever comes back, and every answer looked at.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::rig::client::Client;
use crate::rig::message::{Message, rcode};

/// An answer later than this counts as lost.
const LATE: Duration = Duration::from_secs(1);

/// One question of the mix, and when its answer is right.
pub struct Wanted {
    query: Vec<u8>,
    right: Box<dyn Fn(&Message) -> bool + Send + Sync>,
}

impl Wanted {
    /// A question whose answer is judged by a function.
    pub fn new(query: &Message, right: impl Fn(&Message) -> bool + Send + Sync + 'static) -> Self {
        Self { query: query.to_wire(), right: Box::new(right) }
    }

    /// An A question that must get NOERROR and exactly this address.
    pub fn address(name: &str, address: &str) -> Self {
        let address = address.to_owned();
        Self::new(&Message::query(name, "A"), move |answer| {
            answer.rcode() == rcode::NOERROR && answer.data("A") == [address.as_str()]
        })
    }
}

/// What came of it.
#[derive(Debug, Default, Clone)]
pub struct LoadReport {
    /// Queries sent.
    pub sent: u64,
    /// Answers within a second.
    pub answered: u64,
    /// Queries without an answer within a second.
    pub lost: u64,
    /// Answers with wrong content or that could not be read.
    pub wrong: u64,
    /// The first wrong answer, in words.
    pub first_wrong: Option<String>,
    /// Time to answer, microseconds, in rising order.
    pub times: Vec<u32>,
}

impl LoadReport {
    /// The time within which this share (0.0 ..= 1.0) of the answers came.
    pub fn quantile(&self, share: f64) -> Duration {
        #[allow(
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a rank below the number of answers"
        )]
        let rank = (self.times.len().saturating_sub(1) as f64 * share) as usize;
        Duration::from_micros(u64::from(self.times.get(rank).copied().unwrap_or(0)))
    }

    /// Share of the queries that were answered in time and rightly.
    #[allow(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    pub fn good(&self) -> f64 {
        (self.answered - self.wrong) as f64 / self.sent.max(1) as f64
    }
}

/// A running load.
pub struct Load {
    stop: Arc<AtomicBool>,
    sender: JoinHandle<Vec<u64>>,
    receivers: Vec<JoinHandle<Received>>,
}

#[derive(Default)]
struct Received {
    answered: u64,
    late: u64,
    wrong: u64,
    first_wrong: Option<String>,
    times: Vec<u32>,
}

/// What is under way on one socket, by message id.
type Slots = Arc<Mutex<Vec<Option<(Instant, u32)>>>>;

const SOCKETS: usize = 4;

impl Load {
    /// Begins to send `rate` queries a second, in turns from `wanted`, from four sockets.
    pub fn start(client: &Client, to: SocketAddr, rate: u32, wanted: Vec<Wanted>) -> Result<Self, Failure> {
        let stop = Arc::new(AtomicBool::new(false));
        let wanted = Arc::new(wanted);
        let mut lanes: Vec<(UdpSocket, Slots)> = Vec::new();
        let mut receivers = Vec::new();
        for _ in 0..SOCKETS {
            let socket = client.udp_socket(to)?;
            let slots: Slots = Arc::new(Mutex::new(vec![None; 65536]));
            let (receiving, theirs) = (socket.try_clone()?, Arc::clone(&slots));
            let (stop, wanted) = (Arc::clone(&stop), Arc::clone(&wanted));
            receiving.set_read_timeout(Some(Duration::from_millis(50)))?;
            receivers.push(thread::spawn(move || receive(&receiving, to, &theirs, &wanted, &stop)));
            lanes.push((socket, slots));
        }
        let for_sender = Arc::clone(&stop);
        let sender = thread::spawn(move || send(&lanes, to, rate, &wanted, &for_sender));
        Ok(Self { stop, sender, receivers })
    }

    /// Stops sending, waits a second for what is under way, and reports.
    pub fn stop(self) -> LoadReport {
        self.stop.store(true, Ordering::Relaxed);
        let counts = self.sender.join().unwrap_or_default();
        let mut report = LoadReport { sent: counts.first().copied().unwrap_or(0), ..LoadReport::default() };
        for receiver in self.receivers {
            let received = receiver.join().unwrap_or_default();
            report.answered += received.answered;
            report.wrong += received.wrong;
            report.first_wrong = report.first_wrong.or(received.first_wrong);
            report.times.extend(received.times);
        }
        report.lost = report.sent - report.answered;
        report.times.sort_unstable();
        report
    }

    /// Runs a load for this long.
    pub fn run(
        client: &Client,
        to: SocketAddr,
        rate: u32,
        wanted: Vec<Wanted>,
        time: Duration,
    ) -> Result<LoadReport, Failure> {
        let load = Self::start(client, to, rate, wanted)?;
        thread::sleep(time);
        Ok(load.stop())
    }
}

fn send(
    lanes: &[(UdpSocket, Slots)],
    to: SocketAddr,
    rate: u32,
    wanted: &[Wanted],
    stop: &AtomicBool,
) -> Vec<u64> {
    let begun = Instant::now();
    let mut sent: u64 = 0;
    let mut packet = Vec::with_capacity(512);
    while !stop.load(Ordering::Relaxed) {
        let due = begun.elapsed().as_micros() as u64 * u64::from(rate) / 1_000_000;
        while sent < due {
            let (socket, slots) = &lanes[(sent % SOCKETS as u64) as usize];
            let which = (sent / SOCKETS as u64 % wanted.len() as u64) as usize;
            let id = (sent / SOCKETS as u64) as u16;
            packet.clear();
            packet.extend_from_slice(&wanted[which].query);
            packet[..2].copy_from_slice(&id.to_be_bytes());
            slots.lock().unwrap()[usize::from(id)] = Some((Instant::now(), which as u32));
            let _ = socket.send_to(&packet, to);
            sent += 1;
        }
        thread::sleep(Duration::from_micros(500));
    }
    vec![sent]
}

fn receive(
    socket: &UdpSocket,
    to: SocketAddr,
    slots: &Slots,
    wanted: &[Wanted],
    stop: &AtomicBool,
) -> Received {
    let mut received = Received::default();
    let mut buffer = vec![0; 65536];
    let mut stopped: Option<Instant> = None;
    loop {
        if stop.load(Ordering::Relaxed) {
            let since = *stopped.get_or_insert_with(Instant::now);
            if since.elapsed() > LATE {
                return received;
            }
        }
        let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
        let Some(id) = buffer.first_chunk::<2>().map(|id| u16::from_be_bytes(*id)) else { continue };
        let Some((at, which)) = slots.lock().unwrap()[usize::from(id)].take() else { continue };
        let took = at.elapsed();
        if took > LATE {
            received.late += 1;
            continue;
        }
        received.answered += 1;
        received.times.push(took.as_micros() as u32);
        let message = Message::from_wire(&buffer[..length]);
        let right =
            from == to && message.as_ref().is_ok_and(|message| (wanted[which as usize].right)(message));
        if !right {
            received.wrong += 1;
            received.first_wrong.get_or_insert_with(|| format!("{message:?} from {from}"));
        }
    }
}
