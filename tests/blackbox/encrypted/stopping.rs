//! What becomes of queries by encrypted transports when the server stops.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rhumb_tests::rig::encrypted::EncryptedTransport;
use rhumb_tests::rig::script::{every_name, script};
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Config, Message, Upstream};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq};

use super::{Issued, TIME_LIMIT};
use crate::authoritative::lab;

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[Test::beside("encrypted::sigterm_waits_for_answers", sigterm)];

/// Queries that wait for an upstream when the server stops are answered.
fn sigterm() -> Verdict {
    let issued = Issued::new()?;
    let keys = issued.keys("udp, tcp, tls, https, quic");
    let config = Config::new().listen_with("::", &keys).forward("slow.test", &["192.0.2.2"]).allow_all();
    let mut lab = lab(&config)?;
    let slow = every_name("198.18.0.9");
    let upstream = script(move |asked| slow(asked).after(Duration::from_secs(2)));
    let _upstream = Upstream::start(lab.client.host(), "192.0.2.2", upstream)?;
    let mut waiting = Vec::new();
    for transport in EncryptedTransport::ALL {
        let to = SocketAddr::new(lab.to.ip(), transport.port());
        let mut connection = transport.connect(&lab.client, to)?;
        let name = format!("{transport:?}.slow.test.");
        let query = Message { id: 0, ..Message::query(&name, "A") }.to_wire();
        waiting.push((transport, thread::spawn(move || connection.exchange(&query))));
    }
    let looked_up = || lab.server.metric("rhumb_forward_waiting", &[]).is_ok_and(|waiting| waiting > 2.5);
    ensure!(until(TIME_LIMIT, looked_up), "the queries do not wait");
    let begun = Instant::now();
    lab.server.signal(Signal::SIGTERM)?;
    for (transport, asked) in waiting {
        let answer = asked.join().map_err(|_| Failure::new("a panic"))?;
        let answer = Message::from_wire(&answer.context(format!("{transport:?} after SIGTERM"))?)?;
        ensure_eq!(answer.data("A"), ["198.18.0.9"], "{transport:?} after SIGTERM");
    }
    ensure_eq!(lab.server.wait(Duration::from_secs(6))?, 0, "exit status after SIGTERM");
    ensure!(begun.elapsed() < Duration::from_secs(5), "it took {:?} to end", begun.elapsed());
    Ok(Outcome::Passed)
}
