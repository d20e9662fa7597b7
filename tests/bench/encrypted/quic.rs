//! Row 52: floods of QUIC. No other server of Debian speaks it without a driver of its own.

use std::thread;
use std::time::{Duration, Instant};

use rhumb_tests::rig::encrypted::{EncryptedTransport, OpenStream, QuicClient, QuicSession};
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::stream::framed;
use rhumb_tests::rig::{Message, program};
use rhumb_tests::{Context, Failure};

use crate::lab::{Lab, asked_at, query};

const CONNECTIONS: usize = 5000;
/// Connections from one address.
const EACH: usize = 20;
/// Connections of the attacks that need few.
const FEW: u16 = 100;
/// Streams at a time.
const STREAMS: usize = 10;
const HOLDING: Duration = Duration::from_secs(10);

/// A client at each of so many addresses, all on one thread.
fn clients(lab: &Lab, count: u16) -> Result<Vec<QuicClient>, Failure> {
    let first = QuicClient::new(&lab.attacker(0), asked_at(Some(EncryptedTransport::Quic)))?;
    let others = (1..count)
        .map(|number| first.beside(&lab.attacker(number), asked_at(Some(EncryptedTransport::Quic))));
    let others = others.collect::<Result<Vec<_>, _>>()?;
    Ok([vec![first], others].concat())
}

/// One connection from each of a hundred addresses.
fn sessions(lab: &Lab) -> Result<Vec<QuicSession>, Failure> {
    clients(lab, FEW)?.iter().map(QuicClient::connect).collect()
}

/// How many sessions the server ended, after some time.
fn ended(sessions: &[QuicSession]) -> usize {
    thread::sleep(Duration::from_millis(500));
    sessions.iter().filter(|session| session.ended().is_some()).count()
}

pub(crate) fn connections(lab: &Lab) -> Result<String, Failure> {
    let clients = clients(lab, (CONNECTIONS / EACH) as u16)?;
    let mut sessions = Vec::new();
    for _ in 0..EACH {
        sessions.extend(clients.iter().filter_map(|client| client.connect().ok()));
    }
    thread::sleep(Duration::from_millis(500));
    let open = sessions.iter().filter(|session| session.ended().is_none()).count();
    thread::sleep(HOLDING);
    let later = sessions.iter().filter(|session| session.ended().is_none()).count();
    Ok(format!("{} handshakes, {open} stay, {later} after 10 s", sessions.len()))
}

/// Ten streams of each connection begin a long message.
pub(crate) fn unfinished(lab: &Lab) -> Result<String, Failure> {
    let (sessions, part) = (sessions(lab)?, framed(&vec![0; 65_000])[..20_000].to_vec());
    let mut streams = Vec::new();
    for _ in 0..STREAMS {
        streams.extend(sessions.iter().filter_map(|session| session.open(&part).ok()));
    }
    let opened = streams.len();
    let peak = lab.usage()?.resident >> 20;
    thread::sleep(HOLDING);
    Ok(format!("{opened} streams, {peak} MiB in all with them, {} connections ended", ended(&sessions)))
}

/// Queries that would wait, given up at once.
pub(crate) fn cancelled(lab: &Lab) -> Result<String, Failure> {
    let sessions = sessions(lab)?;
    let begun = Instant::now();
    let mut count = 0;
    while begun.elapsed() < HOLDING {
        for session in &sessions {
            let name = format!("n{count}.slow.test.");
            let message = Message { id: 0, ..Message::query(&name, "A") }.to_wire();
            if session.open(&framed(&message)).and_then(OpenStream::cancel).is_ok() {
                count += 1;
            }
        }
    }
    let server = lab.server().context("rhumb alone")?;
    let (begun, waiting) = (Instant::now(), || server.metric("rhumb_forward_waiting", &[]));
    let most = waiting()?;
    let over = until(Duration::from_secs(10), || waiting().is_ok_and(|waiting| waiting < 0.5));
    let over = if over {
        format!("none {:.1} s later", begun.elapsed().as_secs_f64())
    } else {
        "and stay".to_owned()
    };
    Ok(format!("{count} queries, {most} wait at the end, {over}"))
}

/// What breaks the rules costs the connection.
fn rules(lab: &Lab, bytes: &[u8]) -> Result<String, Failure> {
    let clients = clients(lab, FEW)?;
    let (begun, mut tries, mut closed) = (Instant::now(), 0, 0);
    while begun.elapsed() < HOLDING {
        let sessions: Vec<_> = clients.iter().filter_map(|client| client.connect().ok()).collect();
        let _streams: Vec<_> = sessions.iter().filter_map(|session| session.open(bytes).ok()).collect();
        tries += sessions.len();
        closed += ended(&sessions);
    }
    Ok(format!("{closed} of {tries} connections ended"))
}

pub(crate) fn two_messages(lab: &Lab) -> Result<String, Failure> {
    rules(lab, &framed(&query()).repeat(2))
}

pub(crate) fn odd_ids(lab: &Lab) -> Result<String, Failure> {
    let message = Message { id: 7, ..Message::query("www.zone.example.", "A") }.to_wire();
    // The stream has to end before the message is looked at, unless more than one message can hold has come.
    rules(lab, &[framed(&message), vec![0; 70_000]].concat())
}

/// Initials of clients that never hear the server, as those that send from addresses of others.
pub(crate) fn unanswered(lab: &Lab) -> Result<String, Failure> {
    for words in [
        "add table ip deaf",
        "add chain ip deaf in { type filter hook prerouting priority -300 ; }",
        "add rule ip deaf in ip daddr 10.9.0.0/17 udp sport 853 counter drop",
    ] {
        program::run(lab.people.command("nft").args(words.split(' ')), Duration::from_secs(5))?;
    }
    let clients = clients(lab, 50)?;
    let (before, begun) = (bytes(lab)?, Instant::now());
    for _ in 0..CONNECTIONS / clients.len() {
        for client in &clients {
            client.begin()?;
        }
        thread::sleep(Duration::from_millis(20));
    }
    thread::sleep(HOLDING.saturating_sub(begun.elapsed()));
    let after = bytes(lab)?;
    let (sent, received) = (after.0 - before.0, after.1 - before.1);
    #[allow(clippy::cast_precision_loss, reason = "megabytes")]
    let amplification = received as f64 / sent as f64;
    Ok(format!(
        "{} KiB to the server and {} KiB from it: {amplification:.2} times",
        sent >> 10,
        received >> 10
    ))
}

/// Bytes that the clients' host has sent and received.
fn bytes(lab: &Lab) -> Result<(u64, u64), Failure> {
    let read = |name: &str| -> Result<u64, Failure> {
        let path = format!("/sys/class/net/eth0/statistics/{name}_bytes");
        let output = program::run(lab.people.command("cat").arg(path), Duration::from_secs(5))?;
        Ok(output.out.trim().parse()?)
    };
    Ok((read("tx")?, read("rx")?))
}
