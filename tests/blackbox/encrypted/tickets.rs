//! Sessions that are resumed at another server of a set (`server.ticket-secrets`).

use rhumb_tests::rig::{Config, Message, program};
use rhumb_tests::{Failure, Outcome, Test, Verdict, ensure, skip};

use super::{Issued, Lab, Session, config, lab, s_client};

/// The tests of this file.
pub(crate) const TESTS: &[Test] =
    &[Test::beside("encrypted::tickets::sessions_go_on_at_servers_with_the_same_secrets", shared)];

fn secret(digit: char) -> String {
    digit.to_string().repeat(64)
}

fn with(issued: &Issued, secrets: &[char]) -> Config {
    let base = Config::new().listen_with("::", &issued.keys("udp, tcp, tls"));
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
