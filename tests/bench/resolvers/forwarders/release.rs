//! Row 42 (CVE-2024-33655): the upstream holds the answers to many queries of one source, and sends them at one instant.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rhumb_tests::rig::arrival::{next_arrival, note_arrivals};
use rhumb_tests::rig::client::receive;
use rhumb_tests::rig::peer::ResolverSoftware;
use rhumb_tests::rig::{Act, Asked, Message, Transport, rcode};
use rhumb_tests::{Context, Failure};

use super::network::{Forwarder, GOOD, Network, Setup, UPSTREAM, innocent};
use crate::running::name_of;

const QUERIES: u16 = 3000;
/// How long the upstream holds its answers, and how long they are waited for from the first query on.
const HOLDS: [(Duration, Duration); 3] = [
    (Duration::from_millis(700), Duration::from_secs(4)),
    (Duration::from_millis(1700), Duration::from_secs(6)),
    (Duration::from_secs(5), Duration::from_secs(13)),
];
/// Responses later than this are no good to most clients.
const LATE: Duration = Duration::from_millis(1900);
/// The time in which the most responses are looked for.
const BURST: Duration = Duration::from_millis(10);
const TICK: Duration = Duration::from_millis(5);

pub(super) fn heading() -> String {
    format!(
        "{:8} {:>8} {:>8} {:>8} {:>9} {:>12} {:>12}",
        "resolver", "held s", "sent", "replies", "NOERROR", "most, 10 ms", "after 1.9 s"
    )
}

pub(super) fn run(software: Option<ResolverSoftware>) -> Result<(), Failure> {
    for (hold, listens) in HOLDS {
        let network = Network::new()?;
        let address = SocketAddr::new(UPSTREAM.parse()?, 53);
        let socket = network.people.within(|| UdpSocket::bind(address))?.context("the upstream")?;
        let over = AtomicBool::new(false);
        let responses = thread::scope(|scope| {
            scope.spawn(|| serve(&socket, hold, &over));
            let responses =
                network.start(software, &Setup::default()).and_then(|forwarder| bomb(&forwarder, listens));
            over.store(true, Relaxed);
            responses
        })?;
        println!(
            "{:8} {:8.1} {QUERIES:8} {:8} {:9} {:12} {:12}",
            name_of(software),
            hold.as_secs_f64(),
            responses.len(),
            responses.iter().filter(|response| response.good).count(),
            most(&responses),
            responses.iter().filter(|response| response.age > LATE).count()
        );
    }
    Ok(())
}

/// Answers at once, but for names of `attack.`: those all together, so long after the first of them. One thread sends them.
fn serve(socket: &UdpSocket, hold: Duration, over: &AtomicBool) {
    let _ = nix::sys::socket::setsockopt(socket, nix::sys::socket::sockopt::RcvBufForce, &(8 << 20));
    let (mut held, mut release) = (Vec::<(Vec<u8>, SocketAddr)>::new(), None);
    while !over.load(Relaxed) {
        if release.is_some_and(|release| Instant::now() >= release) {
            for (wire, from) in held.drain(..) {
                let _ = socket.send_to(&wire, from);
            }
        }
        let Ok(Some((wire, from))) = receive(socket, TICK) else { continue };
        let Ok(message) = Message::from_wire(&wire) else { continue };
        let to = Ipv4Addr::UNSPECIFIED.into();
        let asked = Asked { message, transport: Transport::Udp, from, to, at: Instant::now() };
        let Act::Reply(reply) = innocent(&asked) else { continue };
        if asked.name().ends_with("attack") {
            release.get_or_insert_with(|| Instant::now() + hold);
            held.push((reply.to_wire(), from));
        } else {
            let _ = socket.send_to(&reply.to_wire(), from);
        }
    }
}

/// A response to the source.
struct Response {
    /// When the kernel had it, in time since 1970.
    at: Duration,
    /// From the query on.
    age: Duration,
    good: bool,
}

/// Sends the queries, and reads what comes back, sorted by time.
fn bomb(forwarder: &Forwarder, listens: Duration) -> Result<Vec<Response>, Failure> {
    let source = forwarder.client.clone().from(Ipv4Addr::new(10, 9, 1, 1).into());
    let socket = source.udp_socket(forwarder.to)?;
    socket.connect(forwarder.to)?;
    note_arrivals(&socket)?;
    socket.set_read_timeout(Some(Duration::from_millis(100)))?;
    let begun = Instant::now();
    let (sent, received) = thread::scope(|scope| {
        let sender = scope.spawn(|| send(&socket));
        let (mut received, mut buffer) = (Vec::new(), [0; 4096]);
        while begun.elapsed() < listens {
            if let Some((length, at)) = next_arrival(&socket, &mut buffer) {
                received.push((at, Message::from_wire(&buffer[..length])));
            }
        }
        (sender.join().expect("the sender does not panic"), received)
    });
    let mut responses = Vec::new();
    for (at, message) in received {
        let message = message?;
        let age = at.saturating_sub(sent[usize::from(message.id)]);
        let good = message.rcode() == rcode::NOERROR && message.data("A") == [GOOD];
        responses.push(Response { at, age, good });
    }
    responses.sort_by_key(|response| response.at);
    Ok(responses)
}

/// Sends the queries, whose ids count up; when each was sent, in time since 1970.
fn send(socket: &UdpSocket) -> Vec<Duration> {
    let mut times = Vec::new();
    for id in 0..QUERIES {
        let query = Message { id, ..Message::query(&format!("n{id}.attack."), "A") };
        times.push(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default());
        let _ = socket.send(&query.to_wire());
        if id % 20 == 0 {
            thread::sleep(Duration::from_millis(1));
        }
    }
    times
}

/// Most responses that came within ten milliseconds.
fn most(responses: &[Response]) -> usize {
    let within = |first: usize| {
        let end = responses[first].at + BURST;
        responses[first..].iter().take_while(|response| response.at < end).count()
    };
    (0..responses.len()).map(within).max().unwrap_or(0)
}
