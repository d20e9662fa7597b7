//! Sessions that are resumed at another server of a set (`server.ticket-secrets`).

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rhumb_tests::rig::encrypted::{EncryptedConnection, EncryptedTransport, QuicClient};
use rhumb_tests::rig::{Config, Message, Server, program};
use rhumb_tests::{Failure, Outcome, Test, Verdict, ensure, skip};

use super::{Issued, Lab, Session, TIME_LIMIT, config, lab, s_client};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("encrypted::tickets::sessions_go_on_at_servers_with_the_same_secrets", shared),
    Test::beside("encrypted::tickets::clients_of_quic_learn_of_a_restart", reset),
];

/// A client waits for longer than this on a connection that is gone, unless it is told.
const AT_ONCE: Duration = Duration::from_secs(3);

fn secret(digit: char) -> String {
    digit.to_string().repeat(64)
}

fn with(issued: &Issued, secrets: &[char]) -> Config {
    let base = Config::new().listen_with("::", &issued.keys("udp, tcp, tls, quic"));
    let base = base.zone("zone.test", &config().files()[0].1);
    let secrets: Vec<String> = secrets.iter().map(|digit| format!("\"{}\"", secret(*digit))).collect();
    if secrets.is_empty() {
        return base;
    }
    base.more(&format!("server: {{ ticket-secrets: [{}] }}", secrets.join(", ")))
}

/// Begins a session and keeps its ticket in a file.
fn begin(lab: &Lab, version: &str, ticket: &str) -> Result<(), Failure> {
    let mut session = Session::open(lab.client.host(), &[version, "-sess_out", ticket])?;
    session.send(&Message::query("web.zone.test.", "A"))?;
    // Tickets come before the answer.
    session.receive()?;
    Ok(())
}

fn resumed(lab: &Lab, version: &str, ticket: &str) -> Result<bool, Failure> {
    let output = s_client(lab, &[version, "-sess_in", ticket])?;
    ensure!(output.out.contains("Cipher is"), "no session: {}{}", output.out, output.err);
    Ok(output.out.contains("Reused"))
}

fn shared() -> Verdict {
    if program::find("openssl").is_none() {
        skip!("no openssl here");
    }
    let issued = Issued::new()?;
    let first = lab(&with(&issued, &['a']))?;
    let second = lab(&with(&issued, &['b', 'a']))?;
    let other = lab(&with(&issued, &['c']))?;
    let alone = lab(&with(&issued, &[]))?;
    for version in ["-tls1_3", "-tls1_2"] {
        let ticket = issued.folder.at(&format!("session{version}")).display().to_string();
        begin(&first, version, &ticket)?;
        ensure!(resumed(&first, version, &ticket)?, "{version}: not resumed where it began");
        ensure!(resumed(&second, version, &ticket)?, "{version}: not resumed with the same secret");
        ensure!(!resumed(&other, version, &ticket)?, "{version}: resumed with another secret");
        ensure!(!resumed(&alone, version, &ticket)?, "{version}: resumed without secrets");
    }
    let ticket = issued.folder.at("session-tls1_3").display().to_string();
    second.server.rewrite(&with(&issued, &['d', 'a']))?;
    let changes = second.server.reload()?;
    ensure!(changes.contains("ticket-secrets") && !changes.contains("aaaa"), "the reload says {changes}");
    ensure!(resumed(&second, "-tls1_3", &ticket)?, "not resumed after a reload that keeps the secret");
    second.server.rewrite(&with(&issued, &['d']))?;
    second.server.reload()?;
    ensure!(!resumed(&second, "-tls1_3", &ticket)?, "resumed by a secret that is gone");
    Ok(Outcome::Passed)
}

/// Connections that a killed server had are ended by the next one; those of another secret are not its own to end.
fn reset() -> Verdict {
    let issued = Issued::new()?;
    let query = Message { id: 0, ..Message::query("web.zone.test.", "A") }.to_wire();
    for (before, after, is_told) in [("a", "a", true), ("ab", "a", true), ("a", "b", false)] {
        let of = |digits: &str| with(&issued, &digits.chars().collect::<Vec<_>>());
        let mut lab = lab(&of(before))?;
        let to = SocketAddr::new(lab.to.ip(), EncryptedTransport::Quic.port());
        let client = QuicClient::new(&lab.client, to)?;
        let mut sessions = (0..20).map(|_| client.connect()).collect::<Result<Vec<_>, _>>()?;
        for session in &mut sessions {
            session.exchange(&query)?;
        }
        lab.server.signal(Signal::SIGKILL)?;
        lab.server.wait(TIME_LIMIT)?;
        lab.server = Server::start(&lab.server.host().clone(), &of(after))?;
        for session in sessions.iter_mut().take(if is_told { 20 } else { 1 }) {
            let begun = Instant::now();
            ensure!(
                session.exchange(&query).is_err(),
                "{before} {after}: a server answers that knows nothing of it"
            );
            let (took, ended) = (begun.elapsed(), session.ended());
            let was_told = took < AT_ONCE && ended.as_deref().is_some_and(|end| end.contains("reset"));
            ensure!(was_told == is_told, "{before} {after}: {ended:?} after {took:?}");
        }
        client.connect()?.exchange(&query)?;
    }
    Ok(Outcome::Passed)
}
