//! Connections that hold places and ask nothing more: whoever comes next gets one of them.

use std::any::Any;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use rhumb_tests::rig::encrypted::{EncryptedTransport, Http2Stream, QuicClient};
use rhumb_tests::rig::{Client, Config, Message, program};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};

use super::{Crowd, zone};
use crate::encrypted::{Issued, is};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::alone("attacks::row48_who_asks_gets_in_beside_those_that_do_not", silent),
    Test::alone("attacks::row48_who_asks_gets_in_beside_those_that_rest", resting),
    Test::alone("attacks::row52_retry_when_handshakes_are_many", retry),
];

/// Places in all, and for one network.
const LIMITS: &str = "server: { tcp-clients: 40, tcp-clients-per-network: 20 }";
/// How long clients ask beside each kind of attack.
const ASKING: Duration = Duration::from_secs(4);
/// Between two connections of the attackers. Half come from the address of those that ask, where a place is had for 0.8 s then.
const BETWEEN: Duration = Duration::from_millis(20);
/// Connections that the attackers hold; the server has long ended the others.
const HELD: usize = 200;
/// The address that those that ask share with attackers, and the first of the others.
const SHARED: u16 = 7;
const OTHERS: u16 = 300;
/// The head of a record that announces the first message of a handshake.
const HALF_HELLO: &[u8] = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";

type Held = Box<dyn Any + Send>;

fn crowd() -> Result<(Crowd, Issued), Failure> {
    let issued = Issued::new()?;
    let config = Config::new().listen_with("::", &issued.keys("udp, tcp, tls, https, quic"));
    Ok((Crowd::new(&config.zone("zone.test", &zone()).more(LIMITS), &[])?, issued))
}

fn at(crowd: &Crowd, transport: Option<EncryptedTransport>) -> SocketAddr {
    SocketAddr::new(crowd.to.ip(), transport.map_or(53, EncryptedTransport::port))
}

fn query() -> Message {
    Message { id: 0, ..Message::query("www.zone.test.", "A") }
}

/// Asks once over a new connection, which comes back.
fn ask(crowd: &Crowd, client: &Client, transport: Option<EncryptedTransport>) -> Result<Held, Failure> {
    let to = at(crowd, transport);
    let (answer, held): (Message, Held) = match transport {
        None => {
            let mut stream = client.tcp(to)?;
            (stream.ask(&query(), Duration::from_secs(2))?, Box::new(stream))
        }
        Some(transport) => {
            let mut connection = transport.connect(client, to)?;
            (Message::from_wire(&connection.exchange(&query().to_wire())?)?, Box::new(connection))
        }
    };
    ensure_eq!(answer.data("A"), ["198.18.0.80"], "the answer over {transport:?}");
    Ok(held)
}

/// Clients of [`SHARED`] ask over new connections, while attackers connect from there and elsewhere.
fn beside(
    crowd: &Crowd,
    transport: Option<EncryptedTransport>,
    attack: impl Fn(&Client) -> Result<Held, Failure> + Sync,
) -> Result<(), Failure> {
    let (stop, next) = (AtomicBool::new(false), AtomicU16::new(0));
    let attackers = || {
        let mut held = VecDeque::new();
        while !stop.load(Relaxed) {
            let number = next.fetch_add(1, Relaxed);
            let from = if number.is_multiple_of(2) { SHARED } else { OTHERS + number % 40 };
            held.extend(attack(&crowd.client(from).time_limit(Duration::from_secs(1))));
            if held.len() > HELD {
                held.pop_front();
            }
            thread::sleep(BETWEEN);
        }
    };
    let client = crowd.client(SHARED).time_limit(Duration::from_secs(2));
    let (mut failures, mut tries, mut longest) = (Vec::new(), 0_u32, Duration::ZERO);
    thread::scope(|scope| {
        scope.spawn(attackers);
        // Until all places are taken.
        thread::sleep(Duration::from_secs(1));
        let begun = Instant::now();
        while begun.elapsed() < ASKING {
            let asked = Instant::now();
            failures.extend(ask(crowd, &client, transport).err());
            longest = longest.max(asked.elapsed());
            tries += 1;
        }
        stop.store(true, Relaxed);
    });
    let most = tries as usize / 1000;
    ensure!(failures.len() <= most, "{transport:?}: {} of {tries} failed: {failures:?}", failures.len());
    ensure!(tries > 50, "{transport:?}: {tries} connections in {ASKING:?}, one took {longest:?}");
    Ok(())
}

fn displaced(crowd: &Crowd, state: &str) -> Result<f64, Failure> {
    crowd.server.metric("rhumb_tcp_displaced_total", &[&format!("state=\"{state}\"")])
}

fn silent() -> Verdict {
    if program::find("openssl").is_none() {
        skip!("no openssl here");
    }
    let (crowd, _issued) = crowd()?;
    let mut resting = crowd.honest().tcp(crowd.to)?;
    resting.ask(&query(), Duration::from_secs(2))?;
    let mut kinds = Vec::new();
    let plain = |client: &Client, transport, bytes: &[u8]| -> Result<Held, Failure> {
        let mut stream = client.tcp(at(&crowd, transport))?;
        stream.send_raw(bytes)?;
        Ok(Box::new(stream))
    };
    let sessions = QuicClient::new(&crowd.client(SHARED), at(&crowd, Some(EncryptedTransport::Quic)))?;
    for transport in [None].into_iter().chain(EncryptedTransport::ALL.map(Some)) {
        let before = displaced(&crowd, "silent")?;
        beside(&crowd, transport, |client| match transport {
            None => plain(client, transport, &[]),
            Some(EncryptedTransport::Tls) => plain(client, transport, HALF_HELLO),
            Some(EncryptedTransport::Https) => {
                Ok(Box::new(Http2Stream::connect(client, at(&crowd, transport))?))
            }
            Some(EncryptedTransport::Quic) => {
                Ok(Box::new(sessions.beside(client, at(&crowd, transport))?.connect()?))
            }
        })?;
        kinds.push(displaced(&crowd, "silent")? - before);
        // One that has asked, and rests, keeps its place.
        resting.ask(&query(), Duration::from_secs(2)).context("a connection that rests")?;
    }
    ensure!(kinds.iter().sum::<f64>() > 0.0, "connections that were ended: {kinds:?}");
    let refused = crowd.server.metric("rhumb_tcp_refused_total", &[])?;
    ensure!(is(refused, 0), "{refused} connections were refused");
    let lines = crowd.server.log().matches("another connection was ended").count();
    ensure!((1..=4).contains(&lines), "{lines} lines of the log: {}", crowd.server.log_tail());
    Ok(Outcome::Passed)
}

/// Attackers ask once on each connection, and then rest on it.
fn resting() -> Verdict {
    if program::find("openssl").is_none() {
        skip!("no openssl here");
    }
    let (crowd, _issued) = crowd()?;
    for transport in [None].into_iter().chain(EncryptedTransport::ALL.map(Some)) {
        beside(&crowd, transport, |client| ask(&crowd, client, transport))?;
    }
    ensure!(displaced(&crowd, "idle")? > 0.0, "{} connections were ended", displaced(&crowd, "idle")?);
    let refused = crowd.server.metric("rhumb_tcp_refused_total", &[])?;
    ensure!(is(refused, 0), "{refused} connections were refused");
    Ok(Outcome::Passed)
}

/// With many handshakes that nobody goes on with, clients have to show that their address is their own, and those that do get in.
fn retry() -> Verdict {
    if program::find("openssl").is_none() || program::find("nft").is_none() {
        skip!("no openssl or no nft here");
    }
    let (crowd, _issued) = crowd()?;
    let to = at(&crowd, Some(EncryptedTransport::Quic));
    // As those that send from addresses of others: they never hear the server.
    for words in [
        "add table ip deaf",
        "add chain ip deaf in { type filter hook prerouting priority -300 ; }",
        "add rule ip deaf in ip daddr 10.9.1.0/24 udp sport 853 counter drop",
    ] {
        let done = program::run(crowd.people.command("nft").args(words.split(' ')), Duration::from_secs(5))?;
        ensure_eq!(done.code, Some(0), "nft {words}: {}", done.err);
    }
    let (before, deaf) = (crowd.server.resident()?, QuicClient::new(&crowd.client(256), to)?);
    let handshakes = |result: &str| {
        let labels = ["proto=\"quic\"", &format!("result=\"{result}\"")];
        crowd.server.metric("rhumb_tls_handshakes_total", &labels)
    };
    for _ in 0..1500 {
        deaf.begin()?;
    }
    let client = crowd.client(SHARED).time_limit(Duration::from_secs(2));
    for number in 0..20 {
        ask(&crowd, &client, Some(EncryptedTransport::Quic)).context(format!("client {number}"))?;
    }
    let grown = crowd.server.resident()?.saturating_sub(before);
    ensure!(grown <= 48 << 20, "{} KiB more for handshakes that nobody goes on with", grown >> 10);
    let full = handshakes("full")?;
    ensure!(is(full, 20), "{full} handshakes");
    // Those that were begun with before there were too many; the others were asked and did not hear it.
    let ended = || handshakes("timeout");
    rhumb_tests::rig::server::until(Duration::from_secs(15), || ended().is_ok_and(|count| count >= 300.0));
    let begun = ended()?;
    ensure!((300.0..=320.0).contains(&begun), "{begun} handshakes were begun with");
    Ok(Outcome::Passed)
}
